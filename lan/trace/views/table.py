"""The list of events, in Packet Tracer's columns: time, last device, at device, type, info.  Plain rows.

A frame is one row, from the device that made it to the one that it is for; with every hop, a row for each cable that
it passed: the last device, and the one that it is at now.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lan.language.catalogue import ENGLISH, Language
from lan.trace.decryption_messages import clear_titles
from lan.trace.frame import Direction, Frame
from lan.trace.timeline import Timeline, Window
from lan.trace.views.cells import cells, pad

EVERYONE = "everyone"
ROW_HEADINGS = ("no.", "time", "last device", "at device", "type", "info")
SAMPLE_FRAMES = 200
"""Frames whose ends tell how wide the columns of a foreign capture must be."""
WIDEST_NAME = 15
NUMBER_WIDTH, PLACE_WIDTH = 5, 18
"""Of a number, and of number and time together: a longer number takes of the blanks before the time."""
STYLES = {
    "ARP": "yellow",
    "DHCP": "magenta",
    "DNS": "cyan",
    "HTTP": "green",
    "TLS": "green",
    "ICMP": "blue",
    "ICMPv6": "blue",
    "STP": "dim",
    "LLDP": "dim",
}
"""Colours by type, as Packet Tracer's events have theirs; what is malformed, or resets, is red."""
TROUBLE = "red"


@dataclass(frozen=True, slots=True)
class Row:
    """One frame's line.  `time_ms` counts from the timeline's first frame.

    `source` and `destination` are devices (of every hop, the cable's two ends), `port` and `direction` where it was
    seen.
    """

    number: int
    time_ms: float
    source: str
    destination: str
    port: str
    direction: str
    protocol: str
    info: str
    length: int
    style: str = ""

    @property
    def words(self) -> str:
        """What it says, without the protocol's name, which has a column of its own."""
        return self.info.removeprefix(f"{self.protocol} ")

    def __str__(self) -> str:
        return Columns().line(self)


@dataclass(frozen=True, slots=True)
class Columns:
    """How wide the two columns of devices are, in cells; a longer name pushes the rest of its line."""

    source: int = len("last device")
    destination: int = len("at device")
    language: Language = ENGLISH

    def line(self, one: Row) -> str:
        """The row as a line of text."""
        ends = f"{one.source:<{self.source}} {one.destination:<{self.destination}}"
        return f"{place(str(one.number), one.time_ms)} ms  {ends} {one.protocol:<6} {one.words}"

    @property
    def head(self) -> str:
        """The line above the rows."""
        number, time, source, destination, kind, info = map(self.language.say, ROW_HEADINGS)
        at = f"{_right(number, NUMBER_WIDTH)} {_right(time, PLACE_WIDTH - NUMBER_WIDTH - 1)}"
        return f"{at}     {pad(source, self.source)} {pad(destination, self.destination)} {pad(kind, 6)} {info}"


def _right(text: str, width: int) -> str:
    return " " * max(width - cells(text), 0) + text


def place(number: str, time_ms: float) -> str:
    """Where a row's line begins: its number, and when."""
    text = f"{number:>{NUMBER_WIDTH}}"
    return f"{text} {time_ms:>{max(PLACE_WIDTH - len(text) - 1, 0)}.3f}"


def columns(timeline: Timeline, language: Language = ENGLISH) -> Columns:
    """Wide enough for the names of these devices, or the addresses that the first frames have."""
    sample = [ends(frame, timeline) for frame in timeline.all_first_sightings[:SAMPLE_FRAMES]]
    names = [(name, name) for name in {*timeline.devices.values(), *(timeline.switches or ())}]
    least = Columns()
    heads = [cells(language.say(name)) for name in ROW_HEADINGS[2:4]]
    widths = [min(max(len(pair[at]) for pair in [*sample, *names, ("", "")]), WIDEST_NAME) for at in (0, 1)]
    return Columns(max(least.source, heads[0], widths[0]), max(least.destination, heads[1], widths[1]), language)


def rows(window: Window, *, every_hop: bool = False) -> Iterator[Row]:
    """The frames of a window (a timeline is one), each once; with `every_hop` at each port it passed."""
    frames: Iterable[Frame] = window.frames if every_hop else window.first_sightings
    return (row(frame, window.timeline, is_hop=every_hop) for frame in frames)


def row(frame: Frame, timeline: Timeline, *, is_hop: bool = False) -> Row:
    """One frame's line."""
    source, destination = ends(frame, timeline)
    if is_hop and frame.direction is not Direction.UNKNOWN:
        source, destination = frame.from_device or source, frame.to_device or destination
    return Row(
        frame.number,
        time_ms(frame, timeline),
        source,
        destination,
        frame.port,
        frame.direction.value,
        frame.packet.protocol,
        _info(frame, timeline),
        frame.length,
        style(frame),
    )


def _info(frame: Frame, timeline: Timeline) -> str:
    """What the frame says: of what TLS hides, what can be read of it."""
    if clear := clear_titles(frame, timeline):
        return f"{frame.packet.protocol} {'; '.join(clear)}"
    return frame.packet.summary()


def time_ms(frame: Frame, timeline: Timeline) -> float:
    """Since the recording's first frame."""
    return (frame.time_ns - timeline.begun_ns) / 1e6 if timeline.all_frames else 0.0


def style(frame: Frame) -> str:
    """The colour of a frame's line."""
    packet = frame.packet
    if packet.problems or (packet.tcp is not None and packet.tcp.flags.words().startswith(("RST", "SYN, RST"))):
        return TROUBLE
    return STYLES.get(packet.protocol, "")


def ends(frame: Frame, timeline: Timeline) -> tuple[str, str]:
    """The devices that a frame is from and for; IP addresses where nobody knows them, else MAC addresses."""
    packet = frame.packet
    header, network = packet.ethernet, packet.ipv4 or packet.ipv6
    if header is None:
        return frame.from_device or "?", frame.to_device or "?"
    source = timeline.device_of(header.src) or (network.src if network else header.src)
    if header.is_broadcast():
        return source, EVERYONE
    return source, timeline.device_of(header.dst) or (network.dst if network else header.dst)
