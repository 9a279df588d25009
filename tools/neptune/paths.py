"""Where things are. Everything made on the way lives under build/; nothing else of the tree is written to."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("NEPTUNE_BUILD") or ROOT / "build").absolute()
CACHE = Path(os.environ.get("NEPTUNE_CACHE") or BUILD / "cache").absolute()

HOST = BUILD / "host"
ELF = BUILD / "elf"
PE = BUILD / "pe"

KERNEL = ELF / "kernel/sel4/kernel32.elf"
EXECUTIVE = ELF / "ntos/ntoskrnl.elf"
NTDLL = PE / "ntdll/ntdll.dll"
SMSS = PE / "user/smss/smss.exe"
WIN32 = PE / "win32"
WDM = PE / "wdm"
DRIVERS = PE / "drivers"
GUEST_TESTS = PE / "tests/guest"
REGISTRY = ROOT / "win32/registry.txt"
