"""Power cuts: QEMU is killed while the guest writes (tests/guest/storage/cut.cpp). What had been flushed must be there afterwards.

A killed QEMU loses what the guest had not yet handed to its disk; what the disk had taken is in the host's memory and stays. Whatever the guest
had under way at that moment may be there or not."""
import argparse
import contextlib
import random
import re
import struct
import subprocess
import time

from . import build, content, disk, files, paths, qemu
from .disk_tests import Tests, check_fat

PROGRAM = paths.GUEST_TESTS / "storage" / "cut.exe"
BUSES = ("ahci", "nvme", "virtio")
LIMIT = 240
LONGEST = 6.0       # seconds of writing
MASK = (1 << 64) - 1


def mix(a, b):
    """fuzz::Mix of tests/guest/fuzz/random.hpp."""
    z = ((a ^ (b * 0xD6E8FEB86659FD93 & MASK)) + 0x9E3779B97F4A7C15) & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def record(seed, number, size):
    """What record `number` holds."""
    return (struct.pack("<QQ", number, mix(seed, number)) * 512)[:size]


class Written:
    """What the guest said it had flushed, before the power went."""

    def __init__(self, seed, text):
        self.seed = seed
        self.appended, self.created, self.values = {}, {}, {}
        self.last = 0
        self.wrong = []
        rows = text.replace("\r", "").split("\n")[:-1]  # a line that is not whole was not said
        for row in rows:
            match = re.fullmatch(r"(A) (\d+) (\d+) (\d+)|([CK]) (\d+) (\d+)", row)
            if not match:
                self.wrong.append(row)
                continue
            kind, number, *rest = [word for word in match.groups() if word is not None]
            number, rest = int(number), [int(word) for word in rest]
            if number != self.last + 1:
                self.wrong.append(row)
            self.last = number
            if kind == "A":
                self.appended.setdefault(rest[0], []).append((number, rest[1]))
            elif kind == "C":
                self.created[number] = rest[0]
            else:
                self.values[rest[0]] = number

    def lost(self, read):
        """What is missing or wrong of the files; `read(name)`: bytes or None."""
        bad = []
        for which, rows in sorted(self.appended.items()):
            expected = b"".join(record(self.seed, number, size) for number, size in rows)
            seen = read(f"work/cut{self.seed}/a{which}.dat")
            if seen is None:
                bad.append(f"a{which}.dat is not there")
            elif seen[:len(expected)] != expected:
                at = next((i for i, (a, b) in enumerate(zip(seen, expected)) if a != b), len(seen))
                bad.append(f"a{which}.dat differs at {at} (has {len(seen)} bytes, {len(expected)} were flushed)")
        for number, size in sorted(self.created.items()):
            if read(f"work/cut{self.seed}/c{number}.dat") != record(self.seed, number, size):
                bad.append(f"c{number}.dat is not as it was flushed")
        return bad

    def stale(self, text):
        """Values that are not what was committed, of what `cut.exe values` printed. A later one may have been under way."""
        seen = {int(slot): int(value) for slot, value in re.findall(r"^V (\d+) (\d+)$", text.replace("\r", ""), re.MULTILINE)}
        return [f"value {slot} is {seen.get(slot)}, {number} was committed" for slot, number in sorted(self.values.items())
                if seen.get(slot) not in (number, self.last + 1)]


def write_until_cut(image, bus, seed, seconds):
    """Boots and lets cut.exe write for `seconds` after its first line; then QEMU is killed."""
    volume = content.Volume()
    volume.add_path(f"{content.WORK}/cut.exe", PROGRAM)
    volume.programs = [content.Program(r"C:\work\cut.exe", ["write", str(seed)])]
    archive = volume.finish("run")
    target = disk.inspect(image)
    disk.put(target, archive)
    out = qemu.Keeper()
    with contextlib.closing(content.BootImage(volume.boot_archive("run", target.where))) as boot, qemu.Machine(boot, 256, disk=(image, bus)) as machine:
        session = qemu.Session(machine, stdout=out, timeout=LIMIT)
        end = None
        while end is None or time.monotonic() < end:
            session.round(0.02)
            if end is None and b"\n" in out.data:
                end = time.monotonic() + seconds
            if machine.child.poll() is not None or time.monotonic() > session.deadline:
                break
        # Leaving kills QEMU.
    return Written(seed, out.data.decode(errors="replace"))


class Cuts(Tests):
    def repair(self):
        """fsck.fat repairs the image's partition; (exit code of a second look, what the first said)."""
        with self.partition() as (copy, row):
            first, said = check_fat(copy, "-a")
            second, _ = check_fat(copy, "-n")
            subprocess.run(["dd", f"if={copy}", f"of={self.image}", "bs=1M", f"seek={row.offset >> 20}", "conv=notrunc", "status=none"], check=True)
        return second if first in (0, 1) else first, said

    def values(self, bus, seed):
        code, out, err = self.neptune("run", "--no-build", "--timeout", LIMIT, "--no-share", "--disk", self.image, "--bus", bus, PROGRAM, "values", seed)
        return code, out, err

    def files_of(self, written):
        folder = self.folder / f"seen{written.seed}"
        folder.mkdir()
        volume = self.volume()[0]
        subprocess.run(["mcopy", "-i", volume.where, "-s", "-n", f"::/{content.WORK}/cut{written.seed}", folder], env=volume.env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        found = {path.name.lower(): path.read_bytes() for path in folder.rglob("*.dat")}
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
        return lambda name: found.get(name.rpartition("/")[2].lower())

    def round(self, number, seconds, seed):
        bus = BUSES[number % len(BUSES)]
        name = f"cut {number} ({bus}, {seconds:.1f} s)"
        written = write_until_cut(self.image, bus, seed, seconds)
        self.check(f"{name}: it wrote {written.last} records", written.last > 0 and not written.wrong, "; ".join(written.wrong[:3]))
        code, text = self.repair()
        self.check(f"{name}: the volume is whole or can be repaired", code == 0, text)
        lost = written.lost(self.files_of(written))
        self.check(f"{name}: what was flushed is in the files", not lost, "; ".join(lost[:4]) + f" (fsck.fat: {text})")
        code, out, err = self.values(bus, seed)
        stale = written.stale(out) if code == 0 else [f"exit code {code} {out} {err}"]
        self.check(f"{name}: what was committed is in the registry", not stale, "; ".join(stale[:4]))
        self.check_hives(f"{name}: ")
        return written


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py cuts")
    parser.add_argument("--rounds", type=int, default=3, help="power cuts")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    build.require(PROGRAM)
    pick = random.Random(options.seed)
    print(f"seed {options.seed}")
    with files.scratch(paths.BUILD / "tests") as folder:
        test = Cuts(folder)
        code, out, err = test.neptune("image", "--no-build", "-o", test.image, "cmd.exe", "/c", "ver")
        test.check("image", code == 0, f"{out} {err}")
        if not code:
            for number in range(options.rounds):
                test.round(number, pick.uniform(0.05, LONGEST), options.seed * 1000 + number)
    print(f"{test.bad} failed")
    return 1 if test.bad else 0
