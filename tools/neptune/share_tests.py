"""Folders of the host as drives, in the machine: programs out of packages work on a scratch folder, and what they leave is looked at on the host."""
import argparse
import os
import shutil
import subprocess
import time

from . import app_tests, batch, closure, content, files, paths, qemu, share

HERE = paths.ROOT / "tests/share"
LIMIT = 180


class Tests:
    """One scratch folder, and what is wrong with it."""

    def __init__(self, folder):
        self.folder = folder
        self.library = closure.Library()
        self.hosts = {}
        self.bad = self.count = 0

    def path(self, name):
        return self.folder / name

    def write(self, name, data):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def use(self, suite):
        """The program of a suite of tests/apps, in C:\\work."""
        loaded = app_tests.load(suite)
        self.hosts.update(loaded.hosts)
        return rf"C:\work\{loaded.program}"

    def volume(self, *_):
        volume = content.Volume(self.library)
        for name, host in self.hosts.items():
            volume.add_path(f"{content.WORK}/{name}", host)
        volume.roots.append(self.library.find("cmd.exe"))
        volume.shares = [share.Share(str(self.folder), "Z")]
        return volume

    def check(self, name, good, why=""):
        self.count += 1
        self.bad += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}" + ("" if good or not why else f": {why}"), flush=True)

    def same(self, name, got, want):
        self.check(name, got == want, f"{app_tests.shorten(str(got))}, expected {app_tests.shorten(str(want))}")

    def read(self, name):
        try:
            return self.path(name).read_bytes()
        except OSError as error:
            return error.strerror.encode()


def self_of(test, suite):
    """The file of a suite's program on the host."""
    return test.hosts[app_tests.load(suite).program]


CMD = r"C:\Windows\System32\cmd.exe"


def program(image, *arguments, folder=""):
    return content.Program(image, list(arguments), "Z:\\" + folder)


def numbers(count, seed):
    """The bytes files.js makes."""
    out = bytearray(count)
    for index in range(count):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        out[index] = seed >> 16 & 0xFF
    return bytes(out)


def prepare_node(test):
    for number in range(1000):
        test.write(f"node/many/file {number:04}.txt", "x" * number)
    odd = os.fsencode(test.path("node/odd"))
    os.makedirs(odd)
    for name, text in {b"a:b": "colon", b"back\\slash": "backslash", b"dot.": "dot", b"space ": "space", b"what?": "question", b"\xff\xfe": "bytes",
                       "\u00e4\u20ac.txt".encode(): "umlaut", b"Same": "one", b"same": "two"}.items():
        with open(odd + b"/" + name, "w", encoding="ascii") as file:
            file.write(text)
    test.write("node/target.txt", "target\n")
    test.write("node/folder/inside.txt", "inside\n")
    test.write("node/files.js", (HERE / "files.js").read_bytes())
    for name, target in {"link-to-file": "target.txt", "link-to-folder": "folder", "link-outside": "../../../../../../etc/passwd", "link-absolute": "/etc/passwd",
                         "link-loop": "link-loop", "link-to-go": "target.txt", "link-to-move": "target.txt", "link-up": "../../../../../../etc"}.items():
        os.symlink(target, test.path(f"node/{name}"))


def check_node(test, result):
    text = result.stdout.decode(errors="replace")
    for line in text.splitlines():
        if line.startswith(("ok ", "not ok ")):
            test.check("node: " + line.partition(" - ")[2], line.startswith("ok "))
    test.check("node came to its end", "\n1..10" in text and result.code == 0, f"code {result.code}, {result.trouble}, {app_tests.shorten(text + result.stderr.decode(errors='replace'))}")
    for count in (0, 1, 4096, 65537):
        test.check(f"the host has the {count} bytes", test.read(f"node/size-{count}.bin") == numbers(count, count))
    test.same("the host has the three megabytes", len(test.read(f"node/size-{3 << 20}.bin")), 3 << 20)
    test.same("the edited file", test.read("node/edit.txt"), b"Jello wor")
    test.same("the moved folder", test.read("node/a/moved/c/d/deep.txt"), b"deep")
    test.same("one file for all cases", test.read("node/MixedCase.txt"), b"z")
    test.check("the renamed one has its new case", "Other.txt" in os.listdir(test.path("node")))
    test.same("the copy", test.read("node/copy.bin"), numbers(65537, 65537))
    test.same("the time", int(os.stat(test.path("node/times.txt")).st_mtime), 1234567890)
    test.same("read-only", os.stat(test.path("node/fixed.txt")).st_mode & 0o222, 0)
    odd = set(os.listdir(os.fsencode(test.path("node/odd"))))
    test.same("the odd names", odd, {b"a:b", b"back\\slash", b"plain", b"space ", b"\xff\xfe", "\u00e4\u20ac.txt".encode(), b"Same", b"same", b":new"})
    test.same("deleting and renaming a link leaves its target", (test.read("node/target.txt"), os.path.lexists(test.path("node/link-to-go")),
              os.readlink(test.path("node/link-moved"))), (b"target\n", False, "target.txt"))
    test.same("links are what they were", os.readlink(test.path("node/link-outside")), "../../../../../../etc/passwd")


