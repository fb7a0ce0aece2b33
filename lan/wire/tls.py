"""TLS records within one TCP segment, to look at: what can be seen without keys.  RFC 8446 §5, RFC 5246 §6.2."""

import struct
from collections.abc import Iterator
from dataclasses import field
from typing import ClassVar

from lan.wire import tls_handshake
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count, preview
from lan.wire.tls_extensions import version_name
from lan.wire.tls_handshake import ENCRYPTED
from lan.wire.tls_hello import Hello

RECORD_HEADER_BYTES = 5
LONGEST_RECORD_BYTES = 2**14 + 2048
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = range(20, 25)
CONTENT_TYPES = {
    CHANGE_CIPHER_SPEC: "change cipher spec",
    ALERT: "alert",
    HANDSHAKE: "handshake",
    APPLICATION_DATA: "application data",
    HEARTBEAT: "heartbeat",
}
ALERTS = {
    0: "close notify",
    10: "unexpected message",
    20: "bad record MAC",
    40: "handshake failure",
    42: "bad certificate",
    43: "unsupported certificate",
    44: "certificate revoked",
    45: "certificate expired",
    46: "certificate unknown",
    47: "illegal parameter",
    48: "unknown CA",
    50: "decode error",
    51: "decrypt error",
    70: "protocol version",
    71: "insufficient security",
    80: "internal error",
    86: "inappropriate fallback",
    90: "user canceled",
    109: "missing extension",
    112: "unrecognized name",
    116: "certificate required",
    120: "no application protocol",
}


@frozen
class TlsRecord:
    """One record, or its beginning where `is_whole` is False; `length` counts its content.

    `handshake_types` in words, ``encrypted`` where only the keys would tell; `server_name` (SNI)
    and `hello` come from a ClientHello or ServerHello.
    """

    content_type: str
    version: str
    length: int
    handshake_types: tuple[str, ...] = ()
    server_name: str | None = None
    alert: str | None = None
    hello: Hello | None = None
    is_whole: bool = True
    problems: tuple[str, ...] = ()
    start: int = field(default=0, compare=False, repr=False)
    end: int = field(default=0, compare=False, repr=False)

    def words(self) -> str:
        """``ClientHello for www.lan.test``, ``application data, 92 bytes``."""
        if self.content_type == "handshake":
            text = ", ".join(each for each in self.handshake_types if each != ENCRYPTED) or "encrypted handshake"
            text += f" for {self.server_name}" if self.server_name else ""
            return text if self.hello is None else f"{text} ({self.hello.version})"
        if self.content_type == "alert":
            return f"alert: {self.alert}" if self.alert else "encrypted alert"
        if self.content_type == "application data":
            return f"application data, {count(self.length, 'byte')}"
        return self.content_type


@frozen
class Tls:
    """The records that begin in a segment; none where it is the middle of one."""

    records: tuple[TlsRecord, ...]
    length: int = 0
    protocol_name: ClassVar[str] = "TLS"

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(problem for record in self.records for problem in record.problems)

    @property
    def server_name(self) -> str | None:
        """The name a ClientHello asks for (SNI), or None."""
        return next((record.server_name for record in self.records if record.server_name), None)

    def summary(self) -> str:
        return f"TLS {'; '.join(record.words() for record in self.records) or self._middle()}"

    def title(self) -> str:
        return f"TLS, {count(len(self.records), 'record') if self.records else self._middle()}"

    def _middle(self) -> str:
        return f"middle of a record, {count(self.length, 'byte')}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        for record in self.records:
            yield Field("content type", record.content_type, record.content_type, record.start, record.start + 1)
            yield Field("version", record.version, record.version, record.start + 1, record.start + 3)
            words = count(record.length, "byte") + ("" if record.is_whole else ", goes on in the next segment")
            yield Field("length", record.length, words, record.start + 3, record.start + 5)
            yield from _content_fields(record, data)
        after = self.records[-1].end if self.records else start
        if after < end:
            yield Field("content", data[after:end], preview(data[after:end]), after, end)


def _content_fields(record: TlsRecord, data: bytes) -> Iterator[Field]:
    at, end = record.start + RECORD_HEADER_BYTES, record.end
    if record.content_type == "handshake" and record.handshake_types[:1] != (ENCRYPTED,):
        yield from tls_handshake.fields(data, at, end, is_whole=record.is_whole)
    elif record.alert is not None:
        level = data[at]
        yield Field("alert level", level, {1: "warning", 2: "fatal"}.get(level) or str(level), at, at + 1)
        yield Field("alert", data[at + 1], record.alert, at + 1, at + 2)
    elif at < end:
        yield Field("content", data[at:end], record.words(), at, end)


def is_beginning(data: bytes, start: int, end: int) -> bool:
    """Whether a record's header stands at `start`: known type, a TLS version, a possible length."""
    if end - start < RECORD_HEADER_BYTES or data[start] not in CONTENT_TYPES or data[start + 1] != 3:
        return False
    return data[start + 2] <= 4 and 0 < data[start + 3] << 8 | data[start + 4] <= LONGEST_RECORD_BYTES


def read(data: bytes, start: int, end: int) -> Tls:
    """The records that begin at `start`, one behind the other, as far as they are here; never raises."""
    records: list[TlsRecord] = []
    at, is_behind_change = start, False
    while is_beginning(data, at, end):
        records.append(_read_record(data, at, end, is_behind_change=is_behind_change))
        is_behind_change = is_behind_change or data[at] == CHANGE_CIPHER_SPEC
        at = records[-1].end
    return Tls(tuple(records), end - start)


def _read_record(data: bytes, start: int, end: int, *, is_behind_change: bool) -> TlsRecord:
    kind, version, length = struct.unpack_from("!BHH", data, start)
    at, stop = start + RECORD_HEADER_BYTES, min(start + RECORD_HEADER_BYTES + length, end)
    is_whole = start + RECORD_HEADER_BYTES + length <= end
    types: tuple[str, ...] = ()
    hello = alert = None
    problems: list[str] = []
    if kind == HANDSHAKE:
        types, hello = tls_handshake.read(
            data, at, stop, problems, is_whole=is_whole, is_behind_change=is_behind_change
        )
    elif kind == ALERT and length == 2 and is_whole:
        alert = ALERTS.get(data[at + 1]) or f"number {data[at + 1]}"
    return TlsRecord(
        CONTENT_TYPES[kind],
        version_name(version),
        length,
        types,
        hello.server_name if hello else None,
        alert,
        hello,
        is_whole,
        tuple(problems),
        start,
        stop,
    )
