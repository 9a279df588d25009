"""neptune check finds what it is for, and nothing in good files."""
import unittest

import support  # noqa: F401  (puts tools/ on the path)
from neptune import check


def findings(name, text, private=None):
    found = check.Findings()
    check.check_text(name, text, found)
    check.check_length(name, text, found)
    check.check_includes(name, text, found, {} if private is None else private)
    check.check_python(name, text, found)
    return found.texts()


class Check(unittest.TestCase):
    def one(self, name, text, line, words):
        texts = findings(name, text)
        self.assertEqual(len(texts), 1, texts)
        self.assertTrue(texts[0].startswith(f"{name}:{line}: "), texts[0])
        self.assertIn(words, texts[0])

    def test_good_files(self):
        self.assertEqual(findings("ntos/x/a.cpp", '#include "ntos/ob/ob.hpp"\n#include "kernel/kernel.hpp"\nint A;\n'), [])
        self.assertEqual(findings("tools/a.py", "import os\nprint(os.name)\n"), [])
        self.assertEqual(findings("tests/a.cpp", '#include "ntos/ps/detail.hpp"\n#include "kernel/fake/fake.hpp"\n'), [])

    def test_white_space(self):
        self.one("ntos/a.cpp", "int A; \n", 1, "end of the line")
        self.one("ntos/a.cpp", "int A;\r\n", 1, "end of the line")
        self.one("ntos/a.cpp", "\tint A;\n", 1, "tab")
        self.one("ntos/a.cpp", "int A;", 1, "no newline")
        self.one("ntos/a.cpp", "int A;\n\n", 2, "empty lines")
        self.one("a.txt", "<<<<<<< HEAD\n", 1, "conflict")

    def test_includes(self):
        self.one("ntos/a.cpp", '#include "kernel/fake/fake.hpp"\n', 1, "may not include")
        self.one("lib/rtl/a.cpp", '#include "ntos/ob/ob.hpp"\n', 1, "may not include")
        self.one("kernel/fake/a.cpp", '#include "kernel/sel4/space.hpp"\n', 1, "may not include")
        self.one("ntos/a.cpp", "#include <sel4/types.h>\n", 1, "only kernel/sel4")
        self.one("ntos/ob/a.cpp", '#include "ntos/ps/detail.hpp"\n', 1, "private")

    def test_lengths(self):
        self.assertEqual(len(findings("ntos/a.cpp", "int A;\n" * (check.LONGEST + 1))), 1)
        self.assertEqual(findings("a.txt", "A\n" * (check.LONGEST + 1)), [])

    def test_python(self):
        self.one("tools/a.py", "import os\n", 1, "not used")
        self.one("tools/a.py", "def f(:\n    pass\n", 1, "cannot read")

    def test_places(self):
        self.one("tools/a.py", 'A = "' + "/ro" + 'ot/x"\n', 1, "one machine")
        self.one("tools/a.py", 'A = "https' + '://example.org"\n', 1, "URL")
        self.assertEqual(findings("a.md", "https" + "://example.org\n"), [])
        self.one("ntos/a.cpp", "// TO" + "DO: all\n", 1, "open end")


if __name__ == "__main__":
    unittest.main()
