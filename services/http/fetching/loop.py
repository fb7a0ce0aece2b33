"""The client's loop: one thread, all connections at once, waiting on none while another is ready.

It carries out what `strategies/pool.py` orders and tells it what came of it; `visit.py` says what is
asked for, `line.py` has the sockets.
"""

import selectors
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from ssl import SSLContext, SSLError
from typing import Protocol

from lan.errors import LanError, RunError
from lan.reasons import Reason
from lan.services.http import keep_alive, tls
from lan.services.http.client import Connection as Record
from lan.services.http.client import Exchange, Phase, Times, ending
from lan.services.http.connection import Body, Client, Closed, End, Event, Fault, Tunnel
from lan.services.http.fetching.line import Line, SocketOptions, TlsClient
from lan.services.http.fetching.names import Names
from lan.services.http.fetching.proxies import Route
from lan.services.http.fetching.visit import Visit
from lan.services.http.messages import HTTP_1_1, Request, Response
from lan.services.http.persistence import Persistence, Side, persistence
from lan.services.http.strategies.orders import Asked, Close, GiveUp, Kept, Open, Order, Retry, Send, Stage
from lan.services.http.strategies.pool import Pool

CLOSE_WITHIN_S = 6.0
"""How long the server's FIN is waited for; a little longer than our server lingers."""
CONTINUE_WITHIN_S = 1.0
"""How long 100 (Continue) is waited for before the content leaves without it (RFC 9110 §10.1.1)."""


