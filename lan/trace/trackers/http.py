"""HTTP/1 transactions: each request with its response, on one connection.  RFC 9112 §9.3.  Pure."""

import contextlib
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lan.trace.frame import Frame
from lan.trace.proxy_log import ProxyLog
from lan.trace.stream import Readable
from lan.trace.trackers.flow import endpoint
from lan.trace.trackers.http_message import Framing, Message, MessageReader
from lan.trace.trackers.tcp import Connection
from lan.trace.trackers.tls import Session
from lan.wire import http
from lan.wire.http import Http

AskedFor = tuple[str, str, str]
"""(method, host, path): by these a proxy's own request is known again."""
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
"""A string in a structured field (RFC 8941 §3.3.3): a comma in it divides nothing."""
MOST_ASKED = 256
"""Like requests to one device, among which a proxy's own may have its cause; the oldest give way."""


@dataclass(slots=True, eq=False, repr=False)
class Transaction:
    """A request, the response to it, and the interim responses (1xx) before that."""

    connection: Connection
    request: Message
    response: Message | None = None
    interim: list[Message] = field(default_factory=list)
    position: int = 1
    """Which request on its connection this is, from 1: a later one found the connection open."""
    session: Session | None = None
    """The TLS session that it was read from, with its keys; None for HTTP in the clear."""
    upstream: "Transaction | None" = None
    """What a proxy asked because of it; None where it answered by itself (a cache), or is none."""
    downstream: "Transaction | None" = None
    """The client's request that made a proxy ask this."""
    is_logged: bool = False
    """Whether the proxy's own log ties it to its `downstream`; else the packets alone do."""
    ahead: int = 0
    """Requests before it on the connection that had no response yet when it came."""

    @property
    def cache_status(self) -> str | None:
        """What the caches on its way say of it, in their own words (RFC 9211); None where none does."""
        return self.response.head.get("Cache-Status") if self.response else None

    @property
    def is_cache_hit(self) -> bool:
        """Whether the cache nearest to the client answered from what it had."""
        return is_hit(self.cache_status or "")

    @property
    def is_reuse(self) -> bool:
        """Whether its connection had carried another transaction before."""
        return self.position > 1

    @property
    def is_pipelined(self) -> bool:
        """Whether it was sent before the response to the one before it had begun.  RFC 9112 §9.3.2."""
        return self.ahead > 0

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

    def was_open_at(self, number: int) -> bool:
        """Whether a frame came between the first of its request and the first of its response."""
        told = self.response.frames if self.response else []
        return self.request.frames[0].number < number and (not told or number < told[0].number)

    @property
    def first_byte_ms(self) -> float | None:
        """From the request's last frame to the response's first."""
        if self.response is None or not (asked := self.request.frames) or not (told := self.response.frames):
            return None
        return (told[0].time_ns - asked[-1].time_ns) / 1e6

    def __repr__(self) -> str:
        host = self.request.head.get("Host") or self.connection.server.ip
        where = self.target if "://" in self.target or self.method == "CONNECT" else f"{host}{self.target}"
        if self.response is None:
            outcome = "no response"
        else:
            outcome = f"{self.status} {self.response.head.reason or ''}".rstrip()
            outcome += f", {self.response.body_bytes} bytes" + (", truncated" if self.is_truncated else "")
        client = self.connection.client.device
        name = "HTTPS" if self.session else "HTTP"
        return f"{name} {client} → {self.connection.server.device}: {self.method} {where} → {outcome}"


class Tracker:
    """Reads connections that speak HTTP as their streams grow."""

    def __init__(self, proxies: ProxyLog) -> None:
        """`proxies` is what the proxies' logs tell; it may grow."""
        self.transactions: list[Transaction] = []
        self.in_clear: dict[int, list[tuple[Message, Session]]] = {}
        """By the number of the frame that a message under TLS began in, where its secrets are known."""
        self._asked: dict[tuple[str, AskedFor], list[Transaction]] = {}
        self._log, self._tied = proxies, 0
        self._waiting: list[Transaction] = []
        """Asked by a proxy for a client whose request is not known (yet): its secrets may come later."""
        self._readers: dict[Readable, _Reading | None] = {}
        """By what the client sent: of one connection that may be TLS, and what TLS carried."""

    def add(self, connection: Connection) -> None:
        """A segment of this connection came in."""
        self._go_on(connection, connection.client.stream, connection.server.stream, None)

    def add_clear(self, session: Session) -> None:
        """More of what a TLS session carried is in the clear."""
        if session.decryption is not None and session.decryption.client.data:
            self._go_on(session.connection, session.decryption.client, session.decryption.server, session)

    def tunnel_of(self, connection: Connection) -> tuple[int, int] | None:
        """The offsets in the client's and the server's stream behind which a proxy's tunnel begins (RFC 9110 §9.3.6).

        None where there is none (yet).
        """
        reading = self._readers.get(connection.client.stream)
        return reading.tunnel if reading else None

    def _go_on(self, connection: Connection, asked: Readable, told: Readable, session: Session | None) -> None:
        if asked not in self._readers:
            is_http = _speaks_http(asked, is_over=connection.client.fin is not None)
            if is_http is None:
                return
            reading = _Reading(connection, asked, told, self, session) if is_http else None
            self._readers[asked] = reading
        reading = self._readers[asked]
        if reading is not None:
            reading.go_on()

    def keep_clear(self, message: Message, session: Session) -> None:
        """Keep where a message that TLS hid begins."""
        if frames := message.frames:
            self.in_clear.setdefault(frames[0].number, []).append((message, session))

    def tie(self) -> None:
        """Tie once more what has begun since the last call: the proxies' logs have grown.

        A log has its line before the request is on the wire: what they don't tell now they never will.
        """
        for asked in self.transactions[self._tied :] if len(self._log) else ():
            if not asked.is_logged:
                self._tie_by_log(asked)
        self._tied = len(self.transactions)

    def keep(self, begun: Transaction) -> None:
        """Keep a transaction; where its client is a proxy, tie it to the request that it got."""
        self.transactions.append(begun)
        asked = asked_for(begun.request.head)
        if not self._tie_by_log(begun):
            self._tie_by_packets(begun, asked)
        got = self._asked.setdefault((begun.connection.server.device, asked), [])
        got.append(begun)
        del got[:-MOST_ASKED]
        for each in [one for one in self._waiting if one.connection.client.device == begun.connection.server.device]:
            self._tie_by_log(each)

    def _tie_by_log(self, asked: Transaction) -> bool:
        """Whether a proxy's log says for which client it asked this; of a refresh, that it is for none that waits."""
        client, first = asked.connection.client, asked.request.frames[0]
        use = self._log.use_of(client.device, client.ip, client.port, first.time_ns)
        if use is None:
            return False
        _part(asked, asked.downstream)
        self._waiting = [one for one in self._waiting[-MOST_ASKED:] if one is not asked]
        if use.is_refresh:
            return True
        for each in self._asked.get((client.device, asked_for(asked.request.head)), ()):
            end, has_other = each.connection.client, each.upstream is not None and each.upstream.is_logged
            if endpoint(end.ip, end.port) == use.client and each.was_open_at(first.number) and not has_other:
                _part(each.upstream, each)
                asked.downstream, each.upstream, asked.is_logged = each, asked, True
                return True
        self._waiting.append(asked)
        return True

    def _tie_by_packets(self, begun: Transaction, asked: AskedFor) -> None:
        """To the oldest request alike that was open then."""
        number = begun.request.frames[0].number
        for each in self._asked.get((begun.connection.client.device, asked), ()):
            if each.upstream is None and each.was_open_at(number):
                begun.downstream, each.upstream = each, begun
                break


