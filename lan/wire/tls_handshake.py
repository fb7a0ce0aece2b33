"""Handshake messages within one TLS record, to look at.  RFC 8446 §4, RFC 5246 §7.4."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from lan.wire import tls_certificate as x509
from lan.wire import tls_extensions, tls_hello
from lan.wire.layer import Field, count, preview
from lan.wire.malformed import Malformed
from lan.wire.tls_cursor import Cursor, Cut
from lan.wire.tls_hello import Hello

HEADER_BYTES = 4
CLIENT_HELLO, SERVER_HELLO, TICKET, CERTIFICATE, SERVER_KEY, CERTIFICATE_REQUEST, VERIFY = 1, 2, 4, 11, 12, 13, 15
TYPE_NAMES = {
    0: "HelloRequest",
    CLIENT_HELLO: "ClientHello",
    SERVER_HELLO: "ServerHello",
    TICKET: "NewSessionTicket",
    5: "EndOfEarlyData",
    8: "EncryptedExtensions",
    CERTIFICATE: "Certificate",
    SERVER_KEY: "ServerKeyExchange",
    CERTIFICATE_REQUEST: "CertificateRequest",
    14: "ServerHelloDone",
    VERIFY: "CertificateVerify",
    16: "ClientKeyExchange",
    20: "Finished",
    22: "CertificateStatus",
    24: "KeyUpdate",
    25: "CompressedCertificate",
}
ENCRYPTED = "encrypted"
NAMED_CURVE = 3


class Message(NamedTuple):
    """One message: its type's number, and its bytes with their header, as far as they are here."""

    kind: int
    start: int
    end: int


def walk(data: bytes, at: int, end: int, *, is_whole: bool) -> Iterator[Message | None]:
    """The messages of a record's content; None, at last, where the rest is not believed to be any.

    After ChangeCipherSpec a record's first bytes are noise: a message is believed if its type is
    known and it fits the record.  Only a Certificate may go on in the next.
    """
    is_first = True
    while at + HEADER_BYTES <= end:
        kind, length = data[at], int.from_bytes(data[at + 1 : at + HEADER_BYTES], "big")
        after = at + HEADER_BYTES + length
        fits = after <= end or not is_whole or (kind == CERTIFICATE and is_first)
        if kind not in TYPE_NAMES or not fits:
            yield None
            return
        yield Message(kind, at, min(after, end))
        at, is_first = after, False


def read(
    data: bytes, at: int, end: int, problems: list[str], *, is_whole: bool, is_behind_change: bool = False
) -> tuple[tuple[str, ...], Hello | None]:
    """The types of a record's handshake messages in words, and the hello among them.

    `is_behind_change` tells that a ChangeCipherSpec was before it: then only a ClientHello is in the
    clear, the second one, which a server of TLS 1.3 has asked for.
    """
    if is_behind_change and data[at : at + 1] != bytes((CLIENT_HELLO,)):
        return (ENCRYPTED,), None
    types: list[str] = []
    hello = None
    for message in walk(data, at, end, is_whole=is_whole):
        if message is None:
            types.append(ENCRYPTED)
            break
        types.append(TYPE_NAMES[message.kind])
        if message.kind in (CLIENT_HELLO, SERVER_HELLO) and hello is None:
            body = message.start + HEADER_BYTES
            hello = tls_hello.read_hello(data, body, message.end, is_client=message.kind == CLIENT_HELLO)
            length = int.from_bytes(data[message.start + 1 : body], "big")
            if hello is None and body + length <= message.end:
                problems.append(f"TLS {types[-1]} is damaged")
            elif hello is not None and hello.is_retry:
                types[-1] = "HelloRetryRequest"
    return tuple(types), hello


