"""What the rarer DNS records hold: security, services, authorities.  RFC 4034, RFC 5155, RFC 9460 and others."""

import base64
import struct
from datetime import UTC, datetime

from lan.wire import dns_names as names
from lan.wire.addresses import ipv4_text, ipv6_text
from lan.wire.layer import printable
from lan.wire.malformed import Malformed

SERVICE_KEYS = {
    0: "mandatory",
    1: "alpn",
    2: "no-default-alpn",
    3: "port",
    4: "ipv4hint",
    5: "ech",
    6: "ipv6hint",
    7: "dohpath",
}


def _least(length: int, start: int, end: int) -> None:
    if end - start < length:
        raise Malformed(f"{end - start} bytes of data, expected at least {length}")


def strings(data: bytes, at: int, end: int) -> list[str]:
    """Character strings, one behind the other; raises Malformed.  RFC 1035 §3.3."""
    texts = []
    while at < end:
        after = at + 1 + data[at]
        if after > end:
            raise Malformed("a character string runs past the record")
        texts.append('"' + printable(data[at + 1 : after]).replace('"', '\\"') + '"')
        at = after
    return texts


def texts(data: bytes, start: int, end: int, origin: int) -> str:
    """TXT, HINFO, SPF."""
    return " ".join(strings(data, start, end))


def naptr(data: bytes, start: int, end: int, origin: int) -> str:
    """RFC 3403 §4.1: order, preference, flags, services, expression, replacement."""
    _least(7, start, end)
    order, preference = struct.unpack_from("!HH", data, start)
    at, shown = start + 4, []
    for _ in range(3):
        if at >= end or at + 1 + data[at] > end:
            raise Malformed("a character string runs past the record")
        after = at + 1 + data[at]
        shown += strings(data, at, after)
        at = after
    replacement, _ = names.read_name(data, at, origin, end)
    return f"{order} {preference} {' '.join(shown)} {replacement}"


def caa(data: bytes, start: int, end: int, origin: int) -> str:
    """RFC 8659 §4.1: flags, tag, value."""
    _least(2, start, end)
    after = start + 2 + data[start + 1]
    if after > end:
        raise Malformed("the tag runs past the record")
    return f'{data[start]} {printable(data[start + 2 : after])} "{printable(data[after:end])}"'


def ds(data: bytes, start: int, end: int, origin: int) -> str:
    """RFC 4034 §5.1: key tag, algorithm, digest type, digest."""
    _least(4, start, end)
    tag, algorithm, kind = struct.unpack_from("!HBB", data, start)
    return f"{tag} {algorithm} {kind} {data[start + 4 : end].hex().upper()}"


def dnskey(data: bytes, start: int, end: int, origin: int) -> str:
    """RFC 4034 §2.1: flags, protocol, algorithm, public key."""
    _least(4, start, end)
    flags, protocol, algorithm = struct.unpack_from("!HBB", data, start)
    return f"{flags} {protocol} {algorithm} {base64.b64encode(data[start + 4 : end]).decode()}"


def rrsig(data: bytes, start: int, end: int, origin: int) -> str:
    """RFC 4034 §3.1: type covered, algorithm, labels, TTL, expiration, inception, key tag, signer, signature."""
    _least(19, start, end)
    covered, algorithm, labels, ttl_s, expires, begins, tag = struct.unpack_from("!HBBLLLH", data, start)
    signer, at = names.read_name(data, start + 18, origin, end)
    signature = base64.b64encode(data[at:end]).decode()
    times = f"{_moment(expires)} {_moment(begins)}"
    return f"{names.type_name(covered)} {algorithm} {labels} {ttl_s} {times} {tag} {signer} {signature}"


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d%H%M%S")


def nsec(data: bytes, start: int, end: int, origin: int) -> str:
    """RFC 4034 §4.1: the next name, and the types that this one has."""
    following, at = names.read_name(data, start, origin, end)
    return " ".join([following, *_types(data, at, end)])


def nsec3(data: bytes, start: int, end: int, origin: int) -> str:
    """RFC 5155 §3.2: algorithm, flags, iterations, salt, next hash, types."""
    _least(6, start, end)
    algorithm, flags, iterations, salt = struct.unpack_from("!BBHB", data, start)
    at = start + 5 + salt
    if at >= end or at + 1 + data[at] > end:
        raise Malformed("salt or hash run past the record")
    after = at + 1 + data[at]
    digest = base64.b32hexencode(data[at + 1 : after]).decode().rstrip("=")
    shown = data[start + 5 : at].hex().upper() or "-"
    return " ".join([f"{algorithm} {flags} {iterations} {shown} {digest}", *_types(data, after, end)])


def _types(data: bytes, at: int, end: int) -> list[str]:
    """The bit maps of RFC 4034 §4.1.2: window by window."""
    found = []
    while at + 2 <= end:
        window, size = data[at], data[at + 1]
        if not 1 <= size <= 32 or at + 2 + size > end:
            raise Malformed("a bit map of types runs past the record")
        bits = int.from_bytes(data[at + 2 : at + 2 + size], "big") << (32 - size) * 8
        found += [names.type_name(window << 8 | bit) for bit in range(256) if bits >> 255 - bit & 1]
        at += 2 + size
    return found


def tlsa(data: bytes, start: int, end: int, origin: int) -> str:
    """RFC 6698 §2.1: usage, selector, matching type, data.  SMIMEA is the same."""
    _least(3, start, end)
    return f"{data[start]} {data[start + 1]} {data[start + 2]} {data[start + 3 : end].hex()}"


def sshfp(data: bytes, start: int, end: int, origin: int) -> str:
    """RFC 4255 §3.1: algorithm, fingerprint type, fingerprint."""
    _least(2, start, end)
    return f"{data[start]} {data[start + 1]} {data[start + 2 : end].hex()}"


def uri(data: bytes, start: int, end: int, origin: int) -> str:
    """RFC 7553 §4.5: priority, weight, target."""
    _least(4, start, end)
    priority, weight = struct.unpack_from("!HH", data, start)
    return f'{priority} {weight} "{printable(data[start + 4 : end])}"'


def svcb(data: bytes, start: int, end: int, origin: int) -> str:
    """RFC 9460 §2.2: priority, target, parameters in the order of their keys."""
    _least(3, start, end)
    (priority,) = struct.unpack_from("!H", data, start)
    target, at = names.read_name(data, start + 2, origin, end)
    shown = [f"{priority} {target}"]
    while at + 4 <= end:
        key, length = struct.unpack_from("!HH", data, at)
        at += 4
        if at + length > end:
            raise Malformed("a service parameter runs past the record")
        shown.append(_parameter(key, data[at : at + length]))
        at += length
    if at != end:
        raise Malformed("a service parameter runs past the record")
    return " ".join(shown)


def _parameter(key: int, value: bytes) -> str:
    name = SERVICE_KEYS.get(key) or f"key{key}"
    if key == 1:
        return f'{name}="{",".join(text.strip(chr(34)) for text in strings(value, 0, len(value)))}"'
    if key == 3 and len(value) == 2:
        return f'{name}="{int.from_bytes(value, "big")}"'
    if key == 4 and value and len(value) % 4 == 0:
        return f'{name}="{",".join(ipv4_text(value[at : at + 4]) for at in range(0, len(value), 4))}"'
    if key == 6 and value and len(value) % 16 == 0:
        return f'{name}="{",".join(ipv6_text(value[at : at + 16]) for at in range(0, len(value), 16))}"'
    return f'{name}="{printable(value)}"' if value else name
