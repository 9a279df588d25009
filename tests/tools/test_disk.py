"""Disk images: ./neptune image -o and run --disk, with a stand-in machine; partition tables of all kinds."""
import fcntl
import io
import os
import struct
import subprocess
import unittest
import uuid
import zlib

from support import ToolTest, program
from neptune import fat, partitions
from neptune.report import Failure


class Images(ToolTest):
    def setUp(self):
        super().setUp()
        self.app = self.file("app.exe", program(["kernel32.dll"]))
        self.disk = self.folder / "disk.img"

    def make(self, *words):
        return self.neptune("image", "-o", self.disk, *words)

    def partition(self, path):
        """The image's one partition as a file of its own, and its row of the table."""
        with open(path, "rb") as file:
            row, = partitions.read(file, path.stat().st_size)
            file.seek(row.offset)
            copy = self.folder / "partition.img"
            with open(copy, "wb") as out:
                while data := file.read(1 << 20):
                    if data.strip(b"\0"):
                        out.write(data)
                    else:
                        out.seek(len(data), os.SEEK_CUR)
                out.truncate(row.size)
        return copy, row

    def test_an_image_holds_everything_and_is_sound(self):
        self.file("in/data.bin", os.urandom(300000))
        self.file("in/deep/näme with spaces.txt", b"text")
        done = self.make("--with", self.folder / "in", self.app, "one", "two words")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
        copy, row = self.partition(self.disk)
        check = subprocess.run(["fsck.fat", "-n", copy], capture_output=True, check=False)
        self.assertEqual(check.returncode, 0, check.stdout)
        volume = fat.Volume(self.disk, row.offset)
        names = volume.listing()
        for name in ("boot/kernel32.elf", "boot/image", "windows/system32/kernel32.dll", "windows/system32/config", "work/app.exe", "neptune.ini",
                     "work/in/deep/näme with spaces.txt"):
            self.assertIn(name, names)
        self.assertEqual(volume.read("work/in/data.bin"), (self.folder / "in/data.bin").read_bytes())
        self.assertEqual(volume.read("work/app.exe"), self.app.read_bytes())
        self.assertIn('C:\\work\\app.exe one "two words"', volume.read("neptune.ini").decode())
        self.assertIn(f"disk={row.where}".encode(), volume.read("boot/image"))

    def test_the_same_content_makes_the_same_image(self):
        self.file("in/data.txt", b"1")
        images = []
        for _ in range(2):
            self.assertEqual(self.make("--force", "--with", self.folder / "in", self.app).returncode, 0)
            images.append(self.disk.read_bytes())
        self.assertTrue(images[0] == images[1])

    def test_size(self):
        self.assertEqual(self.make("--size", "200", self.app).returncode, 0)
        self.assertEqual(self.disk.stat().st_size, 200 << 20)
        self.assertLess(self.disk.stat().st_blocks * 512, 150 << 20)
        self.expect_error(self.make("--force", "--size", "30"), "--size 30 is too little", 2)
        self.expect_error(self.make("--force", "--size", "3000000"), "more than a partition table can tell", 2)
        self.assertEqual(self.disk.stat().st_size, 200 << 20)

    def test_what_is_there_is_not_overwritten(self):
        self.disk.write_bytes(b"precious")
        self.expect_error(self.make(self.app), "--force", 2)
        self.assertEqual(self.disk.read_bytes(), b"precious")
        self.expect_error(self.neptune("image", "-o", self.folder), "is a folder", 2)
        self.expect_error(self.neptune("image", "-o", self.folder / "no/disk.img"), "there is no folder", 2)
        self.expect_error(self.neptune("image"), "-o FILE", 2)
        self.expect_error(self.neptune("image", "--folder", self.folder / "x", "--size", "64"), "--size is for disk images", 2)
        self.assertEqual([name for name in os.listdir(self.folder) if ".new-" in name], [])

    def test_errors_of_disk(self):
        self.expect_error(self.neptune("run", "--disk", self.disk), "there is no such file", 2)
        self.expect_error(self.neptune("run", "--disk", self.folder), "is a folder", 2)
        self.expect_error(self.neptune("run", "--bus", "ahci"), "give --disk", 2)
        self.expect_error(self.neptune("run", "--bios"), "give --disk", 2)
        self.disk.write_bytes(bytes(1 << 20))
        self.expect_error(self.neptune("run", "--disk", self.disk), "it has no partition table", 2)
        self.expect_error(self.neptune("run", "--disk", self.disk, "--bus", "nvm"), "did you mean nvme", 2)
        self.expect_error(self.neptune("run", "--disk", self.disk, "--bios", self.app), "name no program", 2)
        self.disk.write_bytes(partitions.mbr(b"", 1, 2048, 2048).ljust(2 << 20, b"\0"))
        self.expect_error(self.neptune("run", "--disk", self.disk), "no FAT partition", 2)
        self.disk.write_bytes(partitions.mbr(b"", 1, 2048, 4096).ljust(2 << 20, b"\0"))
        self.expect_error(self.neptune("run", "--disk", self.disk), "reaches beyond its end", 2)
        self.disk.write_bytes(b"\x7fELF")
        self.expect_error(self.neptune("run", "--disk", self.disk), "it is cut short", 2)

    def test_run_with_a_disk(self):
        self.assertEqual(self.make().returncode, 0)
        for bus, device in {"ahci": b"ide-hd", "nvme": b"nvme", "virtio": b"virtio-blk-pci"}.items():
            done = self.neptune("run", "--disk", self.disk, "--bus", bus, self.app, fake="arguments")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(device, done.stdout)
            self.assertIn(str(self.disk).encode(), done.stdout)
        ini = self.neptune("run", "--disk", self.disk, self.app, fake="show:neptune.ini").stdout.decode()
        _, row = self.partition(self.disk)
        self.assertIn(f"disk={row.where}\n", ini)
        self.assertIn("image=C:\\work\\app.exe", ini)
        self.assertEqual(fat.Volume(self.disk, row.offset).read("work/app.exe"), self.app.read_bytes())
        listed = self.neptune("run", "--disk", self.disk, self.app, fake="list").stdout.decode().lower()
        self.assertIn("windows/system32/smss.exe", listed)
        self.assertNotIn("kernel32.dll", listed)
        booted = self.neptune("run", "--disk", self.disk, "--bios", fake="arguments").stdout
        self.assertNotIn(b"-kernel", booted)

    def test_data_disks(self):
        self.expect_error(self.neptune("run", "--data-disk", self.disk, self.app), "there is no such file", 2)
        self.expect_error(self.neptune("run", "--data-disk", self.folder, self.app), "is a folder", 2)
        self.disk.write_bytes(bytes(1000))
        self.expect_error(self.neptune("run", "--data-disk", self.disk, self.app), "no number of sectors", 2)
        rows = entry(0x0C, 2048, 2048) + entry(0x83, 4096, 2048) + entry(0x06, 6144, 2048)
        self.disk.write_bytes((bytes(446) + rows.ljust(64, b"\0") + b"\x55\xaa").ljust(5 << 20, b"\0"))
        self.expect_error(self.neptune("run", "--data-disk", self.disk, "--data-disk", self.disk, self.app), "in the machine already", 2)
        done = self.neptune("run", "--data-disk", f"{self.disk}:nvme", self.app, fake="show:neptune.ini").stdout.decode()
        self.assertIn("volumes=2\n", done)
        for bus, device in {"": b"ide-hd,bus=ide.1", ":nvme": b"nvme,serial=neptune1", ":virtio": b"virtio-blk-pci"}.items():
            done = self.neptune("run", "--data-disk", f"{self.disk}{bus}", self.app, fake="arguments").stdout
            self.assertIn(device + b",drive=data1", done)
            self.assertIn(str(self.disk).encode(), done)

    def test_a_disk_in_use(self):
        self.assertEqual(self.make().returncode, 0)
        with open(self.disk, "r+b") as file:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 201, 1, 0))
            self.expect_error(self.neptune("run", "--disk", self.disk), "in use by a running machine", 1)
            self.expect_error(self.make("--force"), "in use by a running machine", 1)


