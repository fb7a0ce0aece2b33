"""The HTTP messages that TLS hid in a frame, in the clear, and by whose key log.  RFC 8446 §5, RFC 9112.  Pure.

A message belongs to the frame in which its first record began, on every cable that the frame passed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lan.reasons import Sentence
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline
from lan.trace.trackers.http_message import Message
from lan.trace.trackers.tls import Session
from lan.wire import http
from lan.wire.http import Http
from lan.wire.layer import Layer

SHOWN_BYTES = 1 << 14
"""Of a message as many as one record may hold (RFC 8446 §5.1)."""


@dataclass(frozen=True, slots=True)
class ClearMessage:
    """One message: its head, its first bytes, and the device whose key log opened it ("" where that is not known)."""

    head: Http
    data: bytes
    owner: str

    @property
    def by(self) -> Sentence:
        """``decrypted by the key log of pc1``."""
        if self.owner:
            return Sentence("decrypted by the key log of {device}", device=self.owner)
        return Sentence("decrypted by the key log that was given")

    @property
    def title(self) -> Sentence:
        """``HTTP request, GET / HTTP/1.1, decrypted by the key log of pc1``."""
        return Sentence("{what}, {by}", what=self.head.title(), by=self.by)

    @property
    def layer(self) -> Layer:
        """As a layer; its byte ranges are those of `data`."""
        end = len(self.data)
        return Layer("HTTP", self.head.title(), 0, end, tuple(self.head.fields(self.data, 0, end)), self.head.problems)


def clear_messages(frame: Frame, timeline: Timeline) -> list[ClearMessage]:
    """What began in a frame; [] where nothing did, or the secrets are not known."""
    return [_clear(message, session) for message, session in _begun(frame, timeline)]


def clear_heads(frame: Frame, timeline: Timeline) -> Iterator[Http]:
    """The heads of what began in a frame."""
    return (message.head for message, _ in _begun(frame, timeline))


def clear_titles(frame: Frame, timeline: Timeline) -> list[str]:
    """``GET / HTTP/1.1, decrypted by the key log of pc1``: what began in a frame, a line each."""
    return [f"{one.head.start_line}, {one.by}" for one in clear_messages(frame, timeline)]


def _begun(frame: Frame, timeline: Timeline) -> list[tuple[Message, Session]]:
    known = timeline.http_tracker.in_clear
    if not known or frame.packet.tcp is None:
        return []
    if (here := known.get(frame.number)) is not None or timeline.is_first_sighting(frame):
        return here or []
    if not (payload := frame.packet.payload):
        return []
    alike = (each for each in timeline.journey(frame) if each.number in known and each.packet.payload == payload)
    return next((known[each.number] for each in alike), [])


def _clear(message: Message, session: Session) -> ClearMessage:
    end = min(message.end, message.start + SHOWN_BYTES)
    data = bytes(message.stream.data[message.start : end])
    random = session.client_random
    owner = session.decryption.key_log.owner(random) if session.decryption and random else ""
    return ClearMessage(http.read(data, 0, len(data)), data, owner)
