"""A client's view of one exchange: what it asks, what it learns, and how long each phase took.

Pure: bytes and moments come in.  `fetch.py` owns sockets and the clock.  The phases are the book's
(4.2.1): name, connection, request, wait, response; TLS lies between connection and request.
"""

import enum
from dataclasses import dataclass, field

from lan.errors import RunError
from lan.reasons import Reason
from lan.services.http.connection import Body, Client, Closed, End, Event, Fault
from lan.services.http.messages import Request, Response, Version, headers
from lan.services.http.persistence import Persistence
from lan.services.http.url import Url


class Phase(enum.StrEnum):
    """The parts of a transaction's time, in their order."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    SEND = "send"
    WAIT = "wait"
    RECEIVE = "receive"
    CLOSE = "close"


@dataclass(slots=True)
class Times:
    """When each phase ended, in seconds of any clock; a phase that did not happen is absent."""

    started_s: float
    ended_s: dict[Phase, float] = field(default_factory=dict)

    def end(self, phase: Phase, now_s: float) -> None:
        """This phase has just ended."""
        self.ended_s[phase] = now_s

    def as_json(self) -> dict[str, float]:
        """Milliseconds by phase, and their `total`."""
        before_s, lasted = self.started_s, {}
        for phase in Phase:
            if phase in self.ended_s:
                lasted[phase.value] = round((self.ended_s[phase] - before_s) * 1000, 3)
                before_s = self.ended_s[phase]
        return {**lasted, "total": round((before_s - self.started_s) * 1000, 3)}


class Exchange:
    """One request and its response."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.response: Response | None = None
        self.is_complete = False
        self.body_bytes = 0
        self._engine = Client()

    def send(self, body: bytes = b"") -> bytes:
        """The request's bytes."""
        return self._engine.send(self.request, body)

    def receive(self, data: bytes) -> bytes:
        """The body bytes in what the server sent; ``b""`` is the end of its stream.

        Raises RunError where the response is cut short or is no HTTP.
        """
        return b"".join(self._learn(event) for event in self._engine.receive(data))

    @property
    def persistence(self) -> Persistence:
        """Whether the connection may carry another exchange; known when this one is complete."""
        return self._engine.persistence or Persistence(False, Reason("RFC 9112 §9.3", "the exchange is not complete"))

    def _learn(self, event: Event) -> bytes:
        if isinstance(event, Body):
            self.body_bytes += len(event.data)
            return event.data
        if isinstance(event, Response) and event.status >= 200:
            self.response = event
        elif isinstance(event, End):
            self.is_complete = True
        elif isinstance(event, Closed):
            raise RunError("the server closed the connection without an answer")
        elif isinstance(event, Fault):
            what = "the response is cut short" if self.response is not None else "the answer is no HTTP"
            raise RunError(f"{what}: {event.why.text}", todo="look at the packets: lan trace")
        return b""


def request_for(
    url: Url,
    method: str = "GET",
    *,
    connection: str | None = "close",
    version: Version = (1, 1),
    more: tuple[tuple[str, str], ...] = (),
) -> Request:
    """What lan-fetch asks: the fields a browser can't do without, `Connection` as told, then `more` in their place."""
    fields = [("Host", url.authority), ("User-Agent", "lan-fetch"), ("Accept", "*/*")]
    if connection is not None:
        fields.append(("Connection", connection))
    request = Request(method, url.target, headers=headers(fields), version=version)
    for name, value in more:
        request = request.with_field(name, value)
    return request
