"""`neptune sdk`: installs the driver kit, with everything that building drivers needs besides clang, lld and CMake."""
import shutil

from . import deps, files, paths, process
from .report import Failure, Progress

MARK = "cmake/NeptuneSDKConfig.cmake"


def install(target):
    """Puts the kit into the folder `target`, which must be new, empty, or an older kit."""
    target = target.absolute()
    if target.is_file():
        raise Failure(f"sdk: {target} is a file", 2)
    if target.exists() and any(target.iterdir()) and not (target / MARK).exists():
        raise Failure(f"sdk: {target} has other files in it; give a new folder", 2)
    deps.ensure("build")
    build = paths.BUILD / "sdk"
    with files.lock(paths.BUILD / ".lock-sdk"), Progress("driver kit") as progress:
        process.run(["cmake", "-G", "Ninja", "-S", paths.ROOT / "sdk", "-B", build], cwd=paths.ROOT, progress=progress,
                    log=paths.BUILD / "log" / "sdk.log", what="configuring the driver kit")
        process.run(["ninja", "-C", build], progress=progress, log=paths.BUILD / "log" / "sdk.log", what="building the driver kit")
        # Beside the target and then in its place, so that a kit is there as a whole or not at all.
        with files.scratch(target.parent) as scratch:
            process.run(["cmake", "--install", build, "--prefix", scratch / "kit"], progress=progress, log=paths.BUILD / "log" / "sdk.log",
                        what="installing the driver kit")
            if target.exists():
                shutil.rmtree(target)
            (scratch / "kit").rename(target)


def sdk(options):
    install(options.install)
    print(f"driver kit in {options.install}: find_package(NeptuneSDK) with -DNeptuneSDK_DIR={options.install.absolute()}/cmake")
    return 0
