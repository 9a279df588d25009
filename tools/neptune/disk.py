"""Disk images: making one that boots (GRUB, kernel, boot image and C: in one FAT32 partition), and looking at one that is there."""
import fcntl
import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from . import fat, files, partitions, paths, process
from .bootfs import EPOCH, Archive
from .content import SEED
from .report import Failure, Progress

GRUB = Path(os.environ.get("NEPTUNE_GRUB") or "/usr/lib/grub/i386-pc")
MODULES = ("biosdisk", "part_msdos", "part_gpt", "fat", "serial", "terminal", "multiboot", "echo", "halt")
# What the boot loader does. When it fails it says so in the system's log (COM1), in the words the log is searched for.
SCRIPT = """\
multiboot /boot/kernel32.elf
module /boot/image
boot
serial --unit=0 --speed=115200
terminal_output serial
echo "NEPTUNE PANIC: the boot loader could not load the system"
halt
"""
START = partitions.ALIGNMENT
NOT_ON_DISK = ("neptune.ini", SEED)
LARGEST = 2 << 40       # what an MBR can tell, in bytes
USUAL_SLACK = 256 << 20


def boot_loader(volume):
    """(code for the MBR, what goes behind it): GRUB's, as its own set-up program would place it."""
    try:
        code = bytearray((GRUB / "boot.img").read_bytes())
    except OSError:
        raise Failure(f"GRUB's files are not in {GRUB} (package grub-pc-bin)") from None
    code[0x66:0x68] = b"\x90\x90"   # no fixing of the drive number that floppies need
    with files.scratch(paths.CACHE) as scratch:
        (scratch / "script").write_text(SCRIPT, encoding="ascii")
        process.run(["grub-mkimage", "-O", "i386-pc", "-d", GRUB, "-o", scratch / "core.img", "-p", f"({volume})/boot/grub", "-c", scratch / "script",
                     *MODULES], what="grub-mkimage")
        core = (scratch / "core.img").read_bytes()
    if len(core) > START - partitions.SECTOR:
        raise Failure("GRUB does not fit between the partition table and the first partition")
    return bytes(code), core


