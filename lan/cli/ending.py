"""SIGTERM and SIGHUP to a command that owns a LAN: it ends by them, as ever, but once its LAN is gone.  signal(7).

They come as an exception, which goes the way of Ctrl-C's; a second one comes too late and is ignored.
Whoever is in more of a hurry has SIGKILL: the LAN then ends by itself, a moment after the command.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType

NUMBERS = (signal.SIGTERM, signal.SIGHUP)


class ToldToEndError(BaseException):
    """A signal came that ends a command; `number` says which.  No `except Exception` is meant to take it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextlib.contextmanager
def heeding() -> Iterator[None]:
    """For what owns a LAN and takes it down at its end, however that comes: then the process ends by the signal.

    A signal that is ignored, as SIGHUP under nohup(1), stays ignored.
    """
    heeded = [number for number in NUMBERS if signal.getsignal(number) is signal.SIG_DFL]
    for number in heeded:
        signal.signal(number, _tell)
    try:
        yield
    except ToldToEndError as told:
        _end_by(told.number)
        raise
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt but the word that it was
        raise
    finally:
        for number in heeded:
            signal.signal(number, signal.SIG_DFL)


def _tell(number: int, frame: FrameType | None) -> None:
    for other in NUMBERS:
        signal.signal(other, signal.SIG_IGN)
    raise ToldToEndError(number)


def _end_by(number: int) -> None:
    """End this process by a signal, as its shell or supervisor expects."""
    with contextlib.suppress(OSError):  # of SIGHUP the terminal is gone
        sys.stdout.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
