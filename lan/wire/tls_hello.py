"""What ClientHello and ServerHello say in the clear: versions, ciphers, extensions.  RFC 8446 §4.1, RFC 5246 §7.4.1."""

from collections.abc import Iterator

from lan.wire import tls_extensions as extensions
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count, preview
from lan.wire.tls_cursor import Cursor, Cut
from lan.wire.tls_extensions import VERSIONS, is_grease, version_name

CIPHERS = {
    0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA",
    0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
    0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
    0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
    0x003C: "TLS_RSA_WITH_AES_128_CBC_SHA256",
    0x003D: "TLS_RSA_WITH_AES_256_CBC_SHA256",
    0x0067: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
    0x006B: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
    0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256",
    0x009D: "TLS_RSA_WITH_AES_256_GCM_SHA384",
    0x009E: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    0x009F: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    0x00FF: "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0x1304: "TLS_AES_128_CCM_SHA256",
    0x1305: "TLS_AES_128_CCM_8_SHA256",
    0x5600: "TLS_FALLBACK_SCSV",
    0xC009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    0xC00A: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    0xC014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    0xC023: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    0xC024: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    0xC027: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    0xC028: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCAA: "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a ServerHello that asks for another ClientHello.  RFC 8446 §4.1.3."""


@frozen
class Hello:
    """A hello's clear part: `version` is the highest offered (client) or the chosen one (server).

    `is_retry` tells a HelloRetryRequest, which looks like a ServerHello.  `extensions` are the numbers, in order.
    """

    version: str
    ciphers: tuple[str, ...] = ()
    server_name: str | None = None
    protocols: tuple[str, ...] = ()
    random: bytes = b""
    session_id: bytes = b""
    is_retry: bool = False
    extensions: tuple[int, ...] = ()


def cipher_name(number: int) -> str:
    """``TLS_AES_128_GCM_SHA256``, or the number where it has no name here."""
    return CIPHERS.get(number) or f"0x{number:04x}"


def read_hello(data: bytes, start: int, end: int, *, is_client: bool) -> Hello | None:
    """The hello at `start`, as far as it is here; None where not even its version and ciphers are."""
    cursor = Cursor(data, start, end)
    try:
        version = cursor.number(2)
        random = cursor.take(32)
        session = cursor.vector(1)
        suites = cursor.vector(2) if is_client else Cursor(data, cursor.at, min(cursor.at + 2, end))
        numbers = suites.numbers(2)
        cursor.take(0 if is_client else 3)  # the server's one cipher and its compression
        if is_client:
            cursor.vector(1)
    except Cut:
        return None
    ciphers = tuple(cipher_name(number) for number in numbers if not is_grease(number))
    name: str | None = None
    versions, protocols, kinds = [version], tuple[str, ...](), []
    for kind, content in _extensions(cursor):
        kinds.append(kind)
        try:
            if kind == extensions.SERVER_NAME and is_client:
                name = extensions.server_name(content)
            elif kind == extensions.SUPPORTED_VERSIONS:
                offered = extensions.versions(content, is_client=is_client)
                versions = [number for number in offered if number in VERSIONS] or versions
            elif kind == extensions.ALPN:
                protocols = extensions.protocols(content)
        except Cut:
            break
    is_retry = not is_client and random == RETRY_RANDOM
    return Hello(version_name(max(versions)), ciphers, name, protocols, random, session.rest(), is_retry, tuple(kinds))


def fields(data: bytes, start: int, end: int, *, is_client: bool) -> Iterator[Field]:
    """A hello's fields with their bytes, as far as they are here."""
    cursor = Cursor(data, start, end)
    try:
        version = cursor.number(2)
        yield Field("hello version", version, version_name(version), start, cursor.at)
        random = cursor.take(32)
        yield Field("random", random, random.hex(), start + 2, cursor.at)
        at, session = cursor.at, cursor.vector(1).rest()
        yield Field("session id", session, session.hex() or "empty", at, min(cursor.at, end))
        at = cursor.at
        numbers = cursor.vector(2).numbers(2) if is_client else [cursor.number(2)]
        shown = ", ".join(cipher_name(number) for number in numbers if not is_grease(number))
        name = "cipher suites" if is_client else "cipher suite"
        yield Field(name, tuple(numbers) if is_client else numbers[0], shown, at, min(cursor.at, end))
        at = cursor.at
        methods = cursor.vector(1).rest() if is_client else cursor.take(1)
        words = "none" if not any(methods) else preview(methods)
        yield Field("compression methods" if is_client else "compression", methods, words, at, min(cursor.at, end))
    except Cut:
        return
    if cursor.at + 2 <= end:
        total = data[cursor.at] << 8 | data[cursor.at + 1]
        yield Field("extensions' length", total, count(total, "byte"), cursor.at, cursor.at + 2)
    for kind, content in _extensions(cursor):
        at, after, value = content.at - 4, content.end, data[content.at : content.end]
        words = extensions.words(kind, content, is_client=is_client)
        yield Field(extensions.name_of(kind), (kind, value), words, at, after)


def _extensions(cursor: Cursor) -> Iterator[tuple[int, Cursor]]:
    try:
        inside = cursor.vector(2)
        while inside.has_more():
            kind = inside.number(2)
            yield kind, inside.vector(2)
    except Cut:
        return
