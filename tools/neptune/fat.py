"""FAT volumes inside disk images, by dosfstools and mtools: no loop devices, no mounting."""
import os
import re
import subprocess

from . import paths, files, process
from .bootfs import EPOCH, copy
from .report import Failure

AT_ONCE = 400           # files of one command
CLUSTER_STEPS = ((64, 512), (128, 1024), (260, 2048), (8192, 4096), (16384, 8192), (32768, 16384))     # MiB below which: bytes a cluster
LEAST = 40 << 20        # FAT32 wants 65525 clusters


def environment(stamp=None):
    """For the tools: no configuration of the user's, UTC, names in UTF-8, and `stamp` (seconds since 1970) as the time of what is made."""
    result = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "MTOOLS"))}
    result.update(LC_ALL="C.UTF-8", TZ="UTC", MTOOLSRC="/dev/null", MTOOLS_SKIP_CHECK="1")
    if stamp is not None:
        result["SOURCE_DATE_EPOCH"] = str(stamp)
    return result


def format_volume(image, offset, size, serial, stamp, label="NEPTUNE"):
    """An empty FAT32 volume of `size` bytes at `offset` of the file `image`."""
    if size < LEAST:
        raise Failure(f"a FAT32 volume has at least {LEAST >> 20} MiB", 2)
    cluster = next((bytes_ for limit, bytes_ in CLUSTER_STEPS if size < limit << 20), 32768)
    process.run(["mkfs.fat", "-F", "32", "-s", cluster // 512, "-S", 512, "-i", f"{serial:08x}", "-n", label, "-h", offset // 512, "--invariant",
                 f"--offset={offset // 512}", image, size // 1024], env=environment(stamp), what="mkfs.fat")


class Volume:
    """The FAT volume at `offset` of `image`. Guest paths are relative to its root, with '/' between the parts."""

    def __init__(self, image, offset, stamp=None):
        self.where = f"{image}@@{offset}"
        self.env = environment(stamp)

    def run(self, command, *arguments, progress=None):
        process.run([command, "-i", self.where, *arguments], progress=progress, env=self.env, what=command)

    def listing(self):
        """The lower-case names of everything on the volume. Failure when it is no FAT volume."""
        done = subprocess.run(["mdir", "-i", self.where, "-/", "-a", "-b", "::"], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              check=False)
        if done.returncode != 0:
            text = done.stderr.decode(errors="replace").strip().splitlines()
            raise Failure(text[-1] if text else "mdir cannot read it")
        return {re.sub("^::/*", "", row).rstrip("/").lower() for row in done.stdout.decode(errors="replace").splitlines() if row}

    def read(self, name):
        """A file's bytes, or None."""
        done = subprocess.run(["mcopy", "-i", self.where, "-n", f"::/{name}", "-"], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              check=False)
        return done.stdout if done.returncode == 0 else None

    def add(self, nodes, progress=None, known=()):
        """Puts bootfs.Nodes onto the volume, folders before what is in them; a file that is there is replaced. `known`: lower-case names of
        folders that need not be made."""
        folders = [f"::/{node.name}" for node in nodes if node.source is None and node.name.lower() not in known]
        for start in range(0, len(folders), AT_ONCE):
            self.run("mmd", *folders[start:start + AT_ONCE], progress=progress)
        groups = {}
        for node in nodes:
            if node.source is not None:
                if node.size >= 1 << 32:
                    raise Failure(f"{node.name} is too large for a FAT volume")
                groups.setdefault(node.name.rpartition("/")[0], []).append(node)
        with files.scratch(paths.CACHE) as scratch:
            for number, (folder, rows) in enumerate(groups.items()):
                stage = scratch / str(number)
                stage.mkdir()
                for start in range(0, len(rows), AT_ONCE):
                    if progress:
                        progress.update(folder)
                    self.run("mcopy", "-m", "-o", "-Q", *[staged(node, stage) for node in rows[start:start + AT_ONCE]], f"::/{folder}",
                             progress=progress)


def staged(node, folder):
    """The node's content under its own name in `folder`: a link when it is a file of the host already."""
    path = folder / node.name.rpartition("/")[2]
    if isinstance(node.source, bytes):
        with open(path, "wb") as out:
            copy(node, out)
        seconds = (node.mtime - EPOCH) // 10000000
        os.utime(path, (seconds, seconds))
    else:
        path.symlink_to(node.source.absolute())
    return path
