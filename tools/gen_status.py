#!/usr/bin/env python3
"""Prints abi/nt/status.hpp from mingw-w64's ntstatus.h: every STATUS_/DBG_/RPC_NT_ code as a typed constant."""
import re
import sys

source, target = sys.argv[1], sys.argv[2]
line = re.compile(r"^#define\s+((?:STATUS|DBG|RPC_NT|EPT_NT)_\w+)\s+\(+(?:NTSTATUS)\)?\s*\(?(0x[0-9A-Fa-f]+)")
codes = {}
with open(source, encoding="utf-8", errors="replace") as text:
    for row in text:
        if match := line.match(row):
            codes.setdefault(match.group(1), int(match.group(2), 16))
if len(codes) < 1000:
    sys.exit(f"gen_status: only {len(codes)} codes in {source}: its format is not the expected one")
body = ["// Generated from ntstatus.h by tools/gen_status.py; not to be edited.", "#pragma once",
        '#include "abi/nt/basic.hpp"', "namespace nt {"]
body += [f"inline constexpr NTSTATUS {name} = NTSTATUS(0x{code:08X}u);" for name, code in codes.items()]
body += ["}", ""]
text = "\n".join(body)
try:
    with open(target, encoding="utf-8") as old:
        if old.read() == text:
            sys.exit(0)
except FileNotFoundError:
    pass
with open(target, "w", encoding="utf-8") as out:
    out.write(text)