def several(test):
    """Programs one after the other in one machine."""
    steps = []

    def add(name, what, check):
        steps.append((name, what, check))

    for number in range(30):
        test.write(f"src/part{number}/file{number}.c", f"int value{number};\n// needle {number}\n" if number % 3 == 0 else f"int value{number};\n")
    add("ripgrep", program(test.use("ripgrep"), "--sort", "path", "-n", "needle", "src"), lambda r: test.same(
        "rg finds it all", sorted(r.stdout.decode().split("\n")),
        sorted(["", *(f"src\\part{n}\\file{n}.c:2:// needle {n}" for n in range(0, 30, 3))])))
    seven = test.use("7zip")
    add("7za packs", program(seven, "a", "-bd", "out.7z", "src"), lambda r: test.check("7za packs", r.code == 0 and test.path("out.7z").exists(), r.stdout.decode()))
    add("7za unpacks", program(seven, "x", "-bd", "-ounpacked", "out.7z"), lambda r: test.same(
        "what 7za unpacks is what it packed", subprocess.run(["diff", "-r", test.path("src"), test.path("unpacked/src")], check=False).returncode, 0))
    test.write("pretty.py", "def  f( a,b ):\n  return a+b\n")
    add("ruff", program(test.use("ruff"), "format", "--no-cache", "pretty.py"), lambda r: test.same("ruff formats in place", test.read("pretty.py"), b"def f(a, b):\n    return a + b\n"))
    test.write("bundle/in.ts", "import { two } from './lib/two'\nconsole.log(two as number)\n")
    test.write("bundle/lib/two.ts", "export const two: number = 2\n")
    add("esbuild", program(test.use("esbuild"), "in.ts", "--bundle", "--minify", "--outfile=out/bundle.js", folder="bundle"), lambda r: test.same(
        "esbuild bundles", test.read("bundle/out/bundle.js"), b"(()=>{console.log(2);})();\n"))
    make = test.use("make")
    test.write("make/Makefile", "all: b.txt c.txt\n%.txt: a.in\n\tcmd /c copy a.in $@\n")
    test.write("make/a.in", "from make\r\n")
    add("make", program(make, "-s", folder="make"), lambda r: (test.same("make makes", (test.read("make/b.txt"), test.read("make/c.txt")), (b"from make\r\n",) * 2)))
    add("make again", program(make, folder="make"), lambda r: test.check("make knows what is made", b"Nothing to be done" in r.stdout, r.stdout.decode() + r.stderr.decode()))
    test.write("cmd/one.txt", "1\r\n")
    test.write("cmd/two.txt", "2\r\n")
    test.write("cmd/old.txt", "old")
    test.write("cmd/do.cmd", "@echo off\r\ncopy one.txt three.txt >nul\r\nren two.txt zwei.txt\r\ndel old.txt\r\nmd sub\\deep\r\ncopy *.txt sub\\deep >nul\r\n"
               "echo line>>three.txt\r\nmove three.txt sub\\drei.txt >nul\r\nrd sub\\none 2>nul\r\nmd empty\r\nrd empty\r\ndir /b /on\r\n")
    add("cmd", program(CMD, "/d", "/c", "do.cmd", folder="cmd"), lambda r: (
        test.same("cmd lists", r.stdout.decode().split(), ["do.cmd", "one.txt", "sub", "zwei.txt"]),
        test.same("cmd copies", sorted(os.listdir(test.path("cmd/sub/deep"))), ["one.txt", "three.txt", "zwei.txt"]),
        test.same("cmd moves and appends", test.read("cmd/sub/drei.txt"), b"1\r\nline\r\n"),
        test.check("cmd deletes", not test.path("cmd/old.txt").exists() and not test.path("cmd/empty").exists())))
    add("dir", program(CMD, "/d", "/c", "dir", "/a", "Z:\\cmd"), lambda r: test.check("dir tells of volume and sizes", b"zwei.txt" in r.stdout and b"bytes free" in r.stdout, r.stdout.decode()))
    # Programs that lie in the folder are run from there.
    test.write("run/one.txt", "1\n")
    shutil.copy(self_of(test, "ripgrep"), test.path("run/find it.exe"))
    add("a program of the folder", program(CMD, "/d", "/c", "find it.exe", "-c", "1", "one.txt", folder="run"), lambda r: test.same(
        "a program of the folder runs", r.stdout.decode().strip(), "1"))
    prepare_node(test)
    add("node", program(test.use("node"), "files.js", folder="node"), lambda r: check_node(test, r))
    results = batch.run(test.volume, [what for _, what, _ in steps], [LIMIT] * len(steps), memory=768)
    for (name, _, check), result in zip(steps, results):
        before = test.bad
        if result.trouble or isinstance(result.code, str):
            test.check(name, False, result.trouble or result.code)
        else:
            check(result)
        if test.bad != before:
            print(f"    code {result.code}; stderr {app_tests.shorten(result.stderr.decode(errors='replace'))}\n{batch.log_excerpt(result)}")


