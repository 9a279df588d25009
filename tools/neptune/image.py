"""`neptune image`: a disk that boots by itself, or the files for a multiboot loader."""
import contextlib
import os
import shutil
from pathlib import Path

from . import content, deps, disk, paths, run
from .bootfs import nt_time


def write(options):
    if options.output is not None:
        disk.check_target(Path(options.output), options.force)
    environment = run.parse_environment(options.env)
    if options.program:
        run.early_check(options.program)
    run.prepare(options)
    if options.output is not None:
        deps.ensure("disk")
    # The system's files have the time of the build, so that an image is the same whenever it is made.
    stamp = nt_time(int(os.environ.get("SOURCE_DATE_EPOCH") or int(paths.EXECUTIVE.stat().st_mtime)) * 10**9)
    volume = run.collect(options, stamp)
    volume.console = options.output is not None
    if options.program:
        volume.add_program(options.program, options.arguments, environment)
    else:
        volume.system_program("cmd.exe", [], environment)
    mode = "run" if options.program else "shell"
    archive = volume.finish(mode)
    if options.folder is not None:
        return write_folder(Path(options.folder), archive)

    def boot_image(where):
        return content.BootImage(volume.boot_archive(mode, where, programs=False)).file

    disk.make(options.output, archive, boot_image, options.size << 20 if options.size else None, options.force)
    return 0


def write_folder(folder, archive):
    with contextlib.closing(content.BootImage(archive)) as image:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(paths.KERNEL, folder / "kernel32.elf")
        image.file.seek(0)
        with open(folder / "image", "wb") as out:
            shutil.copyfileobj(image.file, out, 1 << 20)
    return 0
