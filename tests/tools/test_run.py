"""./neptune run, end to end, with a stand-in machine."""
import os
import signal
import subprocess
import time
import unittest

from support import ToolTest, program


class Run(ToolTest):
    def setUp(self):
        super().setUp()
        self.app = self.file("app.exe", program(["kernel32.dll"]))

    def test_exit_codes(self):
        for guest, own in {"0": 0, "7": 7, "255": 255, "256": 1, "257": 1, "300": 44, "4294967295": 255, "3221225472": 1}.items():
            with self.subTest(guest=guest):
                done = self.neptune("run", self.app, fake=f"exit:{guest}")
                self.assertEqual(done.returncode, own)
                self.assertEqual(done.stdout, f"before {guest}\n".encode())
                self.assertTrue(done.stderr.startswith(b"complaint\n"))

    def test_a_crash_is_named(self):
        done = self.neptune("run", self.app, fake="exit:3221225477")
        self.assertEqual(done.returncode, 5)
        self.assertIn(b"neptune: app.exe ended with 0xC0000005", done.stderr)

    def test_input_comes_back(self):
        data = os.urandom(3 << 20)
        done = self.neptune("run", self.app, fake="cat", stdin=data)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr, b"")
        self.assertTrue(done.stdout == data)

    def test_input_from_a_file_and_from_nowhere(self):
        text = self.file("in.txt", b"hello\n")
        with open(text, "rb") as source:
            done = subprocess.run(self.command("run", self.app), stdin=source, capture_output=True, check=False, timeout=60,
                                  env=dict(self.environment, NEPTUNE_FAKE="cat"))
        self.assertEqual((done.returncode, done.stdout), (0, b"hello\n"))
        line = " ".join(self.command("run", self.app)) + " <&-"
        done = subprocess.run(["sh", "-c", line], capture_output=True, check=False, timeout=60, env=dict(self.environment, NEPTUNE_FAKE="cat"))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_much_output(self):
        done = self.neptune("run", self.app, fake="much:5000")
        self.assertEqual(len(done.stdout), 5000 * 128 * 8)

    def test_a_reader_that_leaves(self):
        line = " ".join(self.command("run", self.app)) + " | head -c 10"
        done = subprocess.run(["bash", "-c", line + '; exit ${PIPESTATUS[0]}'], capture_output=True, check=False, timeout=60,
                              env=dict(self.environment, NEPTUNE_FAKE="much:100000"))
        self.assertEqual((done.returncode, done.stderr), (141, b""))

    def test_errors_of_the_machine(self):
        for fake, text in {"panic": "the system stopped: mm/pool.cpp:12: out of pages", "error:cannot start it": "app.exe: cannot start it",
                           "dies": "turned off before the program ended; its log ends with: fake machine",
                           "complains": "QEMU: cannot set up guest memory", "babble": "something unknown"}.items():
            with self.subTest(fake=fake):
                self.expect_error(self.neptune("run", self.app, fake=fake), text, 125)

    def test_timeout(self):
        start = time.monotonic()
        self.expect_error(self.neptune("run", "--timeout", "0.5", self.app, fake="silent"), "did not end within 0.5 seconds", 124)
        self.assertLess(time.monotonic() - start, 20)

    def test_a_machine_that_does_not_turn_off(self):
        start = time.monotonic()
        self.assertEqual(self.neptune("run", self.app, fake="lingers").returncode, 0)
        self.assertLess(time.monotonic() - start, 20)

    def test_log(self):
        log = self.folder / "log.txt"
        self.assertEqual(self.neptune("run", "--log", log, self.app).returncode, 0)
        self.assertEqual(log.read_bytes(), b"fake machine\r\n")
        self.assertIn(b"fake machine", self.neptune("run", "-v", self.app).stderr)

    def test_signals_end_the_machine(self):
        for number, code in {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGKILL: -9}.items():
            with self.subTest(number=number):
                marker = f"id=marker{number}"
                child = subprocess.Popen(self.command("run", "--qemu-arg", marker, self.app), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, env=dict(self.environment, NEPTUNE_FAKE="silent"))
                self.wait_for(lambda: running(marker, self.environment["NEPTUNE_QEMU"]))
                child.send_signal(number)
                _, errors = child.communicate(timeout=30)
                self.assertEqual((child.returncode, errors), (code, b""))
                self.wait_for(lambda: not running(marker, self.environment["NEPTUNE_QEMU"]))

    def wait_for(self, condition):
        end = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), end, "took too long")
            time.sleep(0.05)

    def test_nothing_is_left_behind(self):
        before = sorted(path for path in self.folder.rglob("*"))
        self.neptune("run", self.app)
        self.neptune("run", "--timeout", "0.2", self.app, fake="silent")
        self.assertEqual(before, sorted(path for path in self.folder.rglob("*")))

    def test_options_reach_qemu(self):
        text = self.neptune("run", "--memory", "512", "--icount", "--qemu-arg=-s", self.app, "--memory", "3", fake="arguments").stdout.decode()
        self.assertIn("-m 512", text)
        self.assertIn("-icount shift=0,sleep=off", text)
        self.assertTrue(text.endswith(" -s"))

    def test_arguments_and_environment(self):
        done = self.neptune("run", "--env", "A=b c", "--env", "TEMP=C:\\t", "--", self.app, "a b", 'say "x"', "-v", "two\nlines", "", fake="show:neptune.ini")
        rows = done.stdout.decode().splitlines()
        self.assertIn("mode=run", rows)
        self.assertIn(r"image=C:\work\app.exe", rows)
        self.assertIn("directory=Z:\\", rows)
        self.assertIn("env=A=b c", rows)
        self.assertIn(r"env=TEMP=C:\t", rows)
        self.assertIn(r"env=SystemRoot=C:\Windows", rows)
        at = rows.index('command=C:\\work\\app.exe "a b" "say \\"x\\"" -v "two')
        self.assertEqual(rows[at + 1], '\tlines" ""')

    def test_batch_file(self):
        script = self.file("a b.cmd", b"@echo hi\r\n")
        rows = self.neptune("run", script, "x y", fake="show:neptune.ini").stdout.decode().splitlines()
        self.assertIn(r"image=C:\Windows\System32\cmd.exe", rows)
        self.assertIn(r'command=C:\Windows\System32\cmd.exe /d /s /c ""C:\work\a b.cmd" "x y""', rows)

    def test_system_program(self):
        rows = self.neptune("run", "cmd", "/c", "ver", fake="show:neptune.ini").stdout.decode().splitlines()
        self.assertIn(r"image=C:\Windows\System32\cmd.exe", rows)

    def test_shell(self):
        rows = self.neptune("shell", fake="show:neptune.ini").stdout.decode().splitlines()
        self.assertIn("mode=shell", rows)

    def test_files(self):
        self.file("data/deep/x.txt", b"12345")
        self.file("data/.hidden", b"")
        self.file("one.bin", b"1")
        done = self.neptune("run", "--with", self.folder / "data", "--with", f"{self.folder}/one.bin=sub/uno.bin", "--with",
                            f"{self.folder}/one.bin=C:\\top\\two.bin", self.app, fake="list")
        rows = dict(line.rsplit(" ", 1) for line in done.stdout.decode().splitlines())
        for name, size in {"work/app.exe": str(self.app.stat().st_size), "work/data/deep/x.txt": "5", "work/data/.hidden": "0", "work/sub/uno.bin": "1",
                           "top/two.bin": "1", "Windows/System32/locale.nls": "701422", "Users/neptune/AppData/Local/Temp": "0"}.items():
            self.assertEqual(rows.get(name), size, name)
        for name in ("kernel32.dll", "kernelbase.dll", "ntdll.dll", "smss.exe", "cmd.exe", "apisetschema.dll", "ucrtbase.dll"):
            self.assertIn(f"Windows/System32/{name}", rows)
        self.assertLess(int(rows["Windows/System32/ntdll.dll"]), 10000, "ours, not Wine's")

    def test_dlls_beside_the_program(self):
        self.file("own.dll", program(["other.dll", "KERNEL32.dll"], dll=True))
        self.file("other.dll", program(dll=True))
        self.file("unrelated.dll", program(dll=True))
        app = self.file("needs.exe", program(["own.dll", "api-ms-win-core-file-l1-1-0.dll"]))
        rows = self.neptune("run", app, fake="list").stdout.decode()
        self.assertIn("work/own.dll", rows)
        self.assertIn("work/other.dll", rows)
        self.assertNotIn("unrelated", rows)

    def test_usage(self):
        nothing = self.neptune()
        self.assertEqual(nothing.returncode, 2)
        self.assertIn(b"./neptune run", nothing.stdout)
        for words, text in {("run", "--memry", "3", "x"): "did you mean --memory?", ("runn",): "did you mean run?",
                            ("app.exe",): "./neptune run app.exe", ("run", "--memory", "0", "x"): "not a positive whole number",
                            ("run", "--timeout", "-1", "x"): "timeout", ("run", ""): "the program's name is empty",
                            ("run", "--env", "novalue", str(self.app)): "--env NAME=VALUE",
                            ("run", "--with", "/no/such", str(self.app)): "there is no file or folder /no/such",
                            ("run", "--memory", "8", str(self.app)): "needs at least",
                            ("run", "--log", "/no/such/log", str(self.app)): "--log /no/such/log: No such file or directory",
                            ("build", "mars"): "there are host, elf, pe", ("fetch", "ripgrap"): "did you mean ripgrep?"}.items():
            with self.subTest(words=words):
                self.expect_error(self.neptune(*words), text, 2)
        for command in ("run", "shell", "test", "bench", "fuzz", "image", "build", "fetch", "check"):
            done = self.neptune(command, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertGreater(len(done.stdout), 200)

    def test_wrong_programs(self):
        cases = {
            "no-such.exe": (None, "there is no such file"),
            "text.exe": (b"#!/bin/sh\n", "is not a Windows program"),
            "empty.exe": (b"", "is empty"),
            "linux.exe": (b"\x7fELF" + bytes(100), "is a Linux program"),
            "dos.exe": (b"MZ" + bytes(200), "is a DOS or 16-bit program"),
            "x86.exe": (program(machine=0x14C), "is for 32-bit x86"),
            "arm.exe": (program(machine=0xAA64), "is for 64-bit ARM"),
            "net.exe": (program(clr=True), "is a .NET program"),
            "lib.exe": (program(dll=True), "is a DLL"),
            "driver.sys": (program(["ntoskrnl.exe"]), "is a driver"),
            "short.exe": (program()[:0x300], "is cut short"),
            "shorter.exe": (program()[:0x90], "is damaged"),
            "cut.exe": (program(["a.dll"])[:0x500], "is cut short"),
            "dll.exe": (program(["foo.dll"]), "dll.exe needs foo.dll, which is not here (looked in"),
            "set.exe": (program(["api-ms-win-nonsense-l1-1-0.dll"]), "needs api-ms-win-nonsense-l1-1-0.dll, which is not here"),
        }
        for name, (content, text) in cases.items():
            with self.subTest(name=name):
                path = self.folder / "wrong" / name
                if content is not None:
                    self.file(f"wrong/{name}", content)
                self.expect_error(self.neptune("run", path), text, 2)
        self.expect_error(self.neptune("run", self.folder), "is a folder", 2)

    def test_missing_parts_of_the_system(self):
        (self.build / "elf/ntos/ntoskrnl.elf").unlink()
        self.expect_error(self.neptune("run", self.app), "ntoskrnl.elf is not there", 1)

    def test_image(self):
        done = self.neptune("image", "--folder", self.folder / "out", self.app, "x")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(sorted(path.name for path in (self.folder / "out").iterdir()), ["image", "kernel32.elf"])


def running(marker, command):
    """Is there a process of the stand-in QEMU with this argument?"""
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if marker.encode() in words and command.encode() in words:
                return True
    return False


if __name__ == "__main__":
    unittest.main()