class Watcher(Protocol):
    """Who is told of what happens, as it happens; `now_s` is the loop's clock."""

    def decided(self, order: Order, now_s: float) -> None: ...
    def resolved(self, line: Line) -> None: ...
    def connected(self, line: Line) -> None: ...
    def secured(self, line: Line) -> None: ...
    def sent(self, exchange: Exchange) -> None: ...
    def answered(self, exchange: Exchange) -> None: ...
    def closed(self, record: Record) -> None: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What connections are made with: `known` gives addresses that need no DNS, `secure` the TLS settings."""

    options: SocketOptions = field(default_factory=SocketOptions)
    known: Callable[[str, int], list[str]] = lambda host, port: []
    secure: Callable[[], SSLContext] = tls.client_context
    closes_first: Side = Side.CLIENT


class Loop:
    """One run: `run` returns when every exchange has ended and every connection is closed."""

    def __init__(
        self, visit: Visit, pool: Pool, means: Means, watcher: Watcher, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.visit, self.pool, self.means, self.watcher, self.clock = visit, pool, means, watcher, clock
        self.records: list[Record] = []
        self._lines: dict[int, Line] = {}
        self._orders: deque[tuple[Order, LanError | None]] = deque()
        self._selector = selectors.DefaultSelector()
        self._names = Names()

    def run(self) -> None:
        """Fetch all that the visit wants.  Raises what its words or its writing raise; all sockets are closed then."""
        self._selector.register(self._names, selectors.EVENT_READ, None)
        try:
            self._add(self.visit.exchanges)
            self._obey(self.pool.advance(self.clock()))
            while self._lines or not self.pool.is_done:
                self._turn()
        finally:
            for line in self._lines.values():
                line.drop()
            self._selector.close()
            self._names.close()

    def _turn(self) -> None:
        moments = [line.until_s for line in self._lines.values() if line.until_s is not None]
        if (deadline_s := self.pool.deadline_s()) is not None:
            moments.append(deadline_s)
        wait_s = max(0.0, min(moments) - self.clock()) if moments else None
        for key, mask in self._selector.select(wait_s):
            if key.data is None:
                self._resolve()
            elif key.data.sock is not None:
                self._handle(key.data, mask)
        now_s = self.clock()
        for line in list(self._lines.values()):
            if line.until_s is not None and now_s >= line.until_s:
                self._late(line)
        if deadline_s is not None and now_s >= deadline_s:
            self._obey(self.pool.expire(now_s))

    # Orders

    def _add(self, exchanges: list[Exchange]) -> None:
        for exchange in exchanges:
            route = self.visit.route(exchange)
            waits = self.visit.waits_for_continue(exchange)
            self.pool.add(Asked(exchange.number, route, exchange.method, waits))

    def _obey(self, orders: list[Order], fault: LanError | None = None) -> None:
        """Carry out orders, and those that they lead to; `fault` is behind what is given up."""
        is_first = not self._orders
        self._orders.extend((order, fault) for order in orders)
        while is_first and self._orders:
            order, behind = self._orders[0]
            self.watcher.decided(order, self.clock())
            self._carry_out(order, behind)
            self._orders.popleft()

    def _carry_out(self, order: Order, fault: LanError | None) -> None:
        match order:
            case Open():
                self._open(order)
            case Send():
                self._send(order)
            case Close():
                self._close(order)
            case GiveUp():
                exchange = self.visit[order.request]
                behind = fault or RunError("", todo="--timeout-s with more, or look at the packets: lan trace")
                where = behind.where or self.visit.route(exchange)
                exchange.error = RunError(order.why.text, where=where, expected=behind.expected, todo=behind.todo)
            case Retry():
                exchange = self.visit[order.request]
                exchange.request = exchange.times = exchange.connection = None

    def _open(self, order: Open) -> None:
        route = order.host
        assert isinstance(route, Route)
        record = Record(order.connection, str(route), order.why, Times(self.clock()))
        self.records.append(record)
        line = self._lines[order.connection] = Line(route, record, self.means.options)
        addresses = self.means.known(route.host, route.port)
        if addresses:
            self._dial(line, addresses)
            return
        found = self._names.look_up(route.host, route.port)
        if found is not None:
            self._found(line, found)

    def _send(self, order: Send) -> None:
        line, exchange = self._lines[order.connection], self.visit[order.request]
        now_s = self.clock()
        request = exchange.request = self.visit.request(exchange, is_last=order.is_last)
        content = exchange.content or b""
        if self.visit.waits_for_continue(exchange):
            request = exchange.request = request.with_field("Content-Length", str(len(content)))
            line.queue(line.engine.begin(request))
            line.held, line.until_s = (exchange, content), now_s + CONTINUE_WITHIN_S
        else:
            line.queue(line.engine.send(request, content))
            line.unsent.append(exchange)
        line.under_way.append(exchange)
        exchange.connection, exchange.sent = line.number, exchange.sent + 1
        exchange.times = Times(now_s)
        if not line.record.served and exchange.asked_s < line.record.times.last_s:  # it waited for the connection
            exchange.times = Times(line.record.times.started_s, dict(line.record.times.ended_s))
        line.record.served += 1
        self._flush(line)

    def _close(self, order: Close) -> None:
        line = self._lines[order.connection]
        line.record.why_closed = order.why
        if not line.is_ready or order.is_abrupt or line.fault is not None or self.means.options.linger_s == 0:
            if order.is_abrupt and line.is_ready:
                line.reset()
            self._forget(line)
            return
        line.is_closing, line.until_s = True, self.clock() + CLOSE_WITHIN_S
        line.awaits_fin_first = self.means.closes_first is Side.SERVER
        if not line.awaits_fin_first:
            self._send_end(line)
        self._watch(line)

    def _send_end(self, line: Line) -> None:
        line.transport.queue_end()
        line.has_more = True
        self._flush(line)

    # What comes

    def _resolve(self) -> None:
        for host, port in self._names.answers():
            found = self._names.look_up(host, port)
            for line in list(self._lines.values()):
                if line.stage is Stage.DNS and (line.route.host, line.route.port) == (host, port) and found is not None:
                    self._found(line, found)

    def _found(self, line: Line, found: list[str] | RunError) -> None:
        if isinstance(found, RunError):
            self._lose(line, Reason("book 4.2.1", found.what), found)
            return
        line.record.times.end(Phase.DNS, self.clock())
        line.record.addresses = found
        self.watcher.resolved(line)
        self._dial(line, found)

    def _dial(self, line: Line, addresses: list[str] | None = None) -> None:
        """Connect to the first, or the next, address that takes it."""
        if addresses is not None:
            line.addresses.extend(addresses)
        try:
            line.dial()
        except LanError as error:
            self._lose(line, Reason("RFC 9293 §3.5", error.what), error)
            return
        self.pool.staged(line.number, Stage.CONNECT, self.clock())
        assert line.sock is not None
        self._selector.register(line.sock, selectors.EVENT_WRITE, line)

    def _handle(self, line: Line, mask: int) -> None:
        """What the selector says of a connection."""
        if line.stage is Stage.CONNECT and not line.is_tunnelling:
            sock = line.sock
            assert sock is not None
            if line.dialed():
                self._connected(line)
            else:
                self._selector.unregister(sock)
                self._dial(line)
            return
        if mask & selectors.EVENT_WRITE:
            self._flush(line)
        if mask & selectors.EVENT_READ and line.sock is not None:
            self._receive(line)

    def _connected(self, line: Line) -> None:
        line.record.times.end(Phase.CONNECT, self.clock())
        self.watcher.connected(line)
        if line.route.tunnel_to is not None:
            line.is_tunnelling = True
            line.engine = Client()
            line.queue(line.engine.send(self.visit.tunnel(line.route.tunnel_to)))
            self._flush(line)
        elif line.route.tls_name is not None:
            self._secure(line, line.route.tls_name)
        else:
            self._ready(line)

    def _secure(self, line: Line, host: str) -> None:
        self.pool.staged(line.number, Stage.TLS, self.clock())
        line.secure(self.means.secure(), host)
        self._flush(line)

    def _ready(self, line: Line) -> None:
        line.is_ready, line.stage = True, Stage.IDLE
        line.engine = Client()
        self._watch(line)
        self._obey(self.pool.connected(line.number, self.clock()))

    def _flush(self, line: Line) -> None:
        if line.flush():
            now_s = self.clock()
            while line.unsent:
                exchange = line.unsent.popleft()
                assert exchange.times is not None
                exchange.times.ended_s.setdefault(Phase.SEND, now_s)
                self.watcher.sent(exchange)
            if line.is_closing and not line.awaits_fin_first:
                try:
                    line.finish()
                except OSError:  # the server has reset what it had no more use for
                    self._forget(line)
                    return
        self._watch(line)

    def _receive(self, line: Line) -> None:
        try:
            data = line.receive()
            if data is None:
                return
            if line.is_closing:
                self._drain(line, data)
                return
            plain = line.transport.take(data) if data else b""
        except SSLError as error:
            fault = tls.fault(error, line.route.tls_name or "", line.record.peer)
            line.flush()  # our alert
            self._lose(line, Reason("RFC 8446 §6.2", fault.what), fault)
            return
        except LanError as error:
            self._lose(line, self._cut_short(line, "RFC 9293 §3.5.2", error.what.partition(": ")[2]), error)
            return
        if not line.is_ready:
            self._advance(line, data, plain)
            return
        self.pool.progressed(line.number, self.clock(), has_begun=bool(plain and line.under_way))
        if plain:
            self._take(line, line.engine.receive(plain))
        if (not data or line.transport.has_ended) and not line.is_closing and line.sock is not None:
            self._ended(line)
        elif line.sock is not None:
            self._flush(line)

    def _advance(self, line: Line, data: bytes, plain: bytes) -> None:
        """A connection that is not ready yet: the proxy's answer to CONNECT, or the TLS handshake."""
        now_s = self.clock()
        if not data:
            doing = "the proxy closed the connection" if line.is_tunnelling else "TLS handshake: the server closed"
            fault = RunError(doing, where=line.record.peer)
            self._lose(line, Reason("RFC 9112 §9.5", fault.what), fault)
        elif line.is_tunnelling:
            self._tunnel(line, line.engine.receive(plain))
        elif isinstance(line.transport, TlsClient) and line.transport.is_ready:
            line.record.times.end(Phase.TLS, now_s)
            line.record.agreed = line.transport.agreed()
            self.watcher.secured(line)
            self._flush(line)
            self._ready(line)
        else:
            line.has_more = True
            self._flush(line)

    def _tunnel(self, line: Line, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Response) and 200 <= event.status < 300:
                line.is_tunnelling = False
                line.record.times.end(Phase.CONNECT, self.clock())
                assert line.route.tls_name is not None
                self._secure(line, line.route.tls_name)
            elif isinstance(event, Tunnel):  # a server that speaks before the handshake
                line.transport.take(event.data)
            elif isinstance(event, Response | Fault) and not (isinstance(event, Response) and event.status < 200):
                said = event.start_line().partition(" ")[2] if isinstance(event, Response) else event.why.text
                fault = RunError(f"the proxy makes no tunnel: {said}", where=line.record.peer)
                self._lose(line, Reason("RFC 9110 §9.3.6", fault.what), fault)
                return

    def _ended(self, line: Line) -> None:
        """The server sends no more."""
        is_ragged = isinstance(line.transport, TlsClient) and not line.transport.has_ended
        events: list[Event] = line.engine.receive(b"")
        if is_ragged and End() in events:
            why = Reason("RFC 9112 §9.8", "TLS ended without close_notify, so the end of the response is not sure")
            events = [Fault(502, why)]
        self._take(line, events)
        if line.number in self._lines and not line.is_closing:
            self._lose(line, Reason("RFC 9112 §9.5; book 4.7.1", "the server closed an idle connection"))

    def _take(self, line: Line, events: list[Event]) -> None:
        """What the responses on a connection say, in the order of their requests."""
        for at, event in enumerate(events):
            if line.is_closing or line.number not in self._lines:
                return
            exchange = line.under_way[0] if line.under_way else None
            if isinstance(event, Fault | Closed | Tunnel) or exchange is None:
                self._lose(line, _lost(event, exchange))
            elif isinstance(event, Response):
                self._head(line, exchange, event)
            elif isinstance(event, Body):
                self._add(self.visit.body(exchange, exchange.learn(event), self.clock()))
            elif isinstance(event, End):
                is_last = not any(isinstance(later, End) for later in events[at + 1 :])
                self._complete(line, exchange, event, is_last=is_last)
        self._obey(self.pool.advance(self.clock()))

    def _head(self, line: Line, exchange: Exchange, response: Response) -> None:
        if response.status == 100 and line.held is not None and line.held[0] is exchange:
            self._release(line)
        if response.status < 200:
            return
        if line.held is not None and line.held[0] is exchange:  # the content is not wanted any more
            line.held = line.until_s = None
        exchange.learn(response)
        assert exchange.times is not None
        exchange.times.ended_s.setdefault(Phase.SEND, self.clock())
        exchange.times.end(Phase.WAIT, self.clock())
        self.visit.head(exchange, response)

    def _complete(self, line: Line, exchange: Exchange, event: End, *, is_last: bool) -> None:
        now_s = self.clock()
        exchange.learn(event)
        line.under_way.popleft()
        assert exchange.times is not None and exchange.response is not None
        exchange.times.end(Phase.RECEIVE, now_s)
        decision = line.engine.persistence if is_last else persistence(exchange.response, exchange.request)
        assert decision is not None
        exchange.persistence = decision
        self.watcher.answered(exchange)
        self._add(self.visit.complete(exchange, now_s))
        assert exchange.request is not None
        self._obey(self.pool.complete(line.number, _kept(exchange.request, exchange.response, decision), now_s))

    def _release(self, line: Line) -> None:
        """Let the content go that waited for 100 (Continue)."""
        assert line.held is not None
        exchange, content = line.held
        line.held = line.until_s = None
        line.queue(line.engine.body(content) + line.engine.end())
        line.unsent.append(exchange)
        self._flush(line)

    def _late(self, line: Line) -> None:
        """Waiting for 100 (Continue), or for the server's FIN, ends here."""
        line.until_s = None
        if not line.is_closing:
            self._release(line)
        elif line.awaits_fin_first:  # it does not close: we do
            line.awaits_fin_first, line.until_s = False, self.clock() + CLOSE_WITHIN_S
            self._send_end(line)
        else:
            self._forget(line)

    # Ends

    def _drain(self, line: Line, data: bytes) -> None:
        """Bytes on a connection that we close: nobody wants them, but its FIN."""
        if data:
            return
        line.record.is_closed = True
        if line.awaits_fin_first:
            line.awaits_fin_first = False
            self._send_end(line)
        if line.number in self._lines:
            self._forget(line)

    def _lose(self, line: Line, why: Reason, fault: LanError | None = None) -> None:
        """A connection of no more use: told to the pool, and closed in order where its server did so."""
        line.record.why_closed = why
        line.fault = line.fault or fault
        if line.is_ready and line.fault is None:
            try:
                line.finish()
                line.record.is_closed = line.record.closed_first is Side.SERVER
            except OSError:
                pass
        self._forget(line)
        behind = fault or RunError(why.text, where=line.record.peer or None, todo="look at the packets: lan trace")
        self._obey(self.pool.closed(line.number, why, self.clock()), behind)

    def _forget(self, line: Line) -> None:
        del self._lines[line.number]
        if line.sock is not None and line.sock in self._selector.get_map():
            self._selector.unregister(line.sock)
        line.drop()
        line.record.closed_s = self.clock()
        line.record.times.end(Phase.CLOSE, line.record.closed_s)
        self.watcher.closed(line.record)

    def _watch(self, line: Line) -> None:
        """Ask the selector for what this connection waits for."""
        if line.sock is not None and line.number in self._lines:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.wants_to_write else 0)
            self._selector.modify(line.sock, wanted, line)

    def _cut_short(self, line: Line, source: str, text: str) -> Reason:
        has_begun = bool(line.under_way) and line.under_way[0].response is not None
        return Reason(
            source, f"the response is cut short: {text}" if has_begun else f"waiting for the response: {text}"
        )


def _lost(event: Event, exchange: Exchange | None) -> Reason:
    if isinstance(event, Closed | Fault):
        if exchange is not None:
            return ending(event, exchange.response)
        return event.why if isinstance(event, Fault) else Reason("RFC 9112 §9.5", "the server closed between exchanges")
    return Reason("RFC 9110 §7.8", "the server switched to another protocol, unasked")


def _kept(request: Request, response: Response, decision: Persistence) -> Kept:
    """What the pool wants to know of a connection after a response."""
    promised = keep_alive.parse(response.headers)
    return Kept(
        decision.keep,
        decision.why,
        pipelines=decision.keep and min(request.version, response.version) >= HTTP_1_1,
        max_requests=promised.max_messages,
        idle_s=None if promised.timeout_s is None else float(promised.timeout_s),
    )
