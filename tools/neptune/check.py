"""`neptune check`: the rules of the tree that a program can tell exactly. Fast enough for every change; --tidy is not."""
import ast
import json
import os
import re
import subprocess

from . import build, deps, paths
from .report import Failure, Progress

CODE = (".cpp", ".hpp", ".h", ".c", ".S", ".inc")
SCRIPTS = (".py", ".sh", ".cmake", ".toml", ".json", ".txt")
BINARY = (".png", ".ico")

LONGEST = 650
# Longer than they should be; they may not grow.
LONG = {"ntos/io/pipe.cpp": 860, "ntos/mm/space.cpp": 690}

# Who may include what: by folder, the folders and headers that are open to it. The longest folder that fits counts.
INCLUDES = {
    "abi": ("abi/", "lib/core/", "lib/ring/"),
    "lib/core": ("lib/core/", "abi/nt/"),
    "lib": ("lib/", "abi/"),
    "kernel": ("kernel/", "lib/core/"),
    "kernel/fake": ("kernel/kernel.hpp", "kernel/fake/", "lib/core/"),
    "kernel/sel4": ("kernel/kernel.hpp", "kernel/sel4/", "lib/core/"),
    "ntos": ("ntos/", "kernel/kernel.hpp", "abi/", "lib/"),
    "ntdll": ("ntdll/", "abi/", "lib/"),
    "user": ("user/", "abi/", "lib/", "ntdll/"),
    "win32": ("win32/", "abi/", "lib/", "sdk/"),
}
# seL4's own headers are for kernel/sel4 alone.
SEL4 = re.compile(r"^(sel4|api|interfaces)/|libsel4")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
# A header that begins so belongs to its component; ALSO: the files and folders beside it that may have it.
PRIVATE = re.compile(r"^// Private to (\w+)")
ALSO = {
    "ntos/ex/mutant.hpp": ("ntos/io/driver/",),
    "ntos/ex/semaphore.hpp": ("ntos/io/driver/",),
    "ntos/mm/slots.hpp": ("ntos/ex/pool.cpp",),
    "ntos/ps/detail.hpp": ("ntos/hal/", "ntos/io/driver/", "ntos/ke/dispatch.cpp", "ntos/start.cpp"),
}

MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:work|root|home|Users)/\w")
URL = re.compile(r"\b(?:https?|ftp|git)://")
OPEN_END = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
OPEN_END_TAP = re.compile(r"# TODO|#(?:define|undef) FIXME\b")    # TAP's word for a test that may fail; a macro of ReactOS's that the driver kit has
CONFLICT = re.compile(r"^(?:<{7}|>{7}|\|{7}) |^={7}$")


class Findings:
    def __init__(self):
        self.lines = []

    def add(self, path, line, text):
        self.lines.append((str(path), line, f"{path}:{line}: {text}" if line else f"{path}: {text}"))

    def texts(self):
        return [text for _, _, text in sorted(self.lines)]


