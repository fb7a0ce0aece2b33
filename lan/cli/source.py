"""Where a view takes its frames from: a LAN that is up, or a capture file.  Both as one timeline.

A topology file (``--topology``) tells the names of devices in a capture that has none.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from lan.cli.common import lan_word
from lan.cli.screen import Screen
from lan.control import client
from lan.devices.kinds import schemas
from lan.errors import UsageError
from lan.scenario.recording import Recording, device_map
from lan.topo.load import load
from lan.trace.filter import Filter, compile_filter
from lan.trace.journey import Journey, Stop
from lan.trace.opening import Opening
from lan.trace.timeline import Timeline
from lan.trace.views.pdu import Explained
from lan.trace.why import Decisions, Explainer

A_LONG_TIME_S = 3600.0
DECISIONS = "decisions.jsonl"


def source_words(parser: argparse.ArgumentParser) -> None:
    """``FILE``, ``--topology WHAT``, ``-l NAME`` and ``--json``."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a pcap or pcapng file; else the LAN is up")
    parser.add_argument("--topology", dest="what", metavar="WHAT", help="whose devices FILE's addresses belong to")
    lan_word(parser)


def filter_word(parser: argparse.ArgumentParser) -> None:
    """``--filter EXPR``."""
    parser.add_argument(
        "--filter", metavar="EXPR", help="only such frames: 'tcp.flags.fin and dst=web' (docs/trace.md)"
    )


class Source:
    """Frames so far; of a LAN that is up, more may come."""

    def __init__(
        self, timeline: Timeline, name: str, folder: Path, capture: Path | None, *, notes: Iterable[str] = ()
    ) -> None:
        self.timeline, self.name, self.notes = timeline, name, tuple(notes)
        self.folder, self.capture = folder, capture
        """Where the capture lies, and beside it the LAN's logs; and the capture itself."""
        self.recording: Recording | None = None
        self.opening: Opening | None = None
        """Of a file that is read piece by piece."""
        self._decisions = Decisions()
        self._explainer: Explainer | None = None

    @property
    def lan(self) -> "client.RunningLan | None":
        """The LAN that is up; None of a file."""
        return self.recording.lan if self.recording else None

    @property
    def is_live(self) -> bool:
        return self.recording is not None

    @property
    def drops(self) -> int:
        """Frames that the capture lost."""
        return self.recording.drops if self.recording else 0

    def sync(self) -> None:
        """Take in all that has passed until now."""
        if self.recording is not None:
            self.recording.sync()
            self._decisions.read(self.decision_logs() if self._explainer else [])

    def wait_for_more(self) -> bool:
        """Wait for the next frame of a LAN that is up, or read on in a file; False at its end."""
        if self.opening is not None:
            return self.opening.more()
        if self.recording is None:
            return False
        while not self.recording.wait_for_more(A_LONG_TIME_S):
            pass  # a LAN may be silent for a night
        return True

    def wait(self, deadline_s: float) -> None:
        """Return when a LAN that is up has more frames than are here, or late; takes none of them up."""
        if self.lan is not None:
            self.lan.wait_trace(len(self.timeline.all_frames), round(deadline_s * 1000))

    def decision_logs(self) -> list[Path]:
        """The logs of switches, cables and devices that lie beside the capture; [] of a foreign one."""
        found = [self.folder / DECISIONS, *sorted(self.folder.glob(f"devices/*/{DECISIONS}"))]
        return [path for path in found if path.is_file()]

    @property
    def device_names(self) -> set[str] | None:
        """The devices of a LAN that is up; None of a file, which need not know all."""
        if not self.is_live:
            return None
        return set(self.timeline.devices.values()) | set(self.timeline.switches or ())

    def compile(self, text: str | None) -> Filter | None:
        """A filter; where the devices are known, its devices are among them."""
        return None if text is None else compile_filter(text, devices=self.device_names)

    def explain(self, stop: Stop, journey: Journey) -> Sequence[Explained]:
        """Why a device did what it did, by the logs beside the capture, else by packets."""
        if self._explainer is None:
            self._explainer = Explainer(self.timeline, self._decisions)
            self._decisions.read(self.decision_logs())
        return self._explainer.explain(stop, journey)


def open_source(options: argparse.Namespace, screen: Screen, *, in_pieces: bool = False) -> Source:
    """What `source_words` ask for, with all its frames until now.  Says what of a file can't be read.

    With `in_pieces` a file's first frames are there, the others come by `wait_for_more`, and its notes at the end.
    """
    if options.file is None:
        if options.what is not None:
            raise UsageError("--topology tells the names of a FILE's devices", todo="give the FILE, or leave it out")
        lan = client.connect(options.lan)
        recording = Recording(lan)
        source = Source(recording.timeline, lan.name, lan.state, lan.trace)
        source.recording = recording
        source.sync()
        return source
    if options.lan is not None:
        raise UsageError("a FILE or a LAN that is up (-l), not both")
    devices, switches = None, None
    if options.what is not None:
        described = load(options.what, schemas())
        devices, switches = device_map(described), [device.name for device in described.switches]
    opening = Opening(options.file, devices=devices, switches=switches)
    while opening.more() and not in_pieces:
        pass
    folder = options.file.absolute().parent
    source = Source(opening.timeline, options.file.name, folder, options.file, notes=opening.notes)
    if in_pieces:
        source.opening = opening
    else:
        tell_notes(opening.notes, screen)
    return source


def tell_notes(notes: Iterable[str], screen: Screen) -> None:
    """What of a file could not be read."""
    for note in notes:
        screen.line(f"note: {note}", "yellow")
