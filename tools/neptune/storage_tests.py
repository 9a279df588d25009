"""The TAP programs of tests/guest/storage, each in a machine of its own with one disk behind the adapter asked for. The scratch disk's sectors hold their
own number, 128 times. And volumes: data disks with partitions, their letters and names, and what is written there seen from the host. Those of CLASS run once more with
class drivers over classpnp.sys in the place of disk.sys: one whose transfers the library does, and one with a StartIo of its own."""
import argparse
import contextlib
import struct
import subprocess
import tempfile
from pathlib import Path

from . import batch, bootfs, content, disk, fat, partitions, paths, qemu, tap
from .report import Failure

LIMIT = 120  # seconds for one program, on a slow machine
SECTORS = 32768
FOLDER = paths.GUEST_TESTS / "storage"
# How QEMU is told of a disk with this block node, and of a controller for it.
BUSES = {
    "ahci": ("ide-hd,bus=ide.0,drive={node},serial=NEPTUNE-1",),  # the chip set's own controller
    "nvme": ("nvme,drive={node},serial=NEPTUNE-1",),
    "virtio": ("virtio-blk-pci,drive={node},serial=NEPTUNE-1,request-merging=off",),
}
# Programs, and what happens to sectors: (event of QEMU's block layer, sector).
PROGRAMS = {
    "passthrough": (),
    "physicaldrive": (),
    "diskerrors": (("read_aio", 1000), ("write_aio", 20000)),
}


def scratch(path):
    with open(path, "wb") as file:
        for number in range(SECTORS):
            file.write(struct.pack("<I", number) * 128)


def arguments(bus, image, faults=(), folder=None):
    """QEMU's words for a disk on this bus."""
    node = f"driver=file,filename={image},node-name=file0"
    words = ["-blockdev", node, "-blockdev", "driver=raw,file=file0,node-name=disk0"]
    if faults:
        rules = folder / "faults.conf"
        rules.write_text("".join(f'[inject-error]\nevent = "{event}"\nerrno = "5"\nsector = "{sector}"\n' for event, sector in faults))
        words = ["-blockdev", node, "-blockdev", f"driver=blkdebug,image=file0,config={rules},node-name=faulty0",
                 "-blockdev", "driver=raw,file=faulty0,node-name=disk0"]
    for device in BUSES[bus]:
        words += ["-device", device.format(node="disk0") + (",rerror=report,werror=report" if bus == "ahci" or bus == "virtio" else "")]
    return words


def run(bus, name, limit, show, driver=None):
    program = FOLDER / f"{name}.exe"
    if not program.is_file():
        raise Failure(f"there is no program {name} in {FOLDER}")

    def volume(_):
        result = content.Volume()
        result.add_path(f"{content.WORK}/{program.name}", program)
        if driver:
            use_driver(result, driver)
        return result

    with tempfile.TemporaryDirectory(prefix="neptune-") as temporary:
        folder = Path(temporary)
        scratch(folder / "disk.img")
        extra = arguments(bus, folder / "disk.img", PROGRAMS[name], folder)
        (result,) = batch.run(volume, [content.Program(rf"C:\work\{program.name}")], [limit], extra=extra)
    text = result.stdout.decode(errors="replace")
    verdict = tap.parse(text, result.code)
    if show:
        print(text)
    print(f"{'ok  ' if verdict.good else 'FAIL'} {name} on {bus}{f' by {driver}' if driver else ''}: {verdict.passed} passed, {result.seconds:.1f} s", flush=True)
    if not verdict.good:
        for line in verdict.failures[:20]:
            print(f"    {line}")
        if result.trouble:
            print(f"    {result.trouble}")
        print(batch.log_excerpt(result))
    return verdict.good


CLASS = ("physicaldrive", "diskerrors", "volumes")
CLASS_DRIVERS = ("classdisk", "classstart")


def use_driver(volume, driver):
    """The class driver of this name is that of all disks."""
    volume.archive.add_file(f"{content.SYSTEM32}/drivers/{driver}.sys", FOLDER / f"drivers/{driver}.sys")
    volume.registry = content.SERVICE.format(driver, f"{driver}.sys") + f"""
[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\CriticalDeviceDatabase\\GenDisk]
"Service"="{driver}"
"""


# --- data disks

ON_VOLUMES = ("volumes", "letters")

