"""Wine's own conformance tests, compiled from Debian's source package, in the machine. tests/wine/expected.csv says how each subtest goes;
it may only get better: more failures or skips, fewer tests executed, or a subtest that no longer ends, fail the run. Many of the tests
wait for a fraction of a second and expect that something has happened by then, so on a busy machine one may fail for nothing: what got worse is
run once more, in a fresh machine, and only what is worse both times counts.

The module ntoskrnl is Wine's drivers (driver.c, driver2.c, driver3.c, driver_pnp.c) with the part of its ntoskrnl.c that goes with each (wine_drivers.py).

run_tests.py wine MODULE               the subtests of the module that the table lists
    --new                              also those it does not list, and add those that end
    --update                           write down what got better
    --wine                             with the host's Wine, for comparison; the table is neither used nor changed
"""
import argparse
import csv
import io
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import batch, content, deps, fetch, files, paths, process, wine_drivers
from .report import Failure

TABLE = paths.ROOT / "tests/wine/expected.csv"
FIELDS = ("module", "subtest", "executed", "todo", "failed", "skipped")
MODULES = {
    "ntdll": [],
    "kernel32": [],
    "kernelbase": ["-lkernelbase", "-lpathcch"],
    "msvcrt": [],
    "ucrtbase": ["-D_UCRT", "-fno-builtin"],
    "advapi32": ["-lole32"],
    wine_drivers.MODULE: [*wine_drivers.LIBRARIES, "-Wl,--gc-sections"],
}
# System DLLs that a module's tests load by name.
DLLS = {"ntdll": ("comctl32.dll", "crypt32.dll", "nsi.dll", "wintrust.dll")}
LEAVE_OUT = {"kernel32": {"dummy"}}
LIMIT = 180
SLACK = 0.02  # some loops of the tests run until a time is over: so much fewer executed is still the same
SUMMARY = re.compile(r"^[0-9a-f]{4}:(\w+): (\d+) tests executed \((\d+) marked as todo, (?:(\d+) as flaky, )?(\d+) failures?\), (\d+) skipped\.", re.M)
BUILD_VERSION = "1"


@dataclass
class Row:
    """A line of the table."""
    executed: int
    todo: int
    failed: int
    skipped: int

    def worse_than(self, old):
        """Why this is worse than `old`, or an empty string."""
        if self.failed > old.failed:
            return f"{self.failed} failures, were {old.failed}"
        if self.executed < old.executed * (1 - SLACK):
            return f"{self.executed} tests executed, were {old.executed}"
        if self.skipped > old.skipped:
            return f"{self.skipped} skipped, were {old.skipped}"
        return ""

    def better_than(self, old):
        return not self.worse_than(old) and (self.failed < old.failed or self.executed > old.executed * (1 + SLACK) or self.skipped < old.skipped)


def is_worse(row, old):
    return old is not None and (row is None or bool(row.worse_than(old)))


def read_table(path=TABLE):
    rows = {}
    with open(path, encoding="utf-8", newline="") as text:
        for line in csv.DictReader(text):
            rows[line["module"], line["subtest"]] = Row(*(int(line[field]) for field in FIELDS[2:]))
    return rows


def write_table(rows, path=TABLE):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    for module, subtest in sorted(rows):
        row = rows[module, subtest]
        writer.writerow([module, subtest, row.executed, row.todo, row.failed, row.skipped])
    files.write_atomic(path, text.getvalue().encode())


def parse(text, subtest):
    """The Row that a subtest's output ends with; None when it did not get there. Failures of child processes count, too."""
    found = [match for match in SUMMARY.finditer(text.replace("\r\n", "\n")) if match.group(1) == subtest]
    if not found:
        return None
    last = found[-1]
    children = sum(int(match.group(5)) for match in found[:-1])
    row = Row(int(last.group(2)), int(last.group(3)), int(last.group(5)) + children, int(last.group(6)))
    # A driver's summary: its program has counted the failures among its own.
    for match in SUMMARY.finditer(text.replace("\r\n", "\n")):
        if match.group(1) == wine_drivers.MODULE != subtest:
            row.executed += int(match.group(2)) - int(match.group(5))
            row.todo += int(match.group(3))
            row.skipped += int(match.group(6))
    return row


