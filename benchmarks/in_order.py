"""SIGTERM and SIGHUP end a benchmark as Ctrl-C does: by way of its contexts, which put away what it has made."""

import signal
import sys


def end_in_order() -> None:
    """For the main of a benchmark, at its beginning."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda received, _: sys.exit(128 + received))
