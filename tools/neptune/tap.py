"""Reads TAP (test anything protocol) as the guest's test programs print it."""
import re
from dataclasses import dataclass, field

PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*(.*))?\Z")
TEST = re.compile(r"(not )?ok\b\s*(\d+)?\s*(?:-\s*)?([^#]*)(?:#\s*(\w+)\s*(.*))?\Z")


@dataclass
class Verdict:
    passed: int = 0
    skipped: int = 0
    todo: int = 0
    planned: int | None = None
    failures: list = field(default_factory=list)  # lines that tell what is wrong

    @property
    def good(self):
        return not self.failures


def parse(text, code):
    """The verdict on a program that printed `text` and ended with `code` (a number; a str when it could not start; None when it did not end)."""
    verdict = Verdict()
    count = 0
    notes = []
    for line in text.splitlines():
        line = line.strip()
        if match := PLAN.match(line):
            if verdict.planned is not None:
                verdict.failures.append("two plans")
            verdict.planned = int(match.group(1))
            if verdict.planned == 0 and (match.group(2) or "").lower().startswith("skip"):
                verdict.skipped += 1
        elif line.startswith("Bail out!"):
            verdict.failures.append(line)
        elif match := TEST.match(line):
            count += 1
            number, directive = match.group(2), (match.group(4) or "").lower()
            if number and int(number) != count:
                verdict.failures.append(f"test {number} came as number {count}")
                count = int(number)
            if directive.startswith("skip"):
                verdict.skipped += 1
            elif directive == "todo":
                verdict.todo += 1
            elif match.group(1):
                verdict.failures.append(" ".join([line, *notes[-2:]]))
            else:
                verdict.passed += 1
            notes = []
        elif line.startswith("#"):
            notes.append(line)
    if isinstance(code, str):
        verdict.failures.append(f"did not start: {code}")
    elif code is None:
        verdict.failures.append(f"did not end; its last line: {last_line(text)}")
    else:
        if verdict.planned is None:
            verdict.failures.append(f"no plan; its last line: {last_line(text)}")
        elif count != verdict.planned:
            verdict.failures.append(f"planned {verdict.planned} tests, ran {count}")
        if code:
            verdict.failures.append(f"ended with code 0x{code:X}")
    return verdict


def last_line(text):
    rows = [line.strip() for line in text.splitlines() if line.strip()]
    return repr(rows[-1]) if rows else "none"
