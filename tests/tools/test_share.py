"""./neptune run --share, with a stand-in machine: what QEMU and the guest are told, and what is refused."""
import os
import subprocess
import unittest

from support import ToolTest, program
from neptune import share


class Shares(ToolTest):
    def setUp(self):
        super().setUp()
        self.app = self.file("app.exe", program(["kernel32.dll"]))
        (self.folder / "here").mkdir()
        self.here = str(self.folder / "here")

    def ini(self, *words, command="run"):
        done = self.neptune(command, *words, fake="show:neptune.ini", cwd=self.here)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode().splitlines()

    def qemu(self, *words):
        done = self.neptune("run", *words, fake="arguments", cwd=self.here)
        self.assertEqual(done.returncode, 0, done.stderr)
        return os.fsdecode(done.stdout)

    def test_the_current_folder_is_the_working_directory(self):
        rows = self.ini(self.app, "a.txt")
        self.assertIn("drive=Z:", rows)
        self.assertIn("directory=Z:\\", rows)
        self.assertLess(rows.index("drive=Z:"), rows.index(r"image=C:\work\app.exe"))
        text = self.qemu(self.app)
        self.assertIn(f"local,id=share0,path={self.here},security_model=none", text)
        self.assertIn("fsdev=share0,mount_tag=Z:here", text)
        rows = self.ini(command="shell")
        self.assertIn("directory=Z:\\", rows)

    def test_a_program_in_a_shared_folder_runs_there(self):
        self.file("here/bin/tool.exe", program(["kernel32.dll"]))
        rows = self.ini("bin/tool.exe", "x")
        self.assertIn(r"image=Z:\bin\tool.exe", rows)
        self.assertIn("directory=Z:\\", rows)
        (self.folder / "other").mkdir()
        self.file("other/tool.exe", program(["kernel32.dll"]))
        rows = self.ini("--share", f"{self.folder}/other:s", self.folder / "other/tool.exe")
        self.assertIn(r"image=S:\tool.exe", rows)
        (self.folder / "here/link.exe").symlink_to(self.app)    # leads out of the folder
        self.assertIn(r"image=C:\work\link.exe", self.ini("link.exe"))
        self.assertIn(r"image=C:\work\tool.exe", self.ini("--with", "bin", "bin/tool.exe"))
        self.assertIn(r"image=C:\work\tool.exe", self.ini("--no-share", "bin/tool.exe"))

    def test_no_share(self):
        rows = self.ini("--no-share", self.app)
        self.assertIn(r"directory=C:\work", rows)
        self.assertFalse([row for row in rows if row.startswith("drive=")])
        self.assertNotIn("-fsdev", self.qemu("--no-share", self.app))

    def test_with_files_the_program_starts_among_them(self):
        (self.folder / "here/x.txt").write_text("x")
        rows = self.ini("--with", "x.txt", self.app)
        self.assertIn(r"directory=C:\work", rows)
        self.assertIn("drive=Z:", rows)

    def test_more_folders(self):
        for name in ("one", "two", "three"):
            (self.folder / name).mkdir()
        words = ("--share", self.folder / "one", "--share", f"{self.folder}/two:s", "--share", f"{self.folder}/three:ro", self.app)
        rows = self.ini(*words)
        self.assertEqual([row for row in rows if row.startswith("drive=")], ["drive=Z:", "drive=Y:", "drive=S:", "drive=X:"])
        self.assertIn("directory=Z:\\", rows)
        text = self.qemu(*words)
        self.assertIn(f"path={self.folder}/two,security_model=none,multidevs=remap -device", text)
        self.assertIn(f"path={self.folder}/three,security_model=none,multidevs=remap,readonly=on", text)
        rows = self.ini("--no-share", "--share", f"{self.folder}/two:z", self.app)
        self.assertEqual([row for row in rows if row.startswith("drive=")], ["drive=Z:"])
        self.assertIn(r"directory=C:\work", rows)
        # The letter somebody asked for is not the current folder's.
        rows = self.ini("--share", f"{self.folder}/two:z", self.app)
        self.assertIn("directory=Y:\\", rows)

    def test_odd_names(self):
        odd = self.folder / "a,b:c d=é\n"
        odd.mkdir()
        done = self.neptune("run", "--share", odd, self.app, fake="arguments", cwd=self.here)
        self.assertIn(f"path={self.folder}/a,,b:c d=é\n,security_model", os.fsdecode(done.stdout))
        self.assertIn("mount_tag=Y:a_b_c d=é_", os.fsdecode(done.stdout))
        long = self.folder / ("é" * 100)
        long.mkdir()
        self.assertLessEqual(len(share.Share(str(long), "Q").tag().encode()), 31)
        raw = os.fsencode(self.folder) + b"/\xff\xfe"
        os.mkdir(raw)
        done = self.neptune("run", "--share", raw.decode(errors="surrogateescape"), self.app, fake="arguments", cwd=self.here)
        self.assertIn(b"path=" + raw + b",", done.stdout)

    def test_wrong_shares(self):
        self.file("plain.txt", b"")
        (self.folder / "one").mkdir()
        for words, text in {("no/such",): "--share no/such: there is no such folder", (f"{self.folder}/no:D",): "there is no such folder",
                            (self.folder / "plain.txt",): "it is a file; a folder can be shared", ("",): "there is no such folder",
                            (f"{self.folder}/one:C",): "the drive C: is the system's", (f"{self.folder}/one:7",): "the drive is a letter",
                            (f"{self.folder}/one:",): "the drive is a letter",
                            (f"{self.folder}/one:D", f"{self.folder}/one:d"): "the drive D: is given twice"}.items():
            with self.subTest(words=words):
                rows = [part for word in words for part in ("--share", word)]
                self.expect_error(self.neptune("run", *rows, self.app, cwd=self.here), text, 2)

    def test_a_current_folder_that_is_gone(self):
        gone = self.folder / "gone"
        gone.mkdir()
        line = f"cd {gone}; rmdir {gone}; exec {' '.join(self.command('run', '$0', self.app))}"
        environment = dict(self.environment, NEPTUNE_FAKE="exit:0")
        done = subprocess.run(["sh", "-c", line, "--timeout=60"], capture_output=True, check=False, timeout=60, env=environment)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"neptune: the current folder is gone and cannot be shared; see --no-share", done.stderr.splitlines())
        done = subprocess.run(["sh", "-c", line, "--no-share"], capture_output=True, check=False, timeout=60, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_permissions_of_new_files(self):
        old = os.umask(0o077)
        self.addCleanup(os.umask, old)
        text = self.neptune("run", self.app, fake="show:Windows/System32/config/registry.txt", cwd=self.here).stdout.decode()
        if text:
            self.assertIn('"Mask"=dword:0000003f', text)


if __name__ == "__main__":
    unittest.main()
