"""A check that fails is told at the test's own line: what lies below it in lan is not the reader's business."""

from types import TracebackType

import pytest

from lan.errors import LanError, nearest
from lan.testing.failing import NotSeen

PACKAGE = "lan"


def tell(error: BaseException, config: pytest.Config) -> None:
    """Make an exception of a test easier to read, where it is about lan's words."""
    if isinstance(error, AttributeError):
        _name_the_nearest(error)
    elif isinstance(error, LanError | NotSeen) and not config.getoption("fulltrace"):
        _end_at_the_test(error)


def _name_the_nearest(error: AttributeError) -> None:
    """``conn.closd_by``: a note says what it could have been."""
    if type(error.obj).__module__.startswith("lan.testing.") and (near := nearest(str(error.name), _words(error.obj))):
        error.add_note(f"did you mean {near!r}?")


def _words(thing: object) -> list[str]:
    return [name for name in dir(thing) if not name.startswith("_")]


def _end_at_the_test(error: BaseException) -> None:
    """Cut our own frames off the end of its traceback."""
    last: TracebackType | None = None
    at = error.__traceback__
    while at is not None:
        if str(at.tb_frame.f_globals.get("__name__", "")).partition(".")[0] != PACKAGE:
            last = at
        at = at.tb_next
    if last is not None:
        last.tb_next = None
    error.__cause__, error.__suppress_context__ = None, True