def subtests(module):
    if module == wine_drivers.MODULE:
        return wine_drivers.subtests()
    folder = fetch.unpacked("source", "wine") / "source/dlls" / module / "tests"
    names = []
    for path in sorted(folder.glob("*.c")):
        if path.stem not in LEAVE_OUT.get(module, ()) and f"START_TEST({path.stem})" in path.read_text(encoding="latin-1").replace(" ", ""):
            names.append(path.stem)
    return names


def compile_one(module, name, parts=None):
    """The executable of one subtest, or the reason (str) why it cannot be compiled. `parts`: what wine_drivers.build gave."""
    folder = paths.BUILD / "wine-tests" / module
    target = folder / f"{module}-{name}.exe"
    stamp = folder / f".{name}-{BUILD_VERSION}-{deps.load()['source']['wine']['version']}"
    if not parts and target.exists() and stamp.exists():
        return target
    source = fetch.unpacked("source", "wine") / "source"
    develop = fetch.unpacked("debian", "libwine-dev")
    headers = develop / "usr/include/wine/wine"
    libraries = next(develop.glob("usr/lib/*/wine/x86_64-windows"))
    folder.mkdir(parents=True, exist_ok=True)
    with files.scratch(folder) as work:
        listing = work / "testlist.c"
        listing.write_text('#include <stdarg.h>\n#include "windef.h"\n#include "winbase.h"\n#include "wincon.h"\n#define STANDALONE\n'
                           f'#include "wine/test.h"\nextern void func_{name}(void);\n'
                           f'const struct test winetest_testlist[] = {{ {{ "{name}", func_{name} }}, {{ 0, 0 }} }};\n', encoding="ascii")
        defines = [flag for flag in MODULES[module] if not flag.startswith("-l")]
        links = [flag for flag in MODULES[module] if flag.startswith("-l")]
        runtime = "-lucrtbase" if module == "ucrtbase" else "-lmsvcrt"
        output = work / target.name
        main_file = wine_drivers.PROGRAM if parts else source / "dlls" / module / "tests" / f"{name}.c"
        command = ["x86_64-w64-mingw32-gcc-win32", "-O1", "-w", "-std=gnu17", "-D__WINESRC__", "-D_MSVCR_VER=0", "-D_WIN32_WINNT=0x0a00",
                   "-fno-strict-aliasing", "-mno-ms-bitfields", *defines, f"-I{source}/dlls/{module}/tests", f"-I{source}/include",
                   f"-I{source}/include/msvcrt", f"-I{headers}/windows", f"-I{headers}/msvcrt", "-o", output,
                   main_file, listing, *(parts or ()), libraries / "libwinecrt0.a", "-nostdlib", "-nodefaultlibs",
                   "-Wl,--entry=mainCRTStartup", f"-L{libraries}", *links, "-ladvapi32", "-luser32", "-lntdll", runtime, "-lkernel32", "-lgcc",
                   "-lntdll", "-lkernel32"]
        code, text = process.run(command, check=False)
        if code:
            error = next((line for line in text.splitlines() if "error" in line or "undefined" in line), process.tail(text, 1))
            return f"does not compile: {error.strip()[:200]}"
        output.rename(target)
    stamp.touch()
    return target


def compile_all(module, names):
    parts = wine_drivers.build() if module == wine_drivers.MODULE else None
    with ThreadPoolExecutor(max_workers=max(1, min(4, os.cpu_count() or 1))) as pool:
        return dict(zip(names, pool.map(lambda name: compile_one(module, name, parts), names)))


