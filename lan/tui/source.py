"""Where the frames on the screen come from: a capture file, read to its end, or a LAN that is up, as it goes on."""

from typing import Protocol

from lan.scenario.recording import Recording
from lan.trace.opening import Opened
from lan.trace.timeline import Timeline

PATIENCE_S = 0.5


class Source(Protocol):
    """What the screen asks of it; `title` is its name, `notes` what is to be known about it."""

    timeline: Timeline
    title: str
    is_live: bool

    @property
    def notes(self) -> str: ...

    def wait(self) -> None:
        """Take in what comes next, or return before long."""


class FileSource:
    """A file."""

    is_live = False

    def __init__(self, opened: Opened) -> None:
        self.timeline, self.title, self.notes = opened.timeline, opened.path.name, "; ".join(opened.notes)

    def wait(self) -> None:
        """A file does not grow here."""


class LanSource:
    """A LAN that is up."""

    is_live = True

    def __init__(self, recording: Recording) -> None:
        self.recording, self.timeline, self.title = recording, recording.timeline, recording.lan.name

    @property
    def notes(self) -> str:
        drops = self.recording.drops
        return f"{drops} frames were lost by the capture" if drops else ""

    def wait(self) -> None:
        self.recording.wait_for_more(PATIENCE_S)
