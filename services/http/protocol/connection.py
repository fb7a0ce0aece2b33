"""One HTTP connection, sans-IO: bytes in, events out, for either role.  RFC 9112.

`head.py` reads heads, `framing.py` says where content ends, `chunked.py` takes chunks apart,
`outgoing.py` adds what heads of our own must say, `persistence.py` keeps or closes; here they are put
in their order.  `Server` answers requests one
after the other and keeps pipelined bytes until asked for them; `Client` may have several requests
under way.  `decided` hears of each decision, its rule, and the bytes of the stream that it is about.

Nothing is kept without a bound but what is received while a request is answered: read no more until `finish`.
"""

from collections import deque
from functools import lru_cache

from lan.reasons import Reason
from lan.services.http.protocol import chunked, messages
from lan.services.http.protocol.events import Body, Closed, End, Event, Fault, Refused, Tunnel
from lan.services.http.protocol.framing import Framing, Kind, frame_request, frame_response, with_one_length
from lan.services.http.protocol.head import find_end, read_request, read_response
from lan.services.http.protocol.messages import HTTP_1_1, NO_HEADERS, Headers, Request, Response
from lan.services.http.protocol.outgoing import framed, may_switch, with_option, with_te_named
from lan.services.http.protocol.persistence import Persistence, connection_option, persistence
from lan.services.http.protocol.reader import END, Decided, Reader
from lan.services.http.protocol.target import check_host

__all__ = ["Body", "Client", "Closed", "Decided", "End", "Event", "Fault", "Server", "Tunnel"]

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 1024 * 1024
MAX_INFORMATIONAL = 16
"""1xx responses before the final one; more is somebody who keeps us busy."""


