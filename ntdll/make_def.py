#!/usr/bin/env python3
"""Writes ntdll.def: what the objects define of the names to be exported. A name to be exported that nothing defines becomes an alias
of NtdllNotImplemented, and is listed in missing.txt beside the definition file.

usage: make_def.py --nm llvm-nm --out folder --wanted list... -- object...
Wanted lists have one name per line; '#' starts a comment. A line "name data" exports a variable,
a line "name ?" a function only if the objects define it.
"""
import argparse
import pathlib
import re
import subprocess

Parser = argparse.ArgumentParser()
Parser.add_argument("--nm", required=True)
Parser.add_argument("--out", required=True)
Parser.add_argument("--wanted", nargs="+", required=True)
Parser.add_argument("objects", nargs="+")
Options = Parser.parse_args()

Defined = set()
Code = set()
for Line in subprocess.run([Options.nm, "--defined-only", "--extern-only", *Options.objects],
                           check=True, capture_output=True, text=True).stdout.splitlines():
    Match = re.match(r"^[0-9a-fA-F]+ ([A-Z]) (\S+)$", Line)
    if Match:
        Defined.add(Match.group(2))
        if Match.group(1) in "TW":
            Code.add(Match.group(2))

Wanted = {}
for File in Options.wanted:
    Text = pathlib.Path(File).read_text()
    if File.endswith("services.def"):
        for Name in re.findall(r"^SVC\((\w+),", Text, re.M):
            Wanted["Nt" + Name] = Wanted["Zw" + Name] = ""
        continue
    for Line in Text.splitlines():
        Words = Line.split("#")[0].split()
        if Words and Words[1:] == ["?"]:
            if Words[0] in Defined:
                Wanted.setdefault(Words[0], "")
        elif Words:
            Wanted[Words[0]] = " ".join(Words[1:])
# Whatever the objects define under a name of the Windows API is exported without being listed.
Public = re.compile(r"^(Nt|Zw|Rtl|Ldr|Dbg|Etw|Tp|Csr|Alpc|Ki|WinSqm|Ver|ApiSet|MD4|MD5|A_SHA|Nls|__wine_|wine_)[A-Z_a-z0-9]*$")
Internal = re.compile(r"^(Rtlp(?!Nt)|Ldrp|Ntdll|KiDispatch)")
for Name in Defined:
    if Public.match(Name) and not Internal.match(Name):
        Wanted.setdefault(Name, "" if Name in Code else "data")

Missing = sorted(N for N in Wanted if N not in Defined)
Lines = ["LIBRARY ntdll.dll", "EXPORTS"]
for Name in sorted(Wanted):
    Target = "" if Name in Defined else "=NtdllNotImplemented"
    Lines.append(f"    {Name}{Target}{' DATA' if Wanted[Name] == 'data' and not Target else ''}")
Out = pathlib.Path(Options.out)
Out.mkdir(parents=True, exist_ok=True)
(Out / "ntdll.def").write_text("\n".join(Lines) + "\n")
(Out / "missing.txt").write_text("".join(N + "\n" for N in Missing))
