"""A client's view of its exchanges: what it asks, what it learns, on which connection, how long each phase took.

Pure: events and moments come in.  `fetching/` owns sockets and the clock.  The phases are the book's
(4.2.1): name, connection, request, wait, response; TLS lies between connection and request.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lan.errors import LanError
from lan.reasons import Reason
from lan.services.http.protocol.connection import Body, Closed, End, Event, Fault
from lan.services.http.protocol.messages import Request, Response, Version, headers
from lan.services.http.protocol.persistence import Persistence, Side
from lan.services.http.protocol.url import Url

Write = Callable[[bytes], object]


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

    def spans(self) -> list[tuple[Phase, float, float]]:
        """Each phase that happened, with the moments of its begin and end."""
        before_s, found = self.started_s, []
        for phase in Phase:
            if phase in self.ended_s:
                found.append((phase, before_s, self.ended_s[phase]))
                before_s = self.ended_s[phase]
        return found

    @property
    def last_s(self) -> float:
        """When the last phase ended."""
        spans = self.spans()
        return spans[-1][2] if spans else self.started_s

    def as_json(self) -> dict[str, float]:
        """Milliseconds by phase, and their `total`."""
        lasted = {phase.value: round((end_s - begin_s) * 1000, 3) for phase, begin_s, end_s in self.spans()}
        return {**lasted, "total": round((self.last_s - self.started_s) * 1000, 3)}


@dataclass(slots=True)
class Connection:
    """What became of one connection; `route` in words, `agreed` what TLS agreed on."""

    number: int
    route: str
    why: Reason
    times: Times
    addresses: list[str] = field(default_factory=list)
    local: str = ""
    peer: str = ""
    agreed: dict[str, Any] = field(default_factory=dict)
    served: int = 0
    why_closed: Reason | None = None
    closed_first: Side | None = None
    """Who sent the first FIN; None where nobody did, or by a reset."""
    is_closed: bool = False
    """The other end's FIN came, too."""
    closed_s: float | None = None


@dataclass(slots=True)
class Exchange:
    """One object: a request, sent once or again, and its response or the reason for none."""

    number: int
    url: Url
    method: str = "GET"
    kind: str = ""
    """What a page calls it: img, script, stylesheet, icon; `page` for the page itself."""
    content: bytes | None = None
    hops: int = 0
    """Redirections before it."""
    came_from: int | None = None
    """The exchange whose redirection or page led here."""
    is_stranger: bool = False
    """A redirection or a page led to another origin: credentials stay at home."""
    asked_s: float = 0.0
    write: Write = len
    request: Request | None = None
    response: Response | None = None
    connection: int | None = None
    times: Times | None = None
    body_bytes: int = 0
    sent: int = 0
    """How often it was sent."""
    is_complete: bool = False
    is_followed: bool = False
    """Its response was a redirection that led on."""
    persistence: Persistence | None = None
    error: LanError | None = None

    def learn(self, event: Event) -> bytes:
        """Take in one event of its response; the body bytes in it."""
        if isinstance(event, Body):
            self.body_bytes += len(event.data)
            return event.data
        if isinstance(event, Response) and event.status >= 200:
            self.response = event
        elif isinstance(event, End):
            self.is_complete = True
        return b""

    @property
    def is_ok(self) -> bool:
        """A whole response below 400."""
        return self.is_complete and self.response is not None and self.response.status < 400


def ending(event: Closed | Fault, response: Response | None) -> Reason:
    """Why a connection that ended so gave no whole response, in words; `response`: the head that came, if any."""
    if isinstance(event, Closed):
        return Reason("RFC 9112 §9.5; book 4.7.1", "the server closed the connection without an answer")
    what = "the response is cut short" if response is not None else "the answer is no HTTP"
    return Reason(event.why.source, f"{what}: {event.why.text}")


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
