"""One line a frame: number, time, who to whom, protocol, what it says.  Plain rows; faces draw them."""

from collections.abc import Iterator
from dataclasses import dataclass

from lan.trace.frame import Frame
from lan.trace.timeline import Timeline, Window

EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Row:
    """One frame's line.  `time_ms` counts from the timeline's first frame.

    `source` and `destination` are devices (the frame's MAC addresses, by name), `port` and
    `direction` where it was seen.
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

    def __str__(self) -> str:
        ends = f"{self.source} → {self.destination}"
        return f"{self.number:>5} {self.time_ms:>10.3f} ms  {ends:<18} {self.port:<10} {self.direction:<3} {self.info}"


def rows(window: Window, *, every_hop: bool = False) -> Iterator[Row]:
    """The frames of a window (a timeline is one), each once; with `every_hop` at each port it passed."""
    frames = window.frames if every_hop else window.first_sightings
    return (row(frame, window.timeline) for frame in frames)


def row(frame: Frame, timeline: Timeline) -> Row:
    """One frame's line."""
    source, destination = ends(frame, timeline)
    begun_ns = timeline.all_frames[0].time_ns if timeline.all_frames else frame.time_ns
    return Row(
        frame.number,
        (frame.time_ns - begun_ns) / 1e6,
        source,
        destination,
        frame.port,
        frame.direction.value,
        frame.packet.protocol,
        frame.packet.summary(),
        frame.length,
    )


def ends(frame: Frame, timeline: Timeline) -> tuple[str, str]:
    """The devices that a frame is from and for; addresses where nobody knows their device."""
    header = frame.packet.ethernet
    if header is None:
        return frame.from_device or "?", frame.to_device or "?"
    source = timeline.device_of(header.src) or header.src
    if header.is_broadcast():
        return source, EVERYONE
    return source, timeline.device_of(header.dst) or header.dst
