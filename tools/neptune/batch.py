"""Runs a list of programs in as few boots as possible: one after the other in one machine, and a new machine for the rest when one of them
hangs or takes the system down."""
import secrets
import time
from dataclasses import dataclass

from . import content, qemu
from .report import Failure


LOG_KEPT = 8192


@dataclass
class Result:
    """How one program went."""
    code: object        # its 32-bit exit code; a str when it could not be started; None when it did not end
    stdout: bytes
    stderr: bytes
    seconds: float
    trouble: str = ""   # with code None: what happened instead
    log: str = ""       # the end of the system's log by then


class BatchSession(qemu.Session):
    """A session whose output and deadline begin anew with each program. `mark` ends each program's part of the output streams: the guest goes
    on to the next program without waiting for us."""

    def __init__(self, machine, limits, progress, mark, **named):
        super().__init__(machine, programs=len(limits), **named)
        self.limits = limits
        self.results = []
        self.progress = progress
        self.mark = mark
        self.on_program = self.note
        self.begin()

    def begin(self):
        self.started = time.monotonic()
        if len(self.results) < len(self.limits):
            self.timeout = self.limits[len(self.results)]
            self.deadline = self.started + self.timeout

    def take(self, code, trouble=""):
        log = bytes(self.machine.log[-LOG_KEPT:]).decode(errors="replace")
        out, errors = self.part("stdout"), self.part("stderr")
        self.results.append(Result(code, out, errors, time.monotonic() - self.started, trouble, log))

    def part(self, port):
        """What the stream has up to the mark, and away with it."""
        data = self.outputs[port].data
        end = data.find(self.mark)
        part = bytes(data if end < 0 else data[:end])
        del data[:len(data) if end < 0 else end + len(self.mark)]
        return part

    def note(self, _, code):
        self.take(code)
        if self.progress:
            self.progress(len(self.results))
        self.begin()


def run(volume_for, programs, limits, memory=None, icount=False, progress=None, stdin=None, boots=40, extra=()):
    """Runs `programs` (content.Program) and returns a Result for each. `volume_for(programs)` makes a content.Volume with their files, whose
    .programs are then set. `limits` is how many seconds each may take. `progress(count)` is called after each program. `extra`: more words
    for QEMU."""
    results = []
    while len(results) < len(programs):
        rest = programs[len(results):]
        boots -= 1
        if boots < 0:
            results += [Result(None, b"", b"", 0.0, "not run: the machine went down too often") for _ in rest]
            break
        volume = volume_for(rest)
        volume.programs = list(rest)
        mark = f"<{secrets.token_hex(12)}>"
        image = content.BootImage(volume.finish("run", mark))
        try:
            size = qemu.default_memory(image, memory)
            with qemu.Machine(image, size, icount=icount, extra=extra, shares=volume.shares) as machine:
                done = len(results)
                session = BatchSession(machine, limits[done:], progress and (lambda count, done=done: progress(done + count)),
                                       mark.encode(), stdin=stdin)
                try:
                    session.run()
                except qemu.MachineFailure as failure:
                    if len(session.results) < len(rest):
                        session.take(None, str(failure))
                results += session.results
        finally:
            image.close()
    return results


def log_excerpt(result, lines=12):
    """The end of the system's log while a program ran, for a report."""
    rows = [line.rstrip() for line in result.log.splitlines() if line.strip()]
    return "\n".join("    log: " + line for line in rows[-lines:])


def require_products():
    """A test that needs the machine fails clearly when the system is not built."""
    from . import build, paths
    try:
        build.require(paths.KERNEL, paths.EXECUTIVE, paths.NTDLL, paths.SMSS)
    except Failure as failure:
        raise Failure(f"{failure}: build first (./neptune build)") from None