def tracked(only):
    """The files git knows or would take, below `only` (all if empty), relative to the root."""
    command = ["git", "-C", str(paths.ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run([*command, "--", *only], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"check: git cannot list the files: {done.stderr.strip()}")
    return [name for name in done.stdout.split("\0") if name and (paths.ROOT / name).is_file() and not (paths.ROOT / name).is_symlink()]


def is_script(name):
    base = os.path.basename(name)
    return name.endswith((".py", ".sh", ".cmake", ".toml", ".json")) or base in ("CMakeLists.txt", "neptune", "run")


def check_text(name, text, found):
    if text and not text.endswith("\n"):
        found.add(name, text.count("\n") + 1, "no newline at the end of the file")
    if text.endswith("\n\n"):
        found.add(name, text.count("\n"), "empty lines at the end of the file")
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith((" ", "\t", "\r")):
            found.add(name, number, "white space at the end of the line")
        if line.startswith("\t") and (name.endswith((*CODE, ".py")) or is_script(name)):
            found.add(name, number, "a tab at the start of the line")
        if CONFLICT.match(line):
            found.add(name, number, "a merge conflict is left")
        if MACHINE_PATH.search(line):
            found.add(name, number, "a path of one machine")
        if is_script(name) and URL.search(line) and not os.path.basename(name).startswith("check."):
            found.add(name, number, "a URL: dependencies come from registries, by name (tools/deps.toml)")
        if OPEN_END.search(line) and not name.startswith("sdk/include/") and not OPEN_END_TAP.search(line) and not os.path.basename(name).startswith("check."):
            found.add(name, number, "an open end: what is missing is said in abi/services.def or in the contract of a header")


def check_length(name, text, found):
    if not name.endswith((*CODE, ".py")):
        return
    limit, lines = LONG.get(name, LONGEST), text.count("\n")
    if lines > limit:
        found.add(name, 0, f"{lines} lines, more than {limit}: split it by what its parts are about")


def owner(name):
    """The longest folder of INCLUDES that has this file; None: anything goes (tests, tools, drivers)."""
    fits = [folder for folder in INCLUDES if name.startswith(folder + "/")]
    return max(fits, key=len, default=None)


def private_owner(header):
    path = paths.ROOT / header
    try:
        with open(path, encoding="utf-8") as file:
            match = PRIVATE.match(file.readline())
    except OSError:
        return None
    return header.rsplit("/", 1)[0] if match else None


def check_includes(name, text, found, private):
    if not name.endswith(CODE):
        return
    folder = owner(name)
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match.group(1) or match.group(2)
        if SEL4.search(header) and not name.startswith("kernel/sel4/"):
            found.add(name, number, f"{header} is seL4's: only kernel/sel4 may include it")
        if not match.group(1) or "/" not in header:
            continue
        top = header.split("/", 1)[0]
        if folder and (paths.ROOT / top).is_dir() and not header.startswith(INCLUDES[folder]):
            found.add(name, number, f"{folder}/ may not include {header} (open to it: {', '.join(INCLUDES[folder])})")
        if header not in private:
            private[header] = private_owner(header)
        home = private[header]
        if home and not name.startswith((home + "/", "tests/", *ALSO.get(header, ()))):
            found.add(name, number, f"{header} is private to {home}/")


def check_python(name, text, found):
    if not name.endswith(".py"):
        return
    try:
        tree = ast.parse(text, name)
    except SyntaxError as error:
        found.add(name, error.lineno or 0, f"Python cannot read it: {error.msg}")
        return
    imported = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                imported[(alias.asname or alias.name).split(".")[0]] = node.lineno
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    exported = {value.value for node in ast.walk(tree) if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "__all__" for t in node.targets)
                for value in getattr(node.value, "elts", ())}
    for alias, line in imported.items():
        if alias not in used and alias not in exported and "noqa" not in text.split("\n")[line - 1]:
            found.add(name, line, f"{alias} is imported and not used")


def mend(path, text):
    """What --fix can put right without knowing what it means: white space at ends."""
    good = "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n") + "\n" if text.strip() else text
    if good != text:
        path.write_text(good, encoding="utf-8")
    return good


def check_files(names, fix):
    found, private = Findings(), {}
    for name in names:
        path = paths.ROOT / name
        raw = path.read_bytes()
        if name.endswith(BINARY):
            continue
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            found.add(name, raw[:error.start].count(b"\n") + 1, "not UTF-8: binaries are not kept in the tree")
            continue
        if "\0" in text:
            found.add(name, 0, "a binary: they are not kept in the tree")
            continue
        if fix:
            text = mend(path, text)
        if not name.endswith(".lock"):
            check_text(name, text, found)
        check_length(name, text, found)
        check_includes(name, text, found, private)
        check_python(name, text, found)
    return found


def tidy(names):
    """clang-tidy over what of these files the host world compiles."""
    deps.ensure("build", "check")
    build.build(("host",))
    with open(paths.HOST / "compile_commands.json", encoding="utf-8") as file:
        compiled = sorted({os.path.relpath(entry["file"], paths.ROOT) for entry in json.load(file)} & set(names))
    if not compiled:
        return []
    jobs = os.cpu_count() or 1
    bad = []
    with Progress("clang-tidy") as progress:
        queue, running = list(compiled), []
        while queue or running:
            while queue and len(running) < jobs:
                name = queue.pop(0)
                progress.update(name)
                running.append(subprocess.Popen(["clang-tidy-19", "--quiet", "-p", str(paths.HOST), str(paths.ROOT / name)],
                                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
            out, _ = running[0].communicate()
            bad += [line.replace(f"{paths.ROOT}/", "") for line in out.splitlines() if re.search(r": (?:warning|error): ", line)]
            running.pop(0)
    return sorted(set(bad))


def check(options):
    only = []
    for text in options.paths:
        path = os.path.relpath(os.path.abspath(text), paths.ROOT)
        if path.startswith("..") or not (paths.ROOT / path).exists():
            raise Failure(f"check: there is no {text} in the tree", 2)
        only.append(path)
    names = tracked(only)
    texts = check_files(names, options.fix).texts()
    done = subprocess.run(["git", "-C", str(paths.ROOT), "diff", "--check", "HEAD", "--", *only], capture_output=True, text=True, check=False)
    texts += [line for line in done.stdout.splitlines() if re.match(r"[^+].*:\d+: ", line) and not any(line.startswith(text.rsplit(": ", 1)[0]) for text in texts)]
    if options.tidy:
        texts += tidy(names)
    for text in texts:
        print(text)
    if texts:
        raise Failure(f"check: {len(texts)} finding{'s' if len(texts) != 1 else ''}")
    return 0
