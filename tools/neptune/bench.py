"""`neptune bench`: figures in guest instructions, counted by a QEMU plug-in (bench/plugin/count.c). docs/benchmarks.md says what they mean."""
import contextlib
import json
import mmap
import os
import struct
import tempfile
import time

from . import build, content, deps, paths, process, qemu
from .report import Failure, Progress, say

PLUGIN_SOURCE = paths.ROOT / "bench/plugin/count.c"
PLUGIN = paths.BUILD / "bench/count.so"
PROGRAMS = paths.PE / "bench"
WORLDS = ("kernel", "executive", "processes")
TIMEOUT = 150
PROMPT = b"C:\\work>"

NATIVE = ("null_call", "set_event", "wait_signalled", "create_event_close", "event_ping_pong", "page_fault", "vm_commit_free_64k",
          "vm_commit_touch_free_64k", "section_map_unmap", "pipe_ping_pong", "reg_query", "open_close", "cached_read_512", "cached_read_4k",
          "cached_read_64k", "cached_read_1m", "file_create_delete", "thread_create_join", "process_create_exit", "irp_null_ioctl",
          "irp_null_write_1", "irp_null_write_4k")
DISK = {f"disk_seq_read_4k_{bus}": bus for bus in ("ahci", "nvme", "virtio")}
DISK_BYTES = 64 << 20
HOST = ("boot_to_prompt", "memory_floor_mib")


class Figure:
    """Instructions by world, plain and iterations of REP string instructions."""

    def __init__(self, numbers):
        self.plain = dict(zip(WORLDS, numbers[0::2]))
        self.rep = dict(zip(WORLDS, numbers[1::2]))

    def world(self, name):
        return self.plain[name] + self.rep[name]

    def total(self):
        return sum(map(self.world, WORLDS))

    def reps(self):
        return sum(self.rep.values())

    def split(self):
        parts = ", ".join(f"{name} {self.world(name):,.0f}" for name in WORLDS)
        return f"{parts}; of all, {self.reps():,.0f} are REP iterations"


class Counters:
    """The plug-in's file: see struct Counts in count.c."""
    WIDTH = 2 * len(WORLDS)
    incomplete = False      # whether some rows could not be measured

    def __init__(self, file):
        self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def numbers(self, at, count):
        return struct.unpack_from(f"={count}Q", self.map, 8 * at)

    def markers(self):
        return self.numbers(0, 1)[0]

    def now(self):
        return self.numbers(2, self.WIDTH)

    def at(self, marker):
        return self.numbers(2 + self.WIDTH * (1 + marker), self.WIDTH)

    def between(self, first, second, operations=1):
        return Figure([(b - a) / operations for a, b in zip(self.at(first), self.at(second))])


def build_plugin():
    header = PLUGIN_SOURCE.with_name("plugin.h")
    newest = max(PLUGIN_SOURCE.stat().st_mtime, header.stat().st_mtime)
    if PLUGIN.exists() and PLUGIN.stat().st_mtime >= newest:
        return
    PLUGIN.parent.mkdir(parents=True, exist_ok=True)
    process.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden", "-o", PLUGIN, PLUGIN_SOURCE],
                what="building the counting plug-in")


@contextlib.contextmanager
def counted(volume, mode="run", memory=None, stdin=b"", profile=None, extra=()):
    """A booted machine that counts: (session, counters)."""
    with contextlib.ExitStack() as stack:
        image = stack.enter_context(contextlib.closing(content.BootImage(volume.finish(mode))))
        file = stack.enter_context(tempfile.NamedTemporaryFile(prefix="neptune-counts-"))
        plugin = f"{PLUGIN},out={file.name}" + (f",profile={profile[0]},from={profile[1]},to={profile[2]}" if profile else "")
        machine = stack.enter_context(qemu.Machine(image, qemu.default_memory(image, memory), icount=True, extra=["-plugin", plugin, *extra]))
        session = qemu.Session(machine, stdin=stdin, timeout=TIMEOUT)
        # The plug-in makes the file its full length before the first instruction.
        end = time.monotonic() + 10
        while os.fstat(file.fileno()).st_size == 0:
            if time.monotonic() > end or machine.child.poll() is not None:
                session.drain(0.2)
                raise Failure(f"QEMU did not load the counting plug-in: {machine.said.decode(errors='replace').strip()}")
            time.sleep(0.01)
        yield session, Counters(file)


def parse(text, counters, trouble=None):
    """The rows of a benchmark program's output, with the markers in their order."""
    rows = []
    marker = 0
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word != "row":
            continue
        name, operations, rounds, note = rest.split(" ", 3)
        figures = []
        for _ in range(int(rounds)):
            figures.append(counters.between(marker, marker + 1, int(operations)))
            marker += 2
        best = min(figures, key=Figure.total)
        rows.append(row(name, best, note))
    if marker != counters.markers() and not trouble:
        raise Failure(f"the benchmark's markers ({counters.markers()}) do not fit its rows ({marker})")
    return rows


def row(name, figure, note):
    return {"name": name, "instructions": round(figure.total()), "rep": round(figure.reps()),
            **{world: round(figure.world(world)) for world in WORLDS}, "note": f"{note} ({figure.split()})"}


def run_native(rows, profile=None):
    volume = content.Volume()
    for name in ("bench.exe", "benchchild.exe"):
        volume.add_path(f"{content.WORK}/{name}", PROGRAMS / name)
    volume.programs.append(content.Program(r"C:\work\bench.exe", list(rows)))
    return run_program(volume, profile)


