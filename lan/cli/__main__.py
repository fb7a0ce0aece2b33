"""``lan``, the command.  Ends without a word when it is interrupted before it has begun."""

import importlib
import signal
import sys


def program() -> None:
    """The `lan` command."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # or an import under way tells of the interrupt by its traceback
    sys.exit(importlib.import_module("lan.cli.command_line").main(sys.argv[1:]))


if __name__ == "__main__":
    program()