class Talker:
    """Types commands at a prompt and does something on the host between them."""
    fd = None

    def __init__(self, steps):
        self.steps = steps      # (command, function of what it printed)
        self.data = bytearray()
        self.at = -1
        self.read_end, self.write_end = os.pipe()
        self.send()

    def send(self):
        self.at += 1
        if self.at < len(self.steps):
            os.write(self.write_end, f"{self.steps[self.at][0]} & echo DONE{self.at + 100}\r\n".encode())
        else:
            os.write(self.write_end, b"exit\r\n")

    def write(self, data):
        self.data += data
        mark = f"DONE{self.at + 100}\r\n".encode()
        while self.at < len(self.steps) and (end := self.data.find(mark)) >= 0:
            self.steps[self.at][1](bytes(self.data[:end]))
            del self.data[:end + len(mark)]
            self.send()
            mark = f"DONE{self.at + 100}\r\n".encode()

    def full(self):
        return False


def live(test):
    """The host changes files while the machine runs."""
    test.write("live/a.txt", "one")
    test.write("live/gone.txt", "here")
    seen = []

    def then(name, want, action=None):
        def run(out):
            test.check(name, want in out if isinstance(want, bytes) else want(out), repr(out))
            seen.append(name)
            if action:
                action()
        return run

    def rename():
        os.rename(test.path("live/sub"), test.path("live/other"))
        os.utime(test.path("live/other/new.txt"), (1, 930000000))

    steps = [
        ("cd /d Z:\\live & type a.txt", then("the file as it was", b"one", lambda: test.write("live/a.txt", "two, and longer"))),
        ("type a.txt", then("the file as the host changed it", b"two, and longer", lambda: os.remove(test.path("live/gone.txt")))),
        ("if not exist gone.txt echo it is away", then("a file the host removed", b"it is away", lambda: test.write("live/sub/new.txt", "new"))),
        ("dir /b & type sub\\NEW.txt", then("a folder the host made", lambda out: b"sub" in out and b"new" in out, rename)),
        ("dir /b & type OTHER\\new.txt & dir other", then("what the host renamed", lambda out: b"sub" not in out and b"new" in out and b"1999" in out,
                                                         lambda: test.write("live/CamelCase.Txt", "camel"))),
        ("type camelcase.txt", then("a new name in another case", b"camel", lambda: test.write("live/a.txt", ""))),
        ("for %f in (a.txt) do @echo size %~zf.", then("a size", b"size 0.")),
        ("echo from the guest>back.txt", then("the host sees what the guest wrote", lambda out: test.read("live/back.txt").rstrip() == b"from the guest")),
    ]
    volume = test.volume()
    volume.programs = [program(CMD, "/q", "/d", "/k", "prompt $s")]
    talker = Talker(steps)
    image = content.BootImage(volume.finish("run"))
    try:
        with qemu.Machine(image, 256, shares=volume.shares) as machine:
            session = qemu.Session(machine, stdin=talker.read_end, stdout=talker, timeout=LIMIT)
            try:
                session.run()
            except qemu.MachineFailure as failure:
                test.check("the machine", False, f"{failure}; after {seen[-1:]}; {app_tests.shorten(talker.data.decode(errors='replace'))}")
    finally:
        image.close()
        for end in (talker.read_end, talker.write_end):
            os.close(end)


def read_only(test):
    test.write("ro/a.txt", "as it is")
    volume_for = test.volume

    def volume(*_):
        result = volume_for()
        result.shares = [share.Share(str(test.path("ro")), "R", True)]
        return result

    programs = [content.Program(CMD, ["/d", "/c", "type a.txt & echo x>b.txt & del a.txt & md sub & type a.txt"], "R:\\")]
    result, = batch.run(volume, programs, [LIMIT])
    test.same("a read-only share can be read", result.stdout.count(b"as it is"), 2)
    test.same("and nothing else", os.listdir(test.path("ro")), ["a.txt"])


PARTS = {"programs": several, "live": live, "read-only": read_only}


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py share", description="Runs programs on a shared folder.")
    parser.add_argument("names", metavar="PART", nargs="*", choices=[[], *PARTS], help="only these")
    options = parser.parse_args(words)
    batch.require_products()
    bad = count = 0
    for name in options.names or PARTS:
        with files.scratch(paths.BUILD / "scratch") as folder:
            started = time.monotonic()
            test = Tests(folder)
            PARTS[name](test)
            bad += test.bad
            count += test.count
            print(f"{name}: {time.monotonic() - started:.1f} s", flush=True)
    print(f"{count - bad} of {count} good")
    return 1 if bad or not count else 0
