#!/usr/bin/env python3
"""Unpacks the seL4 source that the crate sel4-sys carries and makes its generators run under Python 3.

usage: prepare.py CRATE-FOLDER CONFIG-FOLDER OUT-FOLDER

CRATE-FOLDER holds the Cargo.toml and Cargo.lock that pin the crate. OUT-FOLDER gets seL4/ (the kernel's C and assembler
text is not changed but for CORRECTIONS; its tools/ go through lib2to3, its autoconf.h is CONFIG-FOLDER's) and, if this Python lacks them,
modules/ with what the generators import. OUT-FOLDER/ready is written last.
"""
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import warnings

# What the generators import: module, PyPI name, version.
MODULES = [("ply", "ply", "3.11"), ("tempita", "tempita", "0.6.0"), ("six", "six", "1.17.0")]

# Mistakes of this kernel release that later ones correct and that no program can work around: file, text, text instead.
CORRECTIONS = [
    # The address of a page fault loses its upper half: NT's user addresses have 47 bits.
    ("src/arch/x86/kernel/vspace.c", "    uint32_t addr;\n    uint32_t fault;\n", "    word_t addr;\n    uint32_t fault;\n"),
]


def fail(text):
    sys.exit("prepare.py: " + text)


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode:
        fail("%s failed:\n%s" % (" ".join(command), done.stderr or done.stdout))
    return done.stdout


def crate_source(crate):
    """The folder where cargo unpacked sel4-sys; cargo has checked it against Cargo.lock."""
    if not shutil.which("cargo"):
        fail("cargo is needed to bring the kernel's source")
    if subprocess.run(["cargo", "fetch", "--locked", "--offline", "-q"], cwd=crate, stderr=subprocess.DEVNULL).returncode:
        run(["cargo", "fetch", "--locked"], cwd=crate)
    meta = run(["cargo", "metadata", "--locked", "--offline", "--format-version", "1", "--all-features"], cwd=crate)
    for package in json.loads(meta)["packages"]:
        if package["name"] == "sel4-sys":
            return os.path.join(os.path.dirname(package["manifest_path"]), "seL4")
    fail("Cargo.lock names no sel4-sys")


def convert(folder):
    """Python 2 to Python 3, in place."""
    if importlib.util.find_spec("lib2to3") is None:
        fail("this python3 (%s) has no lib2to3 (Debian: python3-lib2to3; Python 3.12 is the last to have it)" % sys.version.split()[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lib2to3.refactor import RefactoringTool, get_fixers_from_package
        tool = RefactoringTool(get_fixers_from_package("lib2to3.fixes"))
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        os.chmod(path, 0o755)
        if not name.endswith(".py"):
            continue
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if text.strip():
            text = str(tool.refactor_string(text if text.endswith("\n") else text + "\n", name))
        first, newline, rest = text.partition("\n")
        if first.startswith("#!"):
            first = "#!" + sys.executable
        with open(path, "w", encoding="utf-8") as f:
            f.write(first + newline + rest)


def correct(source):
    for name, old, new in CORRECTIONS:
        path = os.path.join(source, *name.split("/"))
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if text.count(old) != 1:
            fail("%s is not the text that a correction expects" % name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))


def modules(out):
    missing = [m for m in MODULES if importlib.util.find_spec(m[0]) is None]
    folder = os.path.join(out, "modules")
    os.makedirs(folder, exist_ok=True)
    if not missing:
        return
    venv = os.path.join(out, "venv")
    run([sys.executable, "-m", "venv", venv])
    run([os.path.join(venv, "bin", "pip"), "-q", "install", "--no-deps", "--target", folder, "--upgrade"]
        + ["%s==%s" % (name, version) for _, name, version in missing])
    shutil.rmtree(venv)


def main():
    if len(sys.argv) != 4:
        fail("usage: prepare.py CRATE-FOLDER CONFIG-FOLDER OUT-FOLDER")
    crate, config, out = map(os.path.abspath, sys.argv[1:])
    source = os.path.join(out, "seL4")
    ready = os.path.join(out, "ready")
    if os.path.exists(ready):
        os.remove(ready)
    shutil.rmtree(source, ignore_errors=True)
    os.makedirs(out, exist_ok=True)
    shutil.copytree(crate_source(crate), source)
    for folder in ("tools", os.path.join("libsel4", "tools")):
        convert(os.path.join(source, folder))
    shutil.copy(os.path.join(config, "autoconf.h"), os.path.join(source, "include", "plat", "pc99", "autoconf.h"))
    correct(source)
    modules(out)
    with open(ready, "w") as f:
        f.write("ok\n")


main()
