"""One accepted connection, from its first byte to its last FIN.  RFC 9112 §9; the book, 4.7.

A session does what the pure parts decide: `connection.Server` reads, `origin.Origin` answers,
`persistence` keeps or closes.  It never waits: the loop in `server.py` calls `receive` and `send`
when the socket is ready, and `expire` when `deadline_s` has passed.

Closing is done in view.  When the client's FIN comes, the kernel would delay its ACK and let it
ride on our own FIN (three segments).  Setting TCP_QUICKACK right after the read that returned
nothing makes the kernel send the owed ACK within that very call, before `close` makes our FIN:
FIN, ACK, FIN, ACK.
"""

import enum
import selectors
import socket
import ssl
from collections.abc import Callable

from lan.reasons import Reason
from lan.services.http import origin as origins
from lan.services.http.connection import Event, Fault, Server
from lan.services.http.messages import Request
from lan.services.http.origin import Answer, Content, Origin
from lan.services.http.persistence import Side, closing
from lan.services.http.settings import Limits, Settings
from lan.services.http.transport import RECEIVE_BYTES, Plain, Tls, Transport
from lan.services.shell import DecisionLog

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
PIECE_BYTES = 64 * 1024


class State(enum.StrEnum):
    """What a session waits for."""

    HANDSHAKE = "the TLS handshake"
    REQUEST = "a request"
    ANSWER = "room to send the answer"
    FAREWELL = "room to send the last bytes before our FIN"
    LINGER = "the client's FIN"
    CLOSED = "nothing"


