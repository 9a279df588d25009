"""Writes a module whose functions are jumps into another one: for the names of an import library (hal) that the other module (ntoskrnl.exe) exports."""
import argparse
import subprocess


def definition(path):
    """The names a .def file exports."""
    with open(path, encoding="ascii") as lines:
        rows = [line.split(";")[0].split() for line in lines]
    return {row[0].split("=")[0] for row in rows if row and row[0] not in ("LIBRARY", "EXPORTS")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nm", required=True)
    parser.add_argument("--module", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--names", required=True, help="a .def file with more names")
    parser.add_argument("--target", required=True, help="the .def of the module jumped into")
    parser.add_argument("--out", required=True, help="without suffix: OUT.S and OUT.def")
    options = parser.parse_args()
    text = subprocess.run([options.nm, "--defined-only", "--extern-only", "--format=just-symbols", options.library], check=True, capture_output=True, text=True).stdout
    wanted = {line.strip() for line in text.splitlines() if line.strip() and not line.startswith(("_", "."))}
    wanted |= definition(options.names)
    there = definition(options.target)
    names = sorted(wanted & there)
    with open(options.out + ".S", "w", encoding="ascii") as out:
        out.write("    .text\n")
        for name in names:
            out.write(f"    .globl Thunk_{name}\n    .def Thunk_{name}; .scl 2; .type 32; .endef\nThunk_{name}:\n    jmpq *__imp_{name}(%rip)\n")
    with open(options.out + ".def", "w", encoding="ascii") as out:
        out.write(f"LIBRARY {options.module}\nEXPORTS\n")
        for name in names:
            out.write(f"    {name}=Thunk_{name}\n")


main()
