"""Wine's tests of the kernel for drivers (dlls/ntoskrnl.exe/tests): the drivers are built with the driver kit, and each subtest's program
(tests/wine/ntoskrnl.c) has them as resources, as Wine's own program does."""
import re

from . import fetch, files, paths, process

MODULE = "ntoskrnl"
PROGRAM = paths.ROOT / "tests/wine/ntoskrnl.c"
DRIVERS = ("driver", "driver2", "driver3", "driver_pnp")
LIBRARIES = ("-lcrypt32", "-lnewdev", "-lsetupapi", "-lwintrust", "-lws2_32", "-lhid")


def subtests():
    return re.findall(r"^START_TEST\((\w+)\)", PROGRAM.read_text(encoding="utf-8"), re.MULTILINE)


def tests():
    """The folder of Wine's tests."""
    return fetch.unpacked("source", "wine") / "source/dlls/ntoskrnl.exe/tests"


def build():
    """Builds the drivers and makes the object file of their resources; returns what the compiler of a subtest's program is given for it."""
    folder = paths.BUILD / "wine-tests" / MODULE
    source = fetch.unpacked("source", "wine") / "source"
    with files.lock(paths.BUILD / ".lock-wine-drivers"):
        log = paths.BUILD / "log" / "wine-drivers.log"
        drivers = folder / "drivers"
        process.run(["cmake", "-G", "Ninja", "-S", paths.ROOT / "tests/wine", "-B", drivers, f"-DWINE_SOURCE={source}"], log=log,
                    what="configuring Wine's drivers")
        process.run(["ninja", "-C", drivers], log=log, what="building Wine's drivers")
        script = folder / "drivers.rc"
        script.write_text("".join(f'{name}.dll TESTDLL "{drivers}/{name}.sys"\n' for name in DRIVERS), encoding="utf-8")
        resources = folder / "drivers.o"
        process.run(["x86_64-w64-mingw32-windres", script, resources], what="the drivers as resources")
    return [f'-DWINE_NTOSKRNL_C="{tests() / "ntoskrnl.c"}"', f"-I{tests()}", resources]
