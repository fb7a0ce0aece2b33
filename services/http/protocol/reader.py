"""What both roles of a connection do with received bytes: find a head, then take content out of its framing.

Pure.  `connection.py` has the roles.
"""

from collections.abc import Callable

from lan.reasons import Reason
from lan.services.http.protocol import chunked
from lan.services.http.protocol.events import Body, End, Event, Fault, Refused
from lan.services.http.protocol.framing import Framing, Kind
from lan.services.http.protocol.head import MAX_START_LINE_BYTES, find_end

END = End()

Span = tuple[int, int]
Decided = Callable[[str, Reason, Span], None]
"""What was decided (framing, keep, close, refused, ignored, trailers), by which rule, and the bytes of the peer's
stream that it is about, as the offset of the first one and of the one after them."""


class Reader:
    """The bytes that have come and are not understood yet, and the message that is being read."""

    def __init__(
        self, *, max_head_bytes: int, max_body_bytes: int | None, status: int, decided: Decided | None
    ) -> None:
        self.max_head_bytes, self.max_body_bytes, self.decided = max_head_bytes, max_body_bytes, decided
        self._status = status  # of a fault: 400 for a server, 502 for a client
        self._buffer = b""
        self._offset = 0  # of the buffer's first byte in the stream
        self._message_start = self._content_start = 0  # in the stream
        self._scanned = 0
        self._framing: Framing | None = None
        self._left = 0
        self._decoder: chunked.Decoder | None = None

    def _take_head(self) -> bytes | None:
        """The head that the buffer begins with, taken from it; None while it is not complete.  Raises Refused."""
        limit_bytes = self.max_head_bytes
        line_bytes = MAX_START_LINE_BYTES + 2
        if len(self._buffer) >= line_bytes and self._buffer.find(b"\r\n", 0, line_bytes) < 0:
            limit_bytes = min(limit_bytes, line_bytes)
        self._message_start = self._offset
        end = find_end(self._buffer, max(0, self._scanned - 3), limit_bytes, status=self._status)
        if end < 0:
            self._scanned = len(self._buffer)
            if self._scanned >= limit_bytes:
                raise self._too_long(limit_bytes)
            return None
        head = self._buffer[:end]
        self._consume(end)
        return head

    def _too_long(self, limit_bytes: int) -> Refused:
        if self._status != 400:
            text = "the head is too long"
            return Refused(self._status, "RFC 9112 §2.2", text, seen_bytes=limit_bytes, limit_bytes=limit_bytes)
        if b"\r\n" not in self._buffer[:limit_bytes]:
            text = "the request line is too long"
            return Refused(414, "RFC 9112 §3", text, seen_bytes=limit_bytes, limit_bytes=MAX_START_LINE_BYTES)
        return Refused(431, "RFC 6585 §5", "the head is too long", seen_bytes=limit_bytes, limit_bytes=limit_bytes)

    def _consume(self, count: int) -> None:
        self._buffer = self._buffer[count:]
        self._offset += count
        self._scanned = 0

    def _begin_content(self, framing: Framing) -> None:
        """Raises Refused for a length beyond the limit."""
        if self.max_body_bytes is not None and framing.length > self.max_body_bytes:
            raise chunked.too_long(self.max_body_bytes)
        self._framing, self._left, self._content_start = framing, framing.length, self._offset
        self._decoder = None
        if framing.kind is Kind.CHUNKED:
            self._decoder = chunked.Decoder(status=self._status, max_bytes=self.max_body_bytes)
        self._note("framing", framing.why, self._message_start)

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
        count = len(self._buffer)
        content = decoder.feed(self._buffer)
        self._buffer = decoder.rest
        self._offset += count - len(self._buffer)
        if content:
            events.append(Body(content))
        if decoder.refused is not None:
            raise decoder.refused
        if not decoder.is_done:
            return False
        if decoder.dropped:
            why = Reason("RFC 9110 §6.5.1", "what a trailer can't set is dropped", fields=", ".join(decoder.dropped))
            self._note("trailers", why, self._offset - decoder.trailer_bytes)
        events.append(End(decoder.trailers))
        return True

    def _note(self, what: str, why: Reason, start: int, stop: int | None = None) -> None:
        if self.decided is not None:
            self.decided(what, why, (start, self._offset if stop is None else stop))

    def _note_refused(self, refused: Refused) -> None:
        """Told with what shows the fault: a head, a size line, a trailer section."""
        start, seen_bytes = self._message_start, refused.seen_bytes
        if self._framing is not None and self._decoder is not None:
            start = self._content_start + self._decoder.consumed_bytes
        self._note("refused", refused.fault.why, start, None if seen_bytes is None else start + seen_bytes)

    def _note_cut(self, fault: Fault) -> None:
        """Told with all that came of the message that the end of the stream cuts."""
        self._note("refused", fault.why, self._message_start, self._offset + len(self._buffer))
