"""One virtual machine: QEMU with the kernel, the boot image, and four byte streams to and from the guest.

The guest sees a legacy virtio-serial device with the ports neptune.stdin, neptune.stdout, neptune.stderr and neptune.control; COM1 is the
system's log. Each is a socket pair whose far end QEMU inherits, so there are no names in any file system and nothing is left behind.
The control port carries lines from the guest:
    ready                     the system has started (and, with a shell, is about to show its prompt)
    exit <decimal u32>        a program ended with this code; all its output came before
    error <text>              a program could not be started; text is for the user
    count <name> <number>     a figure, for tests and measurements
"""
import os
import re
import selectors
import signal
import socket
import subprocess
import time

from . import paths, process, share
from .report import Failure

QEMU = os.environ.get("NEPTUNE_QEMU") or "qemu-system-x86_64"
PORTS = ("stdin", "stdout", "stderr", "control", "log")
CHUNK = 65536
GRACE = 2.0        # seconds for the machine to turn itself off after the last program
LOG_KEPT = 1 << 20
PANIC = "NEPTUNE PANIC"
MACHINE_ERROR = 125
TIMEOUT_ERROR = 124


class MachineFailure(Failure):
    """The machine, not the program, went wrong."""

    def __init__(self, text, code=MACHINE_ERROR):
        super().__init__(text, code)


class Machine:
    """Starts QEMU and hands over what comes out of it. Use as a context manager: leaving it ends QEMU, whatever happened."""

    def __init__(self, image, memory=256, kernel=None, extra=(), icount=False, disk=None, data_disks=(), shares=()):
        """`image` is a content.BootImage (or anything with .path and .fd), or None: the disk boots. `disk`: (path of an image, bus).
        `data_disks`: more of these. `shares`: share.Share, folders of the host."""
        kernel = kernel or paths.KERNEL
        if image and not kernel.exists():
            raise MachineFailure(f"the kernel {kernel} is not there: the build does not make it")
        self.near = {}
        far = {}
        for port in PORTS:
            self.near[port], far[port] = socket.socketpair()
            self.near[port].setblocking(False)
        # ioeventfd=off: queues are handled when the guest says so, in its order; otherwise a control line can overtake the output before it.
        arguments = [QEMU, "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", str(memory), "-display", "none", "-vga", "none",
                     "-nodefaults", "-no-user-config", "-no-reboot", *(["-kernel", str(kernel), "-initrd", image.path] if image else []),
                     "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
                     "-device", "virtio-serial-pci,disable-modern=on,disable-legacy=off,ioeventfd=off,max_ports=8"]
        if disk:
            arguments += disk_arguments(*disk)
        for number, each in enumerate(data_disks, 1):
            arguments += disk_arguments(*each, number)
        arguments += share.arguments(shares)
        if icount:
            arguments += ["-icount", "shift=0,sleep=off"]
        for number, port in enumerate(PORTS, 1):
            arguments += ["-chardev", f"socket,id={port},fd={far[port].fileno()}"]
            if port != "log":
                arguments += ["-device", f"virtserialport,nr={number},chardev={port},name=neptune.{port}"]
        arguments += ["-serial", "chardev:log", *extra]
        if not any("bus=ide." in word for word in arguments):
            arguments[arguments.index("q35")] = "q35,sata=off"  # a controller without disks has a driver that need not run
        try:
            self.child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                          pass_fds=[*([image.fd] if image else []), *(end.fileno() for end in far.values())],
                                          preexec_fn=process.die_with_parent, start_new_session=True)
        except OSError as error:
            self.close_ends()
            raise MachineFailure(f"cannot start {QEMU}: {error.strerror}") from None
        finally:
            for end in far.values():
                end.close()
        os.set_blocking(self.child.stdout.fileno(), False)
        self.log = bytearray()
        self.said = bytearray()  # what QEMU itself printed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends QEMU (by its own id) and closes all streams."""
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.child.stdout.close()
        self.close_ends()

    def close_ends(self):
        for end in self.near.values():
            end.close()

    def log_text(self):
        return self.log.decode(errors="replace")

    def panic(self):
        """The log's line that tells of the system's death, or None."""
        where = self.log.find(PANIC.encode())
        if where < 0:
            return None
        return bytes(self.log[where:]).split(b"\n")[0].decode(errors="replace").strip()


DISK_DEVICES = {"ahci": "ide-hd,bus=ide.0", "nvme": "nvme,serial=neptune", "virtio": "virtio-blk-pci"}


def disk_arguments(path, bus, number=0):
    """The disk with the raw image `path`: the first one, which the machine starts from, or one more of this number. A comma in QEMU's option is written twice."""
    quoted = str(path).replace(",", ",,")
    name = f"data{number}" if number else "disk"
    device = DISK_DEVICES[bus].replace("ide.0", f"ide.{number}").replace("serial=neptune", f"serial=neptune{number or ''}")
    return ["-drive", f"if=none,id={name},format=raw,cache=writeback,discard=unmap,file.driver=file,file.filename={quoted}",
            "-device", f"{device},drive={name}" + ("" if number else ",bootindex=1")]


