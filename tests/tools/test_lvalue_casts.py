"""The driver kit's lvalue_casts.py: casts that are places are rewritten, everything else stays as it is."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sdk/cmake"))
import lvalue_casts  # noqa: E402


class Casts(unittest.TestCase):
    def test_places(self):
        for source, result in (
                ("((ULONG_PTR)f->c) |= 1;", "(*(ULONG_PTR *) &(f->c)) |= 1;"),
                ("(((ULONG_PTR) *c)) &= ~7;", "((*(ULONG_PTR *) &( *c))) &= ~7;"),
                ("((PVOID *)p) = q;", "(*(PVOID * *) &(p)) = q;"),
                ("((struct s *)a[1].b)++;", "(*(struct s * *) &(a[1].b))++;"),
                ("F(&((P)x));", "F(&(*(P *) &(x)));"),
                ("F((void **)&((P)x));", "F((void **)&(*(P *) &(x)));"),
                ("return &((P)x);", "return &(*(P *) &(x));"),
                ("if (a) ((T)b) = c;", "if (a) (*(T *) &(b)) = c;")):
            self.assertEqual(lvalue_casts.rewrite(source), result)

    def test_others(self):
        for source in (
                "*((PULONG)p) = 1;", "*((PULONG)((PUCHAR)p + n)) = 1;", "((P)p)->x = 1;", "&((P)p)->x;", "&((P)p)[1];", "a & ((T)b);", "f(x) & ((T)b);",
                "if ((T)a) ++b;", "while ((T)a) --b;", "int x __attribute__((aligned(8))) = 1;", "void (*f)(int) = g;", "((a)) = b;", "(a) = b;",
                "if (((T)a) == b) c();", "x = ((T)a) >= b;", "s = \"((T)a) = b\";", "for (i = ((T)a); ; ) b();", "x = ((T)a + b);", "# 3 \"((T)a) = b.c\""):
            self.assertEqual(lvalue_casts.rewrite(source), source)


if __name__ == "__main__":
    unittest.main()
