"""One HTTP connection, sans-IO: bytes in, events out, for either role.  RFC 9112.

`head.py` reads heads, `framing.py` says where content ends, `chunked.py` takes chunks apart,
`persistence.py` keeps or closes; here they are put in their order.  `Server` answers requests one
after the other and keeps pipelined bytes until asked for them; `Client` may have several requests
under way.  `decided` hears of each decision, its rule, and the bytes of the stream that it is about.
"""

from collections import deque
from collections.abc import Callable
from functools import lru_cache

from lan.reasons import Reason
from lan.services.http import chunked, messages
from lan.services.http.events import Body, Closed, End, Event, Fault, Refused, Tunnel
from lan.services.http.framing import Framing, Kind, frame_request, frame_response
from lan.services.http.head import MAX_START_LINE_BYTES, find_end, read_request, read_response
from lan.services.http.messages import HTTP_1_1, NO_HEADERS, Headers, Request, Response
from lan.services.http.persistence import Persistence, connection_option, persistence

__all__ = ["Body", "Client", "Closed", "Decided", "End", "Event", "Fault", "Server", "Tunnel"]

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 1024 * 1024
MAX_INFORMATIONAL = 16
"""1xx responses before the final one; more is somebody who keeps us busy."""
END = End()

Span = tuple[int, int]
Decided = Callable[[str, Reason, Span], None]


class _Reader:
    """What both roles do with received bytes: find a head, then take content out of its framing."""

    def __init__(self, max_head_bytes: int, status: int, decided: Decided | None) -> None:
        self.max_head_bytes, self.decided = max_head_bytes, decided
        self._status = status
        self._buffer = b""
        self._offset = 0  # of the buffer's first byte in the stream
        self._scanned = 0
        self._framing: Framing | None = None
        self._left = 0
        self._decoder: chunked.Decoder | None = None

    def _take_head(self) -> bytes | None:
        """The head that the buffer begins with, taken from it; None while it is not complete.  Raises Refused."""
        end = find_end(self._buffer, max(0, self._scanned - 3))
        if (end if end >= 0 else len(self._buffer)) > self.max_head_bytes:
            raise self._too_long()
        if end < 0:
            self._scanned = len(self._buffer)
            if self._scanned > MAX_START_LINE_BYTES and b"\r\n" not in self._buffer:
                raise self._too_long()
            return None
        head = self._buffer[:end]
        self._consume(end)
        return head

    def _too_long(self) -> Refused:
        if self._status == 400 and b"\r\n" not in self._buffer[: MAX_START_LINE_BYTES + 2]:
            return Refused(414, "RFC 9112 §3", "the request line is too long", limit_bytes=MAX_START_LINE_BYTES)
        status = 431 if self._status == 400 else self._status
        return Refused(status, "RFC 6585 §5", "the head is too long", limit_bytes=self.max_head_bytes)

    def _consume(self, count: int) -> None:
        self._buffer = self._buffer[count:]
        self._offset += count
        self._scanned = 0

    def _begin_content(self, framing: Framing) -> None:
        self._framing, self._left = framing, framing.length
        self._decoder = chunked.Decoder(status=self._status) if framing.kind is Kind.CHUNKED else None

    def _take_content(self, events: list[Event]) -> bool:
        """Move content from the buffer to `events`; True with an End when it is complete.  Raises Refused."""
        assert self._framing is not None
        if self._decoder is not None:
            return self._take_chunks(self._decoder, events)
        if self._framing.kind is Kind.CLOSE:
            piece = self._buffer
        else:
            piece = self._buffer[: self._left]
            self._left -= len(piece)
        if piece:
            self._consume(len(piece))
            events.append(Body(piece))
        if self._left or self._framing.kind is Kind.CLOSE:
            return False
        events.append(END)
        return True

    def _take_chunks(self, decoder: chunked.Decoder, events: list[Event]) -> bool:
        before, count = self._offset, len(self._buffer)
        content = decoder.feed(self._buffer)
        self._buffer = decoder.rest
        self._offset += count - len(self._buffer)
        if content:
            events.append(Body(content))
        if not decoder.is_done:
            return False
        if decoder.dropped:
            text = "fields that a trailer can't set are dropped"
            self._note("trailers", Reason("RFC 9110 §6.5.1", text, fields=", ".join(decoder.dropped)), before)
        events.append(End(decoder.trailers))
        return True

    def _note(self, what: str, why: Reason, start: int) -> None:
        if self.decided is not None:
            self.decided(what, why, (start, self._offset))


