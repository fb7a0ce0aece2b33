"""One HTTP connection, sans-IO: bytes in, events out, for either role.  RFC 9112.

h11 reads the messages (syntax and framing); it reads one message at a time, so that whether there
is a next one is decided in `persistence.py` alone.  `Server` answers requests in their order and
keeps pipelined bytes until asked for them; `Client` does one exchange after the other.
"""

from dataclasses import dataclass

import h11

from lan.reasons import Reason
from lan.services.http import messages
from lan.services.http.messages import HTTP_1_1, Headers, Request, Response
from lan.services.http.persistence import Persistence, connection_option, persistence

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 1024 * 1024
_PIECE_BYTES = 4096  # h11 checks its limit between pieces


@dataclass(frozen=True, slots=True)
class Body:
    """Some bytes of the message's content."""

    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The message is complete."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The peer's stream ended where a message may end."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The peer broke the protocol; nothing after it can be read.  `status` is what a server answers."""

    status: int
    why: Reason


Event = Request | Response | Body | End | Closed | Fault


class Server:
    """The server's end: `receive` gives one request's events, `respond` the response's head.

    After `End` the engine waits for `respond` and then `finish`; bytes received meanwhile are kept.
    """

    def __init__(self, *, max_head_bytes: int = MAX_HEAD_BYTES, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self.max_head_bytes, self.max_body_bytes = max_head_bytes, max_body_bytes
        self.exchanges = 0
        self.persistence: Persistence | None = None
        self._broken = False
        self._ended = self._begun = False
        self._kept = self._blank = b""
        self._start()

    @property
    def is_idle(self) -> bool:
        """No byte of a request has come since the last response."""
        return self.request is None and not self._begun

    def receive(self, data: bytes) -> list[Event]:
        """What these bytes mean; ``b""`` is the end of the client's stream."""
        if self._broken:
            return []
        self._ended = self._ended or not data
        if self.request_complete:
            self._kept += data
            return []
        return self._read(data) if not data else self._read_some(data)

    def respond(self, response: Response, *, unwilling: Reason | None = None) -> bytes:
        """The response's head as bytes, with `Connection` as the persistence decision demands.

        Its length must be in Content-Length, or the close ends it.  Raises ValueError for fields
        that would not read back.
        """
        request = self.request or Request("GET", "/")  # answering a fault in a request that can't be read
        decision = persistence(
            request,
            response,
            request_complete=self.request_complete and not self._broken,
            response_delimited=_is_delimited(request, response),
            unwilling=unwilling,
        )
        self.persistence = decision
        option = connection_option(decision, request)
        return messages.build(response.with_field("Connection", option) if option else response)

    def finish(self) -> list[Event]:
        """The response is sent: the events of the next request, as far as its bytes are here."""
        self.exchanges += 1
        if self.persistence is None or not self.persistence.keep:
            self._broken = True
            return []
        kept = self._kept
        self._start()
        events = self._read_some(kept)
        if self._ended and not self._broken and not self.request_complete:
            events += self._read(b"")
        return events

    def _start(self) -> None:
        self._reader = h11.Connection(h11.SERVER, max_incomplete_event_size=self.max_head_bytes)
        self.request: Request | None = None
        self.request_complete = False
        self._begun, self._blank, self._kept, self._body_bytes = False, b"", b"", 0

    def _read_some(self, data: bytes) -> list[Event]:
        """Read, but for one empty line before the request (RFC 9112 §2.2)."""
        if not self._begun:
            data = self._blank + data
            if b"\r\n".startswith(data):
                self._blank = data
                return []
            self._begun, data = True, data.removeprefix(b"\r\n")
        return self._read(data)

    def _read(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        try:
            for piece in _pieces(data):
                if self.request_complete:
                    self._kept += piece
                else:
                    self._reader.receive_data(piece)
                    events += self._drain()
        except _BrokenError as broken:
            self._broken = True
            events.append(broken.fault)
        except h11.RemoteProtocolError as error:
            self._broken = True
            events.append(Fault(error.error_status_hint, Reason("RFC 9112 §2.2", str(error))))
        return events

    def _drain(self) -> list[Event]:
        events: list[Event] = []
        while (event := self._reader.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                self.request = check_request(_request(event), self.max_body_bytes)
                events.append(self.request)
            elif isinstance(event, h11.Data):
                self._body_bytes += len(event.data)
                if self._body_bytes > self.max_body_bytes:
                    raise _too_long(self.max_body_bytes)
                events.append(Body(bytes(event.data)))
            elif isinstance(event, h11.EndOfMessage):
                self.request_complete = True
                events.append(End())
                self._kept += self._reader.trailing_data[0]
                break
            elif isinstance(event, h11.ConnectionClosed):
                self._broken = True
                events.append(Closed())
                break
        return events


class Client:
    """The client's end: `send` gives a request's bytes, `receive` the response's events."""

    def __init__(self, *, max_head_bytes: int = 64 * 1024) -> None:
        self.max_head_bytes = max_head_bytes
        self.request: Request | None = None
        self.response: Response | None = None
        self.persistence: Persistence | None = None
        self._reader: h11.Connection | None = None
        self._begun = False

    def send(self, request: Request, body: bytes = b"") -> bytes:
        """The request as bytes; its response is what `receive` reads next.  Raises ValueError as `build`."""
        if self.persistence is not None and not self.persistence.keep:
            raise ValueError(f"this connection carries no further request: {self.persistence.why}")
        if body:
            request = request.with_field("Content-Length", str(len(body)))
        self.request, self.response, self.persistence, self._begun = request, None, None, False
        self._reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=self.max_head_bytes)
        # The reader must know the method: a response to HEAD has no body, whatever its fields say (RFC 9112 §6.3).
        self._reader.send(h11.Request(method=request.method, target="/", headers=[("Host", "x")]))
        self._reader.send(h11.EndOfMessage())
        return messages.build(request) + body

    def receive(self, data: bytes) -> list[Event]:
        """What these bytes mean; ``b""`` is the end of the server's stream."""
        if self._reader is None or self.request is None:
            return [] if not data else [Fault(0, Reason("RFC 9112 §9.2", "bytes that answer no request"))]
        events: list[Event] = []
        if not data and not self._begun:
            self._reader = None
            self.persistence = Persistence(False, Reason("RFC 9112 §9.5", "the server closed without an answer"))
            return [Closed()]
        self._begun = True
        try:
            for piece in _pieces(data):
                if self._reader is not None:
                    self._reader.receive_data(piece)
                    events += self._drain(self._reader, self.request)
        except h11.RemoteProtocolError as error:
            self._reader, self.persistence = None, Persistence(False, Reason("RFC 9112 §8", str(error)))
            events.append(Fault(0, self.persistence.why))
        return events

    def _drain(self, reader: h11.Connection, request: Request) -> list[Event]:
        events: list[Event] = []
        while (event := reader.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.InformationalResponse):
                events.append(_response(event))
            elif isinstance(event, h11.Response):
                self.response = _response(event)
                events.append(self.response)
            elif isinstance(event, h11.Data):
                events.append(Body(bytes(event.data)))
            elif isinstance(event, h11.EndOfMessage) and self.response is not None:
                delimited = _is_delimited(request, self.response)
                self.persistence = persistence(self.response, request, response_delimited=delimited)
                self._reader = None
                events.append(End())
                break
        return events


def check_request(request: Request, max_body_bytes: int = MAX_BODY_BYTES) -> Request:
    """Refuse what two readers could frame differently (request smuggling, RFC 9112 §11.2), or what is too long."""
    has_encoding = request.headers.get("Transfer-Encoding") is not None
    length = request.headers.get("Content-Length")
    if request.version[0] != 1:
        raise _BrokenError(505, Reason("RFC 9110 §15.6.6", "only HTTP/1.0 and HTTP/1.1 are spoken here"))
    if has_encoding and length is not None:
        raise _BrokenError(400, Reason("RFC 9112 §6.3", "Transfer-Encoding and Content-Length in one message"))
    if has_encoding and request.version < HTTP_1_1:
        raise _BrokenError(400, Reason("RFC 9112 §6.1", "Transfer-Encoding in an HTTP/1.0 message"))
    if length is not None and length.isdigit() and int(length) > max_body_bytes:
        raise _too_long(max_body_bytes)
    return request


class _BrokenError(Exception):
    """A request that our own checks refuse."""

    def __init__(self, status: int, why: Reason) -> None:
        super().__init__(str(why))
        self.fault = Fault(status, why)


def _too_long(limit_bytes: int) -> _BrokenError:
    return _BrokenError(413, Reason("RFC 9110 §15.5.14", "the body is too long", limit_bytes=limit_bytes))


def _is_delimited(request: Request, response: Response) -> bool:
    """Whether the response's end is known without a close: RFC 9112 §6.3, rules 1, 4 and 6."""
    if request.method == "HEAD" or response.status in (204, 304) or response.status < 200:
        return True
    return "chunked" in response.headers.listed("Transfer-Encoding") or (
        response.headers.get("Content-Length") is not None
    )


def _pieces(data: bytes) -> list[bytes]:
    return [data[at : at + _PIECE_BYTES] for at in range(0, len(data), _PIECE_BYTES)] or [b""]


def _headers(event: h11.Request | h11.Response | h11.InformationalResponse) -> Headers:
    pairs = event.headers.raw_items()
    return Headers(tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs))


def _version(text: bytes) -> tuple[int, int]:
    major, _, minor = text.partition(b".")
    return int(major), int(minor)


def _request(event: h11.Request) -> Request:
    method, target = event.method.decode("ascii"), event.target.decode("ascii")
    return Request(method, target, headers=_headers(event), version=_version(event.http_version))


def _response(event: h11.Response | h11.InformationalResponse) -> Response:
    phrase = event.reason.decode("latin-1")
    return Response(event.status_code, phrase, headers=_headers(event), version=_version(event.http_version))
