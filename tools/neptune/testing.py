"""`neptune test`: builds everything, then CTest does the rest. Tests are registered in tools/CMakeLists.txt and tests/host."""
import os
import subprocess

from . import build, deps, paths, process
from .report import Failure


def test(options):
    if not options.list:
        build.build()
        prefetch()
    else:
        build.build(("host",))
    if not (paths.HOST / "CTestTestfile.cmake").exists():
        raise Failure(f"{paths.HOST} has no tests: build first (./neptune build)")
    jobs = options.jobs or max(1, (os.cpu_count() or 2) // 2)
    command = ["ctest", "--test-dir", str(paths.HOST), "--output-on-failure", "-j", str(jobs), "--no-tests=error"]
    for flag, value in (("-R", options.match), ("-E", options.exclude), ("-L", options.label)):
        if value:
            command += [flag, value]
    if options.list:
        command.append("--show-only")
    if options.verbose:
        command.append("--verbose")
    # The tests use what was just built.
    env = dict(os.environ, NEPTUNE_NO_BUILD="1", NEPTUNE_BUILD=str(paths.BUILD), NEPTUNE_CACHE=str(paths.CACHE), CTEST_OUTPUT_ON_FAILURE="1")
    child = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, preexec_fn=process.die_with_parent)
    try:
        return child.wait()
    except BaseException:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
        raise


def prefetch():
    """What the tests take from registries, so that a registry that does not answer is one clear error and not many failed tests."""
    from . import fetch
    from .report import Progress
    with Progress("fetching test programs") as progress:
        deps.ensure("build", "test")
        fetch.everything(progress)
