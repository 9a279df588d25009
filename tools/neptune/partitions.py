"""Partition tables of disk images: reading MBR (with logical partitions) and GPT, writing an MBR with one partition."""
import struct
import uuid
import zlib
from dataclasses import dataclass

from .report import Failure

SECTOR = 512
MBR_ENTRY = struct.Struct("<B3sB3sII")
GPT_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
GPT_ENTRY = struct.Struct("<16s16sQQQ72s")
EXTENDED = (0x05, 0x0F, 0x85)
PROTECTIVE = 0xEE
FAT32_LBA = 0x0C
ALIGNMENT = 1 << 20     # of partitions; what lies between the table and the first one has room for a boot loader
LOGICAL_LIMIT = 128


@dataclass
class Partition:
    """`where`: as the boot parameter `disk` of neptune.ini has it, mbr:SIGNATURE:OFFSET or gpt:GUID."""
    offset: int     # bytes
    size: int
    kind: str       # MBR's type in two hexadecimal digits, or GPT's GUID
    where: str


def read(file, size):
    """The partitions of an open binary file of `size` bytes. Failure without a table, or with one that cannot be right."""
    first = sector(file, 0)
    if first[510:] != b"\x55\xaa":
        raise Failure("it has no partition table")
    entries = mbr_entries(first)
    if any(entry[2] == PROTECTIVE for entry in entries):
        return read_gpt(file, size)
    signature = struct.unpack_from("<I", first, 440)[0]
    result = []

    def add(kind, start, count):
        if (start + count) * SECTOR > size:
            raise Failure("a partition reaches beyond its end")
        result.append(Partition(start * SECTOR, count * SECTOR, f"{kind:02x}", f"mbr:{signature:08x}:{start * SECTOR:x}"))

    for active, _, kind, _, start, count in entries:
        if active not in (0, 0x80):
            raise Failure("its partition table is damaged")
        if kind in EXTENDED:
            for row in logical(file, start, count):
                add(*row)
        elif kind and count:
            add(kind, start, count)
    return result


def sector(file, number, count=1):
    file.seek(number * SECTOR)
    data = file.read(count * SECTOR)
    if len(data) != count * SECTOR:
        raise Failure("it is cut short")
    return data


def mbr_entries(data):
    return [MBR_ENTRY.unpack_from(data, 446 + 16 * index) for index in range(4)]


def logical(file, base, length):
    """(type, first sector, sectors) of the partitions in an extended one."""
    at, seen = base, set()
    while at:
        if at in seen or len(seen) >= LOGICAL_LIMIT or not base <= at < base + length:
            raise Failure("its chain of logical partitions is damaged")
        seen.add(at)
        data = sector(file, at)
        if data[510:] != b"\x55\xaa":
            raise Failure("its chain of logical partitions is damaged")
        onward = 0
        for _, _, kind, _, start, count in mbr_entries(data)[:2]:
            if kind in EXTENDED:
                onward = base + start
            elif kind and count:
                yield kind, at + start, count
        at = onward


def read_gpt(file, size):
    for number in (1, size // SECTOR - 1):
        data = sector(file, number)
        magic, _, header_size, crc, _, here, _, _, _, _, table, count, entry_size, table_crc = GPT_HEADER.unpack_from(data)
        if magic != b"EFI PART" or here != number or not GPT_HEADER.size <= header_size <= SECTOR:
            continue
        if zlib.crc32(data[:16] + bytes(4) + data[20:header_size]) != crc or entry_size < GPT_ENTRY.size or count * entry_size > 1 << 20:
            continue
        rows = sector(file, table, (count * entry_size + SECTOR - 1) // SECTOR)[:count * entry_size]
        if zlib.crc32(rows) != table_crc:
            continue
        result = []
        for index in range(count):
            kind, unique, start, end, _, _ = GPT_ENTRY.unpack_from(rows, index * entry_size)
            if kind == bytes(16):
                continue
            if end < start or (end + 1) * SECTOR > size:
                raise Failure("a partition reaches beyond its end")
            guid = uuid.UUID(bytes_le=unique)
            result.append(Partition(start * SECTOR, (end - start + 1) * SECTOR, str(uuid.UUID(bytes_le=kind)), f"gpt:{guid}"))
        return result
    raise Failure("its partition table is damaged")


def mbr(boot_code, signature, start, count):
    """An MBR with one active FAT32 partition; `start` and `count` in sectors."""
    entry = MBR_ENTRY.pack(0x80, chs(start), FAT32_LBA, chs(start + count - 1), start, count)
    return boot_code[:440].ljust(440, b"\0") + struct.pack("<IH", signature, 0) + entry + bytes(48) + b"\x55\xaa"


def chs(number):
    """The old form of a sector's number, with 255 heads of 63 sectors; the largest there is when it does not fit."""
    cylinder, rest = divmod(number, 255 * 63)
    head, sector_number = divmod(rest, 63)
    if cylinder > 1023:
        cylinder, head, sector_number = 1023, 254, 62
    return bytes((head, (sector_number + 1) | (cylinder >> 2 & 0xC0), cylinder & 0xFF))
