#!/usr/bin/python3
"""Stands in for qemu-system-x86_64 in the tests of the tool: opens the four ports and the log as QEMU would, reads the boot image and plays
the guest named by the environment variable NEPTUNE_FAKE."""
import os
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from neptune import bootfs, bootimage  # noqa: E402


def options(name):
    return [sys.argv[index + 1] for index, word in enumerate(sys.argv[:-1]) if word == name]


def ports():
    fds = {}
    for text in options("-chardev"):
        fields = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
        fds[fields["id"]] = socket.socket(fileno=int(fields["fd"]))
    names = {}
    for text in options("-device"):
        fields = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
        if text.startswith("virtserialport"):
            names[fields["name"].removeprefix("neptune.")] = fds[fields["chardev"]]
    names["log"] = fds["log"]
    return names


def archive():
    if not options("-initrd"):
        return {}       # a disk boots
    data = Path(options("-initrd")[0]).read_bytes()
    last = max((bootimage.PROGRAM_HEADER.unpack_from(data, 64 + 56 * index) for index in range(3)), key=lambda header: header[3])
    return bootfs.read(data[last[2]:last[2] + last[5]])


def batch(port, files):
    """Plays each program of neptune.ini by its name, until one takes the machine down."""
    port["control"].sendall(b"ready\n")
    mark = b""

    def end(text):
        port["stdout"].sendall(mark)
        port["stderr"].sendall(mark)
        port["control"].sendall(text)

    for line in files["neptune.ini"][2].decode().splitlines():
        key, _, value = line.partition("=")
        if key == "mark":
            mark = value.encode()
        if key != "image":
            continue
        name = value.rpartition("\\")[2].removesuffix(".exe")
        port["log"].sendall(f"starting {name}\r\n".encode())
        if name == "hangs":
            port["stdout"].sendall(b"1..2\nok 1 - before\n")
            time.sleep(600)
        elif name == "panics":
            port["log"].sendall(b"NEPTUNE PANIC: ob/ob.cpp:1: lost a reference\r\n")
            time.sleep(600)
        elif name == "missing":
            end(b"error no such program\n")
            continue
        elif name == "bad":
            port["stdout"].sendall(b"1..2\nok 1\n# a note\nnot ok 2 - this one\n")
            port["stderr"].sendall(b"a complaint\n")
        else:
            port["stdout"].sendall(f"1..1\nok 1 - {name}\n".encode())
        end(b"exit 0\n")


def main():
    port = ports()
    files = archive()
    what, _, rest = os.environ["NEPTUNE_FAKE"].partition(":")
    port["log"].sendall(b"fake machine\r\n")
    if what == "cat":
        while data := port["stdin"].recv(65536):
            port["stdout"].sendall(data)
        port["control"].sendall(b"exit 0\n")
    elif what == "exit":
        for code in rest.split(","):
            port["stdout"].sendall(f"before {code}\n".encode())
            port["stderr"].sendall(b"complaint\n")
            port["control"].sendall(f"exit {code}\n".encode())
    elif what == "much":
        for number in range(int(rest)):
            port["stdout"].sendall(b"%07d\n" % number * 128)
        port["control"].sendall(b"exit 0\n")
    elif what == "panic":
        port["log"].sendall(b"NEPTUNE PANIC: mm/pool.cpp:12: out of pages\r\n")
        time.sleep(600)
    elif what == "error":
        port["control"].sendall(f"error {rest}\n".encode())
    elif what == "silent":
        time.sleep(600)
    elif what == "lingers":
        port["control"].sendall(b"exit 0\n")
        time.sleep(600)
    elif what == "show":
        port["stdout"].sendall(files[rest][2])
        port["control"].sendall(b"exit 0\n")
    elif what == "list":
        port["stdout"].sendall("".join(f"{name} {len(row[2])}\n" for name, row in files.items()).encode())
        port["control"].sendall(b"exit 0\n")
    elif what == "arguments":
        port["stdout"].sendall(os.fsencode(" ".join(sys.argv)))
        port["control"].sendall(b"exit 0\n")
    elif what == "babble":
        port["control"].sendall(b"count handles 12\nwhat is this\n")
        time.sleep(600)
    elif what == "dies":
        pass
    elif what == "complains":
        print("qemu-system-x86_64: cannot set up guest memory")
        return 1
    elif what == "batch":
        batch(port, files)
    return 0


sys.exit(main())
