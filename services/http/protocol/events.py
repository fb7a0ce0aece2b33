"""What a connection engine says that it has read.  RFC 9112.

Heads are events of their own: `messages.Request` and `messages.Response`.  Then come `Body` pieces
and one `End`; a stream that stops instead gives `Closed` or `Fault`.
"""

from dataclasses import dataclass

from lan.reasons import Reason
from lan.services.http.protocol.messages import NO_HEADERS, Headers, Request, Response


@dataclass(frozen=True, slots=True)
class Body:
    """Some bytes of the message's content, without their framing."""

    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The message is complete; `trailers` are the fields after a chunked body (RFC 9112 §7.1.2)."""

    trailers: Headers = NO_HEADERS


@dataclass(frozen=True, slots=True)
class Tunnel:
    """Bytes after a switch: of another protocol after 101, of anything at all after CONNECT."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The peer's stream ended where a message may end."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The peer broke the protocol; nothing after it can be read.

    `status` is what to answer: a server its client, a proxy (502) for a server that it can't understand.
    """

    status: int
    why: Reason


Event = Request | Response | Body | End | Tunnel | Closed | Fault


class Refused(Exception):  # noqa: N818 - a decision, not a defect
    """A message that can't be read safely: raised inside the engine, told as its `fault`."""

    def __init__(self, status: int, source: str, text: str, *, seen_bytes: int | None = None, **facts: object) -> None:
        """`seen_bytes`: how much of the head, size line or trailer section at hand shows it; None for all of it."""
        self.fault, self.seen_bytes = Fault(status, Reason(source, text, **facts)), seen_bytes
        super().__init__(str(self.fault.why))
