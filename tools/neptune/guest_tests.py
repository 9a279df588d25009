"""The TAP programs of tests/guest, in the machine. Every .exe and .sys below build/pe/tests/guest goes into C:\\work; those whose name does not end in
"child" are started, one after the other. Those of tests/guest/fuzz are `neptune fuzz`'s (fuzz.py), those of tests/guest/fs `fs`'s (fs_tests.py),
those of tests/guest/storage storage_tests.py's, those of tests/guest/devices device_tests.py's."""
import argparse
import re

from . import batch, content, paths, tap
from .report import Failure

LIMIT = 120  # seconds for one program, on a slow machine
LOG = re.compile(r"^# log: (.*?)\r?$", re.MULTILINE)   # what a program says the system's log must have by its end
DEVICES = ("-device", "edu")  # what wdm_device drives


def find():
    return sorted(path for path in paths.GUEST_TESTS.rglob("*.exe") if path.is_file() and path.parent.name not in ("fuzz", "fs", "storage", "devices"))


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py guest", description="Runs the guest's TAP programs.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these (without .exe)")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for each")
    parser.add_argument("--show", action="store_true", help="print what the programs print")
    options = parser.parse_args(words)
    batch.require_products()
    images = find()
    chosen = [path for path in images if not path.stem.endswith("child") and (not options.names or path.stem in options.names)]
    if unknown := sorted(set(options.names) - {path.stem for path in chosen}):
        raise Failure(f"there is no guest test {unknown[0]} in {paths.GUEST_TESTS}")
    if not chosen:
        raise Failure(f"there are no guest tests in {paths.GUEST_TESTS}")

    def volume(_):
        result = content.Volume()
        for path in (*images, *sorted(paths.GUEST_TESTS.rglob("*.sys"))):
            result.add_path(f"{content.WORK}/{path.name}", path)
        return result

    programs = [content.Program(rf"C:\work\{path.name}") for path in chosen]
    results = batch.run(volume, programs, [options.limit] * len(programs), extra=DEVICES)
    bad = 0
    for path, result in zip(chosen, results):
        text = result.stdout.decode(errors="replace")
        verdict = tap.parse(text, result.code)
        verdict.failures += [f"the log has nothing like: {pattern}" for pattern in LOG.findall(text) if not re.search(pattern, result.log)]
        if options.show:
            print(text)
        extra = "".join(f", {count} {what}" for count, what in ((verdict.skipped, "skipped"), (verdict.todo, "todo")) if count)
        print(f"{'ok  ' if verdict.good else 'FAIL'} {path.stem}: {verdict.passed} passed{extra}, {result.seconds:.1f} s", flush=True)
        if not verdict.good:
            bad += 1
            for line in verdict.failures[:20]:
                print(f"    {line}")
            if result.trouble:
                print(f"    {result.trouble}")
            if result.stderr.strip():
                print("    stderr: " + result.stderr.decode(errors="replace").strip().replace("\n", "\n    stderr: "))
            if excerpt := batch.log_excerpt(result):
                print(excerpt)
    print(f"{len(chosen) - bad} of {len(chosen)} programs good")
    return 1 if bad else 0
