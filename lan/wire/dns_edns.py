"""EDNS: what the OPT record says in the place of class and TTL, and its options.  RFC 6891, RFC 7871, RFC 8914."""

import struct
from collections.abc import Iterator

from lan.wire.addresses import ipv4_text, ipv6_text
from lan.wire.dns_names import RCODE_NAMES
from lan.wire.layer import preview, printable
from lan.wire.malformed import Malformed

DNSSEC_OK = 0x8000
NSID, CLIENT_SUBNET, EXPIRE, COOKIE, KEEPALIVE, PADDING, EXTENDED_ERROR = 3, 8, 9, 10, 11, 12, 15
OPTION_NAMES = {
    NSID: "NSID",
    5: "DAU",
    6: "DHU",
    7: "N3U",
    CLIENT_SUBNET: "client subnet",
    EXPIRE: "expire",
    COOKIE: "cookie",
    KEEPALIVE: "keepalive",
    PADDING: "padding",
    13: "chain",
    14: "key tag",
    EXTENDED_ERROR: "extended error",
}
ERRORS = {
    0: "other",
    3: "stale answer",
    4: "forged answer",
    6: "DNSSEC bogus",
    7: "signature expired",
    9: "DNSKEY missing",
    10: "RRSIGs missing",
    13: "cached error",
    15: "blocked",
    16: "censored",
    17: "filtered",
    18: "prohibited",
    20: "not authoritative",
    21: "not supported",
    22: "no reachable authority",
    23: "network error",
}


def words(dns_class: int, ttl: int, data: bytes, start: int, end: int) -> str:
    """All that an OPT record says; raises Malformed where its options run past it."""
    said = [f"up to {dns_class} bytes over UDP"]
    said += ["DNSSEC wanted"] if ttl & DNSSEC_OK else []
    said += [f"version {ttl >> 16 & 255}"] if ttl >> 16 & 255 else []
    said += [f"rcode {RCODE_NAMES.get(ttl >> 24 << 4, ttl >> 24)}"] if ttl >> 24 else []
    return ", ".join([*said, *(option_words(*option) for option in options(data, start, end))])


def options(data: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    """(code, value) of each option; raises Malformed at the first that runs past the record."""
    while at < end:
        if at + 4 > end:
            raise Malformed("an EDNS option runs past the record")
        code, length = struct.unpack_from("!HH", data, at)
        at += 4
        if at + length > end:
            raise Malformed("an EDNS option runs past the record")
        yield code, data[at : at + length]
        at += length


def option_words(code: int, value: bytes) -> str:
    """``cookie 0102030405060708``; never raises."""
    name = OPTION_NAMES.get(code) or f"option {code}"
    if code == CLIENT_SUBNET and len(value) >= 4:
        family, prefix, scope = struct.unpack_from("!HBB", value)
        size = {1: 4, 2: 16}.get(family)
        if size is not None and len(value) <= 4 + size:
            address = value[4:].ljust(size, b"\0")
            text = ipv4_text(address) if size == 4 else ipv6_text(address)
            return f"{name} {text}/{prefix}" + (f" (valid for /{scope})" if scope else "")
    if code == EXTENDED_ERROR and len(value) >= 2:
        number = int.from_bytes(value[:2], "big")
        text = printable(value[2:])
        return f"{name} {number} ({ERRORS.get(number, 'unknown')})" + (f": {text}" if text else "")
    if code == PADDING:
        return f"{name} of {len(value)} bytes"
    if code == KEEPALIVE and len(value) == 2:
        return f"{name} {int.from_bytes(value, 'big') / 10:g} s"
    if code == COOKIE:
        return f"{name} {value.hex()}"
    return f"{name} {preview(value)}" if value else name