def run_disk(name, profile=None):
    """A row that needs a disk behind an adapter: in a machine of its own."""
    from . import storage_tests
    with tempfile.NamedTemporaryFile(prefix="neptune-disk-") as image:
        image.truncate(DISK_BYTES)
        volume = content.Volume()
        volume.add_path(f"{content.WORK}/bench.exe", PROGRAMS / "bench.exe")
        volume.programs.append(content.Program(r"C:\work\bench.exe", [name]))
        return run_program(volume, profile, extra=storage_tests.arguments(DISK[name], image.name))


def run_program(volume, profile=None, memory=None, extra=()):
    with counted(volume, memory=memory, profile=profile, extra=extra) as (session, counters):
        trouble = None
        try:
            if (codes := session.run()) != [0]:
                trouble = f"it ended with {codes[0]}"
        except qemu.MachineFailure as failure:
            trouble = failure
        text = session.outputs["stdout"].data.decode(errors="replace")
        found = parse(text, counters, trouble)
        if trouble:
            # What was measured before is good.
            say(f"after {found[-1]['name'] if found else 'no row at all'}: {trouble}: {text[-300:]!r}")
            Counters.incomplete = True
        return found


def floor_row(null_call):
    """What seL4 itself takes for a call and its reply, in the boot that measured null_call."""
    return {"name": "ipc_floor", "instructions": null_call["kernel"], "rep": 0, "kernel": null_call["kernel"], "executive": 0, "processes": 0,
            "note": "Call by a client and ReplyRecv by the Executive: the instructions seL4 executes for one null_call, same boot (no REP iterations)"}


def boot_row():
    volume = content.Volume()
    volume.system_program("cmd.exe", [])
    with counted(volume, mode="shell", stdin=None) as (session, counters):
        session.input_open = False      # it stays at the prompt
        end = time.monotonic() + 120
        while PROMPT not in session.outputs["stdout"].data:
            if time.monotonic() > end or session.machine.child.poll() is not None:
                raise Failure("no prompt appeared")
            session.round(0.1)
        figure = Figure(counters.now())     # at once: idle time passes quickly under -icount, and acpi.sys is started five seconds after the system
    # seL4 also counts the clock's ticks while the machine waits for the host: its share says nothing.
    figure.plain["kernel"] = figure.rep["kernel"] = 0
    return row("boot_to_prompt", figure, f"all instructions of the Executive, smss and cmd.exe until the prompt {PROMPT.decode()} is out; "
               "without the firmware and seL4")


def memory_row(progress):
    """By bisection; a machine is big enough when the program ends with its own exit code."""
    volume = content.Volume()
    volume.system_program("cmd.exe", ["/c", "echo", "ready"])
    with contextlib.closing(content.BootImage(volume.finish("run"))) as image:
        def enough(size):
            progress.update(f"memory: {size} MiB")
            with qemu.Machine(image, size) as machine:
                session = qemu.Session(machine, stdin=b"", timeout=30)
                try:
                    return session.run() == [0] and session.outputs["stdout"].data.strip() == b"ready"
                except qemu.MachineFailure:
                    return False
        low, high = 16, 256
        if not enough(high):
            raise Failure("cmd.exe does not run in 256 MiB")
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
    return {"name": "memory_floor_mib", "instructions": high, "note": "not instructions: the smallest -m (MiB) with which the system boots and "
            f"`cmd.exe /c echo ready` (Win32) prints and ends with 0; the boot image is {image.size >> 20} MiB of it"}


def table(rows):
    width = max(len(each["name"]) for each in rows)
    print(f"{'':{width}}  {'instructions':>12}  {'no REP':>12}  {'kernel':>12}  {'Executive':>12}  {'processes':>12}")
    for each in rows:
        cells = [each["instructions"], each["instructions"] - each.get("rep", 0), *(each.get(world, 0) for world in WORLDS)]
        if "kernel" not in each:
            cells = cells[:1]
        print(f"{each['name']:{width}}  " + "  ".join(f"{cell:12,}" for cell in cells))


def bench(options):
    known = (*NATIVE, "ipc_floor", *DISK, *HOST)
    if options.win32:
        from . import bench_win32
        known = bench_win32.names()
    for name in options.rows:
        if name not in known:
            raise Failure(f"bench: unknown row {name!r}; there are {', '.join(known)}", 2)
    if options.json:
        with contextlib.suppress(FileNotFoundError), open(options.json, "r+b"):
            pass                        # a file that cannot be written is told now
        if not os.path.isdir(os.path.dirname(os.path.abspath(options.json))):
            raise Failure(f"bench: --json {options.json}: there is no such folder", 2)
    if not options.no_build:
        build.build(("elf", "pe"))
    else:
        deps.ensure("build")
    build.require(paths.KERNEL, paths.EXECUTIVE, paths.NTDLL, paths.SMSS)
    build_plugin()
    wanted = options.rows or known
    with Progress("measuring") as progress:
        rows = bench_win32.measure(wanted, progress) if options.win32 else measure(wanted, progress)
    if not rows:
        return 1
    table(rows)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump({"rows": rows}, out, indent=1)
            out.write("\n")
        say(f"written to {options.json}")
    return 1 if Counters.incomplete else 0


def measure(wanted, progress):
    rows = []
    native = [name for name in NATIVE if name in wanted or (name == "null_call" and "ipc_floor" in wanted)]
    if native:
        progress.update("the native program")
        rows = run_native(native)
        by_name = {each["name"]: each for each in rows}
        if "ipc_floor" in wanted:
            rows.insert(0, floor_row(by_name["null_call"]))
        rows = [each for each in rows if each["name"] in wanted]
    for name in DISK:
        if name in wanted:
            progress.update(name)
            rows += run_disk(name)
    if "boot_to_prompt" in wanted:
        progress.update("boot")
        rows.append(boot_row())
    if "memory_floor_mib" in wanted:
        rows.append(memory_row(progress))
    return rows
