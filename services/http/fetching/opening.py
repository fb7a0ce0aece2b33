"""How a connection comes about: its name, its addresses, TCP, a tunnel through a proxy, TLS.

`loop.py` goes on when it stands, or when it can't be had.
"""

import selectors
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ssl import SSLContext, SSLError
from typing import Protocol

from lan.errors import LanError, RunError
from lan.reasons import Reason
from lan.services.http.fetching.client import Connection as Record
from lan.services.http.fetching.client import Exchange, Phase
from lan.services.http.fetching.line import Line, SocketOptions, TlsClient
from lan.services.http.fetching.names import Names
from lan.services.http.fetching.visit import Visit
from lan.services.http.protocol import tls
from lan.services.http.protocol.connection import Client, Event, Fault, Tunnel
from lan.services.http.protocol.messages import Response
from lan.services.http.protocol.persistence import Side
from lan.services.http.strategies.orders import Order, Stage


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


class Owner(Protocol):
    """Who has the connections."""

    def staged(self, line: Line, stage: Stage) -> None: ...
    def ready(self, line: Line) -> None: ...
    def lose(self, line: Line, why: Reason, fault: LanError | None = None) -> None: ...
    def flush(self, line: Line) -> None: ...


class Opener:
    """Brings connections up, all at once."""

    def __init__(
        self,
        visit: Visit,
        means: Means,
        watcher: Watcher,
        clock: Callable[[], float],
        selector: selectors.BaseSelector,
        owner: Owner,
    ) -> None:
        self.visit, self.means, self.watcher, self.clock, self.owner = visit, means, watcher, clock, owner
        self._selector, self._names = selector, Names()
        selector.register(self._names, selectors.EVENT_READ, None)

    def close(self) -> None:
        """Let names be names."""
        self._selector.unregister(self._names)
        self._names.close()

    def open(self, line: Line) -> None:
        """Begin with its name, or with the address that is known."""
        route = line.route
        found = self.means.known(route.host, route.port)
        if found:
            self._dial(line, found)
            return
        answer = self._names.look_up(route.host, route.port)
        if answer is not None:
            self._found(line, answer)

    def resolve(self, lines: Iterable[Line]) -> None:
        """Answers have come: those of these connections that wait for them go on."""
        for host, port in self._names.answers():
            answer = self._names.look_up(host, port)
            for line in lines:
                if line.stage is Stage.DNS and (line.route.host, line.route.port) == (host, port) and answer:
                    self._found(line, answer)

    def _found(self, line: Line, answer: list[str] | RunError) -> None:
        if isinstance(answer, RunError):
            self.owner.lose(line, Reason("book 4.2.1", answer.what), answer)
            return
        line.record.times.end(Phase.DNS, self.clock())
        line.record.addresses = answer
        self.watcher.resolved(line)
        self._dial(line, answer)

    def _dial(self, line: Line, addresses: Iterable[str] = ()) -> None:
        """Connect to the first, or the next, address that takes it."""
        line.addresses.extend(addresses)
        try:
            line.dial()
        except LanError as error:
            self.owner.lose(line, Reason("RFC 9293 §3.5", error.what), error)
            return
        self.owner.staged(line, Stage.CONNECT)
        assert line.sock is not None
        self._selector.register(line.sock, selectors.EVENT_WRITE, line)

    def dialed(self, line: Line) -> None:
        """The TCP handshake has ended, well or not."""
        assert line.sock is not None
        sock = line.sock
        if not line.dialed():
            self._selector.unregister(sock)
            self._dial(line)
            return
        line.record.times.end(Phase.CONNECT, self.clock())
        self.watcher.connected(line)
        if line.route.tunnel_to is not None:
            line.is_tunnelling = True
            line.engine = Client()
            line.queue(line.engine.send(self.visit.tunnel(line.route.tunnel_to)))
            self.owner.flush(line)
        elif line.route.tls_name is not None:
            self._secure(line, line.route.tls_name)
        else:
            self.owner.ready(line)

    def _secure(self, line: Line, host: str) -> None:
        self.owner.staged(line, Stage.TLS)
        line.secure(self.means.secure(), host)
        self.owner.flush(line)

    def advance(self, line: Line, data: bytes, plain: bytes) -> None:
        """What came before it is ready: the proxy's answer to CONNECT, or the TLS handshake."""
        if not data:
            doing = "the proxy closed the connection" if line.is_tunnelling else "TLS handshake: the server closed"
            fault = RunError(doing, where=line.record.peer)
            self.owner.lose(line, Reason("RFC 9112 §9.5", fault.what), fault)
        elif line.is_tunnelling:
            self._tunnel(line, line.engine.receive(plain))
        elif isinstance(line.transport, TlsClient) and line.transport.is_ready:
            line.record.times.end(Phase.TLS, self.clock())
            line.record.agreed = line.transport.agreed()
            self.watcher.secured(line)
            line.has_more = True  # the handshake's last bytes
            self.owner.flush(line)
            self.owner.ready(line)
        else:
            line.has_more = True
            self.owner.flush(line)

    def _tunnel(self, line: Line, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Response) and 100 <= event.status < 300:
                if event.status >= 200:
                    self._through(line)
            elif isinstance(event, Tunnel):  # a server that speaks before the handshake
                try:
                    line.transport.take(event.data)
                except SSLError as error:
                    self.fail(line, error)
                    return
            elif isinstance(event, Response | Fault):
                said = event.start_line().partition(" ")[2] if isinstance(event, Response) else event.why.text
                said = said.encode("ascii", "backslashreplace").decode()  # no letter of it steers a terminal
                fault = RunError(f"the proxy makes no tunnel: {said}", where=line.record.peer)
                self.owner.lose(line, Reason("RFC 9110 §9.3.6", fault.what), fault)
                return

    def fail(self, line: Line, error: SSLError) -> None:
        """TLS has failed, in the handshake or later."""
        fault = tls.fault(error, line.route.tls_name or "", line.record.peer)
        line.flush()  # our alert
        self.owner.lose(line, Reason("RFC 8446 §6.2", fault.what), fault)

    def _through(self, line: Line) -> None:
        line.is_tunnelling = False
        line.record.times.end(Phase.CONNECT, self.clock())
        assert line.route.tls_name is not None
        self._secure(line, line.route.tls_name)
