"""A capture that is played from a list: what has passed, and what comes only to those who wait for it."""

from collections.abc import Callable, Iterable
from pathlib import Path

from lan.testing.trace import Trace
from lan.testing.watch import Watch
from lan.trace.frame import Frame
from lan.trace.pcapng import load
from lan.trace.timeline import Timeline

OFFICE = Path(__file__).parents[1] / "trace/office.pcapng.hex"
DEVICES = ("s1", "pc1", "web", "dns", "dhcp")


class Played:
    """A `lan.testing.watch.Source`: the first `passed` frames are taken in, `wait_until` takes one by one the rest.

    Of those that come `unread` have passed, and are taken in by `sync`.
    """

    def __init__(self, frames: Iterable[Frame], *, passed: int | None = None, unread: int = 0, drops: int = 0) -> None:
        self.timeline, self.drops, self.waited = Timeline(switches=["s1"]), drops, 0
        self._coming, self._unread = list(frames), unread
        self.pass_by(len(self._coming) if passed is None else passed)

    def pass_by(self, number: int) -> None:
        """So many more frames pass."""
        self.timeline.feed(self._coming[:number])
        del self._coming[:number]

    def sync(self) -> None:
        """Take in what has passed."""
        unread, self._unread = self._unread, 0
        self.pass_by(unread)

    def wait_until(self, condition: Callable[[], bool], deadline_s: float) -> bool:
        while not condition():
            if not self._coming:
                return False
            self.waited += 1
            self.pass_by(1)
        return True


def office() -> list[Frame]:
    """The frames of a real capture; see tests/unit/trace/test_trace_office.py."""
    return load(bytes.fromhex(OFFICE.read_text()))


def trace_of(source: Played) -> Trace:
    return Trace(Watch(source, lambda: DEVICES))
