"""The dependency list (tools/deps.toml) and what is installed of it on this machine."""
import functools
import hashlib
import os
import subprocess
import tomllib
from pathlib import Path

from . import files, paths, process
from .report import Failure, Progress, say

LIST = paths.ROOT / "tools/deps.toml"
DPKG_STATUS = Path("/var/lib/dpkg/status")


@functools.cache
def load():
    try:
        return tomllib.loads(LIST.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(f"cannot read {LIST}: {error}") from None


def wanted(purposes):
    """Names of the Debian packages that `purposes` need and no command replaces."""
    names = []
    for row in load()["apt"]:
        if row["for"] in purposes and not ("command" in row and process.have(row["command"])):
            names += row["packages"]
    return names


def missing(names):
    """Those of `names` that dpkg does not have installed."""
    if not names:
        return []
    try:
        answer = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *names], check=False,
                                capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise Failure("this is not a Debian system (no dpkg-query): install the packages of tools/deps.toml by hand "
                      "and set NEPTUNE_NO_APT=1") from None
    there = {line.split()[0] for line in answer.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in there]


def ensure(*purposes):
    """Installs what is missing for `purposes`. Costs one stat when nothing changed since the last time."""
    if os.environ.get("NEPTUNE_NO_APT"):
        return
    names = wanted(purposes)
    try:
        state = DPKG_STATUS.stat()
        stamp = f"{state.st_mtime_ns} {state.st_size}"
    except OSError:
        stamp = "none"
    key = hashlib.sha256(" ".join(names).encode()).hexdigest()[:16]
    mark = paths.CACHE / "installed" / key
    try:
        if mark.read_text(encoding="ascii") == stamp:
            return
    except OSError:
        pass
    if lacking := missing(names):
        install(lacking)
        if still := missing(lacking):
            raise Failure(f"apt-get did not install {', '.join(still)}")
        state = DPKG_STATUS.stat()
        stamp = f"{state.st_mtime_ns} {state.st_size}"
    files.write_atomic(mark, stamp.encode("ascii"))


def install(names):
    """apt-get install, with one apt-get update when the lists are absent or too old to know the packages."""
    prefix = []
    if os.geteuid() != 0:
        if not process.have("sudo") or subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True,
                                                      stdin=subprocess.DEVNULL).returncode != 0:
            raise Failure(f"missing packages; as root: apt-get install {' '.join(names)}")
        prefix = ["sudo", "-n", "--preserve-env=DEBIAN_FRONTEND"]
    say(f"installing {', '.join(names)}")
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    command = [*prefix, "apt-get", "-o", "DPkg::Lock::Timeout=600", "install", "-y", "--no-install-recommends", *names]
    log = paths.CACHE / "log/apt.log"
    with Progress("installing packages") as progress:
        code, _ = process.run(command, progress=progress, env=env, log=log, check=False)
        if code != 0:
            update(progress, prefix)
            process.run(command, progress=progress, env=env, log=log, what="apt-get install")


def update(progress, prefix=()):
    process.run([*prefix, "apt-get", "-o", "DPkg::Lock::Timeout=600", "update"], progress=progress, what="apt-get update")
