"""What the user sees: one line per error, a status line during long work, nothing when all is well."""
import os
import sys
import time


class Failure(Exception):
    """An error to be told in one line. `code` is the exit code of the command."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


def say(text):
    """One line for the user on stderr, through whatever status line is up."""
    Progress.clear_current()
    print(f"neptune: {text}", file=sys.stderr, flush=True)


class Progress:
    """A piece of work that may take long. On a terminal: one line that is rewritten and then vanishes. Otherwise: a line when
    the work has lasted `PATIENCE` seconds and one each `INTERVAL` seconds after that, so that a quick step prints nothing."""
    PATIENCE = 3.0
    INTERVAL = 60.0
    current = None

    def __init__(self, title, stream=None):
        self.title = title
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.start = time.monotonic()
        self.next = self.start + (0.2 if self.terminal else self.PATIENCE)
        self.shown = False

    def __enter__(self):
        Progress.current = self
        return self

    def __exit__(self, *_):
        self.clear()
        Progress.current = None

    @classmethod
    def clear_current(cls):
        if cls.current:
            cls.current.clear()

    def clear(self):
        if self.terminal and self.shown:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self.shown = False

    def update(self, detail=""):
        """To be called often; prints seldom."""
        now = time.monotonic()
        if now < self.next:
            return
        text = f"{self.title}: {detail}" if detail else self.title
        if self.terminal:
            columns = 100
            try:
                columns = os.get_terminal_size(self.stream.fileno()).columns
            except OSError:
                pass
            self.stream.write("\r\x1b[K" + f"neptune: {text}"[: columns - 1])
            self.next = now + 0.1
            self.shown = True
        else:
            self.stream.write(f"neptune: {self.title} ({int(now - self.start)} s)\n" if self.shown else f"neptune: {self.title}...\n")
            self.next = now + self.INTERVAL
            self.shown = True
        self.stream.flush()
