"""Appends the boot archive to the Executive's ELF as one more PT_LOAD segment, in the program header the linker script left free."""
import os
import struct

from .bootfs import PAGE, round_up
from .report import Failure

ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
PT_NULL, PT_LOAD, READ = 0, 1, 4


def write(executive, archive, out):
    """Writes the image of the ELF file `executive` (a path) plus `archive` (bootfs.Archive) to the seekable binary file `out`. Returns
    the size in memory, from the first page of the Executive to the last of the archive."""
    try:
        with open(executive, "rb") as source:
            elf = bytearray(source.read())
    except OSError as error:
        raise Failure(f"cannot read the Executive {executive}: {error.strerror}") from None
    header_offset, spare, low, last = layout(executive, elf)
    # Only what is loaded goes along: no sections, no debug information.
    used = max(header[2] + header[5] for header in loads(elf, header_offset))
    if used > len(elf):
        raise Failure(f"{executive} is cut short")
    del elf[max(used, header_offset + PROGRAM_HEADER.size * (spare + 1)):]
    struct.pack_into("<Q", elf, 40, 0)        # e_shoff
    struct.pack_into("<HHH", elf, 58, 0, 0, 0)  # e_shentsize, e_shnum, e_shstrndx
    file_offset = round_up(len(elf))
    _, _, _, address, physical, _, memory_size, _ = last
    end = round_up(address + memory_size)
    out.write(elf)
    out.write(bytes(file_offset - len(elf)))
    size = archive.write(out)
    segment = PROGRAM_HEADER.pack(PT_LOAD, READ, file_offset, end, physical + end - address, size, size, PAGE)
    out.seek(header_offset + spare * PROGRAM_HEADER.size)
    out.write(segment)
    out.seek(0, os.SEEK_END)
    return end + size - low


def loads(elf, header_offset):
    """The PT_LOAD headers."""
    count = ELF_HEADER.unpack_from(elf)[10]
    headers = [PROGRAM_HEADER.unpack_from(elf, header_offset + index * PROGRAM_HEADER.size) for index in range(count)]
    return [header for header in headers if header[0] == PT_LOAD]


def layout(executive, elf):
    """(offset of the program headers, index of the free one, lowest address, the PT_LOAD header with the highest address)."""
    if len(elf) < ELF_HEADER.size:
        raise Failure(f"{executive} is not an ELF file")
    fields = ELF_HEADER.unpack_from(elf)
    ident, machine, header_offset, entry_size, count = fields[0], fields[2], fields[5], fields[9], fields[10]
    if ident[:6] != b"\x7fELF\x02\x01" or machine != 62 or entry_size != PROGRAM_HEADER.size:
        raise Failure(f"{executive} is not an ELF file for x86-64")
    if header_offset + count * PROGRAM_HEADER.size > len(elf):
        raise Failure(f"{executive} is cut short")
    headers = [PROGRAM_HEADER.unpack_from(elf, header_offset + index * PROGRAM_HEADER.size) for index in range(count)]
    spare = next((index for index, header in enumerate(headers) if header[0] == PT_NULL), None)
    loaded = loads(elf, header_offset)
    if spare is None or not loaded:
        raise Failure(f"{executive} has no free program header for the boot archive (its linker script must leave a PT_NULL)")
    last = max(loaded, key=lambda header: header[3])
    return header_offset, spare, min(header[3] for header in loaded) & ~(PAGE - 1), last
