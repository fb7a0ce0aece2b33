"""Bytes for the connection engine in all the pieces they may come in, and what it says, in short words."""

from collections.abc import Callable

from lan.services.http.protocol.connection import Body, Client, Decided, End, Event, Fault, Server, Tunnel
from lan.services.http.protocol.messages import Request, Response, headers

GET = b"GET / HTTP/1.1\r\nHost: web\r\n\r\n"
CLOSE = b"GET /last HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"
POST = b"POST /form HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"
)
OK = Response(200, headers=headers([("Content-Length", "2")]))
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
ASK = Request("GET", "/", headers=headers([("Host", "web")]))


def joined(events: list[Event]) -> list[Event]:
    """The same events with neighbouring bodies as one, and what comes through a tunnel too."""
    result: list[Event] = []
    for event in events:
        if isinstance(event, Body) and result and isinstance(result[-1], Body):
            result[-1] = Body(result[-1].data + event.data)
        elif isinstance(event, Tunnel) and result and isinstance(result[-1], Tunnel):
            result[-1] = Tunnel(result[-1].data + event.data)
        else:
            result.append(event)
    return result


def serve(pieces: list[bytes], decided: Decided | None = None) -> list[Event]:
    """What a server hears that answers each request with 200 at once."""
    server, heard = Server(decided=decided), []
    for piece in pieces:
        events = server.receive(piece)
        heard += events
        while events and isinstance(events[-1], End):
            server.respond(OK)
            events = server.finish()
            heard += events
    return joined(heard)


def fetch(pieces: list[bytes], method: str = "GET", decided: Decided | None = None) -> tuple[list[Event], Client]:
    """What a client hears after one request, and the client."""
    client = Client(decided=decided)
    client.send(Request(method, "web:80" if method == "CONNECT" else "/", headers=headers([("Host", "web")])))
    return joined([event for piece in pieces for event in client.receive(piece)]), client


def each_way(data: bytes) -> list[list[bytes]]:
    """Whole; byte by byte; in two at every place."""
    single = [data[at : at + 1] for at in range(len(data))]
    return [[data], single, *([data[:at], data[at:]] for at in range(1, len(data)))]


def heard(data: bytes) -> list[Event]:
    """What a server hears of these bytes, in whatever pieces they come."""
    return _same(data, serve)


def fetched(data: bytes, method: str = "GET") -> list[Event]:
    """What a client hears of these bytes, in whatever pieces they come."""
    return _same(data, lambda pieces: fetch(pieces, method)[0])


def _same(data: bytes, listen: Callable[[list[bytes]], list[Event]]) -> list[Event]:
    whole, *others = (listen(pieces) for pieces in each_way(data))
    for number, other in enumerate(others):
        assert other == whole, f"split {number} of {data!r}"
    return whole


def words(events: list[Event]) -> list[str]:
    """A short word for each event."""
    said = []
    for event in events:
        if isinstance(event, Request):
            said.append(f"{event.method} {event.target}")
        elif isinstance(event, Body):
            said.append(event.data.decode("latin-1"))
        elif isinstance(event, Fault):
            said.append(str(event.status))
        else:
            said.append(type(event).__name__)
    return said


def rule(events: list[Event]) -> str:
    """The status and the source of the fault that ends them: ``400 RFC 9112 §2.2``."""
    fault = events[-1]
    assert isinstance(fault, Fault), events
    return f"{fault.status} {fault.why.source}"
