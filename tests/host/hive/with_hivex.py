"""What hivex finds in a hive, one line for every key and value; `change` changes the hive first."""
import sys

import hivex


def utf16(text):
    return text.encode("utf-16-le", "surrogatepass").hex()


def upper(text):
    """The upper case of the test's model, by which keys are ordered."""
    return [code - 0x20 if 0x61 <= code <= 0x7A or (0xE0 <= code <= 0xFE and code != 0xF7) or 0x430 <= code <= 0x44F else code
            for code in map(ord, text)]


def dump(hive, node, depth):
    print(depth, "key", utf16(hive.node_name(node)) if depth else "")
    lines = []
    for value in hive.node_values(node):
        kind, data = hive.value_value(value)
        lines.append(f"{depth} value {utf16(hive.value_key(value))} {kind} {bytes(data).hex()}")
    for line in sorted(line + "\n" for line in lines):
        print(line, end="")
    for child in sorted(hive.node_children(node), key=lambda child: upper(hive.node_name(child))):
        dump(hive, child, depth + 1)


def change(path):
    hive = hivex.Hivex(path, write=True)
    root = hive.root()
    added = hive.node_add_child(root, "Added by hivex")
    hive.node_set_values(added, [{"key": "number", "t": 4, "value": b"\x01\x02\x03\x04"},
                                 {"key": "", "t": 1, "value": "text\0".encode("utf-16-le")},
                                 {"key": "large", "t": 3, "value": bytes(range(256)) * 20}])
    for number in range(40):
        hive.node_add_child(added, f"child {number:02}")
    for number, child in enumerate(hive.node_children(root)):
        if number % 3 == 0 and hive.node_name(child) != "Added by hivex":
            hive.node_delete_child(child)
    hive.commit(None)


def main():
    what, path = sys.argv[1:]
    if what == "change":
        change(path)
    hive = hivex.Hivex(path)
    dump(hive, hive.root(), 0)


main()
