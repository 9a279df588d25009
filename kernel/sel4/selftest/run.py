#!/usr/bin/env python3
"""Boots the kernel's self-test in QEMU and judges its TAP output.

usage: run.py KERNEL SELFTEST [--costs]     --costs: count instructions (-icount) and print what each call costs
"""
import re
import subprocess
import sys

TIMEOUT = 120


def main():
    arguments = [a for a in sys.argv[1:] if a != "--costs"]
    if len(arguments) != 2:
        sys.exit(__doc__)
    costs = "--costs" in sys.argv
    command = ["qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-accel", "tcg", "-m", "256", "-display", "none", "-no-reboot",
               "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4", "-kernel", arguments[0], "-initrd", arguments[1]]
    if costs:
        command += ["-icount", "shift=0,sleep=off"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT)
        text, late = done.stdout, False
    except subprocess.TimeoutExpired as e:
        text, late = e.stdout or b"", True
    lines = text.decode(errors="replace").replace("\r", "").splitlines()
    plan = [int(m[1]) for m in (re.match(r"1\.\.(\d+)$", line) for line in lines) if m]
    passed = sum(1 for line in lines if re.match(r"ok \d", line))
    bad = [i for i, line in enumerate(lines) if line.startswith(("not ok", "NEPTUNE PANIC"))]
    if costs:
        print("\n".join(line for line in lines if line.startswith("# cost")))
    if late or bad or plan != [passed]:
        for i in bad:
            print("\n".join(lines[max(i - 1, 0):i + 1]))
        if not plan:
            print("\n".join(lines[-5:]))
        sys.exit("kernel self-test failed%s" % (": no end within %d s" % TIMEOUT if late else ""))
    print("%d checks passed" % passed)


main()
