"""Makes the kit's import libraries: names out of mingw-w64's import libraries (facts of the build machine), and those of lib/*.def."""
import argparse
import re
import subprocess
import sys
from pathlib import Path

# library of the kit: (file drivers import it from, mingw-w64's library of it)
LIBRARIES = {
    "ntoskrnl": ("ntoskrnl.exe", "libntoskrnl.a"),
    "hal": ("hal.dll", "libhal.a"),
    "classpnp": ("CLASSPNP.SYS", "libclasspnp.a"),
    "ndis": ("NDIS.SYS", "libndis.a"),
    "hidclass": ("HIDCLASS.SYS", "libhidclass.a"),
    "hidparse": ("HIDPARSE.SYS", "libhidparse.a"),
    "usbd": ("USBD.SYS", "libusbd.a"),
    "ks": ("ks.sys", "libks.a"),
    "ksecdd": ("ksecdd.sys", "libksecdd.a"),
    "storport": ("storport.sys", None),
    "scsiport": ("SCSIPORT.SYS", None),
    "wmilib": ("WMILIB.SYS", None),
    "fltmgr": ("FLTMGR.SYS", None),
    "clfs": ("CLFS.SYS", None),
}


def mingw_names(nm, library):
    """{name: is it data} of an import library."""
    text = subprocess.run([nm, "--quiet", library], check=True, capture_output=True, text=True).stdout
    code, imported = set(), set()
    for row in text.splitlines():
        match = re.match(r"^[0-9a-f]+ ([A-Z]) (\S+)$", row)
        if match and match[1] == "T":
            code.add(match[2])
        elif match and match[2].startswith("__imp_"):
            imported.add(match[2][6:])
    return {name: name not in code for name in imported}


def own_names(path):
    names, listing = {}, False
    for row in path.read_text(encoding="ascii").splitlines():
        row = row.split(";")[0].strip()
        if row.upper() == "EXPORTS":
            listing = True
        elif row and listing:
            words = row.split()
            names[words[0]] = words[1:] == ["DATA"]
    return names


def main():
    parser = argparse.ArgumentParser()
    for option in ("--nm", "--dlltool", "--mingw", "--out"):
        parser.add_argument(option, required=True)
    options = parser.parse_args()
    here, out = Path(__file__).parent, Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    for name, (image, mingw) in LIBRARIES.items():
        names = mingw_names(options.nm, Path(options.mingw, mingw)) if mingw else {}
        own = here / f"{name}.def"
        if own.exists():
            names.update(own_names(own))
        if not names:
            sys.exit(f"make_libs: no names for {name}")
        rows = [f"LIBRARY {image}", "EXPORTS", *(f"{key}{' DATA' if data else ''}" for key, data in sorted(names.items()))]
        definition = out / f"{name}.def"
        definition.write_text("\n".join(rows) + "\n", encoding="ascii")
        subprocess.run([options.dlltool, "-m", "i386:x86-64", "-d", definition, "-l", out / f"{name}.lib"], check=True)


if __name__ == "__main__":
    main()