def fields(data: bytes, start: int, end: int, *, is_whole: bool) -> Iterator[Field]:
    """Each message's type, length and content, as far as they are here and readable without keys."""
    after = start
    for message in walk(data, start, end, is_whole=is_whole):
        if message is None:
            break
        kind, at, after = message
        yield Field("handshake type", kind, f"{TYPE_NAMES[kind]} ({kind})", at, at + 1)
        length = int.from_bytes(data[at + 1 : at + HEADER_BYTES], "big")
        words = count(length, "byte") + ("" if at + HEADER_BYTES + length <= after else ", goes on")
        yield Field("handshake length", length, words, at + 1, at + HEADER_BYTES)
        if at + HEADER_BYTES < after:
            yield from READERS.get(kind, _other)(data, at + HEADER_BYTES, after)
    if after < end:
        yield Field("encrypted handshake", data[after:end], preview(data[after:end]), after, end)


def _client_hello(data: bytes, start: int, end: int) -> Iterator[Field]:
    yield from tls_hello.fields(data, start, end, is_client=True)


def _server_hello(data: bytes, start: int, end: int) -> Iterator[Field]:
    yield from tls_hello.fields(data, start, end, is_client=False)


def _certificates(data: bytes, start: int, end: int) -> Iterator[Field]:
    """TLS 1.2's list, or 1.3's, which begins with a context and has extensions behind each certificate.

    RFC 5246 §7.4.2, RFC 8446 §4.4.2.
    """
    cursor = Cursor(data, start, end)
    try:
        is_1_3 = _is_1_3(data, start, end)
        if is_1_3:
            cursor.vector(1)
        entries = cursor.vector(3)
        while entries.has_more():
            at, entry = entries.at, entries.vector(3)
            der = data[entry.at : entry.end]
            try:
                words = x509.read(data, entry.at, entry.end).words()
            except Malformed as fault:
                words = f"{count(len(der), 'byte')}: {fault}"
            yield Field("certificate", der, words, at, entry.end)
            if is_1_3:
                entries.vector(2)
    except Cut:
        return


def _is_1_3(data: bytes, start: int, end: int) -> bool:
    """Whether an empty context stands before the list: read so, the list's length is that of the rest."""
    length = int.from_bytes(data[start + 1 : start + 4], "big")
    return data[start] == 0 and end - start > 8 and start + 4 + length == end


def _server_key(data: bytes, start: int, end: int) -> Iterator[Field]:
    if end - start >= 4 and data[start] == NAMED_CURVE:
        number = data[start + 1] << 8 | data[start + 2]
        name = tls_extensions.GROUP_NAMES.get(number) or f"0x{number:04x}"
        yield Field("curve", number, name, start + 1, start + 3)
        after = min(start + 4 + data[start + 3], end)
        yield Field("public key", data[start + 4 : after], preview(data[start + 4 : after]), start + 3, after)
        start = after
    yield from _other(data, start, end)


def _ticket(data: bytes, start: int, end: int) -> Iterator[Field]:
    if end - start >= 4:
        lifetime_s = int.from_bytes(data[start : start + 4], "big")
        yield Field("ticket lifetime", lifetime_s, f"{lifetime_s} s", start, start + 4)
        start += 4
    yield from _other(data, start, end)


def _verify(data: bytes, start: int, end: int) -> Iterator[Field]:
    if end - start >= 4:
        number = data[start] << 8 | data[start + 1]
        name = tls_extensions.SIGNATURE_NAMES.get(number) or f"0x{number:04x}"
        yield Field("signature algorithm", number, name, start, start + 2)
        start += 2
    yield from _other(data, start, end)


def _other(data: bytes, start: int, end: int) -> Iterator[Field]:
    if start < end:
        yield Field("content", data[start:end], preview(data[start:end]), start, end)


READERS: dict[int, Callable[[bytes, int, int], Iterator[Field]]] = {
    CLIENT_HELLO: _client_hello,
    SERVER_HELLO: _server_hello,
    TICKET: _ticket,
    CERTIFICATE: _certificates,
    SERVER_KEY: _server_key,
    VERIFY: _verify,
}
