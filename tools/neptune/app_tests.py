"""Real Windows programs out of packages, in the machine, compared with what they must print: tests/apps/NAME.toml, a suite each.

    package = "pypi:shfmt-py"              where the program is from: pypi:, npm: or system (a program of the system, as cmd.exe)
    program = "a/b/shfmt.exe"              its path in the package; it becomes C:\\work\\shfmt.exe
    extra = [["npm:x", "dir/y.*"]]         more files or folders, also of other packages; a third word is another name in C:\\work
    memory = 512                           MiB, when the default is too little
    [files]                                files in C:\\work: name = text
    "in.sh" = "..."
    [[case]]
    name = "indents"
    arguments = ["-i", "2", "in.sh"]
    program = "cmd.exe"                    another program for this case: one in C:\\work, or of the system
    stdin = "..."                          a case with input has a machine of its own; others share one, in order
    directory = "sub"                      below C:\\work
    environment = { NAME = "VALUE" }
    limit = 120                            seconds
    exit = 0
    stdout = "..."                         all of it, CR LF read as LF; or `contains`/`lacks` (lists of texts), `matches` (a regular expression)
    stderr = "..."                         likewise, stderr_contains

--wine runs a suite with the host's Wine instead: what the expected texts were checked with.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from . import batch, closure, content, fetch, files, paths
from .report import Failure

SUITES = paths.ROOT / "tests/apps"
LIMIT = 120
CASE_KEYS = {"name", "arguments", "program", "stdin", "directory", "environment", "limit", "exit", "stdout", "contains", "lacks", "matches",
             "stderr", "stderr_contains"}
SUITE_KEYS = {"package", "program", "extra", "memory", "files", "case", "environment", "about"}


@dataclass
class Suite:
    name: str
    program: str            # file name in C:\work, or the system's
    hosts: dict             # guest name below C:\work: host path
    texts: dict             # guest name below C:\work: bytes
    memory: int | None
    environment: dict
    cases: list


def load(name):
    path = SUITES / f"{name}.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(entry.stem for entry in SUITES.glob("*.toml")))
        raise Failure(f"there is no suite {name}; there are {known}") from None
    except ValueError as error:
        raise Failure(f"{path}: {error}") from None
    check_keys(path, data, SUITE_KEYS)
    hosts = {}
    program = os.path.basename(data["program"])
    places = ([[data["package"], data["program"]]] if data["package"] != "system" else []) + data.get("extra", [])
    for package, inside, *rest in places:
        kind, _, package_name = package.partition(":")
        root = fetch.unpacked(kind, package_name)
        found = sorted(root.glob(inside)) if "*" in inside else [root / inside]
        if not found or not found[0].exists():
            raise Failure(f"{path}: {package} has no {inside}")
        for host in found:
            hosts[rest[0] if rest else host.name] = host
    texts = {key: value.encode() for key, value in data.get("files", {}).items()}
    if not data.get("case"):
        raise Failure(f"{path} has no case")
    for case in data["case"]:
        check_keys(f"{path}, case {case.get('name')}", case, CASE_KEYS)
    return Suite(name, program, hosts, texts, data.get("memory"), data.get("environment", {}), data["case"])


def check_keys(where, table, known):
    if unknown := sorted(set(table) - known):
        raise Failure(f"{where}: unknown key {unknown[0]!r}")


def compare(case, code, stdout, stderr):
    """What is wrong with a case's outcome, as lines."""
    out = stdout.decode("utf-8", errors="replace").replace("\r\n", "\n")
    errors = stderr.decode("utf-8", errors="replace").replace("\r\n", "\n")
    wrong = []
    if isinstance(code, str):
        return [f"did not start: {code}"]
    want = case.get("exit", 0)
    if code != want:
        wrong.append(f"exit code {code}{f' (0x{code:08X})' if code is not None and code > 255 else ''}, expected {want}")
    if "stdout" in case and out != case["stdout"]:
        wrong += difference("stdout", case["stdout"], out)
    if "stderr" in case and errors != case["stderr"]:
        wrong += difference("stderr", case["stderr"], errors)
    for text in case.get("contains", ()):
        if text not in out:
            wrong.append(f"stdout lacks {text!r}; it is {shorten(out)}")
    for text in case.get("lacks", ()):
        if text in out:
            wrong.append(f"stdout has {text!r}")
    for text in case.get("stderr_contains", ()):
        if text not in errors:
            wrong.append(f"stderr lacks {text!r}; it is {shorten(errors)}")
    if "matches" in case and not re.search(case["matches"], out):
        wrong.append(f"stdout does not match {case['matches']!r}; it is {shorten(out)}")
    return wrong


def difference(what, want, got):
    """The first line that differs."""
    left, right = want.split("\n"), got.split("\n")
    for number, (one, other) in enumerate(zip(left, right), 1):
        if one != other:
            return [f"{what}, line {number}: {shorten(other)}, expected {shorten(one)}"]
    return [f"{what} has {len(right) - 1} lines, expected {len(left) - 1}; it is {shorten(got)}"]


def shorten(text, limit=400):
    return repr(text if len(text) <= limit else text[:limit] + "...")


