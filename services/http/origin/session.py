"""One accepted connection: the requests that come on it, and their answers.  RFC 9112 §9.

A session does what the pure parts decide: `connection.Server` reads, `origin.Origin` answers,
`persistence` keeps or closes, `ending.py` ends.  It never waits: the loop in `server.py` calls
`receive` and `send` when the socket is ready, and `expire` when `deadline_s` has passed.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace

from lan.reasons import Reason
from lan.services.http.origin import plan
from lan.services.http.origin.answer import Answer, Content, plain
from lan.services.http.origin.ending import READ, WRITE, Ending, State
from lan.services.http.origin.misdirected import secured_for
from lan.services.http.origin.origin import Origin
from lan.services.http.origin.outflow import Outflow
from lan.services.http.origin.settings import Limits, Settings
from lan.services.http.origin.shortcuts import Shortcuts
from lan.services.http.origin.telling import Teller
from lan.services.http.protocol import keep_alive
from lan.services.http.protocol.events import Body, Closed, End, Event, Fault, Tunnel
from lan.services.http.protocol.messages import NO_HEADERS, Request, Response
from lan.services.http.protocol.persistence import Side
from lan.services.http.protocol.transport import RECEIVE_BYTES, Tls, acknowledged_bytes

PIECES_A_TURN = 16
"""Then the others have their turn, however fast this client takes its file."""
CONTINUE = Response(100, headers=NO_HEADERS)


class Session(Ending):
    """The server's end of one TCP connection, and the requests that come on it."""

    __slots__ = (
        "_acknowledged_bytes", "_answer", "_answer_until_s", "_body", "_closing", "_content", "_date", "_is_stopping",
        "_outflow", "_shortcuts", "_steps", "_trailers", "origin",
    )  # fmt: skip

    def __init__(
        self,
        sock: socket.socket,
        *,
        origin: Origin,
        settings: Settings,
        limits: Limits,
        tell: Teller,
        shortcuts: Shortcuts,
        now_s: float,
        date: Callable[[], float],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(sock, settings=settings, limits=limits, tell=tell, now_s=now_s, tls=tls)
        self.origin, self._shortcuts, self._date = origin, shortcuts, date
        self._outflow: Outflow | None = None
        self._content: Content | None = None
        self._answer: Answer | None = None
        self._steps: Iterator[plan.Step] | None = None
        self._body: list[bytes] = []
        self._trailers = NO_HEADERS
        self._closing: Request | None = None
        self._answer_until_s, self._is_stopping = 0.0, False
        self._acknowledged_bytes = 0  # when its time was over the last time
        if self._tell.is_heard:
            scheme = "http" if tls is None else "https"
            self._tell.decide("accepted", Reason("RFC 9293 §3.5", "the three-way handshake is done", scheme=scheme))

    # What the loop calls

    def receive(self, now_s: float) -> None:
        """The socket has bytes, or the client's FIN."""
        self._now_s = now_s
        try:
            data = self.sock.recv(RECEIVE_BYTES)
            if data:
                self._take(data)
                if self.state in _SENDING:
                    self._go_on()
            else:
                self._fin()
        except BlockingIOError:
            pass
        except ssl.SSLError as error:
            self._flush_alert()
            self._close(Reason("RFC 8446 §6.2", "TLS failed", error=error.reason or error))
        except OSError as error:
            self._broke(error)

    def send(self, now_s: float) -> None:
        """The socket has room."""
        self._now_s = now_s
        try:
            if self.state not in _SENDING and self.transport.flush(self.sock):
                self.mask = READ
                if self.state is State.TUNNEL:
                    self.deadline_s = now_s + self.limits.idle_s
            self._go_on()
        except OSError as error:
            self._broke(error)

    def expire(self, now_s: float) -> None:
        """`deadline_s` has passed."""
        self._now_s = now_s
        try:
            self._expire()
            self._go_on()
        except OSError as error:
            self._broke(error)

    def stop(self, now_s: float) -> None:
        """The server ends: close when idle, else after the answer under way."""
        self._is_stopping = True
        if self.state is State.REQUEST and self.engine.is_idle:
            self.receive(now_s)  # a request may have come that was not looked at yet
        if self.state is State.TUNNEL or (self.state is State.REQUEST and self.engine.is_idle):
            self._farewell(Reason("RFC 9112 §9.5", "the server is told to stop"))
            self.send(now_s)

    # Bytes in

    def _take(self, data: bytes) -> None:
        transport = self.transport
        plain_bytes = transport.take(data)
        if self.state is State.HANDSHAKE and transport.is_ready:
            self._await_request(self.limits.head_s)
            if (origin := secured_for(self.origin, transport.asked_for)) is not self.origin:
                self.origin, self._shortcuts = origin, Shortcuts(self._date, max_entries=0)  # those know no names
        if plain_bytes and self.state is State.REQUEST and self._take_shortcut(plain_bytes):
            return
        self.mask = READ if transport.flush(self.sock) else READ | WRITE
        if self.state is State.LINGER:
            self._discard(len(data))
        if plain_bytes and self.state is State.REQUEST:
            if self.engine.is_idle:
                self.deadline_s = self._now_s + self.limits.head_s
            self._act(self.engine.receive(plain_bytes))
        elif plain_bytes and self.state in (State.TUNNEL, State.ANSWER, State.PAUSE):
            self._act(self.engine.receive(plain_bytes))
            if self.state is State.PAUSE and self.engine.waiting_bytes > RECEIVE_BYTES:
                self.mask &= ~READ  # the rest waits in the kernel until the answer has left
        if transport.has_ended:
            self._end_of_tls()

    def _take_shortcut(self, data: bytes) -> bool:
        """Send the answers that are known to these very bytes; False where they need a closer look."""
        if not self.engine.is_idle or self._is_stopping or self._tell.is_heard:
            return False
        found = self._shortcuts.answer(data, self._now_s)
        if found is None:
            return False
        answers, self._closing = found
        self.deadline_s = self._now_s + self.limits.idle_s
        self.transport.queue(answers)
        if not self.transport.flush(self.sock):
            self.state, self.mask, self.deadline_s = State.ANSWER, WRITE, self._now_s + self.limits.stall_s
            self._answer_until_s = self._now_s + 3 * self.limits.stall_s
            self._answer_until_s += len(answers) / self.limits.slowest_bytes_per_s
        elif self._closing is not None:
            self._close_in_turn(self._closing, self.settings.closes_first)
        elif self.mask != READ:
            self.mask = READ
        return True

    def _act(self, events: list[Event]) -> None:
        """Answer once the request is here; 100 where the client asks before it sends a body."""
        for event in events:
            if isinstance(event, Request):
                self._tell.asked(event)
                self._body = []
                self.deadline_s = self._now_s + self.limits.body_s
                if event.headers.get("Expect") and not self.engine.request_complete and self._meets_expectation(event):
                    return
            elif isinstance(event, Body):
                self._body.append(event.data)
            elif isinstance(event, End):
                self._trailers = event.trailers
            elif isinstance(event, Tunnel):
                self._pass_on(event.data)
            elif isinstance(event, Closed) and self.state is State.TUNNEL:
                self._pass_on(b"")
            elif isinstance(event, Closed):  # its FIN came while it was answered
                self._close(Reason("RFC 9112 §9.5", "the client closed between requests"), first=Side.CLIENT)
                return
            elif isinstance(event, Fault):
                self._refuse(event.status, event.why)
                return
        if self.state is State.REQUEST and self.engine.request is not None and self.engine.request_complete:
            body = b"".join(self._body)
            self._give(self.origin.answer(self.engine.request, body, now_s=self._date(), trailers=self._trailers))

    def _meets_expectation(self, request: Request) -> bool:
        """Whether the request is answered before its content; sends 100 (Continue) where it is wanted."""
        early = self.origin.before_body(request, now_s=self._date())
        if early is not None:
            self._give(early)
            return True
        if self.engine.expects_continue:
            self._tell.decide("continue", Reason("RFC 9110 §10.1.1", "the client waits for 100 before its content"))
            self.transport.queue(self.engine.inform(CONTINUE))
            self.mask = READ if self.transport.flush(self.sock) else READ | WRITE
        return False

    def _pass_on(self, data: bytes) -> None:
        """Bytes of the protocol that was switched to."""
        if self._answer is None or self._answer.upgrade is None:
            return
        self.deadline_s = self._now_s + self.limits.idle_s
        self.transport.queue(self._answer.upgrade.receive(data))
        self.mask = READ if self.transport.flush(self.sock) else WRITE  # who does not read is not read from

    # Bytes out

    def _give(self, answer: Answer) -> None:
        engine, setting = self.engine, self.settings.keep_alive
        unwilling = keep_alive.exhausted(setting, engine.exchanges)
        if self._is_stopping:
            unwilling = Reason("RFC 9112 §9.5", "the server is told to stop")
        elif setting is not None and engine.request is not None and answer.upgrade is None:
            response, is_complete = answer.response, engine.request_complete
            promised = keep_alive.promise(
                response, engine.request, setting, engine.exchanges, request_complete=is_complete
            )
            answer = replace(answer, response=promised)
        head = engine.respond(answer.response, unwilling=unwilling)
        self._answer, self._content = answer, answer.content
        self._tell.answering(answer, self.engine.persistence)
        if unwilling is None and not self._tell.is_heard:
            self._shortcuts.learn(self.engine, answer, head)
        length = answer.length_bytes or 0
        self.state, self.mask = State.ANSWER, WRITE
        self._answer_until_s = self._now_s + 3 * self.limits.stall_s + length / self.limits.slowest_bytes_per_s
        self.deadline_s = self._now_s + self.limits.stall_s
        if answer.is_planned and self.engine.request is not None and self.engine.persistence is not None:
            self._steps = plan.wire_plan(answer, self.engine.request, self.engine.persistence)
            self._answer_until_s = float("inf")
            return
        self._outflow = Outflow(answer, self.engine, is_plain=not isinstance(self.transport, Tls))
        self.transport.queue(head if self._outflow.is_file else head + self._outflow.next_piece())

    def _refuse(self, status: int, why: Reason) -> None:
        self._tell.decide("refused", why, status=status)
        answer = plain(status, why, now_s=self._date())
        self._give(Answer(answer.response.with_field("Connection", "close"), answer.content, why))

    def _go_on(self) -> None:
        """Send as far as the socket takes it, answer after answer."""
        for _ in range(PIECES_A_TURN):
            if self.state not in _SENDING:
                return
            if not self.transport.flush(self.sock):
                self.mask = WRITE
                return
            if self.state is State.FAREWELL:
                self._send_fin()
            elif self._steps is not None:
                self._take_step(self._steps)
            elif not self._send_more():
                self._after_answer()
        if self.state in _SENDING:
            self.mask = WRITE

    def _send_more(self) -> bool:
        """Queue, or let the kernel send, what comes next of the content; False when all has left."""
        outflow = self._outflow
        if outflow is None:
            return False
        if outflow.is_file:
            try:
                more = outflow.send_file(self.descriptor)
            except BlockingIOError:
                more = True
        else:
            piece = outflow.next_piece()
            self.transport.queue(piece)
            more = bool(piece)
        if more:
            self.deadline_s = self._now_s + self.limits.stall_s
            if outflow.length_bytes is not None:
                self.deadline_s = min(self.deadline_s, self._answer_until_s)
        return more

    def _take_step(self, steps: Iterator[plan.Step]) -> None:
        """One step of an answer that is broken, or late, by plan."""
        step = next(steps, None)
        if step is None:
            self._steps = None
            self._after_answer()
        elif isinstance(step, plan.Write):
            self.transport.queue(step.data)
            self.deadline_s = self._now_s + self.limits.stall_s
        elif isinstance(step, plan.Pause):
            self.state, self.deadline_s = State.PAUSE, self._now_s + step.seconds_s
            self.mask = READ if self.engine.waiting_bytes <= RECEIVE_BYTES else 0
        elif isinstance(step, plan.SetNodelay):
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(step.on))
        elif isinstance(step, plan.ShutdownWrite):
            self._tell.decide("fault", Reason("RFC 9112 §9.6", "half close: our FIN, and we go on reading"))
            self._end_our_side()
        elif isinstance(step, plan.Reset):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            self._close(Reason("RFC 9293 §3.10.4", "a fault on demand: reset"), first=Side.SERVER)
        elif isinstance(step, plan.Close):
            self._close(Reason("book 4.7.4", "a fault on demand: full close, of both directions"), first=Side.SERVER)
        elif isinstance(step, plan.Farewell):
            self._steps = None
            self._note_access(is_whole=True)
            self._farewell(Reason("RFC 9112 §9.5", "a fault on demand: closed, whatever was promised"))

    def _after_answer(self) -> None:
        outflow, answer = self._outflow, self._answer
        is_short = outflow is not None and outflow.is_short
        self._note_access(is_whole=not is_short)
        self._release()
        if is_short:
            return self._close(Reason("RFC 9112 §8", "the file became shorter than its Content-Length"))
        if answer is None:  # a shortcut that did not leave at once
            if self._closing is not None:
                return self._close_in_turn(self._closing, self.settings.closes_first)
            return self._await_request(self.limits.idle_s)
        request, decision = self.engine.request, self.engine.persistence
        closes_first = None if answer.faults is None else answer.faults.closes_first
        if answer.upgrade is not None:
            self.state, self.mask, self.deadline_s = State.TUNNEL, READ, self._now_s + self.limits.idle_s
            self._act(self.engine.finish())
        elif decision is not None and decision.keep and not self._fin_sent:
            self._answer = None
            self._await_request(self.limits.idle_s)
            self._act(self.engine.finish())
        elif request is None or decision is None or not self.engine.request_complete:
            self._farewell(Reason("RFC 9112 §9.6", "nothing that may follow could be read"))
        else:
            self._close_in_turn(request, closes_first or self.settings.closes_first)
        if self.transport.has_ended:
            self._end_of_tls()
        return None

    # The end

    def _let_go(self, *, is_cut: bool) -> None:
        if is_cut:
            self._note_access(is_whole=False)
        self._steps = None
        self._release()

    def _expire(self) -> None:
        if self.state is State.PAUSE:
            self.state, self.mask, self.deadline_s = State.ANSWER, WRITE, self._now_s + self.limits.stall_s
            return None
        if self.state is State.REQUEST and not self.engine.is_idle:
            return self._refuse(408, Reason("RFC 9110 §15.5.9", "the request takes too long"))
        if self.state is State.TUNNEL and self.mask == WRITE and self._takes_on():
            self.deadline_s = self._now_s + self.limits.idle_s  # it is not read from until all has left
            return None
        if self.state in (State.REQUEST, State.TUNNEL):
            return self._farewell(Reason("RFC 9112 §9.5", "idle for too long"))
        if self.state is State.LINGER and not self._fin_sent:
            return self._linger_on()
        if self.state in _SENDING and self._takes_on():
            self.deadline_s = self._now_s + self.limits.stall_s
            return None
        return self._close(Reason("RFC 9112 §9.5", "the client takes too long", awaited=self.state))

    def _takes_on(self) -> bool:
        """Whether the client has taken enough since this was asked before, though there is no room for more yet."""
        before, self._acknowledged_bytes = self._acknowledged_bytes, acknowledged_bytes(self.sock)
        is_known = self._outflow is None or self._outflow.length_bytes is not None
        if self.state is State.ANSWER and is_known and self._now_s >= self._answer_until_s:
            return False
        least = self.limits.stall_s * self.limits.slowest_bytes_per_s
        return self._acknowledged_bytes - before >= least

    def _release(self) -> None:
        """Let the content go, once: its descriptor's number may be another connection's soon."""
        content, self._content, self._outflow = self._content, None, None
        if content is not None:
            content.close()

    # Small things

    def _await_request(self, within_s: float) -> None:
        self.state, self.mask, self.deadline_s = State.REQUEST, READ, self._now_s + within_s

    def _note_access(self, *, is_whole: bool) -> None:
        """One line in the access log, as long as the answer's content is still here."""
        if self._tell.is_heard and (answer := self._answer) is not None:
            sent = (answer.length_bytes or 0) if self._outflow is None else self._outflow.sent_bytes
            request, moment_s = self.engine.request, self._date()
            self._tell.answered(request, answer, body_bytes=sent, moment_s=moment_s, is_whole=is_whole)


_SENDING = (State.ANSWER, State.FAREWELL)
_LINGER_RESET = b"\1\0\0\0\0\0\0\0"
"""struct linger: on, for no time at all; closing then sends a RST."""
