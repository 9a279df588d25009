"""`neptune run` and `neptune shell`."""
import contextlib
import os
import sys

from . import build, content, deps, disk, fetch, paths, qemu, share, terminal
from .report import Failure, say

DEMO_SOURCE = b"""#include <cstdio>
int main(int argc,char**argv){for(int i=1;i<argc;++i){if(argv[i]){std::printf("%s\\n",argv[i]);}}
return argc>1?0:1;}
"""
FATAL = range(0xC0000000, 0xD0000000)


def exit_code(code):
    """The command's own exit code for a program's 32-bit one: itself up to 255, else its low byte, but never 0."""
    return code if code <= 255 else (code & 0xFF or 1)


def status_name(code):
    """STATUS_... for an NTSTATUS, from the Windows headers on this machine; empty when unknown."""
    for folder in ("/usr/share/mingw-w64/include", "/usr/x86_64-w64-mingw32/include"):
        with contextlib.suppress(OSError), open(f"{folder}/ntstatus.h", encoding="utf-8", errors="replace") as text:
            want = f"0x{code:08x}"
            for line in text:
                words = line.split()
                if len(words) >= 3 and words[0] == "#define" and words[1].startswith("STATUS_") and want in line.lower():
                    return words[1]
    return ""


def parse_environment(rows):
    variables = {}
    for row in rows or ():
        name, equals, value = row.partition("=")
        if not equals or not name:
            raise Failure(f"--env {row}: write --env NAME=VALUE", 2)
        variables[name] = value
    return variables


def prepare(options):
    """Everything that must be built and fetched before the machine can start."""
    if not options.no_build:
        build.build(("elf", "pe"))
    else:
        deps.ensure("build")
    build.require(paths.KERNEL, paths.EXECUTIVE, paths.NTDLL, paths.SMSS)


def run(options):
    environment = parse_environment(options.env)
    demo = options.program is None
    if demo and options.arguments:
        raise Failure("arguments without a program", 2)
    if not demo:
        early_check(options.program)
    target = find_disk(options)
    options.shares = find_shares(options, demo)
    options.uses_console = not demo and terminal.wanted(options)
    find_data_disks(options)
    prepare(options)
    if options.bios:
        return boot(None, options, options.disk, stdin=0)
    volume = collect(options)
    if demo:
        folder = fetch.unpacked("pypi", "clang-format")
        volume.archive.add_bytes("work/sample.cpp", DEMO_SOURCE)
        volume.add_program(str(folder / "clang_format/data/bin/clang-format.exe"), ["sample.cpp"], environment)
        say("no program given: this is clang-format.exe, the Windows one out of a PyPI package, formatting a sample (see ./neptune run --help)")
    else:
        volume.add_program(options.program, options.arguments, environment)
    image = content.BootImage(finish(volume, "run", target))
    name = os.path.basename(options.program or "clang-format.exe")
    return boot(image, options, name, stdin=None if demo else 0)


def find_disk(options):
    if not options.disk:
        return None
    deps.ensure("disk")
    return disk.inspect(options.disk)


def find_data_disks(options):
    """(path, bus) of each, and how many drive letters they get."""
    options.data_disks, options.volumes = [], 0
    for word in options.data_disk or ():
        path, _, bus = word.rpartition(":")
        if not path or bus not in qemu.DISK_DEVICES:
            path, bus = word, "ahci"
        if any(os.path.realpath(path) == os.path.realpath(other) for other, _ in options.data_disks) or (
                options.disk and os.path.realpath(path) == os.path.realpath(options.disk)):
            raise Failure(f"--data-disk {path}: the disk is in the machine already", 2)
        options.volumes += disk.letters(path)
        options.data_disks.append((path, bus))
    if sum(bus == "ahci" for _, bus in options.data_disks) > 5 or len(options.data_disks) > 16:
        raise Failure("--data-disk: there is room for 5 disks behind ahci and 16 in all", 2)