class Server(Reader):
    """The server's end: `receive` gives one request's events, `respond` the response's head.

    After `End` the engine waits for `respond`, content, and then `finish`; bytes received meanwhile
    are kept.  `lone_request_bytes`: the request under way, where it has no content.
    `max_body_bytes` None: content of any length, for whoever passes it on.
    """

    def __init__(
        self,
        *,
        max_head_bytes: int = MAX_HEAD_BYTES,
        max_body_bytes: int | None = MAX_BODY_BYTES,
        decided: Decided | None = None,
    ) -> None:
        super().__init__(max_head_bytes=max_head_bytes, max_body_bytes=max_body_bytes, status=400, decided=decided)
        self.exchanges = 0
        self.persistence: Persistence | None = None
        self.request: Request | None = None
        self.request_complete = False
        self.lone_request_bytes: bytes | None = None
        self.is_tunnel = False
        self._broken = self._ended = self._blank_seen = False
        self._response: Framing | None = None
        self._response_left = 0

    @property
    def is_idle(self) -> bool:
        """No byte of a request has come since the last response."""
        return self.request is None and not self._buffer and not self._broken

    @property
    def waiting_bytes(self) -> int:
        """What has come and is not understood yet, such as requests behind the one that is being answered."""
        return len(self._buffer)

    @property
    def expects_continue(self) -> bool:
        """The client waits for 100 (Continue) before it sends its content (RFC 9110 §10.1.1)."""
        request = self.request
        if request is None or request.version < HTTP_1_1 or self.request_complete:
            return False
        return self._offset == self._content_start and "100-continue" in request.headers.listed("Expect")

    def receive(self, data: bytes) -> list[Event]:
        """What these bytes mean; ``b""`` is the end of the client's stream."""
        if self._broken:
            return []
        if self.is_tunnel:
            return [Tunnel(data)] if data else [Closed()]
        if not data:
            self._ended = True
            return [] if self.request_complete else [self._end_of_stream()]
        if self.request_complete:
            self._buffer += data
            return []
        if not self._buffer and self.request is None and self.decided is None:
            try:
                is_lone = data.find(b"\r\n\r\n") == len(data) - 4  # several in a row hardly come again as they are
                known = _lone_request(data, self.max_head_bytes) if is_lone and len(data) <= _LONE_BYTES else None
            except Refused as refused:
                return [self._break(refused)]
            if known is not None:
                self.request, self.request_complete, self.lone_request_bytes = known, True, data
                self._offset += len(data)
                return [known, END]
        self._buffer += data
        return self._read()

    def _read(self) -> list[Event]:
        events: list[Event] = []
        try:
            if self.request is None and not self._read_head(events):
                return events
            self.request_complete = self._take_content(events)
        except Refused as refused:
            events.append(self._break(refused))
        return events

    def _read_head(self, events: list[Event]) -> bool:
        if not self._blank_seen and self._buffer[:1] == b"\r":  # one empty line before it: RFC 9112 §2.2
            if len(self._buffer) == 1:
                return False
            if self._buffer[:2] == b"\r\n":
                self._blank_seen = True
                self._consume(2)
                self._note("ignored", Reason("RFC 9112 §2.2", "an empty line before the request"), self._offset - 2)
        head = self._take_head()
        if head is None:
            return False
        request = read_request(head)
        framing = frame_request(request)
        self._begin_content(framing)
        self.request, self.lone_request_bytes = request, head if framing.kind is Kind.NONE else None
        events.append(request)
        return True

    def _end_of_stream(self) -> Event:
        if self.request is None and not self._buffer:
            self._broken = True
            return Closed()
        self._broken = True
        fault = Fault(400, Reason("RFC 9112 §8", "the client's stream ended within a request"))
        self._note_cut(fault)
        return fault

    def _break(self, refused: Refused) -> Fault:
        self._broken = True
        self._note_refused(refused)
        return refused.fault

    def inform(self, response: Response) -> bytes:
        """An interim response, 1xx but not 101, as bytes; nothing for a client of HTTP/1.0 (RFC 9110 §15.2)."""
        if not 100 <= response.status < 200 or response.status == 101:
            raise ValueError(f"{response.status} is no interim response")
        if self.request is None or self.request.version < HTTP_1_1:
            return b""
        return messages.build(response.without("Transfer-Encoding", "Content-Length"))

    def respond(self, response: Response, *, unwilling: Reason | None = None) -> bytes:
        """The response's head as bytes, with `Connection` as the persistence decision demands.

        Without Content-Length the content goes in chunks, or until the close: to a client of HTTP/1.0,
        and where the response itself says ``Connection: close``.  Raises ValueError for fields that
        would not read back, for a second response, and for a switch of protocols within a request.
        """
        if self._response is not None:
            raise ValueError("the request is answered already")
        request = self.request or Request("GET", "/")  # answering a fault in a request that can't be read
        response, framing = framed(response, request)
        if framing.kind is Kind.TUNNEL and not self.request_complete:
            raise ValueError("the request's content would be taken for the new protocol's")
        decision = persistence(
            request,
            response,
            request_complete=self.request_complete,
            response_delimited=framing.kind is not Kind.CLOSE,
            unwilling=unwilling,
        )
        self.persistence, self._response, self._response_left = decision, framing, framing.length
        if self.decided is not None:
            self._note("response framing", framing.why, self._message_start)
            self._note("keep" if decision.keep else "close", decision.why, self._message_start)
        if framing.kind is Kind.TUNNEL:
            return messages.build(response)
        option = connection_option(decision, request)
        return messages.build(with_option(response, option) if option else response)

    def body(self, data: bytes) -> bytes:
        """Content in the response's framing.  Raises ValueError for more than Content-Length says."""
        framing = self._response
        if framing is None:
            raise ValueError("content before its head")
        if framing.kind is Kind.NONE:
            return b""
        if framing.kind is Kind.CHUNKED:
            return chunked.encode(data)
        if framing.kind is Kind.LENGTH:
            if len(data) > self._response_left:
                raise ValueError("more content than Content-Length says")
            self._response_left -= len(data)
        return data

    def end(self, trailers: Headers = NO_HEADERS) -> bytes:
        """What ends the content.  Less of it than Content-Length says leaves only the close."""
        framing = self._response
        if framing is not None and framing.kind is Kind.LENGTH and self._response_left:
            why = Reason("RFC 9112 §8", "the content is shorter than its Content-Length", missing=self._response_left)
            self.persistence = Persistence(False, why)
        return chunked.encode_end(trailers) if framing is not None and framing.kind is Kind.CHUNKED else b""

    def finish(self) -> list[Event]:
        """The response is sent: the events of the next request, as far as its bytes are here."""
        self.exchanges += 1
        if self._response is not None and self._response.kind is Kind.TUNNEL:
            self.is_tunnel, rest, self._buffer = True, self._buffer, b""
            return [*([Tunnel(rest)] if rest else []), *([Closed()] if self._ended else [])]
        if self.persistence is None or not self.persistence.keep:
            self._broken = True
            return []
        self.request, self.request_complete, self._framing, self._response = None, False, None, None
        self._message_start, self._blank_seen = self._offset, False
        events = self._read() if self._buffer else []
        if self._ended and not self._broken and not self.request_complete:
            events.append(self._end_of_stream())
        return events


