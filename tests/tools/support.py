"""Shared by the tool's tests: a build folder with stand-in products, and ./neptune run in it with a stand-in QEMU."""
import os
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from neptune import bootimage, pe  # noqa: E402

CACHE = Path(os.environ.get("NEPTUNE_CACHE") or ROOT / "build/cache")


def elf(spare=True):
    """A small ELF file with two PT_LOADs, the second with memory beyond its content, and one free program header."""
    base = 0x200000000000
    header = bootimage.ELF_HEADER.pack(b"\x7fELF\x02\x01\x01" + bytes(9), 2, 62, 1, base, 64, 0, 0, 64, 56, 3 if spare else 2, 0, 0, 0)
    rows = [bootimage.PROGRAM_HEADER.pack(1, 5, 0, base, base, 0x1000, 0x1000, 0x1000),
            bootimage.PROGRAM_HEADER.pack(1, 6, 0x1000, base + 0x1000, base + 0x1000, 0x800, 0x2345, 0x1000)]
    if spare:
        rows.append(bytes(56))
    return (header + b"".join(rows)).ljust(0x1800, b"\x90")


def program(imports=(), machine=pe.AMD64, dll=False, clr=False):
    """A small PE image that imports `imports`, one function each."""
    address = 0x1000
    table = bytearray(20 * (len(imports) + 1))
    names = b""
    for index, name in enumerate(imports):
        where = address + len(table) + len(names)
        struct.pack_into("<IIIII", table, 20 * index, 0x1800, 0, 0, where, 0x1800)
        names += name.encode() + b"\0"
    section = bytes(table) + names
    directories = [(0, 0)] * 16
    directories[1] = (address, len(table)) if imports else (0, 0)
    directories[14] = (address, 8) if clr else (0, 0)
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 1, 0, 0x200, 0, 0, address, address, 0x140000000, 0x1000, 0x200, 6, 0, 0, 0, 6, 0,
                           0, 0x2000, 0x400, 0, 3, 0, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    optional += b"".join(struct.pack("<II", *row) for row in directories)
    characteristics = 0x22 | (0x2000 if dll else 0)
    header = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40) + b"PE\0\0"
    header += struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, len(optional), characteristics) + optional
    header += struct.pack("<8sIIIIIIHHI", b".text", 0x1000, address, 0x1000, 0x400, 0, 0, 0, 0, 0x60000020)
    return header.ljust(0x400, b"\0") + section.ljust(0x1000, b"\0")


class ToolTest(unittest.TestCase):
    """A scratch folder, a build folder in it, and the tool's command line."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="neptune-test-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.build = self.folder / "build"
        for name, content in {"elf/kernel/sel4/kernel32.elf": b"kernel", "elf/ntos/ntoskrnl.elf": elf(), "pe/ntdll/ntdll.dll": program(dll=True),
                              "pe/user/smss/smss.exe": program()}.items():
            path = self.build / name
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
        self.environment = dict(os.environ, NEPTUNE_BUILD=str(self.build), NEPTUNE_CACHE=str(CACHE), NEPTUNE_NO_BUILD="1", NEPTUNE_NO_APT="1",
                                NEPTUNE_QEMU=str(HERE / "fake_qemu.py"), TMPDIR=str(self.folder))

    def file(self, name, content=b""):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def command(self, *words):
        return [str(ROOT / "neptune"), *map(str, words)]

    def neptune(self, *words, fake="exit:0", stdin=b"", **named):
        return subprocess.run(self.command(*words), input=stdin, capture_output=True, check=False, timeout=120,
                              env=dict(self.environment, NEPTUNE_FAKE=fake), **named)

    def expect_error(self, done, text, code):
        """One line on stderr that has `text`, nothing on stdout, this exit code."""
        message = done.stderr.decode()
        self.assertIn(text, message)
        self.assertEqual(len(message.splitlines()), 1, message)
        self.assertTrue(message.startswith("neptune: "), message)
        self.assertEqual(done.returncode, code, message)
        self.assertEqual(done.stdout, b"")
