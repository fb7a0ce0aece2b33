"""DNS messages on a TCP connection: each behind its length.  RFC 1035 §4.2.2, RFC 7766 §8."""

from collections.abc import Iterator

PREFIX_BYTES = 2


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(PREFIX_BYTES) + message


class Stream:
    """Cuts the bytes of a connection into messages, however they arrive."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes; the messages that are now complete, in their order."""
        self._pending += data
        while len(self._pending) >= PREFIX_BYTES:
            end = PREFIX_BYTES + int.from_bytes(self._pending[:PREFIX_BYTES])
            if len(self._pending) < end:
                return
            message = bytes(self._pending[PREFIX_BYTES:end])
            del self._pending[:end]
            yield message