class Client(Reader):
    """The client's end: `send` gives a request's bytes, `receive` the responses' events in the same order."""

    def __init__(self, *, max_head_bytes: int = 64 * 1024, decided: Decided | None = None) -> None:
        super().__init__(max_head_bytes=max_head_bytes, max_body_bytes=None, status=502, decided=decided)
        self.response: Response | None = None
        self.persistence: Persistence | None = None
        self.is_tunnel = False
        self._waiting: deque[Request] = deque()
        self._sending: Framing | None = None
        self._sending_left = self._interim = 0
        self._broken = False

    @property
    def unanswered(self) -> tuple[Request, ...]:
        """The requests whose responses have not come to their end, the oldest first.

        After a close that came too early these may be sent again, those that are idempotent (RFC 9110 §9.2.2).
        """
        return tuple(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Nothing is under way, and another request may go."""
        if self._waiting or self._broken or self.is_tunnel:
            return False
        return self.persistence is None or self.persistence.keep

    @property
    def has_begun(self) -> bool:
        """Some bytes of the response to the oldest unanswered request are here."""
        return bool(self._waiting) and (self._framing is not None or bool(self._buffer))

    def send(self, request: Request, body: bytes = b"") -> bytes:
        """The request as bytes; may be called before the last one is answered (pipelining, RFC 9112 §9.3.2).

        Raises ValueError as `build`, and where this connection carries no further request.
        """
        if body or request.method in ("POST", "PUT", "PATCH") or request.headers.get("Content-Length") is not None:
            request = request.with_field("Content-Length", str(len(body)))
        return self.begin(request) + self.body(body) + self.end()

    def begin(self, request: Request) -> bytes:
        """The head of a request whose content follows in pieces; without Content-Length it goes in chunks
        where the request says ``Transfer-Encoding: chunked``.  Raises ValueError as `send`, and for a request
        without Host or with a content that no server can frame."""
        if self._broken or (self.persistence is not None and not self.persistence.keep):
            why = self.persistence.why if self.persistence is not None else "it broke"
            raise ValueError(f"this connection carries no further request: {why}")
        if self._sending is not None:
            raise ValueError("the last request is not complete")
        if self.is_tunnel or (self._waiting and may_switch(self._waiting[-1])):
            raise ValueError("the last request asked for another protocol")
        if self._waiting and "close" in self._waiting[-1].connection_options:
            raise ValueError("the last request said Connection: close")
        try:
            check_host(request)
            framing = frame_request(request)
        except Refused as refused:
            raise ValueError(str(refused)) from None
        request = with_te_named(request)
        built = messages.build(request)
        self._sending, self._sending_left = framing, framing.length
        self._waiting.append(request)
        return built

    def body(self, data: bytes) -> bytes:
        """Content in the request's framing.  Raises ValueError for more than Content-Length says."""
        if self._sending is None:
            raise ValueError("content before its head")
        if self._sending.kind is Kind.CHUNKED:
            return chunked.encode(data)
        if len(data) > self._sending_left:
            raise ValueError("more content than Content-Length says")
        self._sending_left -= len(data)
        return data

    def end(self, trailers: Headers = NO_HEADERS) -> bytes:
        """What ends the request's content.  Raises ValueError where some is missing."""
        if self._sending_left:
            raise ValueError("less content than Content-Length says")
        sending, self._sending = self._sending, None
        return chunked.encode_end(trailers) if sending is not None and sending.kind is Kind.CHUNKED else b""

    def receive(self, data: bytes) -> list[Event]:
        """What these bytes mean; ``b""`` is the end of the server's stream."""
        if self._broken:
            return []
        if self.is_tunnel:
            return [Tunnel(data)] if data else [Closed()]
        if not data:
            return [self._end_of_stream()]
        self._buffer += data
        events: list[Event] = []
        try:
            while not self._broken and self._read(events):
                pass
        except Refused as refused:
            self._note_refused(refused)
            events.append(self._break(refused.fault))
        return events

    def _read(self, events: list[Event]) -> bool:
        """Read one message on; False where more bytes are wanted."""
        if not self._waiting:
            if self._buffer:
                self._message_start = self._offset
                raise Refused(502, "RFC 9112 §9.2", "bytes that answer no request", seen_bytes=len(self._buffer))
            return False
        if self._framing is None and not self._read_head(events):
            return False
        if self._framing is None:  # an interim response: the final one follows
            return True
        if self._framing.kind is Kind.TUNNEL:
            self._waiting.popleft()
            self.is_tunnel, rest, self._buffer = True, self._buffer, b""
            events.extend([Tunnel(rest)] if rest else [])
            return False
        if not self._take_content(events):
            return False
        self._complete()
        return True

    def _read_head(self, events: list[Event]) -> bool:
        head = self._take_head()
        if head is None:
            return False
        response = read_response(head)
        if response.status == 101 and self._waiting[0].headers.get("Upgrade") is None:
            raise Refused(502, "RFC 9110 §7.8", "a switch to another protocol that nobody asked for")
        if response.status < 200 and response.status != 101:
            self._interim += 1
            if self._interim > MAX_INFORMATIONAL:
                raise Refused(502, "RFC 9110 §15.2", "too many interim responses", limit=MAX_INFORMATIONAL)
            events.append(with_one_length(response))
            return True
        self._begin_content(frame_response(response, self._waiting[0].method))
        response = with_one_length(response)
        self.response, self._interim = response, 0
        events.append(response)
        return True

    def _complete(self) -> None:
        assert self.response is not None and self._framing is not None
        request = self._waiting.popleft()
        delimited = self._framing.is_delimited
        self.persistence = persistence(
            self.response, request, request_complete=self._sending is None or bool(self._waiting),
            response_delimited=delimited,
        )  # fmt: skip
        self._framing = None
        self._note("keep" if self.persistence.keep else "close", self.persistence.why, self._message_start)
        if not self.persistence.keep:
            self._broken = True

    def _end_of_stream(self) -> Event:
        if self._framing is not None and self._framing.kind is Kind.CLOSE:
            self._complete()
            return END
        if self._framing is None and not self._buffer:
            why = Reason("RFC 9112 §9.5", "the server closed without an answer")
            if not self._waiting:
                why = Reason("RFC 9112 §9.5", "the server closed between exchanges")
            self._broken, self.persistence = True, Persistence(False, why)
            self._note("close", why, self._offset)
            return Closed()
        fault = Fault(502, Reason("RFC 9112 §8", "the server's stream ended within a response"))
        self._note_cut(fault)
        return self._break(fault)

    def _break(self, fault: Fault) -> Fault:
        self._broken, self.persistence = True, Persistence(False, fault.why)
        return fault


_LONE_BYTES = 2048


@lru_cache(512)
def _lone_request(data: bytes, max_head_bytes: int) -> Request | None:
    """The request that these bytes are, wholly and without content; None for anything else.  Raises Refused.

    The same bytes mean the same request, so what was read once need not be read again.
    """
    if len(data) > max_head_bytes or data.startswith(b"\r") or find_end(data) != len(data):
        return None
    request = read_request(data)
    return request if frame_request(request).kind is Kind.NONE else None
