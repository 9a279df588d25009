"""Microsoft's C compiler takes a cast as the place it converts (its warning C4213): ((ULONG_PTR) Pointer) |= 1, &((PLITE) Context). clang does not.

lvalue_casts.py IN OUT copies preprocessed C and writes such casts, in parentheses, as what they mean there: (*(ULONG_PTR *) &(Pointer)). A cast
counts where C knows no other meaning for it: before an assignment, ++ or --, and after a & that takes an address.
"""
import re
import sys

TOKEN = re.compile(r"""
    (?P<skip>\s+|^\#[^\n]*)
  | (?P<word>[A-Za-z_$][A-Za-z_0-9$]*)
  | (?P<number>\.?[0-9](?:[eEpP][+-]|[A-Za-z_0-9.])*)
  | (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
  | (?P<mark>->|\+\+|--|<<=|>>=|<<|>>|[-+*/%&|^!<>=]=|&&|\|\||.)""", re.VERBOSE | re.MULTILINE)
ASSIGNMENTS = {"=", "|=", "&=", "^=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "++", "--"}
POSTFIX = {"->", ".", "[", "(", "++", "--"}
PREFIX = {"*", "&", "-", "+", "!", "~"}
AFTER_VALUE = {"return", "case", "else", "do", "goto"}      # words a value may follow


def tokens_of(text):
    return [(m.lastgroup, m.group(), m.start(), m.end()) for m in TOKEN.finditer(text) if m.lastgroup != "skip"]


def pairs(tokens):
    """For every parenthesis the index of its partner."""
    partner, opened = {}, []
    for index, (_, spelling, _, _) in enumerate(tokens):
        if spelling == "(":
            opened.append(index)
        elif spelling == ")" and opened:
            first = opened.pop()
            partner[first], partner[index] = index, first
    return partner


def cast_in(tokens, partner, first, last):
    """The cast that is all there is between the parentheses first and last: (end of its type, start of its operand, end), or None."""
    while tokens[first + 1][1] == "(" and partner.get(first + 1) == last - 1:
        first, last = first + 1, last - 1
    if tokens[first + 1][1] != "(" or first + 1 not in partner:
        return None
    close = partner[first + 1]
    inner = tokens[first + 2:close]
    if not inner or inner[0][0] != "word" or any(kind != "word" and spelling != "*" for kind, spelling, _, _ in inner):
        return None
    kind, spelling = tokens[close + 1][:2]
    if close + 1 >= last or not (kind == "word" or spelling in ("*", "(")):
        return None
    # What follows must be one operand, or the cast would not reach to the end.
    depth = 0
    for kind, spelling, _, _ in tokens[close + 1:last]:
        if spelling in ("(", "["):
            depth += 1
        elif spelling in (")", "]"):
            depth -= 1
        elif depth == 0 and kind == "mark" and spelling not in ("*", "->", "."):
            return None
    return first, close, last


def takes_address(tokens, partner, index):
    """Whether the & at index has one operand."""
    if index == 0:
        return False
    kind, spelling = tokens[index - 1][:2]
    if kind == "word":
        return spelling in AFTER_VALUE
    if spelling == ")" and index - 1 in partner:
        return tokens[index - 2][1] == "*"      # (T *)& is a cast of an address; (a) & may be either
    return kind == "mark" and spelling not in (")", "]", "}")


def rewrite(text):
    tokens = tokens_of(text)
    partner = pairs(tokens)
    found = set()
    for index, (_, spelling, _, _) in enumerate(tokens):
        if spelling in ASSIGNMENTS and index and tokens[index - 1][1] == ")" and index - 1 in partner:
            first = partner[index - 1]
            if not first or tokens[first - 1][1] not in PREFIX:        # *((T) a) = b assigns to what is pointed to
                found.add(first)
        elif spelling == "&" and takes_address(tokens, partner, index) and index + 1 in partner and tokens[index + 1][1] == "(":
            after = partner[index + 1] + 1
            if after >= len(tokens) or tokens[after][1] not in POSTFIX:
                found.add(index + 1)
    edits = []
    for first in found:
        if first and tokens[first - 1][0] == "word" and tokens[first - 1][1] not in AFTER_VALUE:     # if ((T) a) ++b, f((T) a)
            continue
        cast = cast_in(tokens, partner, first, partner[first])
        if cast:
            opening, close, last = cast
            edits.append((tokens[opening][3], "*"))
            edits.append((tokens[close][2], " *"))
            edits.append((tokens[close][3], " &("))
            edits.append((tokens[last][2], ")"))
    pieces, position = [], 0
    for where, what in sorted(edits):
        pieces += [text[position:where], what]
        position = where
    return "".join(pieces) + text[position:]


def main():
    with open(sys.argv[1], encoding="utf-8", errors="surrogateescape") as source:
        text = source.read()
    with open(sys.argv[2], "w", encoding="utf-8", errors="surrogateescape") as result:
        result.write(rewrite(text))


if __name__ == "__main__":
    main()
