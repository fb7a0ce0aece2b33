"""The client's loop: one thread, all connections at once, waiting on none while another is ready.

It carries out what `strategies/pool.py` orders and tells it what came of it; `visit.py` says what is
asked for, `line.py` has the sockets.
"""

import math
import selectors
import time
from collections import deque
from collections.abc import Callable
from ssl import SSLError

from lan.errors import LanError, RunError
from lan.reasons import Reason
from lan.services.http.fetching.client import Connection as Record
from lan.services.http.fetching.client import Exchange, Phase, Times, ending
from lan.services.http.fetching.line import Line, TlsClient
from lan.services.http.fetching.opening import Means, Opener, Watcher
from lan.services.http.fetching.proxies import Route
from lan.services.http.fetching.visit import Visit
from lan.services.http.protocol import keep_alive
from lan.services.http.protocol.connection import Body, Client, Closed, End, Event, Fault, Tunnel
from lan.services.http.protocol.messages import HTTP_1_1, Request, Response
from lan.services.http.protocol.persistence import Persistence, Side, persistence
from lan.services.http.strategies.orders import Asked, Close, GiveUp, Kept, Open, Order, Retry, Send, Stage
from lan.services.http.strategies.pool import Pool

CLOSE_WITHIN_S = 6.0
"""How long the server's FIN is waited for; a little longer than our server lingers."""
CONTINUE_WITHIN_S = 1.0
"""How long 100 (Continue) is waited for before the content leaves without it (RFC 9110 §10.1.1)."""


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
        self._opener = Opener(visit, means, watcher, clock, self._selector, self)

    def run(self) -> None:
        """Fetch all that the visit wants.  Raises what its words or its writing raise; all sockets are closed then."""
        try:
            self._add(self.visit.exchanges)
            self._obey(self.pool.advance(self.clock()))
            while self._lines or not self.pool.is_done:
                self._turn()
        finally:
            for line in self._lines.values():
                line.drop()
            self._opener.close()
            self._selector.close()

    def _turn(self) -> None:
        moments = [line.until_s for line in self._lines.values() if line.until_s is not None]
        if (deadline_s := self.pool.deadline_s()) is not None:
            moments.append(deadline_s)
        heard_s = self.clock()  # what comes until here is seen below: nothing is late that lies in a socket
        wait_s = max(0.0, min(moments) - heard_s) if moments and min(moments) < math.inf else None
        for key, mask in self._selector.select(wait_s):
            if key.data is None:
                self._opener.resolve(list(self._lines.values()))
            elif key.data.sock is not None:
                self._handle(key.data, mask)
        for line in list(self._lines.values()):
            if line.until_s is not None and heard_s >= line.until_s:
                self._late(line)
        if deadline_s is not None and heard_s >= deadline_s:
            self._obey(self.pool.expire(self.clock(), heard_s))

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
        self._opener.open(line)

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
        self.flush(line)

    def _close(self, order: Close) -> None:
        line = self._lines[order.connection]
        line.record.why_closed = order.why
        is_abrupt = order.is_abrupt or bool(line.unsent)  # answered before its request was sent: nobody wants the rest
        if not line.is_ready or is_abrupt or line.fault is not None or self.means.options.linger_s == 0:
            self._forget(line, with_reset=is_abrupt and line.is_ready)
            return
        line.is_closing, line.until_s = True, self.clock() + CLOSE_WITHIN_S
        line.awaits_fin_first = self.means.closes_first is Side.SERVER
        if not line.awaits_fin_first:
            self._send_end(line)
        self._watch(line)

    def _send_end(self, line: Line) -> None:
        line.transport.queue_end()
        line.has_more = True
        self.flush(line)

    # What comes

    def _handle(self, line: Line, mask: int) -> None:
        """What the selector says of a connection."""
        if line.is_dialing:
            self._opener.dialed(line)
            return
        if mask & selectors.EVENT_WRITE:
            self.flush(line)
        if mask & selectors.EVENT_READ and line.sock is not None:
            self._receive(line)

    def staged(self, line: Line, stage: Stage) -> None:
        """Told by the opener: a connection has come so far."""
        line.stage = stage
        self.pool.staged(line.number, stage, self.clock())

    def ready(self, line: Line) -> None:
        """Told by the opener: a connection stands."""
        line.is_ready, line.stage = True, Stage.IDLE
        line.engine = Client()
        self._watch(line)
        self._obey(self.pool.connected(line.number, self.clock()))

    def flush(self, line: Line) -> None:
        """Let bytes leave, and what waits for their leaving."""
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
            self._opener.fail(line, error)
            return
        except LanError as error:
            self.lose(line, self._cut_short(line, "RFC 9293 §3.5.2", error.what.partition(": ")[2]), error)
            return
        if not line.is_ready:
            self._opener.advance(line, data, plain)
            return
        if plain:
            events = line.engine.receive(plain)
            if line.engine.persistence is not None and not line.engine.persistence.keep:
                self.pool.retire(line.number)  # before the responses ahead of the last one make room on it
            self._take(line, events)
            self.pool.progressed(line.number, self.clock(), has_begun=line.engine.has_begun)
        if (not data or line.transport.has_ended) and not line.is_closing and line.sock is not None:
            self._ended(line)
        elif line.sock is not None:
            self.flush(line)

    def _ended(self, line: Line) -> None:
        """The server sends no more."""
        is_ragged = isinstance(line.transport, TlsClient) and not line.transport.has_ended
        events: list[Event] = line.engine.receive(b"")
        if is_ragged and End() in events:
            why = Reason("RFC 9112 §9.8", "TLS ended without close_notify, so the end of the response is not sure")
            events = [Fault(502, why)]
        self._take(line, events)
        if line.number in self._lines and not line.is_closing:
            self.lose(line, Reason("RFC 9112 §9.5; book 4.7.1", "the server closed an idle connection"))

    def _take(self, line: Line, events: list[Event]) -> None:
        """What the responses on a connection say, in the order of their requests."""
        for at, event in enumerate(events):
            if line.is_closing or line.number not in self._lines:
                return
            exchange = line.under_way[0] if line.under_way else None
            if isinstance(event, Fault | Closed | Tunnel) or exchange is None:
                if isinstance(event, Fault):  # bytes of a response, though no good ones
                    self.pool.progressed(line.number, self.clock(), has_begun=True)
                self.lose(line, _lost(event, exchange))
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
        self.flush(line)

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

    def lose(self, line: Line, why: Reason, fault: LanError | None = None) -> None:
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

    def _forget(self, line: Line, *, with_reset: bool = False) -> None:
        del self._lines[line.number]
        if line.sock is not None:
            self._selector.unregister(line.sock)
        if with_reset:
            line.reset()
        line.drop()
        line.record.closed_s = self.clock()
        line.record.times.end(Phase.CLOSE, line.record.closed_s)
        self.watcher.closed(line.record)

    def _watch(self, line: Line) -> None:
        """Ask the selector for what this connection waits for."""
        if line.sock is not None and line.number in self._lines:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.has_more else 0)
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