def find_shares(options, demo=False):
    """The folders of the host the machine sees. The demonstration and a disk that runs what it was made for get only those that are named."""
    return share.collect(options.share, current=not (options.no_share or demo or options.bios))


def collect(options, stamp=None):
    """The volume with the files, drivers and shares that the options name."""
    volume = content.Volume(stamp=stamp)
    volume.shares = getattr(options, "shares", [])
    volume.data_volumes = getattr(options, "volumes", 0)
    volume.console = bool(getattr(options, "disk", None))
    if getattr(options, "uses_console", False):
        volume.terminal = terminal.size()
    # Files of --with are in C:\work, and there programs look for them.
    if volume.shares and not options.no_share and not options.with_ and options.program is not None:
        volume.directory = volume.shares[0].root
    for row in options.with_ or ():
        volume.add_with(row)
    for driver in options.driver or ():
        volume.add_driver(driver)
    return volume


def finish(volume, mode, target):
    """The archive to boot with. On a disk (`target`, a disk.Disk): what it lacks of the program's files has been put there."""
    archive = volume.finish(mode)
    if target is None:
        return archive
    disk.put(target, archive)
    return volume.boot_archive(mode, target.where)


def early_check(program):
    """A wrong file name is told before anything is built."""
    if not os.path.lexists(program) and ("/" in program or "\\" in program):
        raise Failure(f"{program}: there is no such file", 2)
    if os.path.isdir(program):
        raise Failure(f"{program} is a folder, not a program", 2)


def shell(options):
    target = find_disk(options)
    options.shares = find_shares(options)
    options.uses_console = terminal.wanted(options)
    find_data_disks(options)
    options.program = "cmd.exe"
    prepare(options)
    volume = collect(options)
    volume.system_program("cmd.exe", [], parse_environment(options.env))
    image = content.BootImage(finish(volume, "shell", target))
    # Without a console the terminal stays in its line mode: it echoes and edits, the guest gets whole lines, and Ctrl-D ends the input.
    return boot(image, options, "cmd.exe", stdin=0)


def boot(image, options, name, stdin):
    """Runs the machine with our own standard streams; returns the command's exit code. `image` None: the disk boots itself."""
    console = getattr(options, "uses_console", False)
    with contextlib.ExitStack() as stack:
        if image:
            stack.callback(image.close)
        logs = []
        if options.log:
            try:
                logs.append(stack.enter_context(open(options.log, "wb", buffering=0)).fileno())
            except OSError as error:
                raise Failure(f"--log {options.log}: {error.strerror}", 2) from None
        if options.verbose:
            logs.append(2)

        def log(data):
            for fd in logs:
                os.write(fd, data.replace(b"\n", b"\r\n") if console and fd == 2 else data)

        memory = qemu.default_memory(image, options.memory) if image else options.memory or 256
        if options.verbose and image:
            say(f"image {image.size >> 10} KiB, machine {memory} MiB")
        machine = stack.enter_context(qemu.Machine(image, memory, extra=options.qemu_arg or (), icount=options.icount,
                                                   disk=(options.disk, options.bus) if options.disk else None, data_disks=options.data_disks, shares=options.shares))
        session = qemu.Session(machine, stdin=stdin, stdout=qemu.Sink(1), stderr=qemu.Sink(2), log=log, timeout=options.timeout)
        if console:
            session.leave = terminal.LEAVE
            stack.enter_context(terminal.raw())
        try:
            session.run()
        except BrokenPipeError:
            # Whoever read our output has gone: as a program that gets SIGPIPE, without a word.
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except Failure:
            with contextlib.suppress(OSError):
                session.flush(2.0)
            raise
        result = session.codes[-1]
    if isinstance(result, str):
        raise Failure(f"{name}: {result}", qemu.MACHINE_ERROR)
    if result in FATAL:
        what = status_name(result)
        say(f"{name} ended with 0x{result:08X}{f' ({what})' if what else ''}")
    elif result > 255 and options.verbose:
        say(f"{name} ended with code {result} (0x{result:08X})")
    return exit_code(result)
