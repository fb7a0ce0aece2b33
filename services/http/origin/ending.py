"""How the server's end of one TCP connection ends: who closes first, and in view.  RFC 9112 §9.5, §9.6; the book, 4.7.

Closing is done in view.  When the client's FIN comes, the kernel would delay its ACK and let it
ride on our own FIN (three segments).  Setting TCP_QUICKACK right after the read that returned
nothing makes the kernel send the owed ACK within that very call, before `close` makes our FIN:
FIN, ACK, FIN, ACK.

What passes before the end, requests and answers, is `session.py`'s.
"""

import abc
import enum
import select
import socket
import ssl

from lan.reasons import Reason
from lan.services.http.origin.settings import Limits, Settings
from lan.services.http.origin.telling import Teller
from lan.services.http.protocol.connection import Server
from lan.services.http.protocol.messages import Request
from lan.services.http.protocol.persistence import Side, closing
from lan.services.http.protocol.transport import Plain, Tls, Transport, peer_has_ended

READ, WRITE = select.EPOLLIN, select.EPOLLOUT


class State(enum.StrEnum):
    """What a session waits for."""

    HANDSHAKE = "the TLS handshake"
    REQUEST = "a request"
    ANSWER = "room to send the answer"
    PAUSE = "the moment to go on"
    TUNNEL = "bytes of the other protocol"
    FAREWELL = "room to send the last bytes before our FIN"
    LINGER = "the client's FIN"
    CLOSED = "nothing"


