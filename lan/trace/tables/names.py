"""What devices knew of names at an instant: by the DNS answers that they gave and got.  RFC 1034 §3.6, RFC 2308.  Pure.

A client's row counts down its record's time to live; whether a program kept it that long, no packet says.  A server's
rows are what it last answered, which need not be all of its zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lan.reasons import Sentence
from lan.trace.tables.history import SECOND_NS, History
from lan.trace.tables.table import Table
from lan.trace.trackers.dns import Query

COLUMNS = ["name", "type", "ttl_s", "data", "seconds left", "from"]
MADE_FROM = Sentence("DNS answers that it gave and got; whether a program kept them, no packet says")
NO_DATA = "no such record"


@dataclass(frozen=True, slots=True)
class _Known:
    """A record, or that there is none, as an answer told it."""

    name: str
    type: str
    data: str
    ttl_s: int | None
    told_ns: int
    by: str

    def row(self, at_ns: int, *, is_own: bool) -> list[str]:
        ttl = "—" if self.ttl_s is None else str(self.ttl_s)
        return [
            self.name,
            self.type,
            ttl,
            self.data,
            "—" if is_own else self._left(at_ns),
            "itself" if is_own else self.by,
        ]

    def _left(self, at_ns: int) -> str:
        if self.ttl_s is None:
            return "—"
        left_ns = self.ttl_s * SECOND_NS - (at_ns - self.told_ns)
        return str(round(left_ns / SECOND_NS)) if left_ns > 0 else "expired"


def devices(history: History, at_ns: int) -> list[str]:
    """Who gave or got an answer until then: devices, or addresses where nobody knows them."""
    found = [name for query in _answered(history, at_ns) for name in (_client(history, query), _server(history, query))]
    return list(dict.fromkeys(found))


def table(history: History, device: str, at_ns: int) -> Table:
    """What one device had been told, the last first; then what it told others."""
    got: dict[tuple[str, str], list[_Known]] = {}
    gave: dict[tuple[str, str], list[_Known]] = {}
    for query in _answered(history, at_ns):
        for known, name in ((got, _client(history, query)), (gave, _server(history, query))):
            if name == device:
                for key, records in _records(history, query):
                    known.pop(key, None)  # a set of records is replaced as a whole: RFC 2181 §5
                    known[key] = records
    rows = [one.row(at_ns, is_own=False) for records in reversed(got.values()) for one in records]
    rows += [one.row(at_ns, is_own=True) for records in gave.values() for one in records]
    return Table(COLUMNS, rows, MADE_FROM, is_derived=True)


def _answered(history: History, at_ns: int) -> Iterator[Query]:
    asked = (query for query in history.timeline.dns if query.answer is not None and query.answer.time_ns <= at_ns)
    yield from sorted(asked, key=lambda query: query.answer.time_ns if query.answer else 0)


def _client(history: History, query: Query) -> str:
    return query.client or history.timeline.device_of(query.flow.src_ip) or query.flow.src_ip


def _server(history: History, query: Query) -> str:
    sender = query.answer.from_device if query.answer is not None else ""
    return sender or history.timeline.device_of(query.server_ip) or query.server_ip


def _records(history: History, query: Query) -> Iterator[tuple[tuple[str, str], list[_Known]]]:
    """By name and type, what the answer says."""
    assert query.answer is not None and query.message is not None
    told_ns, by = query.answer.time_ns, _server(history, query)
    sets: dict[tuple[str, str], list[_Known]] = {}
    for record in query.answers:
        made = _Known(record.name, record.type, record.data, record.ttl_s, told_ns, by)
        sets.setdefault((record.name.lower(), record.type), []).append(made)
    if not sets:
        word = NO_DATA if query.rcode == "NOERROR" else str(query.rcode)
        sets[query.name.lower(), query.type] = [
            _Known(query.name, query.type, word, _negative_ttl_s(query), told_ns, by)
        ]
    yield from sets.items()


def _negative_ttl_s(query: Query) -> int | None:
    """How long that there is none may be kept: RFC 2308 §5, the SOA's own TTL and its last field."""
    soa = (
        next((record for record in query.message.authorities if record.type == "SOA"), None) if query.message else None
    )
    if soa is None:
        return None
    minimum = soa.data.split()[-1]
    return min(soa.ttl_s, int(minimum)) if minimum.isdecimal() else soa.ttl_s
