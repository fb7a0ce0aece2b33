"""Where a view takes its frames from: a LAN that is up, or a capture file.  Both as one timeline.

A topology file (``--topology``) tells the names of devices in a capture that has none.
"""

import argparse
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from lan.cli.common import lan_word
from lan.cli.recordings import check_file, connect
from lan.cli.screen import Screen
from lan.control import client
from lan.devices.kinds import schemas
from lan.errors import UsageError
from lan.language.catalogue import language_of
from lan.reasons import Sentence
from lan.scenario.recording import Recording, device_map
from lan.topo.load import load
from lan.trace.filter import Filter, compile_filter
from lan.trace.journey import Journey, Stop
from lan.trace.kernel.record import FILE as KERNEL
from lan.trace.notes import cut_to_bytes, of_cut
from lan.trace.opening import Opening, refuse_many
from lan.trace.recorded import Held, Recorded
from lan.trace.span import Span, read_span
from lan.trace.timeline import Timeline
from lan.trace.views.pdu import Explained
from lan.trace.why import Decisions, Explainer

A_LONG_TIME_S = 3600.0
DECISIONS = "decisions.jsonl"
STANDARD_INPUT = Path("-")
NAMES_OF_FILES = "--topology tells the names of a FILE's devices"


def source_words(parser: argparse.ArgumentParser) -> None:
    """``FILE``, ``--topology WHAT``, ``-l NAME`` and ``--json``."""
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="a pcap or pcapng file (- is stdin); else the LAN is up"
    )
    parser.add_argument("--topology", dest="what", metavar="WHAT", help="whose devices FILE's addresses belong to")
    lan_word(parser)


def part_word(parser: argparse.ArgumentParser) -> None:
    """``--part FIRST-LAST``, for views that hold all their frames."""
    parser.add_argument("--part", metavar="A-B", help="frames 1000-2000 or the time 3.2s-4s alone")


def filter_word(parser: argparse.ArgumentParser) -> None:
    """``--filter EXPR``."""
    parser.add_argument(
        "--filter", metavar="EXPR", help="only such frames: 'tcp.flags.fin and dst=web' (docs/trace.md)"
    )


class Source:
    """Frames so far; of a LAN that is up, more may come."""

    def __init__(
        self,
        recorded: Timeline | Recorded,
        name: str,
        folder: Path,
        capture: Path | None,
        *,
        notes: Iterable[str] = (),
    ) -> None:
        self.recorded = Held(recorded) if isinstance(recorded, Timeline) else recorded
        self.name, self.folder, self.capture = name, folder, capture
        """Where the capture lies, and beside it the LAN's logs; and the capture itself."""
        self.recording: Recording | None = None
        self._notes = tuple(notes)
        self._decisions = Decisions()
        self._explainer: Explainer | None = None

    @property
    def timeline(self) -> Timeline:
        """All frames, or those around the one that was looked at last (see `Recorded`)."""
        return self.recorded.timeline

    @property
    def notes(self) -> tuple[str, ...]:
        """What of it can't be seen."""
        return (*self._notes, *of_cut(cut_to_bytes(self.timeline.all_frames)))

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
            self.read_decisions()

    def wait_for_more(self) -> bool:
        """Wait for the next frame of a LAN that is up; False where none can come."""
        if self.recording is None:
            return False
        while not self.recording.wait_for_more(A_LONG_TIME_S):
            pass  # a LAN may be silent for a night
        return True

    def wait(self, deadline_s: float) -> None:
        """Return when a LAN that is up has more frames than are here, or late; takes none of them up."""
        if self.lan is not None:
            self.lan.wait_trace(len(self.timeline.all_frames), round(deadline_s * 1000))

    def _read_logs(self) -> None:
        self._decisions.read([*self.decision_logs(), self.folder / KERNEL])

    def read_decisions(self) -> None:
        """Take in what devices have written into their logs, if somebody has asked for reasons."""
        if self._explainer is not None:
            self._read_logs()

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
            self._read_logs()
        if self._explainer is None or self._explainer.timeline is not self.timeline:
            self._explainer = Explainer(self.timeline, self._decisions)
        return self._explainer.explain(stop, journey)


def open_source(options: argparse.Namespace, screen: Screen) -> Source:
    """What `source_words` and `part_word` ask for, with all its frames until now.

    Says what of it can't be seen.  Raises UsageError where there are more than can be held.
    """
    part = getattr(options, "part", None)
    span = None if part is None else read_span(part)
    source = _of_lan(options, span) if options.file is None else _of_file(options, span)
    tell_notes(source.notes, screen)
    return source


def _of_file(options: argparse.Namespace, span: Span | None) -> Source:
    """A file, or a part of it."""
    devices, switches = names(options)
    file = Path("/dev/stdin") if options.file == STANDARD_INPUT else options.file
    check_file(file)
    opening = Opening(file, devices=devices, switches=switches, span=span)
    while opening.more():
        pass
    return Source(opening.timeline, file.name, file.absolute().parent, file, notes=opening.notes)


def _of_lan(options: argparse.Namespace, span: Span | None) -> Source:
    """A LAN that is up, or a part of what it has recorded."""
    if options.what is not None:
        raise UsageError(NAMES_OF_FILES, todo="give the FILE, or leave it out")
    lan = connect(options.lan)
    if span is None or lan.trace is None:
        if lan.trace is not None:
            refuse_many(Path(lan.trace))
        recording = Recording(lan)
        source = Source(recording.timeline, lan.name, lan.state, lan.trace)
        source.recording = recording
        source.sync()
        return source
    lan.sync_trace()
    switches = [device.name for device in lan.spec.switches]
    opening = Opening(Path(lan.trace), devices=device_map(lan.spec), switches=switches, span=span)
    while opening.more():
        pass
    return Source(opening.timeline, lan.name, lan.state, lan.trace)


def names(options: argparse.Namespace) -> tuple[dict[str, str] | None, list[str] | None]:
    """What ``--topology`` tells of a FILE: device by MAC address, and which are switches."""
    if options.lan is not None:
        raise UsageError("a FILE or a LAN that is up (-l), not both")
    if options.what is None:
        return None, None
    described = load(options.what, schemas())
    return device_map(described), [device.name for device in described.switches]


def tell_notes(notes: Iterable[str], screen: Screen) -> None:
    """What of a recording can't be seen."""
    language = language_of(os.environ)
    for note in notes:
        screen.line(language.retell(Sentence("note: {note}", note=note)), "yellow")


def no_frame(options: argparse.Namespace, source: Source) -> Sentence:
    """What is said of a source in which nothing is to be seen."""
    if getattr(options, "part", None) is not None:
        return Sentence("{name} holds no frame in that part", name=source.name)
    if options.file is not None:
        return Sentence("{name} holds no frame", name=source.name)
    return Sentence("nothing has been captured yet")
