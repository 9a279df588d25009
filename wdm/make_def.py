"""Writes the .def of a module of the driver's process: what its objects define, under their own names (a name that ends in Export is exported without
that), and forwarders to ntdll.dll for the rest of the list of names that ntdll has."""
import argparse
import subprocess


def names(tool, files):
    text = subprocess.run([tool, "--defined-only", "--extern-only", "--format=just-symbols", *files], check=True, capture_output=True, text=True).stdout
    return {line.strip() for line in text.splitlines() if line.strip() and not line.strip().endswith(":")}


def definition(path):
    """The names a .def file exports."""
    found = set()
    for line in open(path, encoding="ascii"):
        words = line.split(";")[0].split()
        if words and words[0] not in ("LIBRARY", "EXPORTS"):
            found.add(words[0].split("=")[0])
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nm", required=True)
    parser.add_argument("--module", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--library", action="append", default=[], help="import libraries whose names may be forwarded")
    parser.add_argument("--names", action="append", default=[], help=".def files whose names may be forwarded")
    parser.add_argument("--ntdll", help="ntdll's .def")
    parser.add_argument("--data", action="append", default=[])
    parser.add_argument("objects", nargs="+")
    options = parser.parse_args()
    rows = {}
    for name in names(options.nm, options.objects):
        if name.startswith((".", "_Z", "@", "?", "__imp_", "_head", "_tls")) or name in ("WdmHostMain",):
            continue
        plain = name.removesuffix("Value").removesuffix("Export")
        rows[plain] = plain if plain == name else f"{plain}={name}"
    ntdll = definition(options.ntdll) if options.ntdll else set()
    for library in options.library:
        for name in {row.removeprefix("__imp_") for row in names(options.nm, [library])}:
            if not name.startswith((".", "_head", "_lib")) and name in ntdll and name not in rows:
                rows[name] = f"{name}=ntdll.{name}"
    for path in options.names:
        for name in definition(path) & ntdll - rows.keys():
            rows[name] = f"{name}=ntdll.{name}"
    for name in ("memcpy", "memset", "memmove", "memcmp", "__C_specific_handler", "__chkstk", "_local_unwind"):
        if name in ntdll and name not in rows:
            rows[name] = f"{name}=ntdll.{name}"
    if options.module == "ntoskrnl.exe":
        rows["WdmHostMain"] = "WdmHostMain"
    with open(options.out, "w", encoding="ascii") as out:
        out.write(f"LIBRARY {options.module}\nEXPORTS\n")
        for name in sorted(rows):
            out.write(f"    {rows[name]}{' DATA' if name in options.data else ''}\n")


main()
