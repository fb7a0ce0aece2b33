"""What the way itself costs: the quickest answers that a side gave, and the quickest bytes that it sent.  Pure.

The tap sees a frame pass on to X and, later, X's answer.  The shortest such time of a connection, an ACK of the
kernel in most cases, is the way to X and back; what an answer takes longer is X's own.  Frames that follow each
other at once come as far apart as the narrowest cable before the tap lets them.
"""

from dataclasses import dataclass
from itertools import pairwise

from lan.trace.stalls.segments import Dialogue, Segment, Sent

SLACK_NS = 3_000_000
"""How much later than the way takes an answer may come and still be one at once: the kernel has to run."""
LARGE = 0.9
"""A segment of this share of the largest is one of a burst."""


@dataclass(frozen=True, slots=True)
class Path:
    """`round_ns` from the tap to a side and back; `ns_per_byte` of what it sends, 0 where nothing shows it."""

    round_ns: int
    ns_per_byte: float

    @property
    def slack_ns(self) -> int:
        """How late an answer at once may be."""
        return SLACK_NS + self.round_ns // 8

    def transmission_ns(self, segment: Segment) -> int:
        """How long a segment is on the narrowest cable before the tap."""
        return round(self.ns_per_byte * segment.frame.length)


def path_of(talk: Dialogue, sent: Sent) -> Path:
    """The way between the tap and the side that sent these."""
    way = talk.connection.analysis.server if sent.is_client else talk.connection.analysis.client
    round_ns = min((trip.time_ns for trip in way.round_trips if trip.time_ns >= 0), default=0)
    shortest = min((segment.frame.length for segment in sent.all), default=0)
    most = round_ns / shortest if shortest else 0.0  # the quickest answer was on this cable too, and took no longer
    return Path(round_ns, min(_ns_per_byte(sent), most))


def _ns_per_byte(sent: Sent) -> float:
    largest = max((segment.length for segment in sent.all), default=0)
    spacings = [
        (later.time_ns - before.time_ns) / later.frame.length
        for before, later in pairwise(segment for segment in sent.all if segment.is_new)
        if later.length >= max(largest * LARGE, 500) and before.length >= largest * LARGE
    ]
    spacings.sort()
    return spacings[len(spacings) // 4] if len(spacings) >= 3 else 0.0
