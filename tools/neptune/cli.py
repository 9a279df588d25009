"""The command line of ./neptune."""
import argparse
import contextlib
import difflib
import os
import pathlib
import sys

from .report import Failure, Progress

OVERVIEW = """\
Neptune runs Windows programs on seL4: the NT Executive is a user process of the seL4 microkernel, in a QEMU virtual machine.

  ./neptune run                       a demonstration: builds what is missing, boots, runs a real Windows program
  ./neptune run app.exe args...       runs your program; its output and exit code become this command's
  ./neptune shell                     a command prompt inside
  ./neptune test                      builds everything and runs all tests
"""

EXIT_CODES = """\
exit codes of run and shell:
  the program's own, when it is 0 to 255; a larger one is told with -v and becomes its low byte (1 when that is 0);
  2 wrong options or files, 124 --timeout has passed, 125 the machine or the system failed, 130 Ctrl-C, 1 any other error
"""

BUSES = ("ahci", "nvme", "virtio")

class Parser(argparse.ArgumentParser):
    """argparse with one-line errors that say what would have been right."""

    def __init__(self, *arguments, **named):
        named.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        named.setdefault("allow_abbrev", False)
        super().__init__(*arguments, **named)

    def error(self, message):
        raise Failure(f"{self.where()}{message}; see {self.prog} --help", 2)

    def where(self):
        return "" if self.prog == "./neptune" else f"{self.prog.split()[-1]}: "

    def options(self):
        return [text for action in self._actions for text in action.option_strings]

    def unknown(self, words):
        word = words[0]
        if not word.startswith("-"):
            self.error(f"unexpected argument {word!r}")
        near = difflib.get_close_matches(word.split("=")[0], self.options(), 1)
        self.error(f"unknown option {word.split('=')[0]}" + (f" (did you mean {near[0]}?)" if near else ""))

def positive(text):
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return value

def seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e7:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time in seconds")
    return value

def content_options(parser):
    group = parser.add_argument_group("what is in the machine")
    group.add_argument("--with", dest="with_", metavar="HOST[=GUEST]", action="append",
                       help="put a file or folder of the host into the machine: into C:\\work by its own name, or to GUEST, relative to C:\\work "
                            "or absolute (C:\\data\\in.txt). DLLs and programs among them bring what they import. May be repeated")
    group.add_argument("--driver", metavar="FILE.sys", action="append",
                       help="start this driver, in a process of its own, before the program; one named as a driver of the system (fastfat.sys) takes its place. "
                            "May be repeated, in the order they need each other")
    group.add_argument("--env", metavar="NAME=VALUE", action="append", help="an environment variable for the program. May be repeated")

def machine_options(parser):
    content_options(parser)
    group = parser.add_argument_group("what the machine sees of the host")
    group.add_argument("--share", metavar="HOSTDIR[:DRIVE][:ro]", action="append",
                       help="show this folder, live, as a drive (Z:, Y: ... unless DRIVE says; :ro for reading only), besides the current folder. "
                            "May be repeated")
    group.add_argument("--no-share", action="store_true", help="do not share the current folder; programs start in C:\\work")
    group = parser.add_argument_group("the machine")
    group.add_argument("--disk", metavar="FILE", help="a disk image of ./neptune image is C:, what is changed there stays")
    group.add_argument("--bus", metavar="BUS", help=f"how the disk is connected: {', '.join(BUSES)} (default {BUSES[0]})")
    group.add_argument("--data-disk", metavar="FILE[:BUS]", action="append",
                       help="one more disk, with what partitions it has; those with FAT get drive letters, from D: on. May be repeated")
    group.add_argument("--bios", action="store_true", help="let the disk boot itself, by its boot loader, and run what the image was made for")
    group.add_argument("--memory", metavar="MIB", type=positive, help="memory of the machine (default 256, more for big programs)")
    group.add_argument("--timeout", metavar="SECONDS", type=seconds, help="end the machine after this time, with exit code 124")
    group.add_argument("--icount", action="store_true",
                       help="let guest time count instructions: the same on every run, but slower (QEMU's -icount shift=0,sleep=off)")
    group.add_argument("--qemu-arg", metavar="ARG", action="append", help="one more argument for QEMU (--qemu-arg=-s). May be repeated")
    group = parser.add_argument_group("what you see")
    group.add_argument("--console", action="store_true", help="give the program a console on this terminal: Win32 console functions, editing of lines, Ctrl-C as a key. "
                       "It has one anyway when input and output are a terminal's; Ctrl-] ends the machine then")
    group.add_argument("--no-console", action="store_true", help="streams of bytes, even on a terminal")
    group.add_argument("-v", "--verbose", action="store_true", help="show the system's log and more on stderr")
    group.add_argument("--log", metavar="FILE", help="keep the system's log in FILE")
    parser.add_argument("--no-build", action="store_true", help="take the system as built last time, without looking for changes")