class Server(_Reader):
    """The server's end: `receive` gives one request's events, `respond` the response's head.

    After `End` the engine waits for `respond`, content, and then `finish`; bytes received meanwhile
    are kept.  `max_body_bytes` None: content of any length, for whoever passes it on.
    """

    def __init__(
        self,
        *,
        max_head_bytes: int = MAX_HEAD_BYTES,
        max_body_bytes: int | None = MAX_BODY_BYTES,
        decided: Decided | None = None,
    ) -> None:
        super().__init__(max_head_bytes, 400, decided)
        self.max_body_bytes = max_body_bytes
        self.exchanges = 0
        self.persistence: Persistence | None = None
        self.request: Request | None = None
        self.request_complete = False
        self.is_tunnel = False
        self._body_bytes = 0
        self._broken = self._ended = self._blank_seen = False
        self._response: Framing | None = None
        self._response_left = 0

    @property
    def is_idle(self) -> bool:
        """No byte of a request has come since the last response."""
        return self.request is None and not self._buffer and not self._broken

    @property
    def expects_continue(self) -> bool:
        """The client waits for 100 (Continue) before it sends its content (RFC 9110 §10.1.1)."""
        request = self.request
        if request is None or request.version < HTTP_1_1 or self.request_complete or self._body_bytes or self._buffer:
            return False
        return "100-continue" in request.headers.listed("Expect")

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
                known = _lone_request(data, self.max_head_bytes) if len(data) <= _LONE_BYTES else None
            except Refused as refused:
                return [self._break(refused.fault)]
            if known is not None:
                self.request, self.request_complete = known, True
                self._offset += len(data)
                return [known, END]
        self._buffer += data
        return self._read()

    def _read(self) -> list[Event]:
        events: list[Event] = []
        try:
            if self.request is None and not self._read_head(events):
                return events
            before = len(events)
            self.request_complete = self._take_content(events)
            self._count(events[before:])
        except Refused as refused:
            events.append(self._break(refused.fault))
        return events

    def _read_head(self, events: list[Event]) -> bool:
        if not self._blank_seen and self._buffer[:1] == b"\r":  # one empty line before it: RFC 9112 §2.2
            if len(self._buffer) == 1:
                return False
            if self._buffer[:2] == b"\r\n":
                self._blank_seen = True
                self._consume(2)
                self._note("ignored", Reason("RFC 9112 §2.2", "an empty line before the request"), self._offset - 2)
        start = self._offset
        head = self._take_head()
        if head is None:
            return False
        request = read_request(head)
        framing = frame_request(request)
        if self.max_body_bytes is not None and framing.length > self.max_body_bytes:
            raise _too_long(self.max_body_bytes)
        self.request = request
        self._begin_content(framing)
        self._note("framing", framing.why, start)
        events.append(request)
        return True

    def _count(self, events: list[Event]) -> None:
        self._body_bytes += sum(len(event.data) for event in events if isinstance(event, Body))
        if self.max_body_bytes is not None and self._body_bytes > self.max_body_bytes:
            raise _too_long(self.max_body_bytes)

    def _end_of_stream(self) -> Event:
        if self.request is None and not self._buffer:
            self._broken = True
            return Closed()
        return self._break(Fault(400, Reason("RFC 9112 §8", "the client's stream ended within a request")))

    def _break(self, fault: Fault) -> Fault:
        self._broken = True
        self._note("refused", fault.why, self._offset)
        return fault

    def inform(self, response: Response) -> bytes:
        """An interim response, 1xx but not 101, as bytes; nothing for a client of HTTP/1.0 (RFC 9110 §15.2)."""
        if not 100 <= response.status < 200 or response.status == 101:
            raise ValueError(f"{response.status} is no interim response")
        if self.request is None or self.request.version < HTTP_1_1:
            return b""
        return messages.build(response)

    def respond(self, response: Response, *, unwilling: Reason | None = None) -> bytes:
        """The response's head as bytes, with `Connection` as the persistence decision demands.

        Without Content-Length the content goes in chunks, or until the close: to a client of HTTP/1.0,
        and where the response itself says ``Connection: close``.  Raises ValueError for fields that
        would not read back.
        """
        request = self.request or Request("GET", "/")  # answering a fault in a request that can't be read
        response, framing = _frame_own(response, request)
        decision = persistence(
            request,
            response,
            request_complete=self.request_complete and not self._broken,
            response_delimited=framing.kind is not Kind.CLOSE,
            unwilling=unwilling,
        )
        self.persistence, self._response, self._response_left = decision, framing, framing.length
        if self.decided is not None:
            self._note("response framing", framing.why, self._offset)
            self._note("keep" if decision.keep else "close", decision.why, self._offset)
        if framing.kind is Kind.TUNNEL:
            return messages.build(response)
        option = connection_option(decision, request)
        return messages.build(response.with_field("Connection", option) if option else response)

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
            self._response_left -= len(data)
            if self._response_left < 0:
                raise ValueError("more content than Content-Length says")
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
        self._body_bytes, self._blank_seen = 0, False
        events = self._read() if self._buffer else []
        if self._ended and not self._broken and not self.request_complete:
            events.append(self._end_of_stream())
        return events


