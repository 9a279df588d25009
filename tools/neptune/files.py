"""File helpers: locks, hashes, atomic replacement."""
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from .report import Failure, Progress


@contextlib.contextmanager
def lock(path, title="waiting for another neptune"):
    """An exclusive lock on `path` between processes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with Progress(title) as progress:
                progress.update()
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def sha256(path):
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@contextlib.contextmanager
def scratch(parent):
    """A folder below `parent` that is gone afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".work-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_atomic(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


class StatCache:
    """A JSON file of facts about files, each valid while the file's size and time stay the same."""

    def __init__(self, path, version):
        self.path = path
        self.version = version
        self.changed = False
        self.facts = {}
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            if stored.get("version") == version:
                self.facts = stored["facts"]
        except (OSError, ValueError, KeyError, AttributeError):
            pass

    def get(self, path, compute):
        """The fact for `path`, by `compute(path)` (JSON-able) if it is not known."""
        try:
            state = os.stat(path)
        except OSError as error:
            raise Failure(f"cannot read {path}: {error.strerror}") from None
        key = f"{path}"
        stamp = [state.st_size, state.st_mtime_ns, state.st_ino]
        row = self.facts.get(key)
        if row and row[0] == stamp:
            return row[1]
        fact = compute(path)
        self.facts[key] = [stamp, fact]
        self.changed = True
        return fact

    def save(self):
        if self.changed:
            write_atomic(self.path, json.dumps({"version": self.version, "facts": self.facts}).encode())
            self.changed = False