def groups(cases):
    """Runs of cases that share a machine."""
    run = []
    for case in cases:
        if "stdin" in case:
            if run:
                yield run
            yield [case]
            run = []
        else:
            run.append(case)
    if run:
        yield run


def guest_program(suite, case, library):
    name = case.get("program", suite.program)
    folder, _, rest = name.partition("/")
    if name in suite.hosts or name in suite.texts or (rest and folder in suite.hosts and (Path(suite.hosts[folder]) / rest).is_file()):
        image = rf"C:\work\{name}".replace("/", "\\")
    elif library.find(name):
        image = rf"C:\Windows\System32\{name}"
    else:
        raise Failure(f"{suite.name}: {name} is neither a file of the suite nor a program of the system")
    directory = r"C:\work" + ("\\" + case["directory"].replace("/", "\\") if case.get("directory") else "")
    return content.Program(image, list(case.get("arguments", ())), directory, {**suite.environment, **case.get("environment", {})})


def run_in_machine(suite):
    """(case, batch.Result) of each case."""
    library = closure.Library()
    for cases in groups(suite.cases):
        programs = [guest_program(suite, case, library) for case in cases]

        def volume(rest):
            result = content.Volume(library)
            for name, host in suite.hosts.items():
                result.add_path(f"{content.WORK}/{name}", host)
            for name, text in suite.texts.items():
                result.archive.add_bytes(f"{content.WORK}/{name}", text)
            for program in rest:
                if program.image.startswith("C:\\Windows"):
                    result.roots.append(library.find(program.image.rpartition("\\")[2]))
            return result

        limits = [case.get("limit", LIMIT) for case in cases]
        stdin = cases[0]["stdin"].encode() if "stdin" in cases[0] else None
        yield from zip(cases, batch.run(volume, programs, limits, memory=suite.memory, stdin=stdin))


def run_in_wine(suite):
    """Likewise, with the host's Wine."""
    wine = next((path for path in ("/usr/lib/wine/wine64", shutil.which("wine64"), shutil.which("wine")) if path and os.path.exists(path)), None)
    if not wine:
        raise Failure("there is no Wine on this machine")
    prefix = Path(os.environ.get("WINEPREFIX") or paths.CACHE / "wine-prefix")
    env = dict(os.environ, WINEPREFIX=str(prefix), WINEDEBUG="-all", NODE_SKIP_PLATFORM_CHECK="1")
    for helper in paths.WIN32.glob("bcryptprimitives/*.dll"):  # Wine lacks it
        if (prefix / "drive_c/windows/system32").is_dir():
            shutil.copy(helper, prefix / "drive_c/windows/system32")
    for cases in groups(suite.cases):
        with files.scratch(paths.BUILD / "scratch") as folder:
            for name, host in suite.hosts.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if host.is_dir() else shutil.copy)(host, folder / name)
            for name, text in suite.texts.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(text)
            for case in cases:
                name = case.get("program", suite.program)
                program = str(folder / name) if (folder / name).exists() else name
                # Files and not pipes: Node cannot open Wine's kind of inherited pipe.
                with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
                    stdin.write(case.get("stdin", "").encode())
                    stdin.seek(0)
                    done = subprocess.run([wine, program, *case.get("arguments", ())], stdin=stdin, stdout=stdout, stderr=stderr,
                                          cwd=folder / case.get("directory", "."), timeout=case.get("limit", LIMIT), check=False,
                                          env=dict(env, **suite.environment, **case.get("environment", {})))
                    for stream in (stdout, stderr):
                        stream.seek(0)
                    out, errors = stdout.read(), stderr.read()
                # Wine's exit code is one byte.
                want = case.get("exit", 0)
                code = want if done.returncode == want & 0xFF else done.returncode
                yield case, batch.Result(code, out, errors, 0.0)


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py apps", description="Runs suites of tests/apps.")
    parser.add_argument("names", metavar="SUITE", nargs="*", help="which (default: all)")
    parser.add_argument("--wine", action="store_true", help="with the host's Wine, to check what is expected")
    parser.add_argument("--show", action="store_true", help="print what the programs print")
    options = parser.parse_args(words)
    bad = count = 0
    for name in options.names or sorted(path.stem for path in SUITES.glob("*.toml")):
        suite = load(name)
        if not options.wine:
            batch.require_products()
        for case, result in run_in_wine(suite) if options.wine else run_in_machine(suite):
            wrong = compare(case, result.code, result.stdout, result.stderr)
            if result.trouble:
                wrong.insert(0, result.trouble)
            print(f"{'FAIL' if wrong else 'ok  '} {name}: {case['name']}, {result.seconds:.1f} s", flush=True)
            for line in wrong:
                print(f"    {line}")
            if wrong and result.stderr.strip():
                print(f"    stderr: {shorten(result.stderr.decode(errors='replace'), 1000)}")
            if wrong and result.log.strip():
                print(batch.log_excerpt(result))
            if options.show:
                sys.stdout.flush()
                sys.stdout.buffer.write(result.stdout + result.stderr)
                sys.stdout.buffer.flush()
            count += 1
            bad += bool(wrong)
    print(f"{count - bad} of {count} cases good")
    return 1 if bad else 0
