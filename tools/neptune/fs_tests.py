"""File systems in the machine, on disks in memory: images made by dosfstools, tests/guest/fs in the guest, then the images as the guest has left them under fsck.fat and mtools."""
import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from . import batch, closure, content, fetch, paths, tap
from .report import Failure

LIMIT = 200  # seconds for one program, on a slow machine
FOLDER = paths.GUEST_TESTS / "fs"
# Drive: bits of the table, KiB, sectors to a cluster.
DISKS = {"R": (32, 40960, 1), "S": (16, 16384, 4), "T": (12, 4096, 8)}


# Packaged programs on the volume R:, started from it, too. The words, and what they must print.
CMD = r"C:\Windows\System32\cmd.exe"
STEPS = [
    (CMD, ["/c", r"md R:\pack\tree\sub & copy C:\work\7za.exe R:\pack & copy C:\work\rg.exe R:\pack & copy C:\work\one.txt R:\pack\tree & dir /b R:\pack"], "rg.exe"),
    (CMD, ["/c", r"copy R:\pack\tree\one.txt R:\pack\tree\sub\two.txt & ren R:\pack\tree\sub\two.txt three.txt & dir /b R:\pack\tree\sub"], "three.txt"),
    (r"R:\pack\7za.exe", ["a", "-bd", r"R:\pack\t.7z", r"R:\pack\tree"], "Everything is Ok"),
    (r"R:\pack\7za.exe", ["t", "-bd", r"R:\pack\t.7z"], "Files: 2"),
    (r"R:\pack\7za.exe", ["x", "-bd", "-y", r"-oR:\pack\out", r"R:\pack\t.7z"], "Everything is Ok"),
    (r"R:\pack\rg.exe", ["--no-config", "-c", "--sort", "path", "alpha", r"R:\pack\out"], r"three.txt:2"),
    (CMD, ["/c", r"type R:\pack\out\tree\sub\three.txt & del R:\pack\out\tree\one.txt & if not exist R:\pack\out\tree\one.txt echo gone"], "gone"),
]
TEXT = b"alpha\r\nbeta\r\nalphabet\r\n"


def packaged():
    found = {}
    for package, inside in (("npm:7zip-bin", "package/win/x64/7za.exe"), ("pypi:ripgrep", "ripgrep-14.1.0.data/scripts/rg.exe")):
        kind, _, name = package.partition(":")
        path = fetch.unpacked(kind, name) / inside
        found[path.name] = path
    return found


