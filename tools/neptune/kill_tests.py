"""The disk's drivers are ended again and again while 7za writes an archive to C: and verifies it (tests/guest/storage/kills.cpp). The host looks at
what is on the disk afterwards."""
import argparse
import contextlib
import random
import re
import time

from . import build, content, disk, files, paths, qemu
from .disk_tests import Tests
from .fs_tests import packaged

PROGRAM = paths.GUEST_TESTS / "storage" / "kills.exe"
PORTS = {"ahci": "storahci", "nvme": "stornvme", "virtio": "vioblk"}
HEADER = 32  # bytes of a 7z archive before its data


def run(test, bus, options, data):
    name = f"{bus}, {options.kills} kills"
    archive_file = test.folder / "data.bin"
    archive_file.write_bytes(data)
    volume = content.Volume()
    volume.add_path(f"{content.WORK}/kills.exe", PROGRAM)
    volume.add_path(f"{content.WORK}/7za.exe", packaged()["7za.exe"])
    volume.add_path(f"{content.WORK}/data.bin", archive_file)
    words = [str(options.kills), str(options.pause), f"7za.exe+a+-bd+-mx0+{bus}.7z+data.bin", f"7za.exe+t+-bd+{bus}.7z", PORTS[bus], "disk", "partmgr"]
    volume.programs = [content.Program(r"C:\work\kills.exe", words)]
    archive = volume.finish("run")
    target = disk.inspect(test.image)
    disk.put(target, archive)
    out, log = qemu.Keeper(), qemu.Keeper()
    begin = time.monotonic()
    with contextlib.closing(content.BootImage(volume.boot_archive("run", target.where))) as boot, qemu.Machine(boot, 512, disk=(test.image, bus)) as machine:
        session = qemu.Session(machine, stdout=out, stderr=out, log=log.write, timeout=options.limit)
        session.run()
    text = out.data.decode(errors="replace").replace("\r", "")
    if options.show:
        print(text, log.data.decode(errors="replace"), sep="\n")
    wrong = [row for row in text.splitlines() if row.startswith("not ok") or "ERROR" in row]
    kills = re.search(r"^# (\d+) kills$", text, re.MULTILINE)
    deaths = log.data.count(b"it is started again")
    test.check(f"{name}: {kills and kills.group(1)} made, {deaths} drivers started again, {text.count('Everything is Ok')} runs of 7za good, {time.monotonic() - begin:.0f} s",
               session.codes == [0] and kills and not wrong, f"{session.codes} {wrong} {text[-300:]} {bytes(log.data[-600:]).decode(errors='replace')}")
    packed = test.volume()[0].read(f"work/{bus}.7z")
    test.check(f"{name}: the archive holds the data", packed is not None and packed[HEADER:HEADER + len(data)] == data)
    code, said = test.fsck()
    test.check(f"{name}: fsck.fat", code == 0, said)


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py kills")
    parser.add_argument("buses", nargs="*", metavar="BUS", default=list(PORTS))
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--pause", type=int, default=300, help="milliseconds between them")
    parser.add_argument("--size", type=int, default=12, help="MiB of the archive")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=300, help="seconds for one bus")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args(words)
    for bus in options.buses:
        if bus not in PORTS:
            parser.error(f"there is no bus {bus}")
    build.require(PROGRAM)
    data = random.Random(options.seed).randbytes(options.size << 20)
    with files.scratch(paths.BUILD / "tests") as folder:
        test = Tests(folder)
        code, out, err = test.neptune("image", "--no-build", "--size", 512, "-o", test.image, "cmd.exe", "/c", "ver")
        test.check("image", code == 0, f"{out} {err}")
        for bus in options.buses if not code else ():
            run(test, bus, options, data)
    print(f"{test.bad} failed")
    return 1 if test.bad else 0
