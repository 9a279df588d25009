"""The terminal of this command as a console's: whether there is one, its size, its raw mode."""
import contextlib
import os
import termios
import tty

LEAVE = 0x1D  # Ctrl-]


def wanted(options):
    """Whether the program gets a console: as the options say, else when input and output are a terminal's."""
    if options.console or options.no_console:
        return options.console
    return not options.bios and os.isatty(0) and os.isatty(1)


def size():
    """(columns, rows) of the terminal that output goes to; what consoles have elsewhere when it does not tell."""
    with contextlib.suppress(OSError):
        columns, rows = os.get_terminal_size(1)
        if columns and rows:
            return min(columns, 1000), min(rows, 1000)
    return 80, 25


@contextlib.contextmanager
def raw():
    """Every key goes to the guest, Ctrl-C too, and output comes as it is; afterwards all is as it was."""
    try:
        before = termios.tcgetattr(0)
    except termios.error:
        yield
        return
    try:
        tty.setraw(0, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