class Ending(abc.ABC):
    """A connection that knows how to end.  `mask` says what the loop should watch for, until `deadline_s`.

    Subclasses define what is marked so below.
    """

    __slots__ = (
        "_alert_awaits_fin", "_discarded", "_fin_sent", "_is_second", "_now_s", "_tell",
        "deadline_s", "descriptor", "engine", "limits", "mask", "settings", "sock", "state", "transport",
    )  # fmt: skip

    def __init__(
        self,
        sock: socket.socket,
        *,
        settings: Settings,
        limits: Limits,
        tell: Teller,
        now_s: float,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.sock, self.descriptor = sock, sock.fileno()
        self.settings, self.limits = settings, limits
        self.transport: Transport = Plain() if tls is None else Tls(tls)
        self.engine = Server(max_head_bytes=limits.head_bytes, max_body_bytes=limits.body_bytes)
        self._tell, self._now_s = tell, now_s
        self._discarded = 0
        self._alert_awaits_fin = self._fin_sent = self._is_second = False
        self.state, self.mask, self.deadline_s = State.REQUEST, READ, now_s + limits.head_s
        if tls is not None:
            self.state, self.deadline_s = State.HANDSHAKE, now_s + limits.handshake_s

    # Defined by the subclass

    @abc.abstractmethod
    def _pass_on(self, data: bytes) -> None:
        """Bytes of the protocol that was switched to; ``b""`` is their end."""

    @abc.abstractmethod
    def _let_go(self, *, is_cut: bool) -> None:
        """Give up the answer; `is_cut`: it was on its way."""

    # What the loop calls

    @property
    def is_open(self) -> bool:
        """The socket has not been closed."""
        return self.state is not State.CLOSED

    def hang_up(self) -> None:
        """The connection is gone while nothing was to be read (a reset, or both FINs)."""
        self._close(Reason("RFC 9293 §3.10.7", "the connection broke", awaited=self.state))

    def abort(self, why: Reason) -> None:
        """Close now, whatever is under way."""
        self._close(why)

    # The client's end

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > self.limits.discard_bytes:
            self._close(Reason("RFC 9112 §9.6", "the client goes on sending after the last response"))

    def _end_of_tls(self) -> None:
        if self.state is State.TUNNEL:
            self._pass_on(b"")
        if self.state in (State.REQUEST, State.LINGER):
            self._await_fin_after_alert()

    def _await_fin_after_alert(self) -> None:
        """A client that ended TLS mostly sends its FIN at once, and its socket may be gone: our close_notify would
        be answered by a reset.  A client that sends no FIN awaits our close_notify, and gets it after a moment."""
        if not self._fin_sent and not self._alert_awaits_fin:
            self._alert_awaits_fin = True
            self.state, self.mask, self.deadline_s = State.LINGER, READ, self._now_s + self.limits.alert_s

    def _fin(self) -> None:
        if self.settings.quickack:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # sends the ACK it owes, now
        first = Side.SERVER if self._fin_sent and not self._is_second else Side.CLIENT
        if self.state is State.LINGER:
            text = "both sides have sent their FIN" if self._fin_sent else "the client closed, so does the server"
            return self._close(Reason("RFC 9112 §9.6", text), first=first)
        if self.state is State.TUNNEL:
            self._pass_on(b"")
            return self._farewell(Reason("RFC 9110 §7.8", "the client ended the other protocol"))
        if self.state in (State.ANSWER, State.PAUSE):  # a half close: the client still reads (book 4.7.4)
            self.engine.receive(b"")
            self.mask &= ~READ
            return None
        if self.state is State.REQUEST and self.engine.is_idle:
            return self._close(Reason("RFC 9112 §9.5", "the client closed between requests"), first=first)
        return self._close(Reason("RFC 9112 §8", "the client closed too early", awaited=self.state), first=first)

    # Ours

    def _close_in_turn(self, request: Request, closes_first: Side) -> None:
        decision = closing(request, closes_first)
        if self._fin_sent:
            self.state, self.mask, self.deadline_s = State.LINGER, READ, self._now_s + self.limits.linger_s
            return None
        if decision.first is Side.SERVER:
            return self._farewell(decision.why)
        self._tell.decide("closing", decision.why, first=decision.first)
        self.state, self.mask, self.deadline_s = State.LINGER, READ, self._now_s + self.limits.linger_s
        return None

    def _farewell(self, why: Reason) -> None:
        """Send the first FIN, then linger for the client's: closing with bytes unread would reset (RFC 9112 §9.6)."""
        self._tell.decide("closing", why, first=Side.SERVER)
        self.transport.queue_end()
        self.state, self.mask, self.deadline_s = State.FAREWELL, WRITE, self._now_s + self.limits.stall_s

    def _end_our_side(self) -> None:
        if not self._fin_sent:
            self._is_second = peer_has_ended(self.sock)  # its FIN may be here, and not have been read yet
            self.sock.shutdown(socket.SHUT_WR)
        self._fin_sent = True

    def _send_fin(self) -> None:
        self._end_our_side()
        self.state, self.mask, self.deadline_s = State.LINGER, READ, self._now_s + self.limits.linger_s

    def _linger_on(self) -> None:
        """No FIN yet: give the close_notify that a TLS client may await; then take the first step ourselves."""
        if not self._alert_awaits_fin:
            return self._farewell(Reason("RFC 9112 §9.6", "the client said close and did not close in time"))
        self._alert_awaits_fin = False
        self._tell.decide("close_notify", Reason("RFC 8446 §6.1", "the client ended TLS and awaits the same of us"))
        self.transport.queue_end()
        self.transport.has_ended = False
        self.mask = READ if self.transport.flush(self.sock) else READ | WRITE
        self.deadline_s = self._now_s + self.limits.linger_s
        return None

    def _broke(self, error: OSError) -> None:
        self._close(Reason("RFC 9293 §3.10.7", "the connection broke", error=error.strerror))

    def _close(self, why: Reason, *, first: Side | None = None) -> None:
        if self.state is State.CLOSED:
            return
        is_cut = self.state in (State.ANSWER, State.PAUSE)
        self.state, self.mask = State.CLOSED, 0
        self._let_go(is_cut=is_cut)
        self.sock.close()
        self._tell.decide("closed", why, **({} if first is None else {"first": first}))

    def _flush_alert(self) -> None:
        """Let a TLS alert out, if the socket takes it."""
        try:
            self.transport.flush(self.sock)
        except OSError:
            pass
