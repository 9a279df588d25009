"""Windows command lines, quoted so that the C run-time library (and CommandLineToArgvW) splits them back into the same words."""
import re

PLAIN = re.compile(r'[^\s"]+\Z')


def quote(word):
    """One argument. Backslashes are literal unless a quotation mark follows: then each is doubled and the mark gets one more."""
    if PLAIN.match(word):
        return word
    result = ['"']
    slashes = 0
    for char in word:
        if char == "\\":
            slashes += 1
            continue
        result.append("\\" * (slashes * 2 + 1 if char == '"' else slashes))
        slashes = 0
        result.append(char)
    result.append("\\" * (slashes * 2) + '"')
    return "".join(result)


def quote_program(path):
    """The program's own name, word 0: no escapes there, so quotation marks go around it and cannot be inside (no Windows name has one)."""
    return path if PLAIN.match(path) else f'"{path}"'


def join(program, words):
    return " ".join([quote_program(program), *map(quote, words)])


def split(line):
    """What a program's argv will be; the inverse of join, by the run-time library's rules."""
    words = []
    position = 0
    if line.startswith('"'):
        end = line.find('"', 1)
        end = len(line) if end < 0 else end
        words.append(line[1:end])
        position = end + 1
    else:
        match = re.match(r"\S*", line)
        words.append(match.group())
        position = match.end()
    while True:
        while position < len(line) and line[position] in " \t\n":
            position += 1
        if position >= len(line):
            return words
        word = []
        quoted = False
        while position < len(line) and (quoted or line[position] not in " \t\n"):
            slashes = 0
            while position < len(line) and line[position] == "\\":
                slashes += 1
                position += 1
            if position < len(line) and line[position] == '"':
                word.append("\\" * (slashes // 2))
                if slashes % 2:
                    word.append('"')
                elif quoted and line[position + 1:position + 2] == '"':
                    word.append('"')
                    position += 1
                else:
                    quoted = not quoted
                position += 1
                continue
            word.append("\\" * slashes)
            if position < len(line) and (quoted or line[position] not in " \t\n"):
                word.append(line[position])
                position += 1
        words.append("".join(word))