def make_parser():
    parser = Parser(prog="./neptune", description=OVERVIEW, epilog="./neptune COMMAND --help tells more about each.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=Parser)

    def add(name, summary, description="", epilog=""):
        return commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.\n{description}", epilog=epilog)

    run = add("run", "boot, run a Windows program, give back its output and exit code", """
The program is a 64-bit Windows executable (.exe), a batch file (.bat, .cmd), or the name of a program of the system (cmd.exe, reg.exe).
It starts in the current folder, which is the drive Z:, so file names mean what they mean here and what it writes is here. A program that lies
in a shared folder runs where it is, beside its own files; another one is copied to C:\\work, with the DLLs it imports that lie beside it. With --with
it starts in C:\\work, among these files.
Standard input, output and error are connected to this command's. Options go before the program: all after it is the program's.
Without a program: a demonstration.""", EXIT_CODES + """
examples:
  ./neptune run shfmt.exe -i 2 -w script.sh
  ./neptune run --share ~/data:D:ro rg.exe pattern D:\\
  ./neptune run --with src --with config.json esbuild.exe src/index.ts --bundle
  ./neptune run --timeout 60 --env LANG=C cmd.exe /c "dir C:\\Windows"
""")
    machine_options(run)
    run.add_argument("words", metavar="PROGRAM ARGUMENT", nargs=argparse.REMAINDER, help="the program, and what it gets as arguments")

    shell = add("shell", "boot to a command prompt (cmd.exe)", """
End it with `exit`; on a terminal with Ctrl-], otherwise with the end of the input or Ctrl-C.""", EXIT_CODES)
    machine_options(shell)

    test = add("test", "build everything and run all tests", """
Host tests (the Executive on an in-memory kernel), this tool's own, programs inside the machine, real Windows programs out of packages, and
Wine's conformance tests. Ends with CTest's summary; the exit code is CTest's.""", """
examples:
  ./neptune test                      all
  ./neptune test -R apps              only tests whose name matches
  ./neptune test --list               their names
""")
    test.add_argument("-R", "--match", metavar="REGEX", help="only tests whose name matches")
    test.add_argument("-E", "--exclude", metavar="REGEX", help="not those whose name matches")
    test.add_argument("-L", "--label", metavar="REGEX", help="only tests with this label: host, tools, guest, apps, wine")
    test.add_argument("-j", "--jobs", metavar="N", type=positive, help="tests at the same time (default: half the processors, at least one)")
    test.add_argument("--list", action="store_true", help="print the tests' names only")
    test.add_argument("-v", "--verbose", action="store_true", help="show the tests' output")

    bench = add("bench", "measure, in guest instructions", """
Prints a table; every figure is the number of instructions executed in the guest, the same on every machine and run.""", """
examples:
  ./neptune bench null_call cached_read_4k
  ./neptune bench --json figures.json
""")
    bench.add_argument("--json", metavar="FILE", help="also write the figures to FILE")
    bench.add_argument("--win32", action="store_true", help="run the Win32 micro-benchmark instead")
    bench.add_argument("--no-build", action="store_true", help="take the system as built last time")
    bench.add_argument("rows", metavar="ROW", nargs="*", help="only these rows")

    fuzz = add("fuzz", "call system services with random arguments from a hostile process", """
The system must survive, leak nothing and still run a program afterwards. The seed is printed; the same seed makes the same calls.""")
    fuzz.add_argument("--seed", metavar="N", type=int, help="the sequence of calls (default: a new one)")
    fuzz.add_argument("--calls", metavar="N", type=positive, default=100000, help="how many calls (default %(default)s)")
    fuzz.add_argument("--timeout", metavar="SECONDS", type=seconds, default=1200, help="give up after this time (default %(default)s)")
    fuzz.add_argument("--no-build", action="store_true", help="take the system as built last time")
    fuzz.add_argument("-v", "--verbose", action="store_true", help="show the system's log on stderr")

    image = add("image", "write a disk image that boots by itself and keeps what programs write", """
One FAT32 partition holds the boot loader (GRUB), the kernel and the volume C:. Any PC with a BIOS starts from it, QEMU too;
./neptune run --disk FILE uses it as C:. The same files make the same image.""", """
examples:
  ./neptune image -o disk.img                       C: with the system, a command prompt when it boots by itself
  ./neptune image -o disk.img --with src app.exe    C: with a program, which runs when it boots by itself
  ./neptune run --disk disk.img cmd.exe /c "echo hello > C:\\work\\note.txt"
  ./neptune image --folder out app.exe              only kernel32.elf and image, for `qemu -kernel ... -initrd ...`
""")
    content_options(image)
    image.add_argument("-o", "--output", metavar="FILE", help="the disk image to be made")
    image.add_argument("--folder", metavar="FOLDER", help="instead of a disk image: the kernel and a boot image for a multiboot loader, with C: in memory")
    image.add_argument("--size", metavar="MIB", type=positive, help="size of the disk (default: what is needed and 256 MiB; unused space takes none)")
    image.add_argument("--force", action="store_true", help="replace FILE if it is there, and everything on it")
    image.add_argument("--no-build", action="store_true", help="take the system as built last time, without looking for changes")
    image.add_argument("words", metavar="PROGRAM ARGUMENT", nargs=argparse.REMAINDER, help="what it runs; a command prompt without")

    build = add("build", "build the system", """
Worlds: elf (kernel and Executive), pe (ntdll and all Windows parts), host (unit tests). Packages that are missing are installed first.""")
    build.add_argument("-j", "--jobs", metavar="N", type=positive, help="compilers at the same time")
    build.add_argument("worlds", metavar="WORLD", nargs="*", help="only these (default: all)")

    sdk = add("sdk", "install the driver kit", """
Headers, import libraries, CMake functions and a sample: with them, clang and CMake build Windows drivers (.sys) from sources made for
Microsoft's WDK, without this tree. docs/driver-guide.md shows how.""", """
example:
  ./neptune sdk --install ~/neptune-sdk
""")
    sdk.add_argument("--install", metavar="FOLDER", type=pathlib.Path, required=True, help="where to: a new folder, or an older kit to replace")

    fetch = add("fetch", "bring everything from package registries that building and testing need", """
Installs missing Debian packages and downloads the pinned ones of tools/deps.toml into the cache; nothing needs the network after that.""")
    fetch.add_argument("names", metavar="NAME", nargs="*", help="only these packages of tools/deps.toml")

    check = add("check", "check the rules of the tree", """
White space, include rules, file lengths, Python syntax and unused imports, paths of one machine, URLs in scripts, and what
`git diff --check` finds.""")
    check.add_argument("--fix", action="store_true", help="mend white space instead of complaining about it")
    check.add_argument("--tidy", action="store_true", help="also run clang-tidy over the host world (slow)")
    check.add_argument("paths", metavar="FILE", nargs="*", help="only these files or folders")
    return parser, commands

def parse(words):
    parser, commands = make_parser()
    # argparse would take an unknown first word for a bad choice of many lines.
    first = next((word for word in words if not word.startswith("-")), None)
    if first is not None and first == words[0] and first not in commands.choices:
        near = difflib.get_close_matches(first, list(commands.choices), 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(commands.choices)}"
        if first.lower().endswith((".exe", ".bat", ".cmd")):
            hint = f"to run a program: ./neptune run {first}"
        raise Failure(f"unknown command {first!r}; {hint}", 2)
    options, rest = parser.parse_known_args(words)
    if rest:
        (commands.choices.get(options.command) or parser).unknown(rest)
    if options.command is None:
        parser.print_help()
        raise SystemExit(2)
    if options.command in ("run", "shell"):
        check_disk_options(options)
    if options.command == "image":
        check_image_options(options)
    if options.command in ("run", "image"):
        if options.words[:1] == ["--"]:
            del options.words[0]
        options.program = options.words[0] if options.words else None
        options.arguments = options.words[1:]
        if options.program == "":
            raise Failure(f"{options.command}: the program's name is empty", 2)
    return options

def check_disk_options(options):
    if options.disk is None and (options.bus or options.bios):
        raise Failure(f"{options.command}: {'--bios' if options.bios else '--bus'} is for a disk: give --disk FILE", 2)
    if options.bus and options.bus not in BUSES:
        near = difflib.get_close_matches(options.bus, BUSES, 1)
        raise Failure(f"{options.command}: --bus {options.bus}: " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(BUSES)}"), 2)
    options.bus = options.bus or BUSES[0]
    if options.console and (options.no_console or options.bios):
        raise Failure(f"{options.command}: --console does not go with {'--no-console' if options.no_console else '--bios'}", 2)
    if options.bios:
        if getattr(options, "words", None) or options.command == "shell":
            raise Failure(f"{options.command}: with --bios the disk runs what it was made for; name no program", 2)
        if options.with_ or options.driver or options.env:
            raise Failure(f"{options.command}: with --bios the disk is taken as it is; --with, --driver and --env are for ./neptune image", 2)

def check_image_options(options):
    if (options.output is None) == (options.folder is None):
        raise Failure("image: say where to: -o FILE for a disk image, or --folder FOLDER for the boot files", 2)
    if options.folder is not None and (options.size or options.force):
        raise Failure(f"image: {'--size' if options.size else '--force'} is for disk images (-o FILE)", 2)

def dispatch(options):
    if options.command == "run":
        from . import run
        return run.run(options)
    if options.command == "shell":
        from . import run
        return run.shell(options)
    if options.command == "image":
        from . import image
        return image.write(options)
    if options.command == "build":
        from . import build
        wrong = [world for world in options.worlds if world not in build.WORLDS]
        if wrong:
            raise Failure(f"build: unknown world {wrong[0]!r}; there are {', '.join(build.WORLDS)}", 2)
        build.build(tuple(options.worlds) or build.WORLDS, options.jobs)
        return 0
    if options.command == "sdk":
        from . import sdk
        return sdk.sdk(options)
    if options.command == "fetch":
        return fetch_all(options.names)
    if options.command == "test":
        from . import testing
        return testing.test(options)
    if options.command == "bench":
        from . import bench
        return bench.bench(options)
    if options.command == "fuzz":
        from . import fuzz
        return fuzz.fuzz(options)
    from . import check
    return check.check(options)

def fetch_all(names):
    from . import deps, fetch
    known = {name: kind for kind in fetch.KINDS for name in deps.load().get(kind, {})}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), 1)
            raise Failure(f"fetch: {name} is not in tools/deps.toml" + (f" (did you mean {near[0]}?)" if near else ""), 2)
    if not names:
        deps.ensure("build", "test", "check")
    with Progress("fetching packages") as progress:
        for name in names or known:
            progress.update(name)
            fetch.unpacked(known[name], name)
    return 0

def open_standard_streams():
    """Descriptors 0 to 2 must be something, or files opened later take their numbers."""
    while True:
        fd = os.open(os.devnull, os.O_RDWR)
        if fd > 2:
            os.close(fd)
            return

def main(words=None):
    open_standard_streams()
    from . import qemu
    qemu.terminate_cleanly()
    try:
        return dispatch(parse(sys.argv[1:] if words is None else words))
    except Failure as failure:
        Progress.clear_current()
        with contextlib.suppress(OSError):
            print(f"neptune: {failure}", file=sys.stderr, flush=True)
        return failure.code
    except KeyboardInterrupt:
        Progress.clear_current()
        return 130
    except qemu.Terminated as terminated:
        return 128 + terminated.number
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except OSError as error:
        Progress.clear_current()
        where = f"{error.filename}: " if error.filename else ""
        print(f"neptune: {where}{error.strerror or error}", file=sys.stderr)
        return 1
