"""What an answer is: a response, its content, and all that the server does beside sending it.  RFC 9110 §3.4.

Pure.  `origin.py` and the applications make answers, `session.py` carries them out.  A plain answer
is a head and content of known length; everything else is a field of `Answer` that is mostly empty.

- Content-Length stands in the response: that many bytes of the content are sent.  It does not: the
  content is read until it gives ``b""`` and framed by the engine (chunked, or ended by the close).
- `is_planned`: the session carries out the steps of `plan.wire_plan` in place of its own way.
- `upgrade`: the response is a 101, and the bytes that follow belong to that protocol.
- `is_current`: while it says True, the same request gets the same answer, but for its Date; it is told the
  turn of the server's loop, in which nothing need be looked at twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from lan.reasons import Reason
from lan.services.http.origin.faults import Faults
from lan.services.http.protocol import dates
from lan.services.http.protocol.messages import STATUS_WORDS, Headers, Response, headers


class Content(Protocol):
    """The bytes of a file, read piece by piece; whoever gets one closes it."""

    @property
    def descriptor(self) -> int | None:
        """An open file that holds the content from `start_bytes` on, for sendfile; None: read it by `read`."""

    @property
    def start_bytes(self) -> int:
        """Where in `descriptor` the content begins."""

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; ``b""`` where the content ends."""

    def close(self) -> None:
        """Let the file go."""


class Upgrade(Protocol):
    """Another protocol on the connection, after a 101 (RFC 9110 §7.8)."""

    def receive(self, data: bytes) -> bytes:
        """What is sent for these bytes of the client; ``b""`` is its FIN, after which no more is sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, the content whose first Content-Length bytes are its body (None: no body), and why."""

    response: Response
    content: Content | None
    why: Reason
    trailers: Headers = field(default=Headers())
    upgrade: Upgrade | None = None
    delay_s: float = 0.0
    faults: Faults | None = None
    is_current: Callable[[float], bool] | None = None

    @property
    def length_bytes(self) -> int | None:
        """How long the body is; None: until the content ends."""
        if self.content is None:
            return 0
        length = self.response.headers.get("Content-Length")
        return None if length is None else int(length)

    @property
    def is_planned(self) -> bool:
        """Whether it leaves by `plan.wire_plan`, with pauses or faults."""
        return self.faults is not None or self.delay_s > 0

    def without_content(self, why: Reason) -> "Answer":
        """The head alone; the content is let go."""
        if self.content is not None:
            self.content.close()
        return replace(self, content=None, why=why, trailers=Headers())


class Memory:
    """Content that is at hand."""

    descriptor, start_bytes = None, 0

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, offset: int, count: int) -> bytes:
        return self.data[offset : offset + count]

    def close(self) -> None:
        pass


class Window:
    """A part of another content: `length` bytes from `offset` on."""

    def __init__(self, whole: Content, offset: int, length: int) -> None:
        self.whole, self.offset, self.length = whole, offset, length
        self.descriptor, self.start_bytes = whole.descriptor, whole.start_bytes + offset

    def read(self, offset: int, count: int) -> bytes:
        return self.whole.read(self.offset + offset, max(0, min(count, self.length - offset)))

    def close(self) -> None:
        self.whole.close()


class Joined:
    """Pieces one after the other: bytes as they are, and (offset, length) parts of another content."""

    descriptor, start_bytes = None, 0

    def __init__(self, whole: Content, pieces: list[bytes | tuple[int, int]]) -> None:
        self.whole, self.pieces = whole, pieces

    def read(self, offset: int, count: int) -> bytes:
        at, data = 0, b""
        for piece in self.pieces:
            length = len(piece) if isinstance(piece, bytes) else piece[1]
            start, wanted = offset + len(data) - at, count - len(data)
            if wanted and start < length:
                found = self._read(piece, start, min(wanted, length - start))
                data += found
                if len(found) < min(wanted, length - start):  # the file became shorter
                    break
            at += length
        return data

    def _read(self, piece: bytes | tuple[int, int], start: int, count: int) -> bytes:
        return piece[start : start + count] if isinstance(piece, bytes) else self.whole.read(piece[0] + start, count)

    def close(self) -> None:
        self.whole.close()


def plain(
    status: int, why: Reason, *, now_s: float, more: list[tuple[str, str]] | None = None, details: str = ""
) -> Answer:
    """A short answer in words; errors say their reason, for this is a server to learn from."""
    body = f"{status} {STATUS_WORDS[status]}: {why.text}\n{details}".encode("utf-8", "replace")
    described = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    return Answer(Response(status, headers=headers([*standard(now_s), *described, *(more or [])])), Memory(body), why)


def standard(now_s: float) -> list[tuple[str, str]]:
    """The fields that stand in every response of ours: Date and Server (RFC 9110 §6.6.1, §10.2.4)."""
    return [("Date", dates.build(now_s)), ("Server", "lan")]
