"""Running other programs: output collected, progress shown, death of the child guaranteed when we die."""
import ctypes
import os
import selectors
import shutil
import signal
import subprocess
import sys

from .report import Failure

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent():
    """For preexec_fn: the child gets SIGKILL when the thread that started it is gone, whatever ended us."""
    if _libc is not None:
        _libc.prctl(1, signal.SIGKILL, 0, 0, 0)


def have(command):
    return shutil.which(command) is not None


def tail(text, lines=12):
    rows = [row for row in text.splitlines() if row.strip()]
    return "\n".join(rows[-lines:])


def run(arguments, progress=None, log=None, cwd=None, env=None, check=True, what=None):
    """Runs a command without input, returns (exit code, output of both streams as text). `log` is a file that gets the output.
    With `check`, failure is a Failure that ends with the command's last lines."""
    arguments = [str(argument) for argument in arguments]
    try:
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 cwd=cwd, env=env, preexec_fn=die_with_parent)
    except OSError as error:
        raise Failure(f"cannot start {arguments[0]}: {error.strerror}") from None
    parts = []
    with child, selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        line = b""
        while True:
            if not selector.select(1.0):
                if progress:
                    progress.update(line.decode(errors="replace"))
                continue
            data = os.read(child.stdout.fileno(), 65536)
            if not data:
                break
            parts.append(data)
            rows = data.rstrip().rsplit(b"\n", 1)
            line = rows[-1].strip() or line
            if progress:
                progress.update(line.decode(errors="replace"))
    text = b"".join(parts).decode(errors="replace")
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text, encoding="utf-8")
    if check and child.returncode != 0:
        where = f" (all of it: {log})" if log else ""
        raise Failure(f"{what or arguments[0]} failed{where}:\n{tail(text)}")
    return child.returncode, text
