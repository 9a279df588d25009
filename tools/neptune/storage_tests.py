"""The TAP programs of tests/guest/storage, each in a machine of its own with one disk behind the adapter asked for. The scratch disk's sectors hold their
own number, 128 times."""
import argparse
import struct
import tempfile
from pathlib import Path

from . import batch, content, paths, tap
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


def run(bus, name, limit, show):
    program = FOLDER / f"{name}.exe"
    if not program.is_file():
        raise Failure(f"there is no program {name} in {FOLDER}")

    def volume(_):
        result = content.Volume()
        result.add_path(f"{content.WORK}/{program.name}", program)
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
    print(f"{'ok  ' if verdict.good else 'FAIL'} {name} on {bus}: {verdict.passed} passed, {result.seconds:.1f} s", flush=True)
    if not verdict.good:
        for line in verdict.failures[:20]:
            print(f"    {line}")
        if result.trouble:
            print(f"    {result.trouble}")
        print(batch.log_excerpt(result))
    return verdict.good


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py storage", description="Runs the programs of tests/guest/storage.")
    parser.add_argument("buses", metavar="BUS", nargs="*", choices=[[], *BUSES], help=f"only these: {', '.join(BUSES)}")
    parser.add_argument("--program", action="append", choices=PROGRAMS, help="only this one")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for each")
    parser.add_argument("--show", action="store_true", help="print what the programs print")
    options = parser.parse_args(words)
    batch.require_products()
    good = [run(bus, name, options.limit, options.show) for bus in options.buses or BUSES for name in options.program or PROGRAMS]
    return 0 if all(good) else 1
