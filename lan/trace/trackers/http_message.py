"""One direction of an HTTP/1 connection, cut into messages.  RFC 9112 §2, §6, §7.  Pure.

To look at, not to act on: what a real receiver would refuse is read as far as it makes sense.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from lan.trace.frame import Frame
from lan.trace.stream import Readable
from lan.wire import http
from lan.wire.http import Http

LONGEST_HEAD_BYTES = http.LONGEST_HEAD_BYTES
LONGEST_CHUNK_LINE_BYTES = 4096


class Framing(StrEnum):
    """How the end of a body is known (RFC 9112 §6.3)."""

    NONE = "no body"
    LENGTH = "Content-Length"
    CHUNKED = "chunked"
    CLOSE = "until close"
    TUNNEL = "tunnel"


@dataclass(slots=True, eq=False, repr=False)
class Message:
    """A request or response as far as it came; `start` and `end` are offsets in its stream."""

    head: Http
    framing: Framing
    start: int
    end: int
    stream: Readable
    length: int | None = None
    """Bytes that its Content-Length promises."""
    body_bytes: int = 0
    """Bytes of content so far: without the chunks' own lines."""
    is_complete: bool = False
    is_truncated: bool = False
    """Whether the connection ended before the message did."""
    problems: list[str] = field(default_factory=list)

    @property
    def frames(self) -> list[Frame]:
        """The frames that brought it."""
        return self.stream.frames_of(self.start, self.end)

    @property
    def missing_bytes(self) -> int:
        """How many of its bytes its receiver acknowledged, and the capture has not."""
        return sum(max(min(stop, self.end) - max(start, self.start), 0) for start, stop in self.stream.gaps)

    def __repr__(self) -> str:
        state = "" if self.is_complete else ", truncated" if self.is_truncated else ", goes on"
        return f"<{self.head.start_line}, {self.framing}, {self.body_bytes} bytes{state}>"


class MessageReader:
    """Reads message after message from a stream that grows."""

    def __init__(self, stream: Readable) -> None:
        self.stream = stream
        self.is_lost = False
        """Whether what stands here now is no HTTP: a tunnel, another protocol, damage."""
        self._at = 0
        self._chunk_left = -1
        self._current: Message | None = None

    def read(self, method: str | None = None) -> Message | None:
        """Begin or go on with one message; None while not even its head is whole.

        `method` is that of the request where this is its response.  Call it again for the next
        message once this one is complete.
        """
        if self.is_lost:
            return None
        if self._current is None and not self._read_head(method):
            return None
        message = self._current
        assert message is not None
        BODIES[message.framing](self, message)
        message.end = self._at
        if message.is_complete:
            self._current = None
        return message

    @property
    def at(self) -> int:
        """The offset up to which the stream is read."""
        return self._at

    def finish(self, *, is_reset: bool = False) -> Message | None:
        """The stream has ended; the message whose head was not whole then, if there is one."""
        if self.is_lost:
            return None
        message, cut = self._current, None
        if message is None:
            cut = self._cut_head()
        elif message.framing is Framing.CLOSE and not is_reset:
            message.is_complete = True
        elif message.framing is not Framing.TUNNEL:
            message.is_truncated = True
        self._current, self.is_lost = None, True
        return cut

    def _cut_head(self) -> Message | None:
        rest = bytes(self.stream.data[self._at :])
        head = http.read(rest, 0, len(rest))
        if head.kind == "data" or head.body_start is not None:
            return None
        end = self._at + len(rest)
        return Message(head, Framing.NONE, self._at, end, self.stream, is_truncated=True)

    def _read_head(self, method: str | None) -> bool:
        data = self.stream.data
        while data[self._at : self._at + 2] == b"\r\n":  # RFC 9112 §2.2: empty lines before a request
            self._at += 2
        stop = min(len(data), self._at + LONGEST_HEAD_BYTES)
        head = http.read(bytes(data[self._at : stop]), 0, stop - self._at)
        if head.body_start is None:
            self.is_lost = stop - self._at == LONGEST_HEAD_BYTES or _is_foreign(data, self._at)
            return False
        framing, length, problem = _framing(head, method)
        message = Message(head, framing, self._at, self._at, self.stream, length)
        message.problems += [problem] if problem else []
        self._at += head.body_start
        self._chunk_left = -1
        self._current = message
        return True

    def _no_body(self, message: Message) -> None:
        message.is_complete = True

    def _counted(self, message: Message) -> None:
        assert message.length is not None
        taken = min(message.length - message.body_bytes, len(self.stream.data) - self._at)
        message.body_bytes += taken
        self._at += taken
        message.is_complete = message.body_bytes == message.length

    def _until_close(self, message: Message) -> None:
        message.body_bytes += len(self.stream.data) - self._at
        self._at = len(self.stream.data)

    def _tunnel(self, message: Message) -> None:
        message.is_complete = self.is_lost = True

    def _chunked(self, message: Message) -> None:
        """Chunk lines, chunks and trailers (RFC 9112 §7.1), as far as they are whole."""
        data = self.stream.data
        while not message.is_complete:
            if self._chunk_left > 0:
                taken = min(self._chunk_left, len(data) - self._at)
                message.body_bytes += taken
                self._at += taken
                self._chunk_left -= taken
                if self._chunk_left:
                    return
            newline = data.find(b"\n", self._at)
            if newline < 0:
                self.is_lost = len(data) - self._at > LONGEST_CHUNK_LINE_BYTES
                return
            line = bytes(data[self._at : newline]).strip()
            if not self._chunk_line(message, line):
                return
            self._at = newline + 1

    def _chunk_line(self, message: Message, line: bytes) -> bool:
        """Take a line between chunks; False where it makes no sense."""
        if self._chunk_left == LAST_CHUNK:  # a trailer, or the empty line that ends the message
            message.is_complete = not line
        elif self._chunk_left == 0:  # the end of a chunk's data
            self._chunk_left = -1
            return not line or self._lose(message, line)
        else:
            try:
                self._chunk_left = int(line.split(b";")[0].strip(), 16) or LAST_CHUNK
            except ValueError:
                return self._lose(message, line)
            if self._chunk_left < 0 and self._chunk_left != LAST_CHUNK:
                return self._lose(message, line)
        return True

    def _lose(self, message: Message, line: bytes) -> bool:
        message.problems.append(f"{line[:20]!r} is no chunk size")
        message.is_truncated = self.is_lost = True
        return False


