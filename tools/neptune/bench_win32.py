"""`neptune bench --win32`: Win32 calls (bench/win32/micro.cpp) and whole programs, in guest instructions."""
import re

from . import app_tests, bench, closure, cmdline, content, paths
from .report import Failure

ROUNDS = 3      # the first round of a program is the cold one: the least counts
SUITES = {      # row: a case of tests/apps/NAME.toml
    "program_shfmt": ("shfmt", None), "program_ninja_version": ("ninja", "version"), "program_fastlist": ("fastlist", None),
    "program_esbuild": ("esbuild", None), "program_clang_format": ("clang-format", None), "program_protoc": ("protoc", None),
    "program_ruff_check": ("ruff", "finds what is wrong"), "program_ripgrep": ("ripgrep", "finds lines, sorted by path"),
    "program_7zip": ("7zip", None), "program_node": ("node", None),
}
OWN = {"program_return0": r"C:\work\return0.exe", "program_main0": r"C:\work\main0.exe", "program_cmd_exit": r"C:\Windows\System32\cmd.exe /c exit"}


def micro_names():
    text = (paths.ROOT / "bench/win32/micro.cpp").read_text(encoding="utf-8")
    return tuple(re.findall(r'^    \{ "(win32_\w+)"', text, re.MULTILINE))


def names():
    return (*micro_names(), *OWN, *SUITES)


def base_volume(library=None):
    volume = content.Volume(library)
    for name in ("micro.exe", "launch.exe", "return0.exe", "main0.exe"):
        volume.add_path(f"{content.WORK}/{name}", bench.PROGRAMS / name)
    return volume


def measure(wanted, progress):
    rows = []
    micro = [name for name in micro_names() if name in wanted]
    if micro:
        progress.update("the Win32 program")
        volume = base_volume()
        volume.programs.append(content.Program(r"C:\work\micro.exe", micro))
        rows += bench.run_program(volume)
    for name, command in OWN.items():
        if name in wanted:
            progress.update(name)
            volume = base_volume()
            volume.roots.append(volume.library.find("cmd.exe"))
            rows += launch(volume, name, command)
    for name, (suite, case) in SUITES.items():
        if name in wanted:
            progress.update(name)
            rows += program(name, suite, case)
    return rows


def launch(volume, name, command, directory=r"C:\work", environment=None, memory=None):
    volume.programs.append(content.Program(r"C:\work\launch.exe", command=rf"C:\work\launch.exe {name} {ROUNDS} {command}", directory=directory,
                                           environment=environment or {}))
    return bench.run_program(volume, memory=memory)


def program(name, suite_name, case_name):
    """The case's program as the launcher starts it; what it prints is not judged here (tests/apps does)."""
    suite = app_tests.load(suite_name)
    cases = [case for case in suite.cases if case_name in (None, case["name"]) and "stdin" not in case]
    if not cases:
        raise Failure(f"tests/apps/{suite_name}.toml has no case {case_name!r} without input")
    library = closure.Library()
    guest = app_tests.guest_program(suite, cases[0], library)
    volume = base_volume(library)
    for file, host in suite.hosts.items():
        volume.add_path(f"{content.WORK}/{file}", host)
    for file, text in suite.texts.items():
        volume.archive.add_bytes(f"{content.WORK}/{file}", text)
    if guest.image.startswith("C:\\Windows"):
        volume.roots.append(library.find(guest.image.rpartition("\\")[2]))
    return launch(volume, name, cmdline.join(guest.image, guest.arguments), guest.directory, guest.environment, suite.memory)
