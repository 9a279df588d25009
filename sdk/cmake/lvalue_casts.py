"""Compiles C for clang, casts that are places included.

Microsoft's C compiler takes a cast of a place as a place (its warning C4213) as long as it does not become larger: (BOOLEAN)x = 1,
((ULONG_PTR)Pointer) |= 1, &((PLITE)Context). clang does not.

lvalue_casts.py CLANG ARGUMENT... -c FILE -o OBJECT runs the command as it is. Only if clang refuses such casts the file is preprocessed into
OBJECT.i, the casts that clang names are written there as what they mean, *(T *)&x, and that is compiled. Lines in messages and debug information
stay those of the sources. What the command writes besides the object (-MD) is the same either way.
"""
import os
import re
import subprocess
import sys

REFUSED = re.compile(rb"assignment to cast is illegal, lvalue casts are not supported|expression is not assignable|"
                     rb"cannot take the address of an rvalue of type")
PLACE = re.compile(rb"^[^\n]*?:\d+:\d+:\{(\d+):(\d+)-(\d+):(\d+)\}[^\n]*? error: (?:" + REFUSED.pattern + rb")", re.MULTILINE)
TOKEN = re.compile(rb'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^#[^\n]*|[()]|\s+|.', re.MULTILINE)
# Where clang looks, a file that is preprocessed is one file: positions are those in it, whatever its line markers say.
POSITIONS = ["-fsyntax-only", "-Xclang", "-fno-diagnostics-use-presumed-location", "-fdiagnostics-print-source-range-info", "-fno-caret-diagnostics",
             "-fno-color-diagnostics", "-ferror-limit=0"]
DEPTH = 16      # casts inside of casts, and places in what a cast is of, are found one round each


def place(text):
    """What the cast `text`, maybe in parentheses, is as a place; None if it is no cast."""
    marks = [(m.group(), m.start(), m.end()) for m in TOKEN.finditer(text) if not m.group().isspace() and not m.group().startswith(b"#")]
    partner, opened = {}, []
    for index, (spelling, _, _) in enumerate(marks):
        if spelling == b"(":
            opened.append(index)
        elif spelling == b")":
            if not opened:
                return None
            partner[opened.pop()] = index
    first, last = 0, len(marks)         # the cast is marks[first:last]
    while first < last and partner.get(first) == last - 1:
        first, last = first + 1, last - 1
    if opened or first >= last or marks[first][0] != b"(":
        return None
    close = partner[first]
    kind, operand = text[marks[first][2]:marks[close][1]], text[marks[close][2]:marks[last - 1][2]]
    if not kind.strip() or not operand.strip():
        return None
    # One block, so that what the cast is of is spelt (and lines are counted) once.
    written = (b"(*({ __auto_type NeptuneCast_ = &(" + operand + b"); _Static_assert(sizeof(" + re.sub(rb"^#[^\n]*|\s+", b" ", kind, flags=re.MULTILINE) +
               b") <= sizeof(*NeptuneCast_), \"a cast that is a place must not be larger than what it is of\"); (__typeof__(" + kind +
               b") *)NeptuneCast_; }))")
    return text[:marks[first][1]] + written + text[marks[last - 1][2]:]


def rewrite(text, messages):
    """The text with the casts that clang's messages name written as places, and how many they were."""
    starts = [0] + [m.end() for m in re.finditer(rb"\n", text)]
    ranges = set()
    for row in PLACE.findall(messages):
        line, column, last, end = map(int, row)
        if 0 < line <= last <= len(starts):
            ranges.add((starts[line - 1] + column - 1, starts[last - 1] + end - 1))
    count = 0
    for first, last in sorted(ranges, reverse=True):
        if any((a, b) != (first, last) and first <= a and b <= last for a, b in ranges):
            continue        # one that is inside of it comes first
        written = place(text[first:last])
        if written is not None:
            text = text[:first] + written + text[last:]
            count += 1
    return text, count


def run(command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def finish(result):
    sys.stdout.buffer.write(result.stdout)
    sys.stdout.flush()
    return result.returncode


def other_errors(messages):
    """Messages of clang without those about casts."""
    pieces = re.split(rb"^(?=In file included from|[^\s|][^\n]*:\d+:\d+: (?:fatal error|error|warning): |\d+ (?:error|warning)s? )", messages, flags=re.MULTILINE)
    return b"".join(piece for piece in pieces if not REFUSED.search(piece.partition(b"\n")[0]) and not re.match(rb"\d+ (?:error|warning)s? ", piece))


def without_preprocessing(command, source):
    """The command's arguments without the source, the output and what only the preprocessor is told."""
    kept, rest = [], iter(command)
    for word in rest:
        if word in ("-o", "-MF", "-MT", "-MQ", "-D", "-U", "-I", "-isystem", "-include", "-x"):
            next(rest)
        elif word not in ("-c", source) and not re.match(r"-[DUI].|-M", word):
            kept.append(word)
    return [*kept, "-Wno-unused-command-line-argument", "-x", "cpp-output"]


def main():
    command = sys.argv[1:]
    try:
        source, target = command[command.index("-c") + 1], command[command.index("-o") + 1]
    except (ValueError, IndexError):
        sys.exit("lvalue_casts.py CLANG ARGUMENT... -c FILE -o OBJECT")
    first = run(command)
    if first.returncode == 0 or not REFUSED.search(first.stdout):
        return finish(first)
    between = target + ".i"
    made = run([between if word == target and before == "-o" else "-E" if word == "-c" else word for before, word in zip([""] + command, command)])
    if made.returncode != 0:
        return finish(made)
    compiler = without_preprocessing(command, source)
    total = 0
    for _ in range(DEPTH):
        with open(between, "rb") as file:
            text = file.read()
        text, count = rewrite(text, run([*compiler, *POSITIONS, between]).stdout)
        if count == 0:
            break
        total += count
        with open(between, "wb") as file:
            file.write(text)
    if total == 0:
        return finish(first)
    second = run([*compiler, "-c", between, "-o", target])
    if second.returncode != 0:
        others = other_errors(first.stdout)
        if b" error: " in others:       # these quote the source as it is
            second.stdout = others
    else:
        print(f"{os.path.basename(source)}: {total} cast{'s' if total > 1 else ''} used as a place, as Microsoft's compiler takes it ({between})", flush=True)
    return finish(second)


if __name__ == "__main__":
    sys.exit(main())
