#!/usr/bin/env python3
"""From a DLL's exports.txt and its object files: the .def file for the linker, stubs.S with a failing function for
every name the objects do not define, and missing.txt, the list of those names.

exports.txt, one name a line, `#` starts a comment:
    default KIND                 how a missing function fails when its line does not say
    Name [@ordinal] [noname] [KIND] [= target]
where target is `dll.Function` (a forwarder) or the name of another function of this DLL, and KIND is a key of KINDS."""
import argparse
import pathlib
import re
import subprocess
import sys

# What a missing function returns; it always sets the last error too (common/missing.cpp).
KINDS = ["zero", "hresult", "error", "status", "security", "mm", "socket", "minus", "wsaerror"]


def parse(path):
    default, rows, seen = "zero", [], set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "default":
            default = words[1]
            continue
        row = {"name": words[0], "ordinal": None, "noname": False, "kind": default, "target": None}
        rest = words[1:]
        while rest:
            word = rest.pop(0)
            if re.fullmatch(r"@\d+", word):
                row["ordinal"] = int(word[1:])
            elif word == "noname":
                row["noname"] = True
            elif word in KINDS:
                row["kind"] = word
            elif word == "=" and rest:
                row["target"] = rest.pop(0)
            else:
                sys.exit(f"{path}:{number}: what is {word!r}?")
        if row["name"] in seen:
            sys.exit(f"{path}:{number}: {row['name']} is there twice")
        seen.add(row["name"])
        rows.append(row)
    return rows


def defined(nm, objects):
    text = subprocess.run([nm, "-g", "--defined-only", "--no-sort", *objects], check=True, capture_output=True, text=True).stdout
    return {words[2] for words in map(str.split, text.splitlines()) if len(words) == 3}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--name", required=True)
    ap.add_argument("--nm", required=True)
    ap.add_argument("--exports", type=pathlib.Path, required=True)
    ap.add_argument("--out", type=pathlib.Path, required=True)
    ap.add_argument("objects", nargs="+")
    args = ap.parse_args()
    rows = parse(args.exports)
    have = defined(args.nm, args.objects)
    definition = [f"LIBRARY {args.name}.dll", "EXPORTS"]
    stubs, missing = ['.section .text$stubs,"xr"', ".globl NeptuneStubs", "NeptuneStubs:"], []
    for row in rows:
        name, target = row["name"], row["target"]
        # A name that is only an ordinal, or an alias of our own function, needs a symbol of its own to export.
        symbol = f"Ordinal{row['ordinal']}" if name.isdigit() else name
        if target:
            entry = f"{symbol} = {target}"
        elif symbol in have:
            entry = symbol
        else:
            label = f"NeptuneStub_{len(missing)}"
            stubs += [f".globl {label}", f"{label}:", f"    call NeptuneMissing_{row['kind']}"]
            missing.append(f"{name} {row['kind']}")
            entry = f"{symbol} = {label}"
        if row["ordinal"] is not None:
            entry += f" @{row['ordinal']}" + (" NONAME" if row["noname"] or name.isdigit() else "")
        definition.append("  " + entry)
    stubs += [".globl NeptuneStubCount", '.section .rdata,"dr"', "NeptuneStubCount:", f"    .long {len(missing)}"]
    (args.out / f"{args.name}.def").write_text("\n".join(definition) + "\n")
    (args.out / "stubs.S").write_text("\n".join(stubs) + "\n")
    (args.out / "missing.txt").write_text("".join(line + "\n" for line in sorted(missing)))


main()
