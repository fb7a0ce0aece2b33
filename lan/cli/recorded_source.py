"""Where a view that goes through frames takes them from: by index, from a LAN's capture that grows, or a file.

Nothing is read but what is looked at, so that it makes no difference how long a capture is.  What can't be read at any
place (a pipe, a compressed file) is put into a temporary file first.
"""

import argparse
import sys
from pathlib import Path

from lan.cli.recordings import check_file, connect
from lan.cli.source import NAMES_OF_FILES, STANDARD_INPUT, Source, names
from lan.control import client
from lan.errors import UsageError
from lan.scenario.recording import device_map
from lan.trace.excerpts import MOST_FRAMES, Excerpts
from lan.trace.indexed import IndexedCapture
from lan.trace.notes import of_cut, of_end, of_links
from lan.trace.pcapng_format import LINKTYPE_ETHERNET
from lan.trace.spooling import Spooled
from lan.trace.timeline import Timeline
from lan.wire.malformed import Malformed

STRETCH_FRAMES = 8_192
"""So many more frames of a file are read at once."""
A_LONG_TIME_MS = 3_600_000


class RecordedSource(Source):
    """Frames by index; of `running`, a LAN that is up, more may come."""

    def __init__(
        self,
        excerpts: Excerpts,
        name: str,
        folder: Path,
        capture: Path,
        *,
        running: client.RunningLan | None = None,
        spooled: Spooled | None = None,
    ) -> None:
        super().__init__(excerpts, name, folder, capture)
        self.excerpts, self._running, self._spooled, self._drops = excerpts, running, spooled, 0

    @property
    def lan(self) -> client.RunningLan | None:
        return self._running

    @property
    def is_live(self) -> bool:
        return self._running is not None

    @property
    def drops(self) -> int:
        return self._drops

    def sync(self) -> None:
        if self._running is not None:
            self._drops = max(self._drops, self._running.sync_trace()["drops"])
            self.excerpts.know()
            self.excerpts.read_logs()
            self.read_decisions()

    def wait(self, deadline_s: float) -> None:
        if self._running is not None:
            self._running.wait_trace(self.excerpts.index.last_number, round(deadline_s * 1000))

    def wait_for_more(self) -> bool:
        """Wait for the next frames of a LAN that is up or a pipe, or read on in a file; False at its end."""
        if self._running is not None:
            before = self.excerpts.index.last_number
            while self.excerpts.index.last_number == before:
                self._running.wait_trace(before, A_LONG_TIME_MS)
                self.sync()
            return True
        is_more = self._spooled is not None and self._spooled.more()
        return self.excerpts.know(len(self.recorded.sightings) + STRETCH_FRAMES) or is_more

    @property
    def notes(self) -> tuple[str, ...]:
        """What of it can't be seen, as far as it is known."""
        index, notes = self.excerpts.index, list(self._spooled.notes if self._spooled else ())
        notes += of_cut(index.cut_to_bytes) + of_links(index.linktypes - {LINKTYPE_ETHERNET})
        is_over = index.is_at_end and not self.is_live
        notes += of_end(index.damage, index.pending_bytes if is_over else 0, index.last_number)
        return tuple(notes)


def open_recorded(
    options: argparse.Namespace, *, most_frames: int = MOST_FRAMES, is_piped: bool = False
) -> RecordedSource:
    """What `source_words` ask for, as far as it is looked at.  Raises UsageError.

    With `is_piped` the rest of what comes by a pipe comes by `wait_for_more`, as it comes.
    """
    if options.file is not None:
        return _of_file(options, most_frames, is_piped=is_piped)
    if options.what is not None:
        raise UsageError(NAMES_OF_FILES, todo="give the FILE, or leave it out")
    running = connect(options.lan)
    if running.trace is None:
        raise UsageError(f"nothing is captured on LAN {running.name}", todo="start it without --no-trace")
    spec = running.spec
    switches = [device.name for device in spec.switches]
    timeline = Timeline(device_map(spec), switches)
    index = IndexedCapture(running.trace, switches=frozenset(switches), is_growing=True)
    excerpts = Excerpts(index, timeline, running.state, most_frames=most_frames)
    source = RecordedSource(excerpts, running.name, running.state, running.trace, running=running)
    source.sync()
    excerpts.begin()
    return source


def _of_file(options: argparse.Namespace, most_frames: int, *, is_piped: bool) -> RecordedSource:
    devices, switches = names(options)
    file = Path("/dev/stdin") if options.file == STANDARD_INPUT else options.file
    check_file(file)
    try:
        if file != options.file and sys.stdin.isatty():
            raise UsageError("standard input is this terminal, and no capture", todo="tcpdump -w - | …, or a FILE")
        spooled = Spooled(file)
        while not is_piped and spooled.more():
            pass
        index = IndexedCapture(spooled.path, switches=None if switches is None else frozenset(switches))
    except OSError as error:
        raise UsageError(f"{options.file}: {error.strerror or error}", expected="a pcap or pcapng file") from error
    except Malformed as fault:
        raise UsageError(f"{options.file}: {fault}", expected="a pcap or pcapng file of Ethernet frames") from fault
    folder = file.absolute().parent
    excerpts = Excerpts(index, Timeline(devices, switches), folder, most_frames=most_frames)
    excerpts.begin()
    return RecordedSource(excerpts, file.name, folder, file, spooled=spooled)
