"""The driver kit's lvalue_casts.py: casts that are places compile and mean what Microsoft's compiler means; everything else is clang's alone."""
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "sdk/cmake/lvalue_casts.py"
CLANG = shutil.which("clang-19") or shutil.which("clang")

PLACES = r"""
#include "places.h"
static unsigned char memory[64];
static unsigned calls;
static struct file *next(struct file *f) { ++calls; return f; }
static void release(void **place) { *place = 0; }
#define RELEASE(p) release((void **)&(p))
#define SET(f, b) ((f) |= (b))
int main(void)
{
    struct file file = {memory, memory + 8, {memory, memory + 1}}, *f = &file;
    unsigned char *bytes = memory;
    void (*call)(void) = (void (*)(void))main;
    unsigned wide = 0x11223344;
    SET((ULONG_PTR)f->context, 3);
    if (f->context != memory + 3) return 1;
    ((ULONG_PTR)next(f)->context) &= ~3ull;
    if (f->context != memory || calls != 1) return 2;
    (PULONG)bytes += 2;
    if (bytes != memory + 8) return 3;
    if (((PULONG)bytes)++ != (PULONG)(memory + 8) || bytes != memory + 12) return 4;
    --(PULONG)bytes;
    *((PULONG)bytes)++ = 0x01020304;
    if (memory[8] != 4 || bytes != memory + 12) return 5;
    (unsigned short)wide = 0xAABB;
    if (wide != 0x1122AABB) return 6;
    RELEASE((struct file *)f->other);
    if (f->other) return 7;
    RELEASE(((PULONG)f->table[calls]));
    if (f->table[1] || !f->table[0]) return 8;
    (void *)(ULONG_PTR)call = 0;
    if (call) return 9;
    (int (*)(int, int))call = (int (*)(int, int))main;
    if (call != (void (*)(void))main) return 10;
    (struct file *)((struct list *)f->table[0])->next = f; ((PULONG)
        bytes) = (PULONG)( (char)
        wide = ')');
    if (bytes != (unsigned char *)')' || wide != 0x1122AA29) return 11;
    *((PULONG)f->context) = 7;          // no place of these: what is pointed to, values, members
    ((struct file *)f->context)->other = &((struct file *)f->context)->other;
    return ((unsigned char)wide & (1)) == 1 && __LINE__ == 41 ? 0 : 12;
}
"""
HEADER = """#pragma once
typedef unsigned long long ULONG_PTR;
typedef unsigned *PULONG;
struct list { void *next; };
struct file { void *context, *other, *table[2]; };
"""


class Casts(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="neptune-casts-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "a folder").mkdir()
        (self.folder / "a folder/places.h").write_text(HEADER, encoding="ascii")

    def compile(self, text, *options, name="source.c"):
        source, target = self.folder / name, self.folder / f"{name}.o"
        source.write_text(text, encoding="latin-1")
        result = subprocess.run([sys.executable, "-B", SCRIPT, CLANG, "-x", "c", "-std=gnu17", "-fms-extensions", "-w", "-I", self.folder / "a folder",
                                 "-Wno-error=implicit-function-declaration", *options, "-MD", "-MF", f"{target}.d", "-MT", target, "-c", source, "-o", target],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100)
        return result.returncode, result.stdout, target

    def test_meaning(self):
        code, output, target = self.compile(PLACES, "-O2", "-fno-strict-aliasing", "-DUNUSED=\"a b\"")
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"\Asource\.c: 15 casts used as a place, as Microsoft's compiler takes it \(.*\.i\)\n\Z")
        depends = Path(f"{target}.d").read_text(encoding="utf-8")
        self.assertIn(f"{target}:", depends)
        self.assertIn("a\\ folder/places.h", depends)
        self.assertIn("source.c", depends)
        program = self.folder / "program"
        subprocess.run([CLANG, target, "-o", program], check=True, timeout=100)
        self.assertEqual(subprocess.run([program], check=False, timeout=20).returncode, 0)

    def test_plain_sources_are_clangs(self):
        """They are compiled as they are: nothing is said, nothing is written beside the object."""
        code, output, target = self.compile("int f(int *p) { return *((int *)p) = 3; }\n")
        self.assertEqual((code, output), (0, ""))
        self.assertTrue(target.exists())
        self.assertFalse(Path(f"{target}.i").exists())

    def test_errors(self):
        """Mistakes are told once and by the lines of the source, whether there are casts or not."""
        cast = "void g(void *p)\n{\n    (char *)p += 1;\n"
        for text, line, message in ((cast + "    nowhere = 1;\n}\n", 4, "undeclared identifier 'nowhere'"), ("int f(void) { return &3; }\n", 1, "address of an rvalue"),
                                    ("int f(void);\nint h(void) { (char)f() = 3; }\n", 2, "address of an rvalue"),
                                    ("void f(int x)\n{\n    (char)x = 1;\n    (long long)x = 1;\n}\n", 4, "must not be larger than what it is of"),
                                    ("struct s { int a : 3; };\nvoid f(struct s *p) { (char)p->a = 1; }\n", 2, "bit-field")):
            code, output, target = self.compile(text)
            self.assertNotEqual(code, 0)
            self.assertRegex(output, rf"source\.c:{line}:\d+: error: .*({message})")
            self.assertEqual(output.count(" error: "), 1, output)
            self.assertFalse(target.exists())

    def test_options(self):
        """-D and warnings hold for both ways; bytes that are no UTF-8 do not matter."""
        text = "#ifdef TWICE\nint f(void *p) { const char *s = \"\xe9((int)x) = 1\"; (char *)p += 1; if (!s) undeclared(); return *(char *)p; }\n#endif\n"
        code, output, target = self.compile(text, "-DTWICE")
        self.assertEqual(code, 0, output)
        self.assertIn("1 cast used", output)
        code, output, _ = self.compile(text, "-DTWICE", "-Wimplicit-function-declaration", "-Werror=implicit-function-declaration")
        self.assertEqual((code, output.count(" error: ")), (1, 1), output)
        self.assertRegex(output, r"source\.c:2:\d+: error: call to undeclared function 'undeclared'")


if __name__ == "__main__":
    unittest.main()
