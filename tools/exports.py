#!/usr/bin/env python3
"""Prints docs/exports.md: which of the names that the packaged Win32 DLLs take from ntdll.dll are there.

usage: exports.py BUILD           the document on standard output; BUILD is the folder of the pe world (build/pe)
       exports.py BUILD --check F exit code 1 if file F differs from it, 77 if the pe world has not been built
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def rows(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def absent_services():
    text = (ROOT / "abi/services.def").read_text(encoding="utf-8")
    return {prefix + name for name in re.findall(r"^SVC\((\w+), \w+, ABSENT", text, re.M) for prefix in ("Nt", "Zw")}


def exported(build):
    """The names ntdll exports, and those of them that nothing defines."""
    names = {line.split()[0].split("=")[0] for line in (build / "ntdll/ntdll.def").read_text(encoding="utf-8").splitlines()[2:]}
    return names, set((build / "ntdll/missing.txt").read_text(encoding="utf-8").split())


def document(build):
    names, missing = exported(build)
    absent = absent_services()
    states = {"there": 0, "absent service": 0, "missing": 0}
    table = []
    for name, importers, forwarders in rows(ROOT / "tools/exports_needed.txt"):
        state = "missing" if name not in names or name in missing else "absent service" if name in absent else "there"
        states[state] += 1
        table.append((state, f"| {name} | {state} | {importers.replace(',', ', ')} | {forwarders.replace(',', ', ')} |"))
    out = ["# What the Win32 DLLs take from ntdll.dll", "",
           "Printed by `python3 tools/exports.py build/pe` after `./neptune build pe`; do not edit. The names are those that the core DLLs of the",
           "package libwine import, or forward exports of their own to. *absent service*: the name is there and answers STATUS_NOT_IMPLEMENTED.",
           "*missing*: the name is exported so that programs load, and what is called answers STATUS_NOT_IMPLEMENTED.", "",
           f"{len(table)} names: {states['there']} there, {states['absent service']} absent services, {states['missing']} missing.", "",
           "| name | state | imported by | forwarded to by |", "|---|---|---|---|"]
    order = {"missing": 0, "absent service": 1, "there": 2}
    out += [line for _, line in sorted(table, key=lambda row: order[row[0]])]
    return "\n".join(out) + "\n" + drivers(build)


def definition(path):
    """The names a .def file exports."""
    rows = (line.split(";")[0].split() for line in path.read_text(encoding="utf-8").splitlines())
    return {row[0].split("=")[0] for row in rows if row and row[0] not in ("LIBRARY", "EXPORTS")}


def drivers(build):
    """The second part: what drivers may import, and what of it is not there or not whole."""
    import fnmatch
    there = {name: definition(build / "wdm" / file) for name, file in (("ntoskrnl.exe", "ntoskrnl.exe.def"), ("hal.dll", "hal.def"))}
    wanted = {"ntoskrnl.exe": definition(build / "sdk/lib/ntoskrnl.def"), "hal.dll": definition(build / "sdk/lib/hal.def")}
    out = ["", "# What drivers take from ntoskrnl.exe and hal.dll", "",
           "The names are those of the driver kit's import libraries. A driver that imports one which is not there is loaded all the same; calling it ends the",
           "driver's process with a line that names it. tests/sdk/names.c lists what Microsoft's and ReactOS's sample drivers take: all of it is there.", ""]
    for module, names in wanted.items():
        out.append(f"{module}: {len(names)} names, {len(names & there[module])} there.")
    out += ["", "Partial:", "", "| names | what is missing |", "|---|---|"]
    for names, text in rows(ROOT / "wdm/partial.txt"):
        for pattern in names.split():
            if not fnmatch.filter(there["ntoskrnl.exe"], pattern):
                raise SystemExit(f"wdm/partial.txt: ntoskrnl.exe has no {pattern}")
        out.append(f"| {', '.join(names.split())} | {text} |")
    for module, names in wanted.items():
        absent = sorted(names - there[module])
        out += ["", f"Not there, {module}: {', '.join(absent)}."]
    return "\n".join(out) + "\n"


def main(words):
    if len(words) not in (1, 3) or words[1:2] not in ([], ["--check"]):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    build = pathlib.Path(words[0])
    if len(words) == 1:
        print(document(build), end="")
        return 0
    if not (build / "ntdll/ntdll.def").exists():
        return 77
    path = pathlib.Path(words[2])
    if path.exists() and path.read_text(encoding="utf-8") == document(build):
        return 0
    print(f"{path.name} is not what ntdll.dll exports: print it anew with python3 tools/exports.py build/pe > docs/exports.md, and look at what changed",
          file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
