"""A disk as C:, in the machine: files and registry across restarts on every bus and by the boot loader, looked at from inside and from the host; and power cuts."""
import argparse
import contextlib
import random
import re
import shutil
import subprocess
import time

from . import content, disk, fat, files, partitions, paths, qemu

LIMIT = 240
CONFIG = "Windows/System32/config"
HIVES = ("SYSTEM", "SOFTWARE", "DEFAULT")
CUT_LOOP = r'for /L %i in (1,1,100000) do @(echo %i> C:\work\cut%i.txt & reg add HKLM\SOFTWARE\Cut /v n /t REG_DWORD /d %i /f > nul & echo %i)'


class Tests:
    def __init__(self, folder):
        self.folder = folder
        self.image = folder / "disk.img"
        self.bad = 0

    def check(self, name, good, why=""):
        self.bad += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}" + ("" if good or not why else f": {why}"), flush=True)

    def neptune(self, *words):
        done = subprocess.run([str(paths.ROOT / "neptune"), *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", check=False, timeout=LIMIT + 60)
        return done.returncode, done.stdout.replace("\r", ""), done.stderr

    def cmd(self, text, *options):
        return self.neptune("run", "--no-build", "--timeout", LIMIT, "--disk", self.image, *options, "cmd.exe", "/c", text)

    def volume(self):
        with open(self.image, "rb") as file:
            row, = partitions.read(file, self.image.stat().st_size)
        return fat.Volume(self.image, row.offset), row

    def fsck(self, repair=False):
        """(exit code, what it said) of fsck.fat on a copy of the partition."""
        _, row = self.volume()
        copy = self.folder / "partition.img"
        subprocess.run(["dd", f"if={self.image}", f"of={copy}", "bs=1M", f"skip={row.offset >> 20}", "conv=sparse", "status=none"], check=True)
        done = subprocess.run(["fsck.fat", "-a" if repair else "-n", copy], capture_output=True, text=True, check=False)
        copy.unlink()
        return done.returncode, done.stdout.strip().replace("\n", "; ")

    def hive(self, name):
        path = self.folder / name
        path.write_bytes(self.volume()[0].read(f"{CONFIG}/{name}") or b"")
        return path

    def registry(self, hive, key, value):
        done = subprocess.run(["hivexget", str(self.hive(hive)), key, value], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None


def across_restarts(test):
    code, out, err = test.neptune("image", "--no-build", "-o", test.image, "cmd.exe", "/c", r"type C:\work\boot.txt & reg query HKLM\SOFTWARE\Kept /v ahci")
    test.check("image", code == 0 and not out and not err, err)
    if code:
        return
    for bus in ("ahci", "nvme", "virtio"):
        code, out, err = test.cmd(rf"echo from {bus}> C:\work\{bus}.txt & reg add HKLM\SOFTWARE\Kept /v {bus} /d value-{bus} /f & reg add HKCU\Mine /v {bus} /d me /f", "--bus", bus)
        test.check(f"{bus}: write", code == 0, f"{code} {out} {err}")
        code, out, err = test.cmd(rf"type C:\work\{bus}.txt & reg query HKLM\SOFTWARE\Kept /v {bus} & reg query HKCU\Mine /v {bus}", "--bus", bus)
        test.check(f"{bus}: after a restart", code == 0 and f"from {bus}" in out and f"value-{bus}" in out and re.search(rf"{bus}\s+REG_SZ\s+me", out) is not None, f"{code} {out} {err}")
        seen = test.volume()[0].read(f"work/{bus}.txt")
        test.check(f"{bus}: the host sees the file", seen is not None and seen.strip() == f"from {bus}".encode(), repr(seen))
        value = test.registry("SOFTWARE", "Kept", bus)
        test.check(f"{bus}: the host sees the value", value == f"value-{bus}", repr(value))
    for name in HIVES:
        done = subprocess.run(["hivexsh", str(test.hive(name))], input="ls\n", capture_output=True, text=True, check=False)
        test.check(f"hivex reads {name}", done.returncode == 0, done.stderr)
    code, text = test.fsck()
    test.check("fsck.fat after turning off", code == 0, text)
    code, out, err = test.cmd(r"echo by the boot loader> C:\work\boot.txt & reg delete HKLM\SOFTWARE\Kept /v nvme /f")
    test.check("delete", code == 0, f"{out} {err}")
    code, out, err = test.neptune("run", "--no-build", "--timeout", LIMIT, "--disk", test.image, "--bios")
    test.check("by GRUB", code == 0 and "by the boot loader" in out and "value-ahci" in out, f"{code} {out} {err}")
    code, out, err = test.cmd(r"reg query HKLM\SOFTWARE\Kept /v nvme")
    test.check("what was deleted stays so", code != 0 and "value-nvme" not in out, f"{out} {err}")


def cut(test, seconds):
    """A machine that writes files and values and loses its power after some time. What it said it had written."""
    target = disk.inspect(test.image)
    volume = content.Volume()
    volume.system_program("cmd.exe", ["/c", CUT_LOOP])
    volume.finish("run")
    with contextlib.closing(content.BootImage(volume.boot_archive("run", target.where))) as image, qemu.Machine(image, 256, disk=(test.image, "ahci")) as machine:
        out = qemu.Keeper()
        session = qemu.Session(machine, stdout=out, timeout=LIMIT)
        end = None
        while end is None or time.monotonic() < end:
            session.round(0.05)
            if end is None and b"\n" in out.data:
                end = time.monotonic() + seconds
            if machine.child.poll() is not None or time.monotonic() > session.deadline:
                break
    return [int(word) for word in out.data.split() if word.isdigit()]


def power_cuts(test, rounds, seed):
    pick = random.Random(seed)
    for number in range(rounds):
        done = cut(test, pick.uniform(0.2, 8))
        test.check(f"cut {number}: it wrote", bool(done), "nothing")
        code, text = test.fsck(repair=True)
        test.check(f"cut {number}: fsck.fat", code in (0, 1), text)
        # Recovery is for the next start: it must come up, and find values not newer than what was said plus the one under way.
        code, out, err = test.cmd(r"reg query HKLM\SOFTWARE\Cut /v n & reg delete HKLM\SOFTWARE\Cut /f > nul & del C:\work\cut*.txt & exit 0")
        match = re.search(r"REG_DWORD\s+0x([0-9a-f]+)", out)
        good = code == 0 and (not match or int(match.group(1), 16) <= (done[-1] if done else 0) + 2)
        test.check(f"cut {number}: the next start", good, f"{code} {out} {err}")
        for name in HIVES:
            shell = subprocess.run(["hivexsh", str(test.hive(name))], input="ls\n", capture_output=True, text=True, check=False)
            test.check(f"cut {number}: hivex reads {name}", shell.returncode == 0, shell.stderr)


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py disk")
    parser.add_argument("--rounds", type=int, default=2, help="power cuts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", metavar="FILE", help="copy the image there afterwards")
    options = parser.parse_args(words)
    with files.scratch(paths.BUILD / "tests") as folder:
        test = Tests(folder)
        across_restarts(test)
        if not test.bad:
            power_cuts(test, options.rounds, options.seed)
        if options.keep and test.image.exists():
            shutil.copyfile(test.image, options.keep)
    print(f"{test.bad} failed")
    return 1 if test.bad else 0
