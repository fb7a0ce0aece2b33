"""A client's connection to a proxy that knows HTTP: requests in, answers out, and its end.  RFC 9112 §9; book 4.7.

What becomes of a request is the subclass's (`smart.py`); here are the order of requests, answers of
our own, time-outs of the client, and closing in view of it.
"""

import abc
import enum
import socket

from lan.reasons import Reason
from lan.services.http.protocol.connection import Server
from lan.services.http.protocol.events import Body, Closed, End, Event, Fault, Tunnel
from lan.services.http.protocol.messages import Headers, Request, Response
from lan.services.http.protocol.transport import acknowledged_bytes
from lan.services.http.proxy import forwarding
from lan.services.http.proxy.channel import Channel
from lan.services.http.proxy.context import Context, named
from lan.services.http.proxy.forwarding import Here
from lan.services.http.proxy.notice import notice

READ = Reason("RFC 9112 §3", "a request is read")
ACCEPTED = Reason("RFC 9293 §3.5", "the three-way handshake is done")
BOTH_CLOSED = Reason("RFC 9112 §9.6", "both sides have closed")


class State(enum.StrEnum):
    """What a session waits for."""

    REQUEST = "a request"
    EXCHANGE = "the end of an exchange"
    TUNNEL = "either side's bytes"
    LINGER = "the client's FIN"
    CLOSED = "nothing"


