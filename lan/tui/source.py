"""What the full-screen view needs to know of where its frames come from: a capture file, or a LAN that is up."""

from collections.abc import Sequence
from typing import Protocol

from lan.trace.filter import Filter
from lan.trace.journey import Journey, Stop
from lan.trace.recorded import Recorded
from lan.trace.why import Explained


class Source(Protocol):
    """`recorded` has the frames so far; `name` is what they are of."""

    recorded: Recorded
    name: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What of it could not be read, as far as it is known."""

    @property
    def is_live(self) -> bool:
        """Whether more may come."""

    @property
    def drops(self) -> int:
        """Frames that the capture lost."""

    def wait(self, deadline_s: float) -> None:
        """Return when there are more frames than the timeline has, or late; takes none of them up."""

    def sync(self) -> None:
        """Take up all that has passed until now."""

    def compile(self, text: str | None) -> Filter | None:
        """The filter of a text; raises UsageError."""

    def explain(self, stop: Stop, journey: Journey) -> Sequence[Explained]:
        """Why a device did what it did with a frame."""
