"""The disk's drivers are killed again and again while 7za.exe packs and verifies a large file on the disk (tests/guest/storage/kill.cpp). The archive must be whole,
in the guest's eyes and, after the machine is off, in the host's."""
import argparse
import contextlib
import random
import re
import time

from . import build, content, disk, fetch, files, paths, qemu, tap
from .cut_tests import BUSES
from .disk_tests import Tests

PROGRAM = paths.GUEST_TESTS / "storage" / "kill.exe"
SEVEN_ZIP = "package/win/x64/7za.exe"
HEADER = 32         # bytes of a .7z file before its data, which -mx0 leaves as it is
MEMORY = 160        # MiB: less than what is written and read, so that verifying reads the disk


def kill(test, bus, data, period, kills, limit):
    source = test.folder / "source.bin"
    source.write_bytes(data)
    volume = content.Volume()
    volume.add_path(f"{content.WORK}/kill.exe", PROGRAM)
    volume.add_path(f"{content.WORK}/7za.exe", fetch.unpacked("npm", "7zip-bin") / SEVEN_ZIP)
    volume.add_path(f"{content.WORK}/source.bin", source)
    volume.programs = [content.Program(r"C:\work\kill.exe", [str(period), str(kills)])]
    archive = volume.finish("run")
    disk.put(disk.inspect(test.image), archive)
    target = disk.inspect(test.image)
    out = qemu.Keeper()
    start = time.monotonic()
    code, trouble = None, ""
    with contextlib.closing(content.BootImage(volume.boot_archive("run", target.where))) as boot, qemu.Machine(boot, MEMORY, disk=(test.image, bus)) as machine:
        try:
            code = qemu.Session(machine, stdout=out, timeout=limit).run()[-1]
        except qemu.MachineFailure as failure:
            trouble = str(failure)
        log = machine.log_text()
    text = out.data.decode(errors="replace")
    verdict = tap.parse(text, code)
    match = re.search(r"# kills: (\d+)", text)
    done = int(match.group(1)) if match else 0
    test.check(f"{bus}: 7za packs and verifies {len(data) >> 20} MiB under {done} kills, {time.monotonic() - start:.0f} s", verdict.good and done >= kills,
               "; ".join([*verdict.failures[:4], trouble]) + "\n" + text[-1500:] + "\n" + log[-2500:])
    for line in re.findall(r"^# .*", text.replace("\r", ""), re.MULTILINE):
        print("    " + line[2:])
    code, said = test.fsck()
    test.check(f"{bus}: fsck.fat", code == 0, said)
    packed = test.volume()[0].read("work/packed.7z") or b""
    test.check(f"{bus}: the host sees the same bytes in the archive", packed[:6] == b"7z\xbc\xaf\x27\x1c" and packed[HEADER:HEADER + len(data)] == data, f"{len(packed)} bytes")


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py kills", description="Kills the disk's drivers under load.")
    parser.add_argument("buses", metavar="BUS", nargs="*", choices=[[], *BUSES], help=f"only these: {', '.join(BUSES)}")
    parser.add_argument("--rounds", type=int, default=20, help="kills on each bus")
    parser.add_argument("--period", type=int, default=1500, help="milliseconds between them")
    parser.add_argument("--size", type=int, default=100, help="MiB to pack")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=1500, help="seconds for each bus")
    options = parser.parse_args(words)
    build.require(PROGRAM)
    data = random.Random(options.seed).randbytes(options.size << 20)
    with files.scratch(paths.BUILD / "tests") as folder:
        test = Tests(folder)
        for bus in options.buses or BUSES:
            code, out, err = test.neptune("image", "--no-build", "--force", "--size", 512, "-o", test.image, "cmd.exe", "/c", "ver")
            test.check("image", code == 0, f"{out} {err}")
            if code == 0:
                kill(test, bus, data, options.period, options.rounds, options.limit)
    print(f"{test.bad} failed")
    return 1 if test.bad else 0