class Sink:
    """Output to a descriptor of ours that may be slow: kept here until it can be written, and the guest is held back meanwhile."""
    STEP = 4096  # a pipe that polls as writable takes this much at once

    def __init__(self, fd):
        self.fd = fd
        self.pending = bytearray()

    def write(self, data):
        self.pending += data

    def full(self):
        return len(self.pending) >= CHUNK

    def flush_some(self):
        try:
            count = os.write(self.fd, memoryview(self.pending)[:self.STEP])
        except (BlockingIOError, InterruptedError):
            return
        del self.pending[:count]


class Keeper:
    """Output kept in memory, up to a limit."""
    fd = None

    def __init__(self, limit=64 << 20):
        self.data = bytearray()
        self.limit = limit

    def write(self, data):
        self.data += data
        if len(self.data) > self.limit:
            raise MachineFailure(f"the program wrote more than {self.limit >> 20} MiB")

    def full(self):
        return False


class Session:
    """Pumps a Machine until its programs have ended. Subclass or set the callbacks for what else is to happen."""

    def __init__(self, machine, stdin=None, stdout=None, stderr=None, log=None, timeout=None, programs=1):
        """`stdin`: a descriptor, bytes, or None for no input. `stdout`/`stderr`: Sink or Keeper. `log`: a Sink, or a callable for bytes."""
        self.machine = machine
        self.stdin = stdin if isinstance(stdin, int) else None
        self.input = memoryview(stdin) if isinstance(stdin, (bytes, bytearray)) else memoryview(b"")
        self.input_open = True
        self.outputs = {"stdout": stdout or Keeper(), "stderr": stderr or Keeper()}
        self.log = log
        self.deadline = time.monotonic() + timeout if timeout else None
        self.timeout = timeout
        self.programs = programs
        self.codes = []      # a number per ended program, a str for one that could not be started
        self.counts = {}
        self.ready = False
        self.control = bytearray()
        self.open = {"stdout", "stderr", "control", "log"}
        self.leave = None    # a byte of the input that ends the machine, as Ctrl-C does where it is no key
        self.on_program = lambda session, result: None
        self.on_ready = lambda session: None

    # One round: who is ready, move bytes. poll() and not epoll: standard input may be a file.
    def run(self):
        """Until all programs have ended and the machine is off, or it has had its grace. Raises MachineFailure when there is no result."""
        machine = self.machine
        end = None
        while True:
            now = time.monotonic()
            if len(self.codes) >= self.programs and end is None:
                end = now + GRACE
            if end is not None and now >= end:
                break
            if self.deadline and now >= self.deadline and end is None:
                raise MachineFailure(f"the program did not end within {self.timeout:g} seconds", TIMEOUT_ERROR)
            limit = min([0.5, *([end - now] if end else []), *([self.deadline - now] if self.deadline and not end else [])])
            self.round(max(limit, 0))
            if machine.child.poll() is not None and not self.open & {"stdout", "stderr", "control", "log"}:
                break
            if machine.panic() and end is None:
                self.drain(0.3)
                raise MachineFailure(f"the system stopped: {machine.panic().removeprefix(PANIC).lstrip(': ')}")
        self.flush()
        if len(self.codes) < self.programs:
            self.explain_early_end()
        return self.codes

    def drain(self, seconds):
        """What is still on its way: until nothing has come for `seconds`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.open:
            if self.round(0.05):
                end = time.monotonic() + seconds

    def flush(self, seconds=None):
        """Writes everything that is kept for slow readers; gives up after `seconds`."""
        end = time.monotonic() + seconds if seconds else None
        for sink in (*self.outputs.values(), self.log):
            while isinstance(sink, Sink) and sink.pending and not (end and time.monotonic() >= end):
                with selectors.PollSelector() as selector:
                    selector.register(sink.fd, selectors.EVENT_WRITE)
                    if selector.select(0.5):
                        sink.flush_some()

    def explain_early_end(self):
        machine = self.machine
        if panic := machine.panic():
            raise MachineFailure(f"the system stopped: {panic.removeprefix(PANIC).lstrip(': ')}")
        said = machine.said.decode(errors="replace").strip().splitlines()
        said = [re.sub(r"^qemu-system-x86_64: ", "QEMU: ", line) for line in said if "warning:" not in line]
        if said:
            raise MachineFailure(said[-1])
        rows = [line for line in machine.log_text().splitlines() if line.strip()]
        last = f"; its log ends with: {rows[-1].strip()}" if rows else "; it wrote no log"
        raise MachineFailure(f"the machine turned off before the program ended{last}")

    def round(self, seconds):
        near = self.machine.near
        events = {}
        for port in self.open:
            sink = self.outputs.get(port)
            if sink is None or not sink.full():
                events[near[port]] = (selectors.EVENT_READ, port)
        child_output = self.machine.child.stdout
        if not child_output.closed and self.machine.child.poll() is None:
            events[child_output] = (selectors.EVENT_READ, "qemu")
        else:
            self.read_qemu()
        for sink in {id(sink): sink for sink in (*self.outputs.values(), self.log) if isinstance(sink, Sink) and sink.pending}.values():
            events[sink.fd] = (selectors.EVENT_WRITE, sink)
        if self.input_open:
            if self.input:
                events[near["stdin"]] = (selectors.EVENT_WRITE, "stdin")
            elif self.stdin is not None:
                events[self.stdin] = (events[self.stdin][0] | selectors.EVENT_READ if self.stdin in events else selectors.EVENT_READ, "host-stdin")
            else:
                self.end_input()
        with selectors.PollSelector() as selector:
            for file, (mask, what) in events.items():
                try:
                    selector.register(file, mask, what)
                except KeyError:  # two of our streams on one descriptor
                    pass
            ready = selector.select(seconds)
        order = {"control": 1}
        for key, _ in sorted(ready, key=lambda item: order.get(item[0].data if isinstance(item[0].data, str) else "", 0)):
            what = key.data
            if isinstance(what, Sink):
                what.flush_some()
            elif what == "stdin":
                self.send_input()
            elif what == "host-stdin":
                self.take_input()
            elif what == "qemu":
                self.read_qemu()
            else:
                self.receive(what)
        return bool(ready)

    def take_input(self):
        try:
            data = os.read(self.stdin, CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if self.leave is not None and self.leave in data:
            raise KeyboardInterrupt
        if data:
            self.input = memoryview(data)
        else:
            self.end_input()

    def send_input(self):
        try:
            count = self.machine.near["stdin"].send(self.input)
            self.input = self.input[count:]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.input_open = False

    def end_input(self):
        """Our half of the socket ends: QEMU closes the port when the guest has taken what came before."""
        self.input_open = False
        try:
            self.machine.near["stdin"].shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def read_qemu(self):
        try:
            data = os.read(self.machine.child.stdout.fileno(), CHUNK)
        except (OSError, ValueError):
            return
        if len(self.machine.said) < CHUNK:
            self.machine.said += data

    def receive(self, port):
        try:
            data = self.machine.near[port].recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if port == "control":
            # Output that was written before a control line is in the sockets when the line is: it goes first. (Only once the line is here
            # can one be sure of that.)
            for other in ("stdout", "stderr"):
                self.take_all(other)
        if not data:
            self.open.discard(port)
            return
        self.deliver(port, data)

    def take_all(self, port):
        while port in self.open:
            try:
                data = self.machine.near[port].recv(CHUNK)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                data = b""
            if not data:
                self.open.discard(port)
                return
            self.deliver(port, data)

    def deliver(self, port, data):
        if port == "log":
            log = self.machine.log
            log += data
            if len(log) > LOG_KEPT * 2:
                del log[:-LOG_KEPT]
            if callable(self.log):
                self.log(data)
            elif self.log:
                self.log.write(data)
        elif port == "control":
            self.control += data
            while (end := self.control.find(b"\n")) >= 0:
                line = self.control[:end].decode(errors="replace").strip()
                del self.control[:end + 1]
                self.command(line)
        else:
            self.outputs[port].write(data)

    def command(self, line):
        word, _, rest = line.partition(" ")
        if word == "ready":
            self.ready = True
            self.on_ready(self)
        elif word == "exit" and rest.isdecimal() and int(rest) < 1 << 32:
            self.codes.append(int(rest))
            self.on_program(self, int(rest))
        elif word == "error":
            self.codes.append(rest)
            self.on_program(self, rest)
        elif word == "count" and len(rest.split()) == 2 and rest.split()[1].lstrip("-").isdecimal():
            name, number = rest.split()
            self.counts[name] = int(number)
        elif line:
            raise MachineFailure(f"the guest said something unknown on its control port: {line!r}")


def default_memory(image, asked=None):
    """MiB for a machine that boots `image`: the kernel copies it once, and programs need room. Failure when `asked` is too little."""
    least = (image.size + image.memory) // (1 << 20) + 24
    if asked is None:
        return max(256, (least + 160 + 63) // 64 * 64 if least > 160 else 256)
    if asked < least:
        raise Failure(f"--memory {asked} is too little: this image needs at least {least} MiB", 2)
    return asked


class Terminated(Exception):
    """SIGTERM or SIGHUP came."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


def terminate_cleanly():
    """Makes SIGTERM and SIGHUP unwind the stack, so that every `with` is left properly."""
    def handler(number, _):
        for each in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise Terminated(number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)