class Client(_Reader):
    """The client's end: `send` gives a request's bytes, `receive` the responses' events in the same order."""

    def __init__(self, *, max_head_bytes: int = 64 * 1024, decided: Decided | None = None) -> None:
        super().__init__(max_head_bytes, 502, decided)
        self.response: Response | None = None
        self.persistence: Persistence | None = None
        self.is_tunnel = False
        self._waiting: deque[Request] = deque()
        self._sending: Framing | None = None
        self._sending_left = self._interim = 0
        self._broken = False

    @property
    def unanswered(self) -> tuple[Request, ...]:
        """The requests whose responses have not come to their end, the oldest first."""
        return tuple(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Nothing is under way, and another request may go."""
        return not self._waiting and not self._broken and (self.persistence is None or self.persistence.keep)

    def send(self, request: Request, body: bytes = b"") -> bytes:
        """The request as bytes; may be called before the last one is answered (pipelining, RFC 9112 §9.3.2).

        Raises ValueError as `build`, and where this connection carries no further request.
        """
        if body or request.method in ("POST", "PUT", "PATCH"):
            request = request.with_field("Content-Length", str(len(body)))
        return self.begin(request) + self.body(body) + self.end()

    def begin(self, request: Request) -> bytes:
        """The head of a request whose content follows in pieces; without Content-Length it goes in chunks
        where the request says ``Transfer-Encoding: chunked``.  Raises ValueError as `send`."""
        if self._broken or (self.persistence is not None and not self.persistence.keep):
            why = self.persistence.why if self.persistence is not None else "it broke"
            raise ValueError(f"this connection carries no further request: {why}")
        if self._sending is not None:
            raise ValueError("the last request is not complete")
        if self._waiting and "close" in self._waiting[-1].connection_options:
            raise ValueError("the last request said Connection: close")
        try:
            self._sending = frame_request(request)
        except Refused as refused:
            raise ValueError(str(refused)) from None
        built = messages.build(request)
        self._sending_left = self._sending.length
        self._waiting.append(request)
        return built

    def body(self, data: bytes) -> bytes:
        """Content in the request's framing.  Raises ValueError for more than Content-Length says."""
        if self._sending is None:
            raise ValueError("content before its head")
        if self._sending.kind is Kind.CHUNKED:
            return chunked.encode(data)
        self._sending_left -= len(data)
        if self._sending_left < 0:
            raise ValueError("more content than Content-Length says")
        return data

    def end(self, trailers: Headers = NO_HEADERS) -> bytes:
        """What ends the request's content.  Raises ValueError where some is missing."""
        sending, self._sending = self._sending, None
        if self._sending_left:
            raise ValueError("less content than Content-Length says")
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
            events.append(self._break(refused.fault))
        return events

    def _read(self, events: list[Event]) -> bool:
        """Read one message on; False where more bytes are wanted."""
        if not self._waiting:
            if self._buffer:
                raise Refused(502, "RFC 9112 §9.2", "bytes that answer no request")
            return False
        if self._framing is None and not self._read_head(events):
            return False
        if self._framing is None:  # an interim response: the final one follows
            return True
        if self._framing.kind is Kind.TUNNEL:
            self.is_tunnel, rest, self._buffer = True, self._buffer, b""
            events.extend([Tunnel(rest)] if rest else [])
            return False
        if not self._take_content(events):
            return False
        self._complete()
        return True

    def _read_head(self, events: list[Event]) -> bool:
        start = self._offset
        head = self._take_head()
        if head is None:
            return False
        response = read_response(head)
        if response.status < 200 and response.status != 101:
            self._interim += 1
            if self._interim > MAX_INFORMATIONAL:
                raise Refused(502, "RFC 9110 §15.2", "too many interim responses", limit=MAX_INFORMATIONAL)
            events.append(response)
            return True
        framing = frame_response(response, self._waiting[0].method)
        self.response, self._interim = response, 0
        self._begin_content(framing)
        self._note("framing", framing.why, start)
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
        self._note("keep" if self.persistence.keep else "close", self.persistence.why, self._offset)
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
            return Closed()
        return self._break(Fault(502, Reason("RFC 9112 §8", "the server's stream ended within a response")))

    def _break(self, fault: Fault) -> Fault:
        self._broken, self.persistence = True, Persistence(False, fault.why)
        self._note("refused", fault.why, self._offset)
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


def _frame_own(response: Response, request: Request) -> tuple[Response, Framing]:
    """How our own response's content ends, and the response with the fields that say so."""
    framing = _own_framing(response, request)
    if framing.kind is Kind.CHUNKED:
        return response.with_field("Transfer-Encoding", "chunked"), framing
    if response.headers.get("Transfer-Encoding") is not None:  # not to HTTP/1.0, nor where no content is
        response = Response(
            response.status, response.phrase, headers=response.headers.without("Transfer-Encoding"),
            version=response.version,
        )  # fmt: skip
    return response, framing


def _own_framing(response: Response, request: Request) -> Framing:
    if request.method == "HEAD" or response.status < 200 or response.status in (204, 304):
        return frame_response(response, request.method)
    if request.method == "CONNECT" and response.status < 300:
        return frame_response(response, request.method)
    length = response.headers.get("Content-Length")
    if length is not None:
        if not length.isdigit():
            raise ValueError(f"Content-Length {length!r} is no number")
        return Framing(Kind.LENGTH, Reason("RFC 9112 §6.2", "its length is known", length=length), int(length))
    if request.version < HTTP_1_1:
        return Framing(Kind.CLOSE, Reason("RFC 9112 §6.1", "HTTP/1.0 knows no chunks: until the close"))
    if "close" in response.connection_options and response.headers.get("Transfer-Encoding") is None:
        return Framing(Kind.CLOSE, Reason("RFC 9112 §6.3 rule 8", "of unknown length: until the close"))
    return Framing(Kind.CHUNKED, Reason("RFC 9112 §7.1", "its length is not known: in chunks"))


def _too_long(limit_bytes: int) -> Refused:
    return Refused(413, "RFC 9110 §15.5.14", "the body is too long", limit_bytes=limit_bytes)