class Downstream(abc.ABC):
    """The client's side.  Subclasses define what is marked so below."""

    def __init__(self, sock: socket.socket, context: Context) -> None:
        self.context = context
        peer = sock.getpeername()
        self.client_address = str(peer[0])
        self._tuple: dict[str, str] = {}
        if context.log.is_wanted:
            self._tuple = {"client": named(peer), "proxy": named(sock.getsockname())}
        self.engine = Server(max_head_bytes=context.limits.head_bytes, max_body_bytes=None)
        self.client = context.accept(sock, self)
        self.has_responded = False  # the head of this exchange's final response is written
        self._is_stopping = self._is_over = self._is_going_on = False
        self._discarded = self._marked_in = self._marked_out = self._acknowledged_bytes = 0
        self.heard_s = context.loop.now_s  # when a byte of the answer, or of a tunnel, last came
        self.state = State.REQUEST
        self.deadline_s = context.loop.now_s + context.limits.head_s
        context.loop.timed.add(self)
        context.count(self.client_address, 1)
        self.decide("accepted", ACCEPTED)

    # ---- defined by the subclass

    @abc.abstractmethod
    def begin(self, request: Request) -> None:
        """A request has come; its content follows."""

    @abc.abstractmethod
    def content(self, data: bytes) -> None:
        """Some of its content."""

    @abc.abstractmethod
    def content_end(self, trailers: Headers) -> None:
        """The request is whole."""

    @abc.abstractmethod
    def into_tunnel(self, data: bytes) -> None:
        """The client's bytes after a switch; ``b""`` is its FIN."""

    @abc.abstractmethod
    def let_go(self, why: Reason) -> None:
        """Give up what is under way elsewhere for this client."""

    @abc.abstractmethod
    def client_has_room(self) -> None:
        """The client takes bytes again."""

    @abc.abstractmethod
    def expire_exchange(self) -> None:
        """An exchange takes too long."""

    # ---- what the channel calls

    def received(self, channel: Channel, data: bytes) -> None:
        if self.state is State.LINGER:
            return self._discard(data)
        if self.state is State.CLOSED:
            return None
        if self.state is State.REQUEST and data and self.engine.is_idle:
            self.deadline_s = self.context.loop.now_s + self.context.limits.head_s
        self.heard_s = self.context.loop.now_s
        is_ahead = self.engine.request_complete and not self.engine.is_tunnel
        self.go_on(self.engine.receive(data))
        if is_ahead and self.state is State.EXCHANGE:
            self.client.pause()  # pipelined requests wait in the kernel once one read of them is here
        return None

    def has_room(self, channel: Channel) -> None:
        if self.state is not State.LINGER:
            self.client_has_room()
        elif self.client.fin_sent and self.client.has_ended:
            self.close(BOTH_CLOSED)

    def broke(self, channel: Channel, error: OSError) -> None:
        self.close(Reason("RFC 9293 §3.10.7", "the client's connection broke", error=error.strerror))

    # ---- requests in their order

    def go_on(self, events: list[Event]) -> None:
        """Act on events, and on those of the requests that follow, one exchange after the other."""
        if self._is_going_on:
            return
        self._is_going_on = True
        try:
            self._act(events)
            while self._is_over:
                self._is_over = False
                self._act(self.engine.finish())
                if self.state is State.REQUEST and not self.engine.is_idle:
                    self.deadline_s = self.context.loop.now_s + self.context.limits.head_s
                if self.state in (State.REQUEST, State.TUNNEL):
                    self.client.resume()
        finally:
            self._is_going_on = False

    def _act(self, events: list[Event]) -> None:
        for event in events:
            if self.state in (State.LINGER, State.CLOSED):
                return
            if isinstance(event, Request):
                self._begin(event)
            elif isinstance(event, Body):
                self.content(event.data)
            elif isinstance(event, End):
                self.content_end(event.trailers)
            elif isinstance(event, Tunnel):
                self.into_tunnel(event.data)
            elif isinstance(event, Fault):
                self._fault(event)
            elif self.state is State.TUNNEL:
                self.into_tunnel(b"")
            elif isinstance(event, Closed):
                self.farewell(Reason("RFC 9112 §9.5", "the client closed between requests"))

    def _begin(self, request: Request) -> None:
        meant = forwarding.as_meant(request, self.context.rules)
        if meant is not request:
            self.engine.request = meant
            self.decide("translated", Reason("book 4.5.7", "Proxy-Connection is taken for Connection"))
        self.state, self.has_responded = State.EXCHANGE, False
        self.decide("request", READ, method=request.method, target=request.target)
        self.await_content()
        self.begin(meant)

    def _fault(self, fault: Fault) -> None:
        """What the client sent can't be read; nothing of it may be taken for another request."""
        if self.has_responded:
            return self.farewell(fault.why)
        self.decide("refused", fault.why, status=fault.status)
        return self.answer(Here(fault.status, fault.why, (("Connection", "close"),)))

    # ---- answers

    def answer(self, here: Here) -> None:
        """Answer in the server's place; the rest of the request is not sent on."""
        self.let_go(here.why)
        response, content = notice(here, now_s=self.context.date())
        request = self.engine.request
        if request is not None and request.method == "CONNECT" and here.status != 407:
            response = response.with_field("Connection", "close")
        self.respond(response, here.why)
        if self.state is not State.CLOSED:
            self.client.write(self.engine.body(content) + self.engine.end())
            self.over()

    def respond(self, response: Response, why: Reason) -> bytes:
        """The final response's head to the client; the bytes, none where it can't be said."""
        unwilling = forwarding.unwilling(self.engine.request, self.context.rules) if self.engine.request else None
        if self._is_stopping:
            unwilling = Reason("RFC 9112 §9.5", "the proxy is told to stop")
        try:
            head = self.engine.respond(response, unwilling=unwilling)
        except ValueError as error:  # fields that would not read back
            self.close(Reason("RFC 9110 §5.5", str(error)))
            return b""
        self.client.write(head)
        self.has_responded = True
        self.decide("response", why, status=response.status)
        if (decision := self.engine.persistence) is not None:
            self.decide("keep" if decision.keep else "close", decision.why)
        self.await_content()
        return head

    def over(self) -> None:
        """The answer is written: the next request, or the end."""
        decision = self.engine.persistence
        if decision is None or not decision.keep:
            why = Reason("RFC 9112 §9.3", "nothing more can be read") if decision is None else decision.why
            return self.farewell(why)
        self.state, self.deadline_s = State.REQUEST, self.context.loop.now_s + self.context.limits.idle_s
        self._is_over, self.has_responded = True, False
        return None

    def become_tunnel(self) -> None:
        """The response that begins a tunnel is written; what the client has sent after its request goes through it."""
        self.state = State.TUNNEL
        self.deadline_s = self.context.loop.now_s + self.context.limits.silence_s
        self._is_over = True

    # ---- the end

    def farewell(self, why: Reason) -> None:
        """Our FIN, then the client's: closing with its bytes unread would reset the connection (RFC 9112 §9.6)."""
        self.let_go(why)
        self.decide("closing", why)
        self.state, self.deadline_s = State.LINGER, self.context.loop.now_s + self.context.limits.linger_s
        if self.client.pending_bytes:
            self.deadline_s += self.context.limits.stall_s
        self.client.end()
        self.client.resume()
        if self.client.fin_sent and self.client.has_ended:  # of a tunnel, both before this: nobody will tell
            self.close(BOTH_CLOSED)

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded > self.context.limits.discard_bytes:
            self.close(Reason("RFC 9112 §9.6", "the client goes on sending after the last response"))
        elif not data and self.client.fin_sent:
            self.close(BOTH_CLOSED)

    def close(self, why: Reason) -> None:
        """Close now."""
        if self.state is State.CLOSED:
            return
        self.let_go(why)
        self.state = State.CLOSED
        self.context.loop.timed.discard(self)
        self.context.sessions.discard(self)
        self.context.count(self.client_address, -1)
        self.client.close()
        self.decide("closed", why)

    def fail(self, fault: Exception) -> None:
        self.close(Reason("RFC 9110 §15.6.1", "a fault of the proxy", error=repr(fault)))

    def stop(self) -> None:
        """The proxy ends: after the exchange under way, if there is one."""
        self._is_stopping = True
        if self.state is State.REQUEST and self.engine.is_idle:
            self.farewell(Reason("RFC 9112 §9.5", "the proxy is told to stop"))

    # ---- time

    def await_content(self) -> None:
        """Bytes should move from now on, at the slowest rate that is borne."""
        self.deadline_s = self.context.loop.now_s + self.context.limits.stall_s
        self._marked_in, self._marked_out = self.client.received_bytes, self.client.sent_bytes
        self.heard_s = self.context.loop.now_s

    def await_answer(self) -> None:
        """The request is whole: the server's answer should come."""
        if not self.has_responded:
            self.deadline_s = self.context.loop.now_s + self.context.limits.answer_s

    def has_read_enough(self) -> bool:
        """Whether the client took enough bytes since `await_content`, or acknowledged as many since this was asked
        before: the kernel may have had no room for more, behind a slow cable."""
        before, self._acknowledged_bytes = self._acknowledged_bytes, acknowledged_bytes(self.client.sock)
        taken = max(self.client.sent_bytes - self._marked_out, self._acknowledged_bytes - before)
        return taken >= self._least()

    def has_sent_enough(self) -> bool:
        """Whether the client sent enough bytes since `await_content`."""
        return self.client.received_bytes - self._marked_in >= self._least()

    def _least(self) -> float:
        return self.context.limits.stall_s * self.context.limits.slowest_bytes_per_s

    def expire(self) -> None:
        is_resting = self.state is State.LINGER or (self.state is State.REQUEST and self.engine.is_idle)
        if is_resting and self.client.pending_bytes and self.has_read_enough():
            self.await_content()  # an answer is behind us, but has not left
        elif self.state is State.REQUEST and self.engine.is_idle:
            self.farewell(Reason("RFC 9112 §9.5", "idle for too long"))
        elif self.state is State.REQUEST:
            why = Reason("RFC 9110 §15.5.9", "the request takes too long")
            self.answer(Here(408, why, (("Connection", "close"),)))
        elif self.state is State.EXCHANGE:
            self.expire_exchange()
        elif self.state is State.TUNNEL and self.context.loop.now_s - self.heard_s < self.context.limits.silence_s:
            self.deadline_s = self.heard_s + self.context.limits.silence_s
        else:
            self.close(Reason("RFC 9112 §9.5", "waited in vain", awaited=self.state))
        self.go_on([])

    def decide(self, what: str, why: Reason, **keys: object) -> None:
        """Log a decision about this connection."""
        if self.context.log.is_wanted:
            self.context.decide(what, why, **self._tuple, **keys)