SIZE = 98304     # sectors of a volume
PARTS = ((0x0C, 2048, SIZE), (0x0C, 2048 + SIZE, SIZE), (0x83, 2048 + 2 * SIZE, 2048))     # MBR type, first sector, sectors
WRITTEN = (("disk.img", 2048, "g.txt", b"from the guest"), ("disk.img", 2048 + SIZE, "e.txt", b"the second partition"),
           ("whole.img", 0, "f.txt", b"the disk without a table"))


def data_disks(folder):
    """An image with two FAT partitions and one of another system's, and one that is a FAT volume."""
    table = b"".join(partitions.MBR_ENTRY.pack(0, partitions.chs(start), kind, partitions.chs(start + count - 1), start, count) for kind, start, count in PARTS)
    with open(folder / "disk.img", "wb") as file:
        file.truncate(100 << 20)
        file.write(bytes(440) + struct.pack("<IH", 0x12345678, 0) + table.ljust(64, b"\0") + b"\x55\xaa")
    with open(folder / "whole.img", "wb") as file:
        file.truncate(SIZE * 512)
    for name, start, _, _ in WRITTEN:
        fat.format_volume(folder / name, start * 512, SIZE * 512, 0x4E450000 + start, 1700000000)
    archive = bootfs.Archive(1700000000)
    archive.add_bytes("h.txt", b"from the host")
    fat.Volume(folder / "disk.img", 2048 * 512).add(list(archive.nodes.values()))
    return [folder / "disk.img", folder / "whole.img"]


def volumes(bus, limit, show, driver=None, program="volumes"):
    """The program with data disks behind this bus; then what the host finds on them."""
    with tempfile.TemporaryDirectory(prefix="neptune-") as temporary:
        folder = Path(temporary)
        images = data_disks(folder)
        volume = content.Volume()
        if driver:
            use_driver(volume, driver)
        volume.data_volumes = sum(disk.letters(image) for image in images)
        volume.add_program(str(FOLDER / f"{program}.exe"), [])
        with contextlib.closing(content.BootImage(volume.finish("run"))) as image, \
                qemu.Machine(image, 256, data_disks=[(path, bus) for path in images]) as machine:
            out = qemu.Keeper()
            session = qemu.Session(machine, stdout=out, timeout=limit)
            with contextlib.suppress(qemu.MachineFailure):
                session.run()
            log = machine.log_text()
        text = bytes(out.data).decode(errors="replace")
        verdict = tap.parse(text, session.codes[0] if session.codes else None)
        wrong = list(verdict.failures)
        for name, start, path, want in WRITTEN:
            have = fat.Volume(folder / name, start * 512).read(path)
            if have != want and program == "volumes":
                wrong.append(f"{path} on {name} is {have!r} for the host")
            with open(folder / name, "rb") as file, open(folder / "part.img", "wb") as part:
                file.seek(start * 512)
                part.write(file.read(SIZE * 512))
            done = subprocess.run(["fsck.fat", "-n", folder / "part.img"], capture_output=True, text=True, check=False)
            if done.returncode:
                wrong.append(f"fsck.fat of {name} at {start}: {done.stdout.strip()}")
    if show:
        print(text)
    good = verdict.good and not wrong
    print(f"{'ok  ' if good else 'FAIL'} {program} on {bus}{f' by {driver}' if driver else ''}: {verdict.passed} passed", flush=True)
    if not good:
        print("\n".join(f"    {line}" for line in wrong[:20]))
        print("\n".join(f"    log: {line}" for line in log.splitlines()[-12:]))
    return good


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py storage", description="Runs the programs of tests/guest/storage.")
    parser.add_argument("buses", metavar="BUS", nargs="*", choices=[[], *BUSES], help=f"only these: {', '.join(BUSES)}")
    parser.add_argument("--program", action="append", choices=[*PROGRAMS, *ON_VOLUMES], help="only this one")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for each")
    parser.add_argument("--show", action="store_true", help="print what the programs print")
    options = parser.parse_args(words)
    batch.require_products()
    rows = [(name, None) for name in (*PROGRAMS, *ON_VOLUMES)] + [(name, driver) for driver in CLASS_DRIVERS for name in CLASS]
    good = [volumes(bus, options.limit, options.show, driver, name) if name in ON_VOLUMES else run(bus, name, options.limit, options.show, driver)
            for bus in options.buses or BUSES for name, driver in rows if name in (options.program or (name,))]
    return 0 if all(good) else 1
