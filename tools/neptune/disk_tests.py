"""A disk as C:, in the machine: files and registry across restarts on every bus and by the boot loader, looked at from inside and from the host."""
import argparse
import contextlib
import re
import shutil
import subprocess

from . import fat, files, partitions, paths

LIMIT = 240
CONFIG = "Windows/System32/config"
HIVES = ("SYSTEM", "SOFTWARE", "DEFAULT")


def check_fat(image, way):
    """(exit code, what it said) of fsck.fat."""
    done = subprocess.run(["fsck.fat", way, image], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip().replace("\n", "; ")


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

    @contextlib.contextmanager
    def partition(self):
        """(a copy of the partition, where it is in the image)."""
        _, row = self.volume()
        copy = self.folder / "partition.img"
        subprocess.run(["dd", f"if={self.image}", f"of={copy}", "bs=1M", f"skip={row.offset >> 20}", "conv=sparse", "status=none"], check=True)
        try:
            yield copy, row
        finally:
            copy.unlink()

    def fsck(self):
        """(exit code, what it said) of fsck.fat on a copy of the partition."""
        with self.partition() as (copy, _):
            return check_fat(copy, "-n")

    def hive(self, name):
        path = self.folder / name
        path.write_bytes(self.volume()[0].read(f"{CONFIG}/{name}") or b"")
        return path

    def check_hives(self, prefix=""):
        for name in HIVES:
            done = subprocess.run(["hivexsh", str(self.hive(name))], input="ls\n", capture_output=True, text=True, check=False)
            self.check(f"{prefix}hivex reads {name}", done.returncode == 0, done.stderr)

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
    test.check_hives()
    code, text = test.fsck()
    test.check("fsck.fat after turning off", code == 0, text)
    code, out, err = test.cmd(r"echo by the boot loader> C:\work\boot.txt & reg delete HKLM\SOFTWARE\Kept /v nvme /f")
    test.check("delete", code == 0, f"{out} {err}")
    code, out, err = test.neptune("run", "--no-build", "--timeout", LIMIT, "--disk", test.image, "--bios")
    test.check("by GRUB", code == 0 and "by the boot loader" in out and "value-ahci" in out, f"{code} {out} {err}")
    code, out, err = test.cmd(r"reg query HKLM\SOFTWARE\Kept /v nvme")
    test.check("what was deleted stays so", code != 0 and "value-nvme" not in out, f"{out} {err}")


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py disk")
    parser.add_argument("--keep", metavar="FILE", help="copy the image there afterwards")
    options = parser.parse_args(words)
    with files.scratch(paths.BUILD / "tests") as folder:
        test = Tests(folder)
        across_restarts(test)
        if options.keep and test.image.exists():
            shutil.copyfile(test.image, options.keep)
    print(f"{test.bad} failed")
    return 1 if test.bad else 0
