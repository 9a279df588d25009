"""`neptune fuzz`: a hostile process calls every system service with random arguments, beside an honest one (tests/guest/fuzz). The system must
survive, count what it counted before, and still run a program afterwards."""
import re
import secrets
import sys

from . import batch, build, content, deps, paths, qemu
from .report import Failure, Progress, say

PROGRAMS = ("fuzz", "fuzzchild", "fuzzhonestchild")
# What is counted must not change by itself: this driver starts five seconds after the system.
NO_FIRMWARE = '\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\ACPI]\n"Start"=dword:00000004\n'
COUNT = re.compile(r"count (\S+) (-?\d+) (-?\d+)( MISMATCH)?\Z")
MEMORY = 256


def fuzz(options):
    """The command."""
    if not options.no_build:
        build.build(("elf", "pe"))
    else:
        deps.ensure("build")
    batch.require_products()
    seed = options.seed if options.seed is not None else secrets.randbelow(1 << 31)
    if not 0 <= seed < 1 << 32:
        raise Failure("fuzz: a seed is a number from 0 to 4294967295", 2)
    say(f"seed {seed}, {options.calls} calls")
    log = sys.stderr.buffer if options.verbose else None
    return run(seed, options.calls, options.timeout, log)


def run(seed, calls, timeout, log=None, extra=()):
    """Boots and fuzzes; 0 when all is well."""
    volume = content.Volume()
    volume.registry += NO_FIRMWARE
    for name in PROGRAMS:
        path = paths.GUEST_TESTS / "fuzz" / f"{name}.exe"
        build.require(path)
        volume.add_path(f"{content.WORK}/{name}.exe", path)
    words = ["--seed", str(seed), "--calls", str(calls), *extra]
    # The second program shows that the system still works.
    volume.programs = [content.Program(r"C:\work\fuzz.exe", words), content.Program(r"C:\work\fuzz.exe", ["--seed", "0", "--calls", "1"])]
    image = content.BootImage(volume.finish("run"))

    def write_log(data):
        if log:
            log.write(data)
            log.flush()

    try:
        with qemu.Machine(image, qemu.default_memory(image, MEMORY)) as machine:
            session = qemu.Session(machine, log=write_log, timeout=timeout, programs=len(volume.programs))
            try:
                with Progress(f"fuzzing with seed {seed}"):
                    session.run()
            except qemu.MachineFailure as failure:
                tell(session)
                rows = [row for row in machine.log_text().splitlines() if row.strip()]
                print("\n".join("    log: " + row.rstrip() for row in rows[-16:]))
                print(f"the system did not survive: {failure}")
                return 1
            tell(session)
    finally:
        image.close()
    bad = [code for code in session.codes if code != 0]
    if isinstance(next(iter(bad), 0), str):
        raise Failure(bad[0])
    print(f"seed {seed}: " + ("good" if not bad else f"BAD (exit codes {', '.join(map(str, session.codes))})"))
    return 1 if bad else 0


def leak(words):
    """`run_tests.py leak`: everything is made and ended many times (tests/guest/fuzz/leak.cpp)."""
    import argparse
    parser = argparse.ArgumentParser(prog="run_tests.py leak", description="Looks for leaks.")
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--limit", type=float, default=300, help="seconds")
    options = parser.parse_args(words)
    batch.require_products()

    def volume(_):
        result = content.Volume()
        result.registry += NO_FIRMWARE
        for name in ("leak", "fuzzhonestchild"):
            result.add_path(f"{content.WORK}/{name}.exe", paths.GUEST_TESTS / "fuzz" / f"{name}.exe")
        return result

    result, = batch.run(volume, [content.Program(r"C:\work\leak.exe", ["--times", str(options.times)])], [options.limit])
    print(result.stdout.decode(errors="replace").strip())
    if result.code != 0:
        print(f"leak.exe: {result.trouble or f'exit code {result.code}'}, {result.seconds:.0f} s")
        print(batch.log_excerpt(result))
    return 0 if result.code == 0 else 1


def tell(session):
    """What the supervisor printed; counts in a table."""
    for line in session.outputs["stdout"].data.decode(errors="replace").splitlines():
        match = COUNT.match(line.strip())
        if match:
            name, before, after, wrong = match.groups()
            print(f"  {name:36} {before:>9} {after:>9}{'  differs' if wrong else ''}")
        elif line.strip():
            print(line.rstrip())


def main(words):
    """`run_tests.py fuzz --seed N --calls N`."""
    import argparse
    parser = argparse.ArgumentParser(prog="run_tests.py fuzz", description="A fuzz run as a test.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=20000)
    parser.add_argument("--limit", type=float, default=600, help="seconds")
    parser.add_argument("--show", action="store_true", help="the system's log too")
    parser.add_argument("--extra", nargs=argparse.REMAINDER, default=[], help="more words for fuzz.exe")
    options = parser.parse_args(words)
    batch.require_products()
    return run(options.seed, options.calls, options.limit, sys.stderr.buffer if options.show else None, options.extra)