class Session:
    """The server's end of one TCP connection.  `mask` says what the loop should watch for."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        origin: Origin,
        settings: Settings,
        limits: Limits,
        log: DecisionLog,
        now_s: float,
        date: Callable[[], float],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.sock, self.descriptor = sock, sock.fileno()
        self.origin, self.settings, self.limits = origin, settings, limits
        self.transport: Transport = Plain() if tls is None else Tls(tls)
        self.engine = Server(max_head_bytes=limits.head_bytes, max_body_bytes=limits.body_bytes)
        self._log, self._date, self._now_s = log, date, now_s
        self._tuple = {"client": _name(sock.getpeername()), "server": _name(sock.getsockname())}
        self._content: Content | None = None
        self._sent, self._length, self._answer_until_s, self._discarded = 0, 0, 0.0, 0
        self._alert_awaits_fin = self._fin_sent = self._is_stopping = False
        self.state, self.mask = State.REQUEST, READ
        self.deadline_s = now_s + limits.head_s
        if tls is not None:
            self.state, self.deadline_s = State.HANDSHAKE, now_s + limits.handshake_s
        scheme = "http" if tls is None else "https"
        self._decide("accepted", Reason("RFC 9293 §3.5", "the three-way handshake is done", scheme=scheme))

    # What the loop calls

    def receive(self, now_s: float) -> None:
        """The socket has bytes, or the client's FIN."""
        self._now_s = now_s
        try:
            data = self.sock.recv(RECEIVE_BYTES)
            if data:
                self._take(data)
                self._go_on()
            else:
                self._fin()
        except BlockingIOError:
            pass
        except ssl.SSLError as error:
            self._flush_alert()
            self._close(Reason("RFC 8446 §6.2", "TLS failed", error=error.reason or error))
        except OSError as error:
            self._close(Reason("RFC 9293 §3.10.7", "the connection broke", error=error.strerror))

    def send(self, now_s: float) -> None:
        """The socket has room."""
        self._now_s = now_s
        try:
            if self.state not in (State.ANSWER, State.FAREWELL) and self.transport.flush(self.sock):
                self.mask = READ
            self._go_on()
        except OSError as error:
            self._close(Reason("RFC 9293 §3.10.7", "the connection broke", error=error.strerror))

    def expire(self, now_s: float) -> None:
        """`deadline_s` has passed."""
        self._now_s = now_s
        try:
            self._expire()
            self._go_on()
        except OSError as error:
            self._close(Reason("RFC 9293 §3.10.7", "the connection broke", error=error.strerror))

    def stop(self, now_s: float) -> None:
        """The server ends: close when idle, else after the answer under way."""
        self._is_stopping = True
        if self.state is State.REQUEST and self.engine.is_idle:
            self.receive(now_s)  # a request may have come that was not looked at yet
        if self.state is State.REQUEST and self.engine.is_idle:
            self._farewell(Reason("RFC 9112 §9.5", "the server is told to stop"))
            self.send(now_s)

    def abort(self, why: Reason) -> None:
        """Close now, whatever is under way."""
        self._close(why)

    # Bytes in

    def _take(self, data: bytes) -> None:
        plain = self.transport.take(data)
        self.mask = READ if self.transport.flush(self.sock) else READ | WRITE
        if self.state is State.LINGER:
            self._discard(len(data))
        if self.state is State.HANDSHAKE and self.transport.is_ready:
            self._await_request(self.limits.head_s)
        if plain and self.state is State.REQUEST:
            if self.engine.is_idle:
                self.deadline_s = self._now_s + self.limits.head_s
            self._act(self.engine.receive(plain))
        if self.transport.has_ended and self.state in (State.REQUEST, State.LINGER):
            self._await_fin_after_alert()

    def _act(self, events: list[Event]) -> None:
        """Answer once the request is here; at once where the client asks before it sends a body."""
        for event in events:
            if isinstance(event, Request):
                self._decide("request", _asked(event), method=event.method, target=event.target)
                self.deadline_s = self._now_s + self.limits.body_s
                if event.headers.listed("Expect"):
                    return self._answer(self.origin.answer(event, now_s=self._date()))
            elif isinstance(event, Fault):
                return self._refuse(event.status, event.why)
        if self.engine.request is not None and self.engine.request_complete:
            self._answer(self.origin.answer(self.engine.request, now_s=self._date()))
        return None

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > self.limits.discard_bytes:
            self._close(Reason("RFC 9112 §9.6", "the client goes on sending after the last response"))

    def _await_fin_after_alert(self) -> None:
        """A client that ended TLS mostly sends its FIN at once, and its socket may be gone: our close_notify would
        be answered by a reset.  A client that sends no FIN awaits our close_notify, and gets it after a moment."""
        if not self._fin_sent and not self._alert_awaits_fin:
            self._alert_awaits_fin = True
            self.state, self.mask, self.deadline_s = State.LINGER, READ, self._now_s + self.limits.alert_s

    def _fin(self) -> None:
        if self.settings.quickack:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # sends the ACK it owes, now
        first = Side.SERVER if self._fin_sent else Side.CLIENT
        if self.state is State.LINGER:
            text = "both sides have sent their FIN" if self._fin_sent else "the client closed, so does the server"
            return self._close(Reason("RFC 9112 §9.6", text), first=first)
        if self.state is State.REQUEST and self.engine.is_idle:
            return self._close(Reason("RFC 9112 §9.5", "the client closed between requests"), first=first)
        return self._close(Reason("RFC 9112 §8", "the client closed too early", awaited=self.state), first=first)

    # Bytes out

    def _answer(self, answer: Answer) -> None:
        unwilling = Reason("RFC 9112 §9.5", "the server is told to stop") if self._is_stopping else None
        head = self.engine.respond(answer.response, unwilling=unwilling)
        self._content, self._sent = answer.content, 0
        self._length = 0 if answer.content is None else int(answer.response.headers.get("Content-Length") or 0)
        self._decide("response", answer.why, status=answer.response.status, bytes=self._length)
        if self.engine.persistence is not None:
            self._decide("keep" if self.engine.persistence.keep else "close", self.engine.persistence.why)
        self.state, self.mask = State.ANSWER, WRITE
        self._answer_until_s = self._now_s + 3 * self.limits.stall_s + self._length / self.limits.slowest_bytes_per_s
        self.deadline_s = self._now_s + self.limits.stall_s
        self.transport.queue(head + self._next_piece())

    def _refuse(self, status: int, why: Reason) -> None:
        self._decide("refused", why, status=status)
        answer = origins.plain(status, why, now_s=self._date())
        self._answer(Answer(answer.response.with_field("Connection", "close"), answer.content, why))

    def _next_piece(self) -> bytes:
        if self._content is None or self._sent >= self._length:
            return b""
        piece = self._content.read(self._sent, min(PIECE_BYTES, self._length - self._sent))
        self._sent += len(piece)
        return piece

    def _go_on(self) -> None:
        """Send as far as the socket takes it, answer after answer."""
        while self.state in (State.ANSWER, State.FAREWELL):
            if not self.transport.flush(self.sock):
                self.mask = WRITE
                return
            if piece := self._next_piece():
                self.transport.queue(piece)
                self.deadline_s = min(self._now_s + self.limits.stall_s, self._answer_until_s)
            elif self.state is State.FAREWELL:
                self._send_fin()
            else:
                self._after_answer()

    def _after_answer(self) -> None:
        is_short = self._sent < self._length
        self._release()
        if is_short:
            return self._close(Reason("RFC 9112 §8", "the file became shorter than its Content-Length"))
        request, decision = self.engine.request, self.engine.persistence
        if decision is not None and decision.keep:
            self._await_request(self.limits.idle_s)
            self._act(self.engine.finish())
        elif request is None or decision is None or not self.engine.request_complete:
            self._farewell(Reason("RFC 9112 §9.6", "nothing that may follow could be read"))
        else:
            self._close_in_turn(request)
        if self.transport.has_ended and self.state in (State.REQUEST, State.LINGER):
            self._await_fin_after_alert()
        return None

    # The end

    def _close_in_turn(self, request: Request) -> None:
        decision = closing(request, self.settings.closes_first)
        if decision.first is Side.SERVER:
            return self._farewell(decision.why)
        self._decide("closing", decision.why, first=decision.first)
        self.state, self.mask, self.deadline_s = State.LINGER, READ, self._now_s + self.limits.linger_s
        return None

    def _farewell(self, why: Reason) -> None:
        """Send the first FIN, then linger for the client's: closing with bytes unread would reset (RFC 9112 §9.6)."""
        self._decide("closing", why, first=Side.SERVER)
        self.transport.queue_end()
        self.state, self.mask, self.deadline_s = State.FAREWELL, WRITE, self._now_s + self.limits.stall_s

    def _send_fin(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)
        self._fin_sent = True
        self.state, self.mask, self.deadline_s = State.LINGER, READ, self._now_s + self.limits.linger_s

    def _expire(self) -> None:
        if self.state is State.REQUEST and not self.engine.is_idle:
            return self._refuse(408, Reason("RFC 9110 §15.5.9", "the request takes too long"))
        if self.state is State.REQUEST:
            return self._farewell(Reason("RFC 9112 §9.5", "idle for too long"))
        if self.state is State.LINGER and not self._fin_sent:
            return self._linger_on()
        return self._close(Reason("RFC 9112 §9.5", "the client takes too long", awaited=self.state))

    def _linger_on(self) -> None:
        """No FIN yet: give the close_notify that a TLS client may await; then take the first step ourselves."""
        if not self._alert_awaits_fin:
            return self._farewell(Reason("RFC 9112 §9.6", "the client said close and did not close in time"))
        self._alert_awaits_fin = False
        self._decide("close_notify", Reason("RFC 8446 §6.1", "the client ended TLS and awaits the same of us"))
        self.transport.queue_end()
        self.transport.has_ended = False
        self.mask = READ if self.transport.flush(self.sock) else READ | WRITE
        self.deadline_s = self._now_s + self.limits.linger_s
        return None

    def _close(self, why: Reason, *, first: Side | None = None) -> None:
        if self.state is State.CLOSED:
            return
        self.state, self.mask = State.CLOSED, 0
        self._release()
        self.sock.close()
        self._decide("closed", why, **({} if first is None else {"first": first}))

    def _release(self) -> None:
        if self._content is not None:
            self._content.close()
            self._content = None

    # Small things

    def _await_request(self, within_s: float) -> None:
        self.state, self.mask, self.deadline_s = State.REQUEST, READ, self._now_s + within_s

    def _flush_alert(self) -> None:
        """Let a TLS alert out, if the socket takes it."""
        try:
            self.transport.flush(self.sock)
        except OSError:
            pass

    def _decide(self, what: str, why: Reason, **keys: object) -> None:
        self._log.append(what, why, **self._tuple, **keys)


def _asked(request: Request) -> Reason:
    options = request.headers.get("Connection") or "not said"
    return Reason("RFC 9112 §3", "a request is read", host=request.headers.get("Host") or "none", connection=options)


def _name(address: tuple[str, int]) -> str:
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
