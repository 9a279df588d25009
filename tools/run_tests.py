#!/usr/bin/env python3
"""What CTest calls for tests that need the machine: run_tests.py guest|device|console|fs|storage|disk|cuts|kills|apps|wine|share|fuzz|leak ... (see tools/CMakeLists.txt)."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from neptune import qemu  # noqa: E402
from neptune.report import Failure  # noqa: E402


def main():
    qemu.terminate_cleanly()
    kind, *words = sys.argv[1:] or [""]
    try:
        if kind == "guest":
            from neptune import guest_tests as tests
        elif kind == "storage":
            from neptune import storage_tests as tests
        elif kind == "disk":
            from neptune import disk_tests as tests
        elif kind == "cuts":
            from neptune import cut_tests as tests
        elif kind == "kills":
            from neptune import kill_tests as tests
        elif kind == "fs":
            from neptune import fs_tests as tests
        elif kind == "device":
            from neptune import device_tests as tests
        elif kind == "console":
            from neptune import console_tests as tests
        elif kind == "apps":
            from neptune import app_tests as tests
        elif kind == "wine":
            from neptune import wine_tests as tests
        elif kind == "share":
            from neptune import share_tests as tests
        elif kind == "fuzz":
            from neptune import fuzz as tests
        elif kind == "leak":
            from neptune import fuzz
            return fuzz.leak(words)
        else:
            raise Failure(f"unknown kind of test {kind!r}: guest, device, console, fs, storage, disk, cuts, kills, apps, wine, share, fuzz or leak", 2)
        return tests.main(words)
    except Failure as failure:
        print(f"run_tests: {failure}", file=sys.stderr)
        return failure.code
    except qemu.Terminated as terminated:
        return 128 + terminated.number


if __name__ == "__main__":
    sys.exit(main())
