"""Lays ACPICA's source out for the build: prepare.py TOOLS OUT. It comes in a crate (tools/deps.toml), as a tar file; the one change is that acenv.h knows our
platform's header."""
import shutil
import sys
import tarfile
from pathlib import Path

ARCHIVE = "acpica-unix2-20230628"
ENVIRONMENT = "#if defined(_LINUX) || defined(__linux__)\n"


def main():
    tools, out = sys.argv[1:]
    sys.path.insert(0, tools)
    from neptune import fetch
    crate = fetch.unpacked("crate", "acpica-bindings")
    found = next(crate.rglob(f"{ARCHIVE}.tar.gz"))
    out = Path(out)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tarfile.open(found) as archive:
        for member in archive:
            parts = Path(member.name).parts
            # ARCHIVE/source/components/... and ARCHIVE/source/include/...
            if not member.isfile() or len(parts) < 4 or ".." in parts or parts[:2] != (ARCHIVE, "source") or parts[2] not in ("components", "include"):
                continue
            path = out.joinpath(*parts[2:])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.extractfile(member).read())
    header = out / "include/platform/acenv.h"
    text = header.read_text(encoding="latin-1")
    if ENVIRONMENT not in text:
        sys.exit("prepare.py: acenv.h is not as it was")
    header.write_text(text.replace(ENVIRONMENT, '#if defined(ACPI_NEPTUNE)\n#include "drivers/acpi/acpi/acneptune.h"\n\n#elif defined(_LINUX) || defined(__linux__)\n'),
                      encoding="latin-1")
    (out / "ready").touch()


main()