def _part(asked: Transaction | None, got: Transaction | None) -> None:
    """Undo what packets alone made believe."""
    if asked is not None and got is not None:
        asked.downstream = got.upstream = None


class _Reading:
    """Both directions of one connection; responses belong to requests in order (RFC 9112 §9.3.2)."""

    def __init__(
        self,
        connection: Connection,
        asked: Readable,
        told: Readable,
        tracker: Tracker,
        session: Session | None,
    ) -> None:
        self.connection, self.tracker, self.session = connection, tracker, session
        self.requests, self.responses = MessageReader(asked), MessageReader(told)
        self.unanswered: list[Transaction] = []
        self._last: Message | None = None
        self._count = 0
        self.tunnel: tuple[int, int] | None = None

    def go_on(self) -> None:
        self._read_requests()
        self._read_responses()
        client, server = self.connection.client, self.connection.server
        is_reset = bool(client.rst or server.rst)
        if is_reset or (client.fin is not None and client.is_finished()):
            cut = self.requests.finish(is_reset=is_reset)
            if cut is not None:
                self._begin(cut)
        if is_reset or (server.fin is not None and server.is_finished()):
            cut = self.responses.finish(is_reset=is_reset)
            if cut is not None and self.unanswered:
                self.unanswered[0].response = cut

    def _begin(self, request: Message) -> Transaction:
        self._count += 1
        ahead = sum(each.response is None for each in self.unanswered)
        begun = Transaction(self.connection, request, position=self._count, session=self.session, ahead=ahead)
        self.tracker.keep(begun)
        self._keep_clear(request)
        return begun

    def _keep_clear(self, message: Message) -> None:
        if self.session is not None:
            self.tracker.keep_clear(message, self.session)

    def _read_requests(self) -> None:
        while (message := self.requests.read()) is not None:
            if message is not self._last:
                self._last = message
                self.unanswered.append(self._begin(message))
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
                self._keep_clear(message)
                continue
            if transaction.response is not message:
                self._keep_clear(message)
            transaction.response = message
            if not message.is_complete:
                break
            self.unanswered.pop(0)
            if self.responses.is_lost:
                self.requests.is_lost = True  # a tunnel has no requests either
                if message.framing is Framing.TUNNEL:
                    self.tunnel = self.requests.at, self.responses.at


def asked_for(head: Http) -> AskedFor:
    """The same for a request to a proxy, whose target is absolute, and for the one that it sends on (§3.2)."""
    target, host = head.target or "", (head.get("Host") or "").lower()
    if "://" in target:
        with contextlib.suppress(ValueError):  # a target that is no URL stays as it is
            _, host, path, query, _ = urlsplit(target)
            host, target = host.lower(), (path or "/") + (f"?{query}" if query else "")
    return head.method or "", host.removesuffix(":80").removesuffix(":443"), target


def is_hit(cache_status: str) -> bool:
    """Whether the last cache of a Cache-Status (RFC 9211), the nearest to the client, answered from what it had."""
    nearest = QUOTED.sub("", cache_status).rpartition(",")[2]
    return "hit" in [parameter.strip() for parameter in nearest.split(";")[1:]]


def _speaks_http(client: Readable, *, is_over: bool) -> bool | None:
    """Whether a client's first line is a request's; None while it is not whole."""
    data = client.data
    newline = data.find(b"\n", 0, http.LONGEST_HEAD_BYTES)
    if newline < 0:
        return False if len(data) >= http.LONGEST_HEAD_BYTES or is_over else None
    line = bytes(data[: newline + 1]).lstrip(b"\r\n") or bytes(data[newline + 1 :])
    return http.is_message(line, 0, len(line))