LAST_CHUNK = -2

BODIES = {
    Framing.NONE: MessageReader._no_body,
    Framing.LENGTH: MessageReader._counted,
    Framing.CHUNKED: MessageReader._chunked,
    Framing.CLOSE: MessageReader._until_close,
    Framing.TUNNEL: MessageReader._tunnel,
}


def _is_foreign(data: bytearray, at: int) -> bool:
    """Whether a whole line stands where a message should begin, and is no start line."""
    newline = data.find(b"\n", at, at + LONGEST_HEAD_BYTES)
    return newline >= 0 and not http.is_message(bytes(data[at : newline + 1]), 0, newline + 1 - at)


def _framing(head: Http, method: str | None) -> tuple[Framing, int | None, str]:
    """How the body ends, by the rules of RFC 9112 §6.3 in their order; and what is wrong with that."""
    status, is_response = head.status or 0, head.kind == "response"
    if is_response and (method == "HEAD" or 100 <= status < 200 or status in (204, 304)):
        return (Framing.TUNNEL if status == 101 else Framing.NONE), None, ""
    if is_response and method == "CONNECT" and 200 <= status < 300:
        return Framing.TUNNEL, None, ""
    coding = (head.get("Transfer-Encoding") or "").lower()
    if coding:
        if coding.rpartition(",")[2].strip() == "chunked":
            return Framing.CHUNKED, None, ""
        return (Framing.CLOSE if is_response else Framing.NONE), None, f"Transfer-Encoding {coding!r} ends nowhere"
    text = head.get("Content-Length")
    if text is None:
        return (Framing.CLOSE if is_response else Framing.NONE), None, ""
    values = {value.strip() for value in text.split(",")}
    value = values.pop()
    if values or not (value.isascii() and value.isdigit()):
        return (Framing.CLOSE if is_response else Framing.NONE), None, f"Content-Length {text!r} is no length"
    return Framing.LENGTH, int(value[:18]), ""
