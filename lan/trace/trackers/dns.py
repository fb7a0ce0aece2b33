"""DNS: each question with its answer, over UDP or TCP.  RFC 1035 §4, RFC 5452 §9.  Pure."""

from dataclasses import dataclass, field

from lan.trace.frame import Frame
from lan.trace.trackers.flow import Flow, flow_of
from lan.wire.dns import Dns, Record

ADDRESS_TYPES = {"A", "AAAA"}


@dataclass(slots=True, eq=False, repr=False)
class Query:
    """A question, its repetitions, and the first answer to it."""

    client: str
    flow: Flow
    id: int
    name: str
    type: str
    over_tcp: bool
    requests: list[Frame]
    answer: Frame | None = None
    message: Dns | None = field(default=None)

    @property
    def frames(self) -> list[Frame]:
        return [*self.requests, *([self.answer] if self.answer else [])]

    @property
    def server_ip(self) -> str:
        return self.flow.dst_ip

    @property
    def answers(self) -> tuple[Record, ...]:
        """The records of the answer section; () while there is no answer."""
        return self.message.answers if self.message else ()

    @property
    def addresses(self) -> list[str]:
        """The addresses that the answer holds, CNAMEs followed."""
        return [record.data for record in self.answers if record.type in ADDRESS_TYPES]

    @property
    def rcode(self) -> str | None:
        """``NOERROR``, ``NXDOMAIN``…; None while there is no answer."""
        return self.message.rcode_name if self.message else None

    @property
    def rtt_ms(self) -> float | None:
        """From the first asking to the answer; None while there is none."""
        return None if self.answer is None else (self.answer.time_ns - self.requests[0].time_ns) / 1e6

    def __repr__(self) -> str:
        found = ", ".join(self.addresses) or ", ".join(record.data for record in self.answers) or "no such record"
        outcome = "no answer" if self.message is None else found if self.rcode == "NOERROR" else str(self.rcode)
        time = "" if self.rtt_ms is None else f" {self.rtt_ms:.2f} ms"
        return f"DNS {self.client} → {self.server_ip}: {self.type} {self.name}? {outcome}{time}"


class Tracker:
    """Pairs answers with questions: same addresses and ports, same id, same question."""

    def __init__(self) -> None:
        self.queries: list[Query] = []
        self._asked: dict[tuple[Flow, int, str, str], Query] = {}

    def add(self, frame: Frame) -> Query | None:
        """The query that the frame belongs to; None where it is no DNS, or an answer nobody asked for."""
        message, flow = frame.packet.dns, flow_of(frame.packet)
        if message is None or flow is None:
            return None
        name, kind = (message.questions[0].name, message.questions[0].type) if message.questions else ("", "")
        if not message.is_response:
            return self._ask(message, frame, flow, name, kind)
        query = self._asked.get((flow.back(), message.id, name.lower(), kind))
        if query is not None and query.answer is None:
            query.answer, query.message = frame, message
        return query

    def _ask(self, message: Dns, frame: Frame, flow: Flow, name: str, kind: str) -> Query:
        key = flow, message.id, name.lower(), kind
        query = self._asked.get(key)
        if query is not None and query.answer is None:
            query.requests.append(frame)
            return query
        client = frame.from_device or flow.src_ip
        query = self._asked[key] = Query(client, flow, message.id, name, kind, message.over_tcp, [frame])
        self.queries.append(query)
        return query
