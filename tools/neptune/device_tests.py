"""TAP programs that need hardware or a partner outside of the machine (tests/guest/devices): each is booted with QEMU devices of its own, and a Python
class here plays what is at the other end."""
import argparse
import contextlib
import json
import os
import re
import socket
import tempfile
import threading
import time
from pathlib import Path

from . import batch, content, paths, qemu, tap
from .report import Failure

LIMIT = 90


class Partner:
    """What a test adds to the machine. `arguments` go to QEMU; `run` plays the other end in a thread of its own until `done` is set."""
    program = None     # the guest's program; its words
    words = ()
    where = "devices"     # the folder of tests/guest it is in
    terminal = None    # (columns, rows): the program has a console; it prints to the error stream
    powers_off = False  # the machine goes off while the program runs

    def __init__(self, folder):
        self.folder = folder
        self.done = threading.Event()
        self.trouble = None
        self.keys = None                # where bytes are written that the terminal sends
        self.output = lambda: b""       # what the guest's program has printed so far

    def arguments(self):
        return []

    def run(self):
        pass

    def log(self, text):
        """What the system's log has when the machine is off: raises Failure if it should not be so."""


def connect(path, patience=20):
    """A stream to a socket that QEMU makes."""
    end = time.monotonic() + patience
    while True:
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(str(path))
            return link
        except OSError:
            link.close()
            if time.monotonic() > end:
                raise Failure(f"QEMU does not listen on {path.name}") from None
            time.sleep(0.05)


