"""The chunked transfer coding, both ways.  RFC 9112 §7.1.

Pure: `Decoder` takes bytes as they come and gives content; it stops at the end of the message and
leaves what follows.  Everything is bounded: a size line, the sum of extensions, the trailers.
"""

import enum
import re

from lan.services.http.protocol.events import Refused
from lan.services.http.protocol.head import find_end, read_fields
from lan.services.http.protocol.messages import NO_HEADERS, Headers

MAX_SIZE_LINE_BYTES = 256
MAX_EXTENSION_BYTES = 4096
MAX_TRAILER_BYTES = 8 * 1024

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_SIZE_LINE = re.compile(
    rb"([0-9A-Fa-f]{1,15})((?:[ \t]*;[ \t]*" + _TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*)"
)
NOT_IN_TRAILERS = frozenset((
    "authorization", "cache-control", "connection", "content-encoding", "content-length", "content-range",
    "content-type", "cookie", "expect", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
    "if-unmodified-since", "keep-alive", "max-forwards", "proxy-authenticate", "proxy-authorization",
    "proxy-connection", "range", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade",
    "www-authenticate",
))  # fmt: skip
"""Fields for framing, routing, authentication and request modifiers, which a trailer can't set (RFC 9110 §6.5.1)."""


class _State(enum.Enum):
    SIZE = enum.auto()
    DATA = enum.auto()
    DATA_END = enum.auto()
    TRAILERS = enum.auto()
    DONE = enum.auto()


class Decoder:
    """One chunked body.  `trailers` and `dropped` are there once `is_done`; `rest` is what follows it.

    `refused` is why it can't be read further.  `consumed_bytes` is how much of the stream has been understood:
    the size line, data or trailer section that is looked at begins there.
    """

    def __init__(self, *, status: int = 400, max_bytes: int | None = None) -> None:
        self._status, self._max_bytes = status, max_bytes
        self._state = _State.SIZE
        self._buffer = bytearray()
        self._left = self._content_bytes = self._extension_bytes = 0
        self.consumed_bytes = self.trailer_bytes = 0
        self.trailers = NO_HEADERS
        self.dropped: tuple[str, ...] = ()
        self.refused: Refused | None = None

    @property
    def is_done(self) -> bool:
        """The last chunk and the trailers have been read."""
        return self._state is _State.DONE

    @property
    def rest(self) -> bytes:
        """Bytes after the body, once it is done."""
        return bytes(self._buffer) if self.is_done else b""

    @property
    def kept_bytes(self) -> int:
        """What waits here for its end: less than a size line or a trailer section may have."""
        return len(self._buffer)

    def feed(self, data: bytes) -> bytes:
        """The content in these bytes, up to what sets `refused`."""
        if self.refused is not None:
            return b""
        self._buffer += data
        content = bytearray()
        try:
            while self._step(content):
                pass
        except Refused as refused:
            self.refused = refused
        return bytes(content)

    def _consume(self, count: int) -> None:
        del self._buffer[:count]
        self.consumed_bytes += count

    def _step(self, content: bytearray) -> bool:
        """One step on; False where more bytes are wanted."""
        if self._state is _State.DATA:
            piece = self._buffer[: self._left]
            content += piece
            self._consume(len(piece))
            self._left -= len(piece)
            if self._left:
                return False
            self._state = _State.DATA_END
        if self._state is _State.DATA_END:
            if not b"\r\n".startswith(self._buffer[:2]):
                seen_bytes = 2 if self._buffer[:1] == b"\r" else 1
                raise Refused(self._status, "RFC 9112 §7.1", "the chunk is longer than its size", seen_bytes=seen_bytes)
            if len(self._buffer) < 2:
                return False
            self._consume(2)
            self._state = _State.SIZE
        if self._state is _State.SIZE:
            return self._read_size()
        return self._state is _State.TRAILERS and self._read_trailers()

    def _read_size(self) -> bool:
        end = self._buffer.find(b"\n", 0, MAX_SIZE_LINE_BYTES + 2)
        if end < 0:
            if len(self._buffer) > MAX_SIZE_LINE_BYTES + 1:
                raise self._too_long("§7.1.1", "a chunk's size line is too long", MAX_SIZE_LINE_BYTES, self._status)
            return False
        line = bytes(self._buffer[: end - 1])
        found = _SIZE_LINE.fullmatch(line) if self._buffer[end - 1 : end] == b"\r" else None
        if found is None:
            shown = bytes(self._buffer[: end + 1])[:40]
            raise Refused(
                self._status, "RFC 9112 §7.1", "not the size of a chunk", seen_bytes=end + 1, line=repr(shown)[1:]
            )
        self._extension_bytes += len(found[2])
        if self._extension_bytes > MAX_EXTENSION_BYTES:
            raise self._too_long("§7.1.1", "too many chunk extensions", MAX_EXTENSION_BYTES, self._status, end + 1)
        self._left = int(found[1], 16)
        self._content_bytes += self._left
        if self._max_bytes is not None and self._content_bytes > self._max_bytes:
            raise too_long(self._max_bytes, seen_bytes=end + 1)
        self._consume(end + 1)
        self._state = _State.DATA if self._left else _State.TRAILERS
        return True

    def _read_trailers(self) -> bool:
        if self._buffer.startswith(b"\r\n"):
            end = 2
        elif (end := find_end(self._buffer, 0, MAX_TRAILER_BYTES, status=self._status)) < 0:
            if len(self._buffer) >= MAX_TRAILER_BYTES:
                status = 431 if self._status == 400 else self._status
                raise self._too_long("§7.1.2", "the trailers are too long", MAX_TRAILER_BYTES, status)
            return False
        try:
            fields = read_fields(bytes(self._buffer[:end]), self._status)
        except Refused as refused:
            refused.seen_bytes = end
            raise
        kept = tuple((name, value) for name, value in fields.items if name.lower() not in NOT_IN_TRAILERS)
        self.dropped = tuple(name for name, _ in fields.items if name.lower() in NOT_IN_TRAILERS)
        self.trailers, self.trailer_bytes = Headers(kept), end
        self._consume(end)
        self._state = _State.DONE
        return False

    def _too_long(self, section: str, text: str, limit_bytes: int, status: int, seen_bytes: int = 0) -> Refused:
        seen_bytes = seen_bytes or limit_bytes
        return Refused(status, f"RFC 9112 {section}", text, seen_bytes=seen_bytes, limit_bytes=limit_bytes)


def too_long(limit_bytes: int, *, seen_bytes: int | None = None) -> Refused:
    """The refusal of content beyond the limit, told by the head or size line that announces it."""
    return Refused(413, "RFC 9110 §15.5.14", "the body is too long", seen_bytes=seen_bytes, limit_bytes=limit_bytes)


def encode(data: bytes) -> bytes:
    """These bytes as one chunk; nothing for no bytes, for an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def encode_end(trailers: Headers = NO_HEADERS) -> bytes:
    """The last chunk and the trailers.  Raises ValueError for a field that may not stand there."""
    for name, _ in trailers.items:
        if name.lower() in NOT_IN_TRAILERS:
            raise ValueError(f"{name} may not be a trailer (RFC 9110 §6.5.1)")
    return b"0\r\n" + trailers.build() + b"\r\n"
