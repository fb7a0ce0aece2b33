"""A journey: one frame followed from the device that made it to those that keep it or drop it.  Pure.

A frame is seen once a cable (twice where both ends are switches): each sighting belongs to exactly one
journey.  What a switch floods are branches of one journey; what a router sends on, with other MAC
addresses and a TTL less by one, is the same journey still, as is what a NAT router sends on with other
IP addresses and ports, and the request that a proxy makes of the one it got.

    pc1 ── 1 ── s1 ─┬─ 2 ── web        Stop(pc1, None, [1], origin)  Stop(s1, 1, [2, 3], switch)
                    └─ 3 ── dns        Stop(web, 2, [], end)         Stop(dns, 3, [], drop)

`journey_following.py` makes journeys of frames; why a device did what it did is told by `why`.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from lan.trace.frame import Frame


class StopKind(StrEnum):
    """What a device did with the frame, as far as the cables show."""

    ORIGIN = "origin"
    """It made the frame."""
    SWITCH = "switch"
    """It handed the same bytes on."""
    ROUTER = "router"
    """It sent the packet on in another frame, its TTL less by one."""
    NAT = "nat"
    """As a router, with other IP addresses or ports."""
    PROXY = "proxy"
    """It sent the request or response on over another connection."""
    END = "end"
    """It kept the frame."""
    DROP = "drop"
    """It, or the cable to it, did not take the frame any further."""


@dataclass(slots=True, eq=False)
class Stop:
    """One device on the way: what it got, and what it sent on because of that.

    `received` is None at the origin.  `answer` is the frame in which the device tells that it did not
    take this one (an ICMP error, a RST); it belongs to a journey of its own.  `is_logged`: a proxy's own log
    says what it sent on because of this, else the packets alone do.
    """

    device: str
    received: Frame | None
    sent: list[Frame]
    kind: StopKind
    answer: Frame | None = None
    is_logged: bool = False

    def __str__(self) -> str:
        numbers = ",".join(str(frame.number) for frame in self.sent)
        return f"{self.device} {self.kind} {self.received.number if self.received else '–'}→{numbers or '–'}"


@dataclass(slots=True, eq=False)
class Journey:
    """All sightings of one frame, by number, and all devices it came to, in the order it came to them.

    `number` counts journeys from 1.  `cause` is the journey of the packet that an ICMP error or a RST is about.
    """

    number: int
    stops: list[Stop]
    frames: list[Frame] = field(default_factory=list)
    cause: "Journey | None" = None

    @property
    def origin(self) -> Stop:
        """Where it began: the device that made the frame, or where it was first seen."""
        return self.stops[0]

    @property
    def ends(self) -> list[Stop]:
        """Where it went no further: kept or dropped."""
        return [stop for stop in self.stops if stop.kind in (StopKind.END, StopKind.DROP)]

    def leaving(self, frame: Frame) -> Stop | None:
        """The stop that put this frame on its cable."""
        return next((stop for stop in self.stops if frame in stop.sent), None) or self._before(frame)

    def arriving(self, frame: Frame) -> Stop | None:
        """The stop at the far end of this frame's cable."""
        return next((stop for stop in self.stops if stop.received is frame), None) or self._beyond(frame)

    def _before(self, frame: Frame) -> Stop | None:
        """For the second sighting of a cable, seen where it arrives."""
        way = (frame.sender, frame.receiver)
        return next((stop for stop in self.stops if any((f.sender, f.receiver) == way for f in stop.sent)), None)

    def _beyond(self, frame: Frame) -> Stop | None:
        """For the first sighting of a cable that is seen at both ends."""
        way = (frame.sender, frame.receiver)
        got = ((stop, stop.received) for stop in self.stops)
        return next((stop for stop, seen in got if seen and (seen.sender, seen.receiver) == way), None)

    def __str__(self) -> str:
        return f"journey {self.number}: " + "; ".join(map(str, self.stops))