def tool(name):
    for folder in (*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/sbin"):
        if os.access(Path(folder) / name, os.X_OK):
            return str(Path(folder) / name)
    raise Failure(f"{name} is not installed (Debian's dosfstools, mtools)", 2)


def make(folder, letters):
    made = {}
    for number, letter in enumerate(letters):
        bits, size, cluster = DISKS[letter]
        path = folder / f"ramdisk{number}.img"
        subprocess.run([tool("mkfs.fat"), "-C", "-F", str(bits), "-s", str(cluster), "-n", "TEST", "-i", "12345678", str(path), str(size)], check=True, capture_output=True)
        made[letter] = path
    return made


def restore(data, size):
    """What fs_dump has written."""
    image = bytearray(size)
    for at in range(0, len(data), 4100):
        number = int.from_bytes(data[at:at + 4], "little")
        if number * 4096 >= size or len(data) < at + 4100:
            raise ValueError("the dump is damaged")
        image[number * 4096:number * 4096 + 4096] = data[at + 4:at + 4100]
    return bytes(image[:size])


def check(path):
    """The complaints about an image; empty: none."""
    done = subprocess.run([tool("fsck.fat"), "-n", "-v", str(path)], capture_output=True, text=True)
    text = done.stdout + done.stderr
    bad = [] if done.returncode == 0 else [f"fsck.fat ends with {done.returncode}"] + text.splitlines()[-30:]
    if "Dirty bit is set" in text:
        bad.append("the volume is marked dirty")
    listing = subprocess.run([tool("mdir"), "-/", "-b", "-i", str(path), "::"], capture_output=True, text=True)
    names = listing.stdout.splitlines()
    for wanted in ("::/hello.txt", "::/data.bin", "::/log.txt", "::/sub/moved again.txt", "::/sub/new/inside.txt", "::/many/A file with a number 123.txt"):
        if wanted not in names:
            bad.append(f"mdir does not list {wanted}")
    for gone in ("::/gone.txt", "::/two.txt", "::/many/A file with a number 122.txt"):
        if gone in names:
            bad.append(f"mdir lists {gone}")
    text = subprocess.run([tool("mtype"), "-i", str(path), "::/sub/moved again.txt"], capture_output=True).stdout
    if text != b"still the same":
        bad.append(f"sub/moved again.txt has {text!r}")
    return bad


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py fs", description="Runs the file-system tests in the machine.")
    parser.add_argument("drives", metavar="DRIVE", nargs="*", help=f"only these ({', '.join(DISKS)})")
    parser.add_argument("--show", action="store_true", help="print what the programs print")
    parser.add_argument("--keep", metavar="FOLDER", help="leave the images there")
    options = parser.parse_args(words)
    batch.require_products()
    letters = [letter for letter in DISKS if not options.drives or letter in options.drives]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.img"):
            old.unlink()
        images = make(folder, letters)

        hosts = packaged()
        library = closure.Library()

        def volume(_):
            result = content.Volume(library)
            for name, path in hosts.items():
                result.add_path(f"{content.WORK}/{name}", path)
                result.roots.append(path)
            result.archive.add_bytes(f"{content.WORK}/one.txt", TEXT)
            result.roots.append(library.find("cmd.exe"))
            for path in (*sorted(FOLDER.glob("*.exe")), *sorted(FOLDER.glob("*.sys")), *images.values()):
                result.add_path(f"{content.WORK}/{path.name}", path)
            return result

        # The drive letters go by the numbers of the disks.
        drives = [chr(ord("R") + number) for number in range(len(letters))]
        checks = ("fs_files", "fs_mapped", "fs_death")
        programs = ([content.Program(rf"C:\work\{name}.exe") for name in checks] + [content.Program(image, words) for image, words, _ in STEPS]
                    + [content.Program(r"C:\work\fs_dump.exe", [drive]) for drive in drives])
        results = batch.run(volume, programs, [LIMIT] * len(programs), memory=512)
        steps, dumps = results[len(checks):len(checks) + len(STEPS)], results[len(checks) + len(STEPS):]
        bad = False
        for name, result in zip(checks, results):
            text = result.stdout.decode(errors="replace")
            verdict = tap.parse(text, result.code)
            if options.show:
                print(text)
            bad |= not verdict.good
            print(f"{'ok  ' if verdict.good else 'FAIL'} {name}: {verdict.passed} passed, {result.seconds:.1f} s")
            for line in verdict.failures[:30]:
                print(f"    {line}")
            if not verdict.good and result.trouble:
                print(f"    {result.trouble}")
            if not verdict.good and (excerpt := batch.log_excerpt(result)):
                print(excerpt)
        for (image, words, wanted), result in zip(STEPS, steps):
            output = result.stdout.decode(errors="replace")
            good = result.code == 0 and wanted in output
            print(f"{'ok  ' if good else 'FAIL'} {image.rpartition(chr(92))[2]} {' '.join(words)[:100]}")
            if not good:
                bad = True
                print(f"    code {result.code}, {output[-400:]!r} {result.stderr.decode(errors='replace')[-300:]!r} {result.trouble}")
                if excerpt := batch.log_excerpt(result):
                    print(excerpt)
        for letter, dump in zip(letters, dumps):
            path = images[letter]
            trouble = []
            if dump.code != 0:
                trouble = [f"fs_dump ends with {dump.code:#x}" if isinstance(dump.code, int) else str(dump.trouble or dump.code)]
            else:
                left = path.with_suffix(".out")
                left.write_bytes(restore(dump.stdout, path.stat().st_size))
                trouble = check(left)
            print(f"{'FAIL' if trouble else 'ok  '} FAT{DISKS[letter][0]} after it")
            for line in trouble:
                print(f"    {line}")
            bad |= bool(trouble)
    return 1 if bad else 0
