"""HTTP transactions in a test: a request and its response, as they passed on the cable."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lan.errors import UsageError
from lan.testing.conversations.base import Criterion, Kind
from lan.testing.conversations.gaps import SeenGap, gaps_of, longest
from lan.testing.conversations.over_tcp import SeenOverTcp
from lan.testing.failing import NotSeen
from lan.trace.frame import Frame
from lan.trace.timeline import Window
from lan.trace.trackers.http import Transaction
from lan.trace.trackers.http_message import Framing, Message
from lan.wire import http


class SeenMessage:
    """A request or response, whole; see `gap`."""

    def __init__(self, told: Message, of: "SeenTransaction") -> None:
        self.told, self.of = told, of

    @property
    def frames(self) -> list[Frame]:
        """The frames that brought it."""
        return self.told.frames

    @property
    def start_line(self) -> str:
        """Its first line: ``GET / HTTP/1.1``, ``HTTP/1.1 200 OK``."""
        return self.told.head.start_line

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Its header fields in their order, names as they were written."""
        return list(self.told.head.headers)

    def header(self, name: str) -> str | None:
        """A header field by name, several joined by commas; None where it is missing."""
        return self.told.head.get(name)

    @property
    def body(self) -> bytes:
        """Its content, without the lines of chunks; encoded as it was sent."""
        data = bytes(self.told.stream.data[self.told.start + (self.told.head.body_start or 0) : self.told.end])
        if self.told.framing is Framing.NONE:
            return b""
        return dechunked(data) if self.told.framing is Framing.CHUNKED else data

    @property
    def text(self) -> str:
        """Its content as UTF-8."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Its content, read as JSON; raises NotSeen where it is none."""
        try:
            return json.loads(self.body)
        except ValueError as fault:
            raise NotSeen(f"{self.told!r}: not JSON: {fault}: {self.text[:200]!r}") from None

    def __repr__(self) -> str:
        return repr(self.told)


class SeenTransaction(SeenOverTcp[Transaction]):
    """A request and its response, which is waited for, to its end."""

    @property
    def method(self) -> str:
        return self.told.method

    @property
    def target(self) -> str:
        """What the request line asks for, as it stands there."""
        return self.told.target

    @property
    def path(self) -> str:
        """The target without its query: ``/notes`` of ``/notes?page=2``."""
        return path(self.told)

    @property
    def query(self) -> str:
        """What stands behind the target's question mark."""
        return self.told.target.partition("?")[2]

    @property
    def host(self) -> str | None:
        """The Host that was asked for."""
        return self.told.request.head.get("Host")

    @property
    def status(self) -> int:
        """The response's status."""
        status = self._answered().status
        assert status is not None
        return status

    @property
    def request(self) -> SeenMessage:
        return SeenMessage(self._after(self._has_request, "its request has no end").request, self)

    @property
    def response(self) -> SeenMessage:
        """The response, whole or as far as its connection let it come."""
        told = self._answered().response
        assert told is not None
        return SeenMessage(told, self)

    @property
    def position(self) -> int:
        """Its place among the transactions of its connection, from 1; above 1 the connection was used again."""
        self._counted("position")
        of_connection = [each for each in self._watch.timeline.http if each.connection is self.told.connection]
        return next(at for at, each in enumerate(of_connection, start=1) if each is self.told)

    @property
    def gaps(self) -> list[SeenGap]:
        """Where its time went, from the lookups before it to the response's end, in order."""
        return gaps_of(self._answered(), self._watch)

    def longest_gap(self, start_ns: int, end_ns: int) -> SeenGap:
        """The longest stretch between two moments.  Raises NotSeen where there is none."""
        found = longest(self.told.connection, start_ns, end_ns, self._watch)
        if found is None:
            raise NotSeen(f"{self.told!r}: no time passed there")
        return found

    @property
    def first_byte_ms(self) -> float:
        """From the request's last frame to the response's first."""
        told = self._answered()
        assert told.first_byte_ms is not None
        return told.first_byte_ms

    @property
    def is_encrypted(self) -> bool:
        """Whether it was HTTPS, read with the keys that programs of this LAN log."""
        return self.told.session is not None

    @property
    def is_complete(self) -> bool:
        """Whether request and response are here to their ends, now."""
        return self._now().is_complete

    @property
    def is_truncated(self) -> bool:
        """Whether the connection ended before they did, now."""
        return self._now().is_truncated

    def _has_request(self) -> bool:
        return self.told.request.is_complete or self.told.is_truncated

    def _answered(self) -> Transaction:
        return self._after(lambda: self.told.response is not None and self._has_end(), "no response came to its end")

    def _has_end(self) -> bool:
        return self.told.is_complete or self.told.is_truncated


def gap(one: SeenMessage, other: SeenMessage) -> SeenGap:
    """The longest stretch of time from the first frame of one message to the first of another, and its cause.

    Both are of one connection: a request and its response, or a response and the next request.
    """
    if one.of.told.connection is not other.of.told.connection:
        raise UsageError("a gap between messages of two connections", expected="two messages of one")
    moments = sorted(message.frames[0].time_ns for message in (one, other))
    return other.of.longest_gap(*moments)


def path(transaction: Transaction) -> str:
    """The target without scheme, host and query."""
    target = transaction.target.partition("?")[0]
    if "://" in target:
        return "/" + target.partition("://")[2].partition("/")[2]
    return target


def dechunked(data: bytes) -> bytes:
    """The content of chunks (RFC 9112 §7.1), as far as it is here and makes sense."""
    found, at = bytearray(), 0
    while (line_end := data.find(b"\n", at)) >= 0 and (size := http.CHUNK_SIZE.match(data, at, line_end)):
        length = int(size[1], 16)
        if length == 0:
            break
        found += data[line_end + 1 : line_end + 1 + length]
        at = line_end + 1 + length + 2
    return bytes(found)


def _transactions(window: Window) -> list[Transaction]:
    return window.http


CRITERIA: Mapping[str, Criterion[Transaction]] = {
    "client": lambda each, _: (each.connection.client.device, each.connection.client.ip),
    "server": lambda each, _: (each.connection.server.device, each.connection.server.ip),
    "server_port": lambda each, _: each.connection.server.port,
    "method": lambda each, _: each.method,
    "path": lambda each, _: path(each),
    "target": lambda each, _: each.target,
    "host": lambda each, _: each.request.head.get("Host"),
    "status": lambda each, _: each.status,
}

EVENTS: Mapping[str, Callable[[Transaction], Iterable[Frame | None]]] = {
    "request": lambda each: each.request.frames[:1],
    "response": lambda each: each.response.frames[:1] if each.response else [],
}

HTTP = Kind(
    "http", "HTTP transaction", _transactions, SeenTransaction, CRITERIA, frozenset({"client", "server"}), EVENTS
)
