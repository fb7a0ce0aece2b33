"""Messages that say their own length, cut out of a stream that grows: DNS over TCP, OpenFlow, TLS records.  Pure."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from lan.trace.stream import Stream
from lan.wire import dns, openflow, tls

LengthOf = Callable[[bytes], int | None]
"""The length of a message, header and all, by its first bytes; None where these are none of its kind."""


class Message(NamedTuple):
    """A whole message, and where it stands in its stream."""

    data: bytes
    start: int
    end: int


class Cutter:
    """Takes message after message from the stream, each once; `is_lost` when what stands there is none."""

    def __init__(self, stream: Stream, head_bytes: int, length_of: LengthOf, *, start: int = 0) -> None:
        self.stream, self.head_bytes, self.length_of = stream, head_bytes, length_of
        self.at = start
        self.is_lost = False

    def take(self) -> Iterator[Message]:
        """The messages that have become whole since the last call; a gap of the stream ends the reading."""
        while not self.is_lost and self.at + self.head_bytes <= len(self.stream.data):
            length = self.length_of(bytes(self.stream.data[self.at : self.at + self.head_bytes]))
            end = self.at + (length or 0)
            if length is None or any(start < end and stop > self.at for start, stop in self.stream.gaps):
                self.is_lost = True
            elif end > len(self.stream.data):
                return
            else:
                found = Message(bytes(self.stream.data[self.at : end]), self.at, end)
                self.at = end
                yield found

    @property
    def rest_bytes(self) -> int:
        """Bytes of a message that is not whole, or that is none."""
        return len(self.stream.data) - self.at


def dns_messages(stream: Stream) -> Cutter:
    """DNS over TCP: each message with its two bytes of length in front.  RFC 1035 §4.2.2, RFC 7766 §8."""

    def length_of(head: bytes) -> int | None:
        length = int.from_bytes(head, "big")
        return dns.PREFIX_BYTES + length if length >= dns.HEADER_BYTES else None

    return Cutter(stream, dns.PREFIX_BYTES, length_of)


def openflow_messages(stream: Stream) -> Cutter:
    """OpenFlow: the length stands in the header.  OpenFlow 1.3.5 §7.1."""

    def length_of(head: bytes) -> int | None:
        return int.from_bytes(head[2:4], "big") if openflow.is_beginning(head, 0, len(head)) else None

    return Cutter(stream, openflow.HEADER_BYTES, length_of)


def tls_records(stream: Stream, start: int = 0) -> Cutter:
    """TLS, from an offset on: the length stands in the record's header.  RFC 8446 §5.1."""

    def length_of(head: bytes) -> int | None:
        is_one = tls.is_beginning(head, 0, len(head))
        return tls.RECORD_HEADER_BYTES + int.from_bytes(head[3:5], "big") if is_one else None

    return Cutter(stream, tls.RECORD_HEADER_BYTES, length_of, start=start)
