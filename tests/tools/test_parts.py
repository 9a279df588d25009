"""The tool's parts by themselves."""
import io
import os
import random
import struct
import tempfile
import time
import unittest
from pathlib import Path

from support import CACHE, ROOT, elf, program
from neptune import app_tests, batch, bootfs, bootimage, build, closure, cmdline, content, deps, fetch, files, pe, qemu, run, tap, wine_tests
from neptune.report import Failure, Progress


class CommandLine(unittest.TestCase):
    def test_known(self):
        for words, line in ((["a"], "a"), ([""], '""'), (["a b"], '"a b"'), (['a"b'], '"a\\"b"'), (["a\\b"], "a\\b"), (["a b\\"], '"a b\\\\"'),
                            (['a\\"b'], '"a\\\\\\"b"'), (["\t"], '"\t"'), (["c:\\dir\\"], "c:\\dir\\")):
            self.assertEqual(cmdline.join("p", words), f"p {line}")
        self.assertEqual(cmdline.join("C:\\a b\\p.exe", []), '"C:\\a b\\p.exe"')

    def test_round_trip(self):
        source = random.Random(1)
        for _ in range(20000):
            words = ["".join(source.choices('ab \\"\t\n%^&é', k=source.randrange(8))) for _ in range(source.randrange(5))]
            self.assertEqual(cmdline.split(cmdline.join("C:\\w x\\p.exe", words)), ["C:\\w x\\p.exe", *words])

    def test_ini(self):
        text = content.ini([content.Program("C:\\work\\a.exe", ["1\n2"]), content.Program("b", directory="C:\\")]).decode()
        self.assertEqual(text.count("image="), 2)
        self.assertIn('command=C:\\work\\a.exe "1\n\t2"\n', text)
        with self.assertRaises(Failure):
            content.ini([content.Program("a", ["\0"])])
        with self.assertRaises(Failure):
            content.ini([content.Program("a", ["\udc80"])])

    def test_environment_names_have_no_case(self):
        text = content.ini([content.Program("a", environment={"Path": "x", "os": None})]).decode()
        self.assertIn("env=Path=x\n", text)
        self.assertNotIn("env=PATH=", text)
        self.assertNotIn("env=OS", text)


