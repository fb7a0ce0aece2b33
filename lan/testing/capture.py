"""The capture of a LAN that is up, as a test watches it; once the LAN is down, what was read of it stays."""

from collections.abc import Callable

from lan.control.client import RunningLan
from lan.errors import LanError
from lan.scenario.recording import Recording
from lan.trace.timeline import Timeline


class Capture:
    """A `lan.testing.watch.Source`."""

    def __init__(self, running: RunningLan) -> None:
        self.recording = Recording(running)
        self._is_open = True

    @property
    def timeline(self) -> Timeline:
        return self.recording.timeline

    @property
    def drops(self) -> int:
        """Frames that the capture lost, up to the last `sync`."""
        return self.recording.drops

    def sync(self) -> None:
        """Take in all that has passed until now."""
        if self._is_open:
            self.recording.sync()

    def wait_until(self, condition: Callable[[], bool], deadline_s: float) -> bool:
        """Take in frames until the condition holds; of a LAN that is down, nothing more is to come."""
        return self.recording.wait_until(condition, deadline_s) if self._is_open else condition()

    def close(self) -> None:
        """Take in the last frames, and let the file go."""
        if self._is_open:
            try:
                self.recording.sync()
            except LanError:  # the LAN is gone already
                pass
            self._is_open = False
            self.recording.close()