def run_in_machine(module, images, limit):
    """{subtest: (output, trouble, log)}"""
    def volume(_):
        result = content.Volume()
        for path in images.values():
            result.add_path(f"{content.WORK}/{path.name}", path)
        result.roots += [result.library.find(name) for name in DLLS.get(module, ())]
        return result

    programs = [content.Program(rf"C:\work\{path.name}", [name], environment={"WINETEST_PLATFORM": "windows"}) for name, path in images.items()]
    results = batch.run(volume, programs, [limit] * len(programs))
    return {name: (result.stdout.decode(errors="replace"), result.trouble or (result.code if isinstance(result.code, str) else ""),
                   batch.log_excerpt(result, 4)) for name, result in zip(images, results)}


def run_in_wine(images, limit):
    wine = next((path for path in ("/usr/lib/wine/wine64",) if os.path.exists(path)), "wine")
    env = dict(os.environ, WINEPREFIX=os.environ.get("WINEPREFIX") or str(paths.CACHE / "wine-prefix"), WINEDEBUG="-all")
    outcome = {}
    for name, path in images.items():
        with files.scratch(paths.BUILD / "scratch") as folder:
            try:
                done = subprocess.run([wine, str(path), name], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit, check=False)
                outcome[name] = (done.stdout.decode(errors="replace"), "", "")
            except subprocess.TimeoutExpired as error:
                outcome[name] = ((error.stdout or b"").decode(errors="replace"), f"did not end within {limit} seconds", "")
    return outcome


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py wine", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", choices=sorted(MODULES))
    parser.add_argument("names", metavar="SUBTEST", nargs="*", help="only these")
    parser.add_argument("--new", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--wine", action="store_true")
    parser.add_argument("--show", action="store_true", help="print what the tests print")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for each subtest")
    options = parser.parse_args(words)
    deps.ensure("build", "test")
    table = read_table()
    known = subtests(options.module)
    listed = [name for name in known if (options.module, name) in table]
    names = options.names or (known if options.new or options.wine else listed)
    for name in names:
        if name not in known:
            raise Failure(f"Wine's {options.module} tests have no subtest {name}; there are {', '.join(known)}")
    if not names:
        raise Failure(f"the table lists no subtest of {options.module} (--new adds them)")
    if not options.wine:
        batch.require_products()
    images = compile_all(options.module, names)
    bad = 0
    for name in names:
        if isinstance(images[name], str):
            print(f"{'FAIL' if name in listed else '-   '} {options.module} {name}: {images[name]}")
            bad += name in listed
    images = {name: image for name, image in images.items() if not isinstance(image, str)}
    if options.wine:
        outcome = run_in_wine(images, options.limit)
    else:
        outcome = run_in_machine(options.module, images, options.limit)
        second = {name: images[name] for name, (text, _, _) in outcome.items() if is_worse(parse(text, name), table.get((options.module, name)))}
        if second:
            print(f"once more: {', '.join(second)}")
            outcome.update(run_in_machine(options.module, second, options.limit))
    changed = False
    for name, (text, trouble, log) in outcome.items():
        if options.show:
            print(text)
        row = parse(text, name)
        old = None if options.wine else table.get((options.module, name))
        if row is None:
            rows = [line for line in text.splitlines() if line.strip()]
            print(f"{'FAIL' if old else '-   '} {options.module} {name}: {trouble or 'ended without a summary'}"
                  + (f"; its last line: {rows[-1][:160]}" if rows else ""))
            if old and log:
                print(log)
            bad += old is not None
            continue
        figures = f"{row.executed} executed, {row.todo} todo, {row.failed} failed, {row.skipped} skipped"
        worse = row.worse_than(old) if old else ""
        better = bool(old and row.better_than(old))
        print(f"{'FAIL' if worse else 'ok  ' if old else 'new '} {options.module} {name}: {worse or figures}{' (better)' if better else ''}")
        if worse:
            bad += 1
            for line in [line for line in text.splitlines() if "Test failed:" in line or "Tests skipped:" in line][:15]:
                print(f"    {line[:240]}")
        if not options.wine and ((old is None and options.new) or (better and options.update)):
            table[options.module, name] = row
            changed = True
    if changed:
        write_table(table)
    print(f"{len(outcome) - bad} of {len(outcome)} subtests as good as before")
    return 1 if bad else 0
