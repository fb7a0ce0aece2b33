"""All that is known of a timeline while its stalls are explained, found once and kept.  Pure.

The timeline is taken as it is now: what comes later needs a new one.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lan.trace.frame import Frame
from lan.trace.kernel_tcp import Sample
from lan.trace.ledger import Exhaustion, Ledger
from lan.trace.stalls.paths import path_of
from lan.trace.stalls.segments import Dialogue, dialogue
from lan.trace.timeline import Timeline
from lan.trace.trackers.arp import Resolution
from lan.trace.trackers.dns import Query
from lan.trace.trackers.http import Transaction
from lan.trace.trackers.tcp import Connection, Side
from lan.trace.trackers.tls import Session


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known besides the frames: samples of the devices' kernels, and the ledger of ports."""

    samples: Sequence[Sample] = ()
    ledger: Ledger | None = None


class Knowledge:
    """Of one timeline, by connection, device and address."""

    def __init__(self, timeline: Timeline, facts: Facts) -> None:
        self.timeline, self.facts = timeline, facts
        self.transactions: dict[Connection, list[Transaction]] = defaultdict(list)
        self.sessions: dict[Connection, Session] = {}
        self._dialogues: dict[Connection, Dialogue] = {}
        self._rounds_ns: dict[Connection, int] = {}
        self._opened: dict[str, list[Connection]] = defaultdict(list)
        self._syns: dict[tuple[str, str], list[Frame]] = defaultdict(list)
        self._queries: dict[str, list[Query]] = defaultdict(list)
        self._resolutions: dict[str, list[Resolution]] = defaultdict(list)
        self._exhaustions: dict[tuple[str, str, int], list[Exhaustion]] = {}
        self._samples: dict[tuple[str, int, str, int], list[Sample]] = defaultdict(list)
        for one in timeline.http:
            self.transactions[one.connection].append(one)
        for session in timeline.tls:
            self.sessions.setdefault(session.connection, session)
        for connection in timeline.tcp:
            self._opened[connection.client.device].append(connection)
            if connection.syn is not None:
                self._syns[connection.client.device, connection.server.ip].append(connection.syn)
        for query in timeline.dns:
            self._queries[query.client].append(query)
        for resolution in timeline.arp:
            self._resolutions[resolution.device].append(resolution)
        for sample in sorted(facts.samples, key=_time):
            self._samples[sample.local_ip, sample.local_port, sample.peer_ip, sample.peer_port].append(sample)
        asking = {one.connection.client.device for one in timeline.http}
        self.proxies = asking & {one.connection.server.device for one in timeline.http}
        """Devices that ask others for what they are asked."""

    def dialogue(self, connection: Connection) -> Dialogue:
        """The connection's segments; the same object each time."""
        if connection not in self._dialogues:
            self._dialogues[connection] = dialogue(connection)
        return self._dialogues[connection]

    def round_ns(self, connection: Connection) -> int:
        """From the tap to the client and back."""
        if connection not in self._rounds_ns:
            talk = self.dialogue(connection)
            self._rounds_ns[connection] = path_of(talk, talk.client).round_ns
        return self._rounds_ns[connection]

    def samples(self, side: Side, peer: Side, start_ns: int, end_ns: int) -> Sequence[Sample]:
        """What the kernel of a side said of its socket between two moments."""
        told = self._samples.get((side.ip, side.port, peer.ip, peer.port))
        return told[bisect_left(told, start_ns + 1, key=_time) : bisect_left(told, end_ns, key=_time)] if told else ()

    def queries_of(self, device: str) -> Sequence[Query]:
        return self._queries[device]

    def resolutions_of(self, device: str) -> Sequence[Resolution]:
        return self._resolutions[device]

    def earlier_syn_ns(self, connection: Connection) -> int:
        """When this client last opened another connection to this server; a lookup before that was not for this one."""
        assert connection.syn is not None
        syns = self._syns[connection.client.device, connection.server.ip]
        at = bisect_left(syns, connection.syn.number, key=lambda frame: frame.number)
        return syns[at - 1].time_ns if at else 0

    def exhaustions(self, connection: Connection) -> Sequence[Exhaustion]:
        """When the connection's client had no port for its server."""
        if self.facts.ledger is None:
            return ()
        key = connection.client.device, connection.server.ip, connection.server.port
        if key not in self._exhaustions:
            self._exhaustions[key] = self.facts.ledger.exhaustions(*key)
        return self._exhaustions[key]

    def moved(self, device: str, start_ns: int, end_ns: int) -> Iterator[tuple[Connection, Frame]]:
        """A device's own connections with a frame between two moments, and their first such frame."""
        for connection in self._opened[device]:
            at = bisect_left(connection.frames, start_ns, key=lambda frame: frame.time_ns)
            if at < len(connection.frames) and connection.frames[at].time_ns <= end_ns:
                yield connection, connection.frames[at]


def _time(sample: Sample) -> int:
    return sample.time_ns
