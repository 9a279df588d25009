"""Builds the three worlds with CMake and Ninja; a build with nothing to do takes some tens of milliseconds."""
import os
import re

from . import deps, files, paths, process
from .report import Failure, Progress

WORLDS = ("host", "elf", "pe")
WHAT = {"host": "host tests", "elf": "kernel and Executive", "pe": "ntdll and Windows parts"}


def build(worlds=WORLDS, jobs=None, targets=()):
    if os.environ.get("NEPTUNE_NO_BUILD"):
        return
    deps.ensure("build", *(["test"] if "host" in worlds else []))
    with files.lock(paths.BUILD / ".lock", "waiting for another neptune that is building"):
        for world in worlds:
            build_world(world, jobs, targets)


def build_world(world, jobs, targets):
    folder = paths.BUILD / world
    log = paths.BUILD / "log" / f"{world}.log"
    with Progress(f"building {WHAT[world]}") as progress:
        if not (folder / "build.ninja").exists():
            process.run(["cmake", "--preset", world, "-B", folder], cwd=paths.ROOT, progress=progress, log=log,
                        what=f"configuring {WHAT[world]}")
        command = ["ninja", "-C", folder, *(["-j", str(jobs)] if jobs else []), *targets]
        code, text = process.run(command, progress=progress, log=log, check=False)
        if code != 0:
            raise Failure(f"building {WHAT[world]} failed (all of it: {log}):\n{first_error(text)}")


def first_error(text):
    """The part of Ninja's output that tells what went wrong first."""
    rows = text.splitlines()
    for index, row in enumerate(rows):
        if row.startswith("CMake Error"):
            return "\n".join(line for line in rows[index:index + 10] if line.strip())
    for index, row in enumerate(rows):
        if row.startswith("FAILED:"):
            rest = rows[index + 1:index + 40]
            end = next((at for at, line in enumerate(rest) if re.match(r"\[\d+/\d+\] |ninja: ", line)), len(rest))
            body = [line if len(line) < 300 else line[:300] + " ..." for line in rest[1:end] or rest[:end]]
            return "\n".join([row[:300], *body[:24]])
    return process.tail(text)


def require(*products):
    """Failure unless all of these files exist."""
    for path in products:
        if not path.exists():
            raise Failure(f"{path} is not there: the build does not make it")
