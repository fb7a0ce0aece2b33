"""What ClientHello and ServerHello say in the clear: name, versions, cipher, protocol.  RFC 8446 §4.1, RFC 6066 §3."""

from collections.abc import Iterator
from dataclasses import dataclass

from lan.wire.layer import printable

SERVER_NAME, ALPN, SUPPORTED_VERSIONS = 0, 16, 43
VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}
CIPHERS = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
}


@dataclass(frozen=True, slots=True)
class Hello:
    """A hello's clear part: `version` is the highest offered (client) or the chosen one (server)."""

    version: str
    ciphers: tuple[str, ...] = ()
    server_name: str | None = None
    protocols: tuple[str, ...] = ()

    def words(self) -> Iterator[tuple[str, str]]:
        """(name, value) of each thing that it says."""
        yield "hello version", self.version
        if self.server_name:
            yield "server name", self.server_name
        if self.protocols:
            yield "application protocols", ", ".join(self.protocols)
        if self.ciphers:
            yield "cipher suites", ", ".join(self.ciphers)


class Cut(Exception):  # noqa: N818 - not an error: the reading ends here
    """The bytes end before what is wanted."""


class Cursor:
    """Takes big-endian numbers and byte strings from a range, and raises Cut at its end."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def take(self, length: int) -> bytes:
        if self.at + length > self.end:
            raise Cut
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> "Cursor":
        """The bytes behind a length of `size` bytes, which may be cut short."""
        length = self.number(size)
        inner = Cursor(self.data, self.at, min(self.at + length, self.end))
        self.at += length
        return inner

    def has_more(self) -> bool:
        return self.at < self.end


def version_name(number: int) -> str:
    """``TLS 1.2``, or the number where it has no name here."""
    return VERSIONS.get(number) or f"version 0x{number:04x}"


def read_hello(data: bytes, start: int, end: int, *, is_client: bool) -> Hello | None:
    """The hello at `start`, as far as it is here; None where not even its version and ciphers are."""
    cursor = Cursor(data, start, end)
    try:
        version = cursor.number(2)
        cursor.take(32)  # random
        cursor.vector(1)  # session id
        suites = cursor.vector(2) if is_client else Cursor(data, cursor.at, cursor.at + 2)
        numbers = list(_numbers(suites))
        cursor.take(0 if is_client else 3)  # the server's one cipher and its compression
        if is_client:
            cursor.vector(1)
    except Cut:
        return None
    ciphers = tuple(CIPHERS.get(number) or f"0x{number:04x}" for number in numbers if not is_grease(number))
    name: str | None = None
    versions, protocols = [version], tuple[str, ...]()
    for kind, content in _extensions(cursor):
        try:
            if kind == SERVER_NAME and is_client:
                name = _server_name(content)
            elif kind == SUPPORTED_VERSIONS:
                offered = list(_numbers(content.vector(1) if is_client else content))
                versions = [number for number in offered if number in VERSIONS] or versions
            elif kind == ALPN:
                protocols = tuple(_protocols(content.vector(2)))
        except Cut:
            break
    return Hello(version_name(max(versions)), ciphers, name, protocols)


def is_grease(number: int) -> bool:
    """Whether a value is one of those sent only to keep servers tolerant.  RFC 8701."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def _numbers(cursor: Cursor) -> Iterator[int]:
    while cursor.at + 2 <= cursor.end:
        yield cursor.number(2)


def _extensions(cursor: Cursor) -> Iterator[tuple[int, Cursor]]:
    try:
        inside = cursor.vector(2)
        while inside.has_more():
            kind = inside.number(2)
            yield kind, inside.vector(2)
    except Cut:
        return


def _server_name(content: Cursor) -> str | None:
    names = content.vector(2)
    while names.has_more():
        kind, name = names.number(1), names.vector(2)
        if kind == 0:
            return printable(name.take(name.end - name.at)) or None
    return None


def _protocols(content: Cursor) -> Iterator[str]:
    while content.has_more():
        name = content.vector(1)
        yield printable(name.take(name.end - name.at))
