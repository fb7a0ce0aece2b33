"""How tests look at a LAN's packets: they wait for frames and not for time, and know what was lost.

Pure but for its `Source`, which reads the capture.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lan.testing.failing import NotCertain
from lan.trace.ledger import PortRange
from lan.trace.timeline import Timeline

PATIENCE_S = 10.0
"""How long what was asked for may take to pass: generous, as a busy machine is no fault."""
KEPT_LOOKS = 3


class Source(Protocol):
    """A capture that grows."""

    @property
    def timeline(self) -> Timeline: ...

    @property
    def drops(self) -> int:
        """Frames that the capture lost, up to the last `sync`."""
        ...

    def sync(self) -> None:
        """Take in all that has passed until now."""
        ...

    def wait_until(self, condition: Callable[[], bool], deadline_s: float) -> bool:
        """Take in frames until the condition holds; False if it does not by the deadline."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """What a test asked, and the conversations or frames that it got: what a failure is explained with."""

    question: str
    found: tuple[Any, ...]


@dataclass(slots=True)
class Notebook:
    """The last looks of a test, the latest at the end; an answer looked at again goes there."""

    looks: list[Look] = field(default_factory=list)

    def note(self, question: str, found: Iterable[Any]) -> None:
        """Write one down."""
        look = Look(question, tuple(found))
        self.looks = [*(old for old in self.looks if old.found != look.found), look][-KEPT_LOOKS:]

    def clear(self) -> None:
        """For the next test."""
        self.looks.clear()


@dataclass(frozen=True, slots=True)
class Watch:
    """One LAN's packets as tests look at them; `lost_before` frames were lost before the test's window."""

    source: Source
    devices: Callable[[], Collection[str]]
    patience_s: float = PATIENCE_S
    lost_before: int = 0
    notebook: Notebook = field(default_factory=Notebook)
    port_ranges: Callable[[], Mapping[str, PortRange]] = dict
    """From which ports each device's kernel chooses for clients; of others it is Linux's own."""

    @property
    def timeline(self) -> Timeline:
        return self.source.timeline

    def sync(self) -> None:
        """Take in all that has passed until now."""
        self.source.sync()

    def until(self, condition: Callable[[], bool]) -> bool:
        """Wait for packets until the condition holds; False where it does not in good time."""
        return self.source.wait_until(condition, self.patience_s)

    def be_certain(self, question: str) -> None:
        """Raise NotCertain where frames were lost: for every check of what did not pass, and how often what did."""
        lost = self.source.drops - self.lost_before
        if lost > 0:
            raise NotCertain(
                f"{question}: not seen for certain: the capture lost {lost} frame{'s' if lost > 1 else ''}"
            )