def entry(kind, start, count):
    return partitions.MBR_ENTRY.pack(0, bytes(3), kind, bytes(3), start, count)


class Tables(unittest.TestCase):
    SIZE = 64 << 20

    def read(self, sectors):
        """`sectors`: {number: bytes}."""
        disk = bytearray(self.SIZE)
        for number, data in sectors.items():
            disk[number * 512:number * 512 + len(data)] = data
        return partitions.read(io.BytesIO(bytes(disk)), self.SIZE)

    @staticmethod
    def table(*entries, signature=0x12345678):
        return struct.pack("<440xIH", signature, 0) + b"".join(entries).ljust(64, b"\0") + b"\x55\xaa"

    def test_primary_and_logical(self):
        rows = self.read({0: self.table(entry(0x0C, 2048, 100), entry(0x05, 10000, 20000)),
                          10000: self.table(entry(0x0B, 63, 500), entry(0x05, 5000, 1000)),
                          15000: self.table(entry(0x07, 63, 400))})
        self.assertEqual([(row.offset // 512, row.size // 512, row.kind) for row in rows],
                         [(2048, 100, "0c"), (10063, 500, "0b"), (15063, 400, "07")])
        self.assertEqual(rows[0].where, "mbr:12345678:100000")

    def test_damaged_chains(self):
        circle = {0: self.table(entry(0x05, 10000, 20000)), 10000: self.table(entry(0x0B, 63, 5), entry(0x05, 5000, 9)),
                  15000: self.table(entry(0x0B, 63, 5), entry(0x05, 5000, 9))}
        outside = {0: self.table(entry(0x05, 10000, 2000)), 10000: self.table(entry(0x0B, 63, 5), entry(0x05, 5000, 9))}
        for sectors in (circle, outside, {0: self.table(entry(0x05, 10000, 20000))}):
            with self.assertRaises(Failure):
                self.read(sectors)

    def gpt(self, at, table, rows, size):
        header = bytearray(partitions.GPT_HEADER.pack(b"EFI PART", 0x10000, 92, 0, 0, at, 0, 34, size // 512 - 34, uuid.uuid4().bytes_le, table, 128, 128,
                                                      zlib.crc32(rows)))
        struct.pack_into("<I", header, 16, zlib.crc32(header))
        return bytes(header).ljust(512, b"\0")

    def test_gpt_and_its_backup(self):
        unique = uuid.uuid4()
        kind = uuid.UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")
        rows = partitions.GPT_ENTRY.pack(kind.bytes_le, unique.bytes_le, 2048, 4095, 0, "data".encode("utf-16-le").ljust(72, b"\0")).ljust(128 * 128, b"\0")
        last = self.SIZE // 512 - 1
        sectors = {0: self.table(entry(0xEE, 1, last)), 1: self.gpt(1, 2, rows, self.SIZE), 2: rows,
                   last: self.gpt(last, last - 32, rows, self.SIZE), last - 32: rows}
        for damaged in (None, 1, 2):
            if damaged:
                sectors[damaged] = b"\xff" + sectors[damaged][1:]
            row, = self.read(sectors)
            self.assertEqual((row.offset, row.size, row.kind, row.where), (1 << 20, 1 << 20, str(kind), f"gpt:{unique}"))
        sectors[last] = bytes(512)
        with self.assertRaises(Failure):
            self.read(sectors)


if __name__ == "__main__":
    unittest.main()
