"""HTTP/1 transactions: each request with its response, on one connection.  RFC 9112 §9.3.  Pure."""

from dataclasses import dataclass, field

from lan.trace.frame import Frame
from lan.trace.trackers.http_message import Message, MessageReader
from lan.trace.trackers.tcp import Connection, Side
from lan.wire import http


@dataclass(slots=True, eq=False, repr=False)
class Transaction:
    """A request, the response to it, and the interim responses (1xx) before that."""

    connection: Connection
    request: Message
    response: Message | None = None
    interim: list[Message] = field(default_factory=list)

    @property
    def method(self) -> str:
        return self.request.head.method or ""

    @property
    def target(self) -> str:
        return self.request.head.target or ""

    @property
    def status(self) -> int | None:
        """The response's status; None while there is none."""
        return self.response.head.status if self.response else None

    @property
    def is_complete(self) -> bool:
        """Whether request and response are here to their ends."""
        return self.request.is_complete and self.response is not None and self.response.is_complete

    @property
    def is_truncated(self) -> bool:
        """Whether the connection ended before request or response did."""
        return self.request.is_truncated or (self.response is not None and self.response.is_truncated)

    @property
    def frames(self) -> list[Frame]:
        messages = [self.request, *self.interim, *([self.response] if self.response else [])]
        found = {frame.number: frame for message in messages for frame in message.frames}
        return [found[number] for number in sorted(found)]

    @property
    def first_byte_ms(self) -> float | None:
        """From the request's last frame to the response's first."""
        if self.response is None or not (asked := self.request.frames) or not (told := self.response.frames):
            return None
        return (told[0].time_ns - asked[-1].time_ns) / 1e6

    def __repr__(self) -> str:
        host = self.request.head.get("Host") or self.connection.server.ip
        if self.response is None:
            outcome = "no response"
        else:
            outcome = f"{self.status} {self.response.head.reason or ''}".rstrip()
            outcome += f", {self.response.body_bytes} bytes" + (", truncated" if self.is_truncated else "")
        client = self.connection.client.device
        return f"HTTP {client} → {self.connection.server.device}: {self.method} {host}{self.target} → {outcome}"


class Tracker:
    """Reads connections that speak HTTP as their streams grow."""

    def __init__(self) -> None:
        self.transactions: list[Transaction] = []
        self._readers: dict[Connection, _Reading | None] = {}

    def add(self, connection: Connection) -> None:
        """A segment of this connection came in."""
        if connection not in self._readers:
            is_http = _speaks_http(connection.client)
            if is_http is None:
                return
            self._readers[connection] = _Reading(connection, self.transactions) if is_http else None
        reading = self._readers[connection]
        if reading is not None:
            reading.go_on()


class _Reading:
    """Both directions of one connection; responses belong to requests in order (RFC 9112 §9.3.2)."""

    def __init__(self, connection: Connection, transactions: list[Transaction]) -> None:
        self.connection, self.all = connection, transactions
        self.requests, self.responses = MessageReader(connection.client.stream), MessageReader(connection.server.stream)
        self.unanswered: list[Transaction] = []
        self._last: Message | None = None

    def go_on(self) -> None:
        self._read_requests()
        self._read_responses()
        client, server = self.connection.client, self.connection.server
        is_reset = bool(client.rst or server.rst)
        if is_reset or (client.fin is not None and client.is_finished()):
            cut = self.requests.finish(is_reset=is_reset)
            if cut is not None:
                self.all.append(Transaction(self.connection, cut))
        if is_reset or (server.fin is not None and server.is_finished()):
            cut = self.responses.finish(is_reset=is_reset)
            if cut is not None and self.unanswered:
                self.unanswered[0].response = cut

    def _read_requests(self) -> None:
        while (message := self.requests.read()) is not None:
            if message is not self._last:
                self._last = message
                transaction = Transaction(self.connection, message)
                self.all.append(transaction)
                self.unanswered.append(transaction)
            if not message.is_complete:
                break

    def _read_responses(self) -> None:
        while self.unanswered:
            transaction = self.unanswered[0]
            message = self.responses.read(transaction.method)
            if message is None:
                break
            if 100 <= (message.head.status or 0) < 200 and message.head.status != 101:
                transaction.interim.append(message)
                continue
            transaction.response = message
            if not message.is_complete:
                break
            self.unanswered.pop(0)
            if self.responses.is_lost:
                self.requests.is_lost = True  # a tunnel has no requests either


def _speaks_http(client: Side) -> bool | None:
    """Whether a client's first line is a request's; None while it is not whole."""
    data = client.stream.data
    newline = data.find(b"\n", 0, http.LONGEST_HEAD_BYTES)
    if newline < 0:
        return False if len(data) >= http.LONGEST_HEAD_BYTES or client.fin is not None else None
    line = bytes(data[: newline + 1]).lstrip(b"\r\n") or bytes(data[newline + 1 :])
    return http.is_message(line, 0, len(line))