class Archives(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def written(self, archive):
        out = io.BytesIO()
        size = archive.write(out)
        self.assertEqual(size, len(out.getvalue()))
        self.assertEqual(size % 4096, 0)
        return out.getvalue()

    def test_round_trip(self):
        (self.folder / "deep/er").mkdir(parents=True)
        (self.folder / "deep/er/x").write_bytes(b"x" * 5000)
        (self.folder / "deep/zero").write_bytes(b"")
        os.symlink("zero", self.folder / "deep/link")
        os.symlink("nowhere", self.folder / "deep/broken")
        archive = bootfs.Archive()
        archive.add_tree("top", self.folder / "deep")
        archive.add_bytes("a/b/C.txt", b"hello", 5)
        archive.add_folder("Empty")
        files_ = bootfs.read(self.written(archive))
        self.assertEqual({name: row[2] for name, row in files_.items() if not row[0] & 0x10},
                         {"top/er/x": b"x" * 5000, "top/zero": b"", "top/link": b"", "a/b/C.txt": b"hello"})
        self.assertEqual({name for name, row in files_.items() if row[0] & 0x10}, {"top", "top/er", "a", "a/b", "Empty"})
        self.assertEqual(files_["a/b/C.txt"][1], 5)
        self.assertAlmostEqual((files_["top/er/x"][1] - bootfs.EPOCH) / 1e7, time.time(), delta=100)

    def test_order_with_awkward_names(self):
        archive = bootfs.Archive()
        for name in ("a/b", "a!/c", "a b/c", "A/d", "ab/c"):
            archive.add_bytes(name, b"1")
        self.assertEqual(len(bootfs.read(self.written(archive))), 9)

    def test_names(self):
        archive = bootfs.Archive()
        archive.add_bytes("Dir/File", b"1")
        archive.add_bytes("dIR/fILE", b"22")
        self.assertEqual(len(archive.nodes), 2)
        for name in ("a:b", "a/../b", "a//b", "x ", "x.", "a\\b", "a\nb", "x" * 256, "\udcff"):
            with self.subTest(name=name), self.assertRaises(Failure):
                archive.add_bytes(name, b"")
        with self.assertRaises(Failure):
            archive.add_bytes("dir", b"")
        with self.assertRaises(Failure):
            archive.add_folder("dir/file")
        with self.assertRaises(Failure):
            archive.add_bytes("dir/file/more", b"")

    def test_circle_of_links(self):
        (self.folder / "a/b").mkdir(parents=True)
        os.symlink("..", self.folder / "a/b/up")
        with self.assertRaises(Failure):
            bootfs.Archive().add_tree("x", self.folder / "a")

    def test_header_matches_the_c_side(self):
        text = (ROOT / "abi/wire/bootfs.hpp").read_text()
        self.assertIn(f"0x{int.from_bytes(bootfs.MAGIC, 'little'):X}", text)
        self.assertIn(f"sizeof(Header) == {bootfs.HEADER.size}", text)
        self.assertIn(f"sizeof(Entry) == {bootfs.ENTRY.size}", text)

    def test_damage_is_noticed(self):
        archive = bootfs.Archive()
        archive.add_bytes("a/b", b"1")
        data = bytearray(self.written(archive))
        for offset, value in ((0, b"X"), (12, b"\xff\xff"), (16, b"\xff\xff\xff"), (24, b"\xff\xff"), (64, b"\1"), (64 + 40 + 8, b"\xff\xff\xff")):
            broken = bytearray(data)
            broken[offset:offset + len(value)] = value
            with self.subTest(offset=offset), self.assertRaises(Failure):
                bootfs.read(bytes(broken))

    def test_image(self):
        path = self.folder / "e.elf"
        path.write_bytes(elf())
        archive = bootfs.Archive()
        archive.add_bytes("a", b"content")
        with open(self.folder / "image", "w+b") as out:
            memory = bootimage.write(path, archive, out)
        data = (self.folder / "image").read_bytes()
        kind, flags, offset, address, _, file_size, memory_size, _ = bootimage.PROGRAM_HEADER.unpack_from(data, 64 + 2 * 56)
        self.assertEqual((kind, flags, address), (1, 4, 0x200000000000 + 0x4000))
        self.assertEqual((offset % 4096, file_size, memory_size), (0, len(data) - offset, len(data) - offset))
        self.assertEqual(memory, 0x4000 + memory_size)
        self.assertEqual(bootfs.read(data[offset:])["a"][2], b"content")
        self.assertEqual(data[:0x28], elf()[:0x28])
        self.assertEqual(data[0x1000:0x1800], elf()[0x1000:])
        path.write_bytes(elf() + bytes(100000))
        with open(self.folder / "image2", "w+b") as out:
            bootimage.write(path, archive, out)
        self.assertEqual((self.folder / "image2").stat().st_size, len(data), "what is not loaded stays away")
        for broken in (elf(spare=False), b"", b"\x7fELF" + bytes(200), elf()[:100]):
            path.write_bytes(broken)
            with self.assertRaises(Failure):
                bootimage.write(path, archive, io.BytesIO())


class Images(unittest.TestCase):
    def test_imports(self):
        image = pe.Image(program(["KERNEL32.dll", "b.dll"]))
        self.assertEqual(image.imports(), ["KERNEL32.dll", "b.dll"])
        self.assertEqual(image.delay_imports(), [])
        self.assertFalse(image.is_dll)

    def test_damage_never_crashes(self):
        source = random.Random(2)
        good = program(["kernel32.dll", "user32.dll"])
        wine = (closure.wine_folder() / "version.dll").read_bytes()
        for sample in (good, wine):
            for _ in range(1500):
                data = bytearray(sample)
                for _ in range(source.randrange(1, 6)):
                    data[source.randrange(min(len(data), 0x1800))] = source.randrange(256)
                if source.random() < 0.2:
                    del data[source.randrange(len(data)):]
                try:
                    image = pe.Image(bytes(data))
                    image.imports(), image.delay_imports(), image.forwards(), image.export_names()
                except pe.NotPe:
                    pass

    def test_wine_dlls(self):
        folder = closure.wine_folder()
        kernel32 = pe.facts(folder / "kernel32.dll")
        self.assertEqual((kernel32["machine"], kernel32["dll"]), (pe.AMD64, True))
        self.assertIn("kernelbase.dll", [name.lower() for name in kernel32["imports"]])
        self.assertIn("ntdll.dll", [name.lower() for name in kernel32["forwards"]])
        self.assertIn("user32.dll", [name.lower() for name in pe.facts(folder / "rpcrt4.dll")["delay"]])
        self.assertIn("GetVersion", pe.open_image(folder / "kernel32.dll").export_names())
        sets = pe.open_image(folder / "apisetschema.dll").api_sets()
        self.assertEqual(sets["api-ms-win-crt-runtime-l1-1"], "ucrtbase.dll")
        self.assertGreater(len(sets), 500)

    def test_stripping_keeps_pages(self):
        image = pe.open_image(closure.stripped(closure.wine_folder() / "kernelbase.dll"))
        self.assertTrue(all(raw % 4096 == 0 and address % 4096 == 0 for _, address, _, raw, _ in image.sections))
        self.assertLess(len(image.data), 4 << 20)
        self.assertFalse([name for name, *_ in image.sections if name.startswith(".debug")])


class Tap(unittest.TestCase):
    def test_good(self):
        verdict = tap.parse("1..3\r\nok 1 - a\nok 2 # SKIP no disk\nnot ok 3 - c # TODO later\n", 0)
        self.assertTrue(verdict.good)
        self.assertEqual((verdict.passed, verdict.skipped, verdict.todo), (1, 1, 1))
        self.assertTrue(tap.parse("ok\nok\n1..2\n", 0).good)
        self.assertTrue(tap.parse("1..0 # skip nothing here", 0).good)

    def test_bad(self):
        for text, code in (("1..2\nok 1\n", 0), ("ok 1\n", 0), ("1..1\nnot ok 1 - x\n", 0), ("1..1\nok 1\n", 3), ("1..1\nok 1\n", None),
                           ("", "no such file"), ("1..2\nok 1\nok 3\n", 0), ("1..1\nok 1\nBail out! lost\n", 0), ("1..1\nok 1\nok 2\n", 0),
                           ("1..1\n1..1\nok 1\n", 0), ("", 0)):
            with self.subTest(text=text, code=code):
                self.assertFalse(tap.parse(text, code).good)


class Wine(unittest.TestCase):
    OUTPUT = "x.c:1: Test failed: no\r\n0024:a: 5 tests executed (0 marked as todo, 1 failure), 0 skipped.\r\n" \
             "0020:a: 100 tests executed (3 marked as todo, 0 as flaky, 2 failures), 4 skipped.\r\n"

    def test_parse(self):
        row = wine_tests.parse(self.OUTPUT, "a")
        self.assertEqual((row.executed, row.todo, row.failed, row.skipped), (100, 3, 3, 4))
        self.assertIsNone(wine_tests.parse(self.OUTPUT, "b"))

    def test_parse_driver(self):
        """A driver's failures are among its program's already."""
        driver = "0030:ntoskrnl: 50 tests executed (1 marked as todo, 0 as flaky, 2 failures), 3 skipped.\n"
        row = wine_tests.parse(driver + self.OUTPUT, "a")
        self.assertEqual((row.executed, row.todo, row.failed, row.skipped), (148, 4, 3, 7))

    def test_only_better(self):
        old = wine_tests.Row(1000, 5, 3, 2)
        for row, worse, better in ((wine_tests.Row(1000, 5, 3, 2), False, False), (wine_tests.Row(990, 5, 3, 2), False, False),
                                   (wine_tests.Row(900, 5, 0, 0), True, False), (wine_tests.Row(1000, 9, 2, 2), False, True),
                                   (wine_tests.Row(1000, 5, 4, 0), True, False), (wine_tests.Row(2000, 5, 3, 2), False, True),
                                   (wine_tests.Row(1000, 5, 3, 3), True, False)):
            self.assertEqual((bool(row.worse_than(old)), row.better_than(old)), (worse, better), row)

    def test_table(self):
        rows = wine_tests.read_table()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "t.csv"
            wine_tests.write_table(rows, path)
            self.assertEqual(path.read_bytes(), wine_tests.TABLE.read_bytes(), "the table is in its normal form")


class Suites(unittest.TestCase):
    def test_all_are_well_formed(self):
        library = closure.Library()
        for path in sorted(app_tests.SUITES.glob("*.toml")):
            with self.subTest(path=path.stem):
                suite = app_tests.load(path.stem)
                self.assertEqual(len({case["name"] for case in suite.cases}), len(suite.cases))
                for case in suite.cases:
                    app_tests.guest_program(suite, case, library)
                self.assertEqual([case for group in app_tests.groups(suite.cases) for case in group], suite.cases)

    def test_compare(self):
        case = {"name": "x", "stdout": "a\nb\n", "exit": 2, "stderr_contains": ["no"]}
        self.assertEqual(app_tests.compare(case, 2, b"a\r\nb\r\n", b"oh no"), [])
        self.assertEqual(len(app_tests.compare(case, 0, b"a\n", b"")), 3)
        self.assertEqual(len(app_tests.compare(case, "not there", b"", b"")), 1)
        self.assertEqual(len(app_tests.compare({"contains": ["q"], "lacks": ["a"], "matches": "^b"}, 0, b"a", b"")), 3)


class Dependencies(unittest.TestCase):
    def test_everything_is_pinned(self):
        for kind in ("pypi", "npm", "debian"):
            for name, row in deps.load()[kind].items():
                self.assertEqual(set(row), {"version", "file", "sha256"}, name)
                self.assertRegex(row["sha256"], "^[0-9a-f]{64}$")
        self.assertTrue(all(len(value) == 64 for value in deps.load()["source"]["wine"]["files"].values()))

    def test_a_wrong_hash_is_refused(self):
        row = dict(deps.load()["npm"]["ps-list"], sha256="0" * 64, file="never.tgz")
        before = fetch.DOWNLOAD["npm"]
        fetch.DOWNLOAD["npm"] = lambda name, row, work, progress: (work / "x.tgz").write_bytes(b"tampered")
        try:
            with self.assertRaisesRegex(Failure, "not what tools/deps.toml pins"):
                fetch.package("npm", "ps-list", row, None)
        finally:
            fetch.DOWNLOAD["npm"] = before
        self.assertFalse((CACHE / "download/never.tgz").exists())

    def test_missing(self):
        self.assertEqual(deps.missing(["dpkg", "no-such-package-at-all"]), ["no-such-package-at-all"])

    def test_sources(self):
        entries = list(fetch.source_entries(fetch.release_codename()))
        self.assertTrue(entries)
        self.assertTrue(all("deb-src" in text for _, text in entries))


class Odds(unittest.TestCase):
    def test_exit_codes(self):
        for code, own in ((0, 0), (1, 1), (255, 255), (256, 1), (0xC0000005, 5), (0xFFFFFFFF, 255), (0x200, 1)):
            self.assertEqual(run.exit_code(code), own)
        self.assertEqual(run.status_name(0xC0000005), "STATUS_ACCESS_VIOLATION")
        self.assertEqual(run.status_name(0xC0FFEE00), "")

    def test_guest_paths(self):
        for text, path in (("a", "work/a"), ("a\\b", "work/a/b"), ("C:\\x\\y", "x/y"), ("/x", "x"), ("c:/", "")):
            self.assertEqual(content.guest_path(text), path)
        with self.assertRaises(Failure):
            content.guest_path("D:\\x")

    def test_memory(self):
        class Image:
            size = memory = 30 << 20
        self.assertEqual(qemu.default_memory(Image), 256)
        self.assertEqual(qemu.default_memory(Image, 300), 300)
        Image.size = Image.memory = 100 << 20
        self.assertEqual(qemu.default_memory(Image), 384)
        with self.assertRaises(Failure):
            qemu.default_memory(Image, 100)

    def test_first_error(self):
        text = "[1/3] a\nFAILED: x.o\nc++ -o x.o\nx.cpp:1:2: error: no\n1 error generated.\n[2/3] b\nninja: build stopped\n"
        self.assertEqual(build.first_error(text), "FAILED: x.o\nx.cpp:1:2: error: no\n1 error generated.")

    def test_facts_are_kept_while_a_file_is_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "f"
            path.write_bytes(b"1")
            calls = []
            for _ in range(2):
                cache = files.StatCache(Path(folder) / "cache.json", 1)
                self.assertEqual(cache.get(path, lambda where: calls.append(where) or len(calls)), 1)
                cache.save()
            path.write_bytes(b"22")
            self.assertEqual(cache.get(path, lambda where: calls.append(where) or len(calls)), 2)
            self.assertEqual(files.StatCache(Path(folder) / "cache.json", 2).facts, {})
            (Path(folder) / "cache.json").write_text("rubbish")
            self.assertEqual(files.StatCache(Path(folder) / "cache.json", 1).facts, {})

    def test_progress_is_silent_when_quick(self):
        out = io.StringIO()
        with Progress("work", out) as progress:
            progress.update("x")
        self.assertEqual(out.getvalue(), "")
        with Progress("work", out) as progress:
            progress.next = 0
            progress.update("x")
        self.assertEqual(out.getvalue(), "neptune: work...\n")

    def test_batch_result(self):
        result = batch.Result(0, b"", b"", 0.0, log="a\n\nb\n")
        self.assertEqual(batch.log_excerpt(result, 1), "    log: b")
        self.assertEqual(struct.calcsize("<Q"), 8)


if __name__ == "__main__":
    unittest.main()