def make(path, archive, boot_image, size=None, force=False):
    """Writes the image file `path`: `archive` (bootfs.Archive) is what C: holds, `boot_image` a function from the partition's identity (as in
    neptune.ini's `disk`) to an open file with what the kernel is to start. `size`: bytes. What was there is replaced only when the new one is
    complete."""
    path = Path(path)
    check_target(path, force)
    nodes = [archive.nodes[key] for key in sorted(archive.nodes)]
    stamp = (max((node.mtime for node in nodes), default=EPOCH) - EPOCH) // 10000000
    signature = identity(nodes)
    where = f"mbr:{signature:08x}:{START:x}"
    image = boot_image(where)
    content = sum(node.size + 4096 for node in nodes) + paths.KERNEL.stat().st_size + os.fstat(image.fileno()).st_size
    least = START + max(fat.LEAST, content + content // 64 + (4 << 20))
    if size is None:
        size = (least + USUAL_SLACK + (64 << 20) - 1) // (64 << 20) * (64 << 20)
    size = size // START * START
    if size < least:
        raise Failure(f"--size {size >> 20} is too little: the content needs at least {(least + START - 1) >> 20} MiB", 2)
    if size > LARGEST:
        raise Failure(f"--size {size >> 20} is more than a partition table can tell ({LARGEST >> 20} MiB)", 2)
    code, core = boot_loader("hd0,msdos1")
    new = path.with_name(f".{path.name}.new-{os.getpid()}")
    try:
        with Progress(f"writing {path.name}") as progress:
            with open(new, "wb") as out:
                out.truncate(size)
                out.write(partitions.mbr(code, signature, START // partitions.SECTOR, (size - START) // partitions.SECTOR))
                out.write(core)
            fat.format_volume(new, START, size - START, signature, stamp)
            volume = fat.Volume(new, START, stamp)
            system = Archive()
            time = stamp * 10000000 + EPOCH
            system.add_folder("boot", time)
            system.add_folder("boot/grub", time)
            with files.scratch(paths.CACHE) as scratch:
                for name, source in (("kernel32.elf", open(paths.KERNEL, "rb")), ("image", image)):
                    with source, open(scratch / name, "wb") as out:
                        source.seek(0)
                        while data := source.read(1 << 20):
                            out.write(data)
                    os.utime(scratch / name, (stamp, stamp))
                    system.add_file(f"boot/{name}", scratch / name)
                volume.add([system.nodes[key] for key in sorted(system.nodes)], progress)
            volume.add(nodes, progress, known={"boot"})
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def check_target(path, force):
    """Nothing of the user's is overwritten by mistake."""
    if path.is_dir():
        raise Failure(f"-o {path}: it is a folder; name the image file (or use --folder)", 2)
    if not path.parent.is_dir():
        raise Failure(f"-o {path}: there is no folder {path.parent}", 2)
    if path.exists() and not path.is_file():
        raise Failure(f"-o {path}: it is not a file", 2)
    if path.exists() and not force:
        raise Failure(f"{path} is there already; --force replaces it and everything on it", 2)
    if path.exists() and in_use(path):
        raise Failure(f"{path} is in use by a running machine")


def identity(nodes):
    """A disk signature that the content decides: the same files make the same image."""
    digest = hashlib.sha256()
    for node in nodes:
        digest.update(f"{node.name}\0{node.size}\0{node.mtime}\0".encode())
        if isinstance(node.source, bytes):
            digest.update(node.source)
    return struct.unpack("<I", digest.digest()[:4])[0] or 1


def in_use(path):
    """Whether a QEMU has the image open: it holds locks on some of its bytes."""
    try:
        with open(path, "r+b") as file:
            ask = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 100, 200, 0)
            answer = fcntl.fcntl(file, fcntl.F_OFD_GETLK, ask)
            return struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK
    except OSError:
        return False


@dataclass
class Disk:
    """An image that can be C:. `where` is for neptune.ini; `names` are the lower-case names on the volume."""
    path: str
    offset: int
    where: str
    names: set


def inspect(path):
    """The image's partition that is C:, that is the first FAT one with a Windows folder. Failures say in one line why there is none."""
    def wrong(why, code=2):
        return Failure(f"--disk {path}: {why}", code)
    try:
        size = os.stat(path).st_size
        if os.path.isdir(path):
            raise wrong("it is a folder, not a disk image")
        if not os.access(path, os.W_OK):
            raise wrong("it cannot be written (permission denied)")
        if in_use(path):
            raise wrong("it is in use by a running machine", 1)
        with open(path, "rb") as file:
            rows = partitions.read(file, size)
    except FileNotFoundError:
        raise wrong(f"there is no such file (./neptune image -o {path} makes one)") from None
    except OSError as error:
        raise wrong(error.strerror) from None
    except Failure as failure:
        if str(failure).startswith("--disk"):
            raise
        raise wrong(f"it is not a disk image of Neptune: {failure}") from None
    why = "it has no partition"
    for row in rows:
        why = "it has no FAT partition with a Windows folder"
        try:
            names = fat.Volume(path, row.offset).listing()
        except Failure:
            continue
        if "windows/system32" in names:
            return Disk(str(path), row.offset, row.where, names)
    raise wrong(f"it is not a disk image of Neptune: {why}")


# What gets a drive letter: the partition types that Windows knows, and GPT's basic data.
LETTERED = ("01", "04", "06", "07", "0b", "0c", "0e", "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")


def letters(path):
    """How many drive letters the disk of this image gets. A disk without partitions is one volume."""
    def wrong(why, code=2):
        return Failure(f"--data-disk {path}: {why}", code)
    try:
        if os.path.isdir(path):
            raise wrong("it is a folder, not a disk image")
        size = os.stat(path).st_size
        if not os.access(path, os.W_OK):
            raise wrong("it cannot be written (permission denied)")
        if size < partitions.SECTOR or size % partitions.SECTOR:
            raise wrong("it is not a raw disk image: its size is no number of sectors")
        if in_use(path):
            raise wrong("it is in use by a running machine", 1)
        with open(path, "rb") as file:
            if is_volume(file.read(partitions.SECTOR)):
                return 1
            return sum(row.kind in LETTERED for row in partitions.read(file, size))
    except FileNotFoundError:
        raise wrong("there is no such file") from None
    except OSError as error:
        raise wrong(error.strerror) from None
    except Failure as failure:
        if str(failure).startswith("--data-disk"):
            raise
        return 0    # no table, or a damaged one: what the machine makes of it is not waited for


def is_volume(sector):
    """Whether the first sector is a FAT volume's: the disk has no partitions then."""
    return (sector[:1] in (b"\xeb", b"\xe9") and sector[510:512] == b"\x55\xaa" and struct.unpack_from("<H", sector, 11)[0] in (512, 1024, 2048, 4096)
            and sector[16] in (1, 2) and not any(entry[2] and entry[5] for entry in partitions.mbr_entries(sector) if entry[0] in (0, 0x80)))


def put(disk, archive):
    """What the disk lacks of `archive` goes onto it: the user's files always (they may have changed), the system's when they are not there.
    Boot settings and the registry's description are not files of the disk."""
    nodes = []
    for key in sorted(archive.nodes):
        node = archive.nodes[key]
        name = node.name.lower()
        there = name in disk.names
        if node.name in NOT_ON_DISK or (there and (node.source is None or name.startswith("windows/"))):
            continue
        nodes.append(node)
    if nodes:
        with Progress(f"copying to {disk.path}") as progress:
            fat.Volume(disk.path, disk.offset).add(nodes, progress, known=disk.names)
