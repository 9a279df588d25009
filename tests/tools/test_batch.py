"""Many programs in few machines: tools/run_tests.py with a stand-in machine."""
import subprocess
import sys
import unittest

from support import ROOT, ToolTest, program


class Batch(ToolTest):
    def guest(self, *names, words=(), limit=60):
        for name in names:
            self.file(f"build/pe/tests/guest/{name}.exe", program())
        return subprocess.run([sys.executable, str(ROOT / "tools/run_tests.py"), "guest", "--limit", str(limit), *words], capture_output=True, text=True,
                              check=False, timeout=120, env=dict(self.environment, NEPTUNE_FAKE="batch"))

    def test_all_good(self):
        done = self.guest("one", "two", "helper_child")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("ok   one: 1 passed", done.stdout)
        self.assertIn("2 of 2 programs good", done.stdout)
        self.assertNotIn("child", done.stdout)

    def test_one_that_hangs_or_panics_does_not_take_the_others_along(self):
        done = self.guest("a", "bad", "d", "hangs", "m", "missing", "n", "panics", "z", limit=1.5)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for text in ("ok   a:", "ok   d:", "ok   m:", "ok   n:", "ok   z:", "FAIL bad:", "not ok 2 - this one # a note", "stderr: a complaint", "FAIL hangs:",
                     "did not end within 1.5 seconds", "FAIL missing:", "did not start: no such program", "FAIL panics:",
                     "the system stopped: ob/ob.cpp:1: lost a reference", "log: starting panics", "5 of 9 programs good"):
            self.assertIn(text, done.stdout)

    def test_only_some(self):
        done = self.guest("a", "b", words=["b"])
        self.assertIn("1 of 1 programs good", done.stdout)
        done = self.guest("a", words=["nothere"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no guest test nothere", done.stderr)

    def test_none(self):
        done = self.guest()
        self.assertEqual(done.returncode, 1)
        self.assertIn("there are no guest tests", done.stderr)


if __name__ == "__main__":
    unittest.main()
