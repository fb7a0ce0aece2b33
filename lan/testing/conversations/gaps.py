"""Where the time of a transaction or connection went, in a test: stretches with a cause each.  docs/stalls.md"""

from lan.testing.watch import Watch
from lan.testing.word import Word
from lan.trace.frame import Frame
from lan.trace.ledger import Ledger
from lan.trace.stalls.attribution import Facts, attribute
from lan.trace.stalls.cause import Cause, Gap, clip
from lan.trace.trackers.http import Transaction
from lan.trace.trackers.tcp import Connection


class SeenGap:
    """A stretch of time and what it was spent on."""

    def __init__(self, told: Gap, watch: Watch) -> None:
        self.told, self._watch = told, watch

    @property
    def cause(self) -> Word:
        """ "delayed ACK", "server think time" …"""
        return Word(str(self.told.cause), [str(each) for each in Cause])

    @property
    def device(self) -> Word | None:
        """The device that waited, or made wait; None where it was nobody's doing."""
        return Word(self.told.device, self._watch.devices()) if self.told.device else None

    @property
    def length_ms(self) -> float:
        return self.told.length_ms

    @property
    def reason(self) -> str:
        """Why, in a sentence, and by which rule."""
        return str(self.told.reason)

    @property
    def evidence(self) -> list[Frame]:
        """The frames that show it."""
        return list(self.told.evidence)

    def __repr__(self) -> str:
        return f"<{self.told}>"


def gaps_of(what: Transaction | Connection, watch: Watch) -> list[SeenGap]:
    """All of its time in order; the parts add up to the whole.  Frames that were lost would change them."""
    watch.notebook.note(f"the gaps of {what!r}", [what])
    watch.sync()
    watch.be_certain(f"the gaps of {what!r}")
    facts = Facts(ledger=Ledger(watch.timeline, watch.port_ranges()))
    return [SeenGap(each, watch) for each in attribute(what, watch.timeline, facts)]


def longest(connection: Connection, start_ns: int, end_ns: int, watch: Watch) -> SeenGap | None:
    """The longest stretch of a connection's time between two moments; None where there is none."""
    parts = clip([each.told for each in gaps_of(connection, watch)], start_ns, end_ns)
    return SeenGap(max(parts, key=lambda part: part.length_ns), watch) if parts else None