class Monitor:
    """QEMU's machine protocol on a socket."""

    def __init__(self, path):
        self.link = connect(path)
        self.file = self.link.makefile("rwb", buffering=0)
        self.file.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        self.file.write(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        while line := self.file.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise Failure(f"QEMU: {name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise Failure(f"QEMU ended during {name}")

    def close(self):
        self.file.close()
        self.link.close()


def pattern(i):
    return (i * 7 + i // 251) & 255


class Serial(Partner):
    """The other end of COM2."""
    program = "device_serial"

    def arguments(self):
        return ["-chardev", f"socket,id=com2,path={self.folder / 'com2'},server=on,wait=off", "-serial", "chardev:com2"]

    def run(self):
        link = connect(self.folder / "com2")
        link.settimeout(0.2)
        pending = bytearray()

        def take(count):
            while len(pending) < count and not self.done.is_set():
                with contextlib.suppress(TimeoutError):
                    data = link.recv(65536)
                    if not data:
                        return b""
                    pending.extend(data)
            part = bytes(pending[:count])
            del pending[:count]
            return part

        while not self.done.is_set():
            line = bytearray()
            while (byte := take(1)) not in (b"", b"\n"):
                line += byte
            words = line.decode("latin-1").split()
            if not words:
                continue
            if words[0] == "hello":
                link.sendall(b"hello from the host\n")
            elif words[0] == "later":
                time.sleep(0.3)
                link.sendall(words[1].encode())
            elif words[0] == "bulk":
                link.sendall(bytes(pattern(i) for i in range(int(words[1]))))
            elif words[0] == "check":
                count = int(words[1])
                wrong = [i for i, byte in enumerate(take(count)) if byte != pattern(i)]
                link.sendall(f"byte {wrong[0]} differs\n".encode() if wrong else b"same\n")
            elif words[0] == "count":
                link.sendall(f"sum {sum(take(int(words[1])))}\n".encode())
            elif words[0] == "raw":
                link.sendall(bytes.fromhex(words[1]))
            else:
                raise Failure(f"the guest said {line!r} on COM2")
        link.close()


    def log(self, text):
        for said in (r"pnp: ROOT\*PNP0501\0001 is not taken by its driver: 0xc0000018", r"pnp: ROOT\*PNP0501\0002 declares resources that cannot be understood"):
            if said not in text:
                raise Failure(f"the log does not have: {said}")


class Comm(Serial):
    program = "win32_comm"
    log = Partner.log


class Keyboard(Partner):
    """Presses keys when the guest says that it reads: its output is what tells."""
    program = "device_keyboard"
    KEYS = (("a",), ("shift", "b"), ("up",), ("ctrl_r",), ("f12",), ("pause",), ("a",))

    def arguments(self):
        return ["-qmp", f"unix:{self.folder / 'qmp'},server=on,wait=off"]

    def run(self):
        monitor = Monitor(self.folder / "qmp")
        try:
            # The guest asks on its output: "press N".
            for number, keys in enumerate(self.KEYS):
                while b"press %d\n" % number not in bytes(self.output()) and not self.done.is_set():
                    time.sleep(0.02)
                if self.done.is_set():
                    return
                monitor.command("send-key", keys=[{"type": "qcode", "data": key} for key in keys], **{"hold-time": 20})
        finally:
            monitor.close()


class Beep(Partner):
    """Records the speaker, and looks for the tones afterwards."""
    program = "device_beep"
    TONES = ((880, 0.4), (440, 0.4), (1200, 0.3), (600, 0.4))        # Hz, seconds

    def arguments(self):
        return ["-audiodev", f"wav,id=sound,path={self.folder / 'sound.wav'}", "-machine", "pcspk-audiodev=sound"]

    def log(self, _):
        data = (self.folder / "sound.wav").read_bytes()
        rate = int.from_bytes(data[24:28], "little")
        samples = memoryview(data[44:len(data) - len(data) % 4]).cast("h")[::2]    # the left channel
        heard = runs(samples, rate)
        for hertz, least in self.TONES:
            seconds = sum(length for tone, length in heard if abs(tone - hertz) < hertz * 0.03)     # the recording has gaps
            if not least * 0.3 < seconds < least * 4:
                raise Failure(f"{hertz} Hz were to be heard for about {least} s, not {seconds:.2f} s")


class Acpi(Partner):
    """Presses the power button when the guest says that it is ready, and looks whether the system went down in order."""
    program = "device_acpi"
    powers_off = True

    def arguments(self):
        return ["-qmp", f"unix:{self.folder / 'qmp'},server=on,wait=off"]

    def run(self):
        monitor = Monitor(self.folder / "qmp")
        try:
            while b"press the power button" not in bytes(self.output()) and not self.done.is_set():
                time.sleep(0.05)
            if not self.done.is_set():
                monitor.command("system_powerdown")
        finally:
            monitor.close()

    def log(self, text):
        told = re.findall(r"firmware: (\d+) interrupt pins of PCI devices are routed", text)
        if len(told) != 3 or set(told) != {"128"}:      # the first process and the two after it; q35's _PRT has four pins of 32 devices
            raise Failure(f"the routing of PCI interrupts was told as {told}")
        pressed, off = text.find("driver ACPI: the power button was pressed"), text.find("system stops: power off")
        if not 0 <= pressed < off:
            raise Failure("the power button did not shut the system down")


class Line(Partner):
    """QEMU's edu device on a line that ACPI's tables route."""
    program = "wdm_device"
    where = "wdm"

    def arguments(self):
        return ["-device", "edu"]

    def log(self, text):
        routed, runs_again = text.find("firmware: 128 interrupt pins"), text.find("driver EduTest: its process")
        if not 0 <= routed < runs_again:
            raise Failure("the device's driver did not wait for the routing")


class LineBehindBridge(Line):
    """The same behind a bridge, which the tables say nothing of: its pins are those of the bridge, turned."""

    def arguments(self):
        return ["-device", "pci-bridge,id=behind,chassis_nr=1,addr=5", "-device", "edu,bus=behind,addr=3"]


def runs(samples, rate):
    """(frequency, seconds) of the stretches of a square wave: edges that follow each other at the same distance."""
    edges = [i for i in range(1, len(samples)) if (samples[i] > 0) != (samples[i - 1] > 0)]
    found = []
    start = 0
    for i in range(2, len(edges) + 1):
        steady = i < len(edges) and abs((edges[i] - edges[i - 1]) - (edges[i - 1] - edges[i - 2])) <= max(2, (edges[i - 1] - edges[i - 2]) // 20)
        if not steady:
            if i - start > 20:
                length = edges[i - 1] - edges[start]
                found.append(((i - 1 - start) * rate / (2 * length), length / rate))
            start = i - 1
    return found


class Screen(Serial):
    """Looks at the display in what VGA memory has and what QEMU draws, each time the guest asks."""
    program = "device_screen"
    log = Partner.log

    def arguments(self):
        return [*super().arguments(), "-device", "VGA", "-qmp", f"unix:{self.folder / 'qmp'},server=on,wait=off"]

    def run(self):
        monitor = Monitor(self.folder / "qmp")
        link = connect(self.folder / "com2")
        try:
            for stage in ("text", "linear", "back", "again"):
                while b"look %s\n" % stage.encode() not in bytes(self.output()):
                    if self.done.is_set():
                        return
                    time.sleep(0.02)
                if stage == "linear":
                    self.linear(monitor)
                else:
                    self.text(monitor)
                link.sendall(b"g")
        finally:
            link.close()
            monitor.close()

    def text(self, monitor):
        listing = monitor.command("human-monitor-command", **{"command-line": "xp /2000hx 0xb8000"})
        words = [int(word, 16) for line in listing.splitlines() for word in line.split(":", 1)[1].split()]
        for row in range(24):
            wanted = [ord(c) | 0x1E00 for c in f"line {row + 6:02}"]
            if words[row * 80:row * 80 + 7] != wanted:
                raise Failure(f"row {row} of VGA memory is {words[row * 80:row * 80 + 8]}, not {wanted}")
        width, height, pixel = self.picture(monitor)
        if height != 400 or width not in (640, 720):
            raise Failure(f"the text mode's picture has {width} x {height} pixels")
        self.glyphs = [[[pixel(column * width // 80 + x, y)[0] > 0x80 for x in range(8)] for y in range(16)] for column in range(7)]
        if not any(any(line) for line in self.glyphs[0]):
            raise Failure("the display shows nothing")

    def linear(self, monitor):
        width, height, pixel = self.picture(monitor)
        if (width, height) != (800, 600):
            raise Failure(f"the linear mode has {width} x {height} pixels")
        # "line 06" is the row with the same glyphs as the first one of the text mode; the one below differs.
        for row, same in ((2, True), (3, False)):
            drawn = [[[pixel(column * 8 + x, row * 16 + y)[0] > 0x80 for x in range(8)] for y in range(16)] for column in range(7)]
            if (drawn == self.glyphs) != same:
                raise Failure(f"row {row} of the linear mode is {'not ' if same else ''}drawn as in text mode")
        if pixel(0, 32) != (0, 0, 0xAA) or pixel(799, 599) != (0, 0, 0):
            raise Failure(f"colours of the linear mode: {pixel(0, 32)}, {pixel(799, 599)}")

    def picture(self, monitor):
        path = self.folder / "screen.ppm"
        monitor.command("screendump", filename=str(path))
        width, height, data = ppm(path.read_bytes())
        return width, height, lambda x, y: tuple(data[(y * width + x) * 3:(y * width + x) * 3 + 3])


def ppm(file):
    """(width, height, bytes) of a binary PPM picture of 24 bits."""
    width, height = (int(word) for word in file.split(maxsplit=3)[1:3])
    return width, height, file[len(file) - width * height * 3:]


class Console(Partner):
    """The terminal of a console: types what the program asks for (# type HEX) and looks at what is shown (# shown HEX: these bytes have come)."""
    program = "win32_console"
    terminal = (80, 25)

    def run(self):
        read = 0
        while not self.done.is_set():
            lines = bytes(self.output()).split(b"\n")
            for line in lines[read:-1]:
                words = line.decode().split()
                if words[:2] == ["#", "type"]:
                    os.write(self.keys, bytes.fromhex(words[2]))
                elif words[:2] == ["#", "shown"] and bytes.fromhex(words[2]) not in self.screen():
                    raise Failure(f"the terminal has not been sent {bytes.fromhex(words[2])}")
            read = len(lines) - 1
            time.sleep(0.02)


TESTS = {"serial": Serial, "comm": Comm, "keyboard": Keyboard, "beep": Beep, "screen": Screen, "console": Console,
         "acpi": Acpi, "line": Line, "bridge": LineBehindBridge}


def boot(partner, limit, show):
    """Runs the partner's program; True when it is good."""
    folder = paths.GUEST_TESTS / partner.where
    volume = content.Volume()
    program = folder / f"{partner.program}.exe"
    if not program.exists():
        raise Failure(f"{program} is not there: build first (./neptune build)")
    volume.add_path(f"{content.WORK}/{program.name}", program)
    for path in sorted(folder.glob("*.sys")):
        volume.add_path(f"{content.WORK}/{path.name}", path)
    volume.terminal = partner.terminal
    volume.programs = [content.Program(rf"C:\work\{program.name}", list(partner.words))]
    image = content.BootImage(volume.finish("run"))
    start = time.monotonic()
    trouble = None

    def play():
        try:
            partner.run()
        except (Failure, OSError, ValueError) as failure:
            partner.trouble = str(failure)

    try:
        with qemu.Machine(image, qemu.default_memory(image), extra=partner.arguments()) as machine:
            stream = "stderr" if partner.terminal else "stdout"
            keys, partner.keys = os.pipe() if partner.terminal else (None, None)
            session = qemu.Session(machine, stdin=keys, timeout=limit)
            partner.output = lambda: session.outputs[stream].data
            partner.screen = lambda: session.outputs["stdout"].data
            thread = threading.Thread(target=play, daemon=True)
            thread.start()
            try:
                session.run()
            except qemu.MachineFailure as failure:
                trouble = str(failure)
            partner.done.set()
            thread.join(5)
            for each in (keys, partner.keys):
                if each is not None:
                    os.close(each)
            log = machine.log_text()
    finally:
        image.close()
    text = bytes(session.outputs[stream].data).decode(errors="replace")
    verdict = tap.parse(text, session.codes[0] if session.codes else 0 if partner.powers_off else None)
    if show:
        print(text)
    problems = list(verdict.failures[:20]) if not verdict.good else []
    problems += [what for what in (None if partner.powers_off else trouble, partner.trouble) if what]
    try:
        partner.log(log)
    except Failure as failure:
        problems.append(str(failure))
    good = verdict.good and not problems
    print(f"{'ok  ' if good else 'FAIL'} {partner.program}: {verdict.passed} passed, {time.monotonic() - start:.1f} s", flush=True)
    for line in problems:
        print(f"    {line}")
    if not good:
        print(batch.log_excerpt(batch.Result(None, b"", b"", 0.0, log=log[-batch.LOG_KEPT:])))
    return good


def main(words):
    parser = argparse.ArgumentParser(prog="run_tests.py device", description="Runs TAP programs with devices of their own.")
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"only these: {', '.join(TESTS)}")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for each")
    parser.add_argument("--show", action="store_true", help="print what the programs print")
    options = parser.parse_args(words)
    batch.require_products()
    if unknown := sorted(set(options.names) - set(TESTS)):
        raise Failure(f"there is no device test {unknown[0]}: {', '.join(TESTS)}", 2)
    bad = 0
    for name in options.names or TESTS:
        with tempfile.TemporaryDirectory(prefix="neptune-") as folder:
            bad += not boot(TESTS[name](Path(folder)), options.limit, options.show)
    return 1 if bad else 0
