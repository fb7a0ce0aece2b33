"""What DNS records hold, as zone files write it; the rarer ones are in `dns_rdata_more`.  RFC 1035 §3.3."""

import struct
from collections.abc import Callable

from lan.wire import dns_names as names
from lan.wire import dns_rdata_more as more
from lan.wire.addresses import ipv4_text, ipv6_text
from lan.wire.malformed import Malformed

Reader = Callable[[bytes, int, int, int], str]
"""(message's bytes, start, end, where the message starts) → text; raises Malformed."""


def rdata_text(kind: int, data: bytes, start: int, end: int, origin: int) -> str:
    """A record's data in words; of an unknown type as RFC 3597 §5 writes it.  Raises Malformed."""
    reader = READERS.get(kind)
    if reader is not None:
        return reader(data, start, end, origin)
    return f"\\# {end - start} {data[start:end].hex()}".rstrip()


def _exactly(length: int, start: int, end: int) -> None:
    if end - start != length:
        raise Malformed(f"{end - start} bytes of data, expected {length}")


def _least(length: int, start: int, end: int) -> None:
    if end - start < length:
        raise Malformed(f"{end - start} bytes of data, expected at least {length}")


def _name(data: bytes, start: int, end: int, origin: int) -> str:
    name, after = names.read_name(data, start, origin, end)
    _exactly(after - start, start, end)
    return name


def _a(data: bytes, start: int, end: int, origin: int) -> str:
    _exactly(4, start, end)
    return ipv4_text(data[start:end])


def _aaaa(data: bytes, start: int, end: int, origin: int) -> str:
    _exactly(16, start, end)
    return ipv6_text(data[start:end])


def _mx(data: bytes, start: int, end: int, origin: int) -> str:
    _least(3, start, end)
    (preference,) = struct.unpack_from("!H", data, start)
    return f"{preference} {_name(data, start + 2, end, origin)}"


def _srv(data: bytes, start: int, end: int, origin: int) -> str:
    _least(7, start, end)
    priority, weight, port = struct.unpack_from("!HHH", data, start)
    return f"{priority} {weight} {port} {_name(data, start + 6, end, origin)}"


def _soa(data: bytes, start: int, end: int, origin: int) -> str:
    primary, at = names.read_name(data, start, origin, end)
    mailbox, at = names.read_name(data, at, origin, end)
    _exactly(20, at, end)
    return " ".join([primary, mailbox, *map(str, struct.unpack_from("!LLLLL", data, at))])


READERS: dict[int, Reader] = {
    names.A: _a,
    names.AAAA: _aaaa,
    names.NS: _name,
    names.CNAME: _name,
    names.PTR: _name,
    39: _name,
    names.MX: _mx,
    names.SRV: _srv,
    names.SOA: _soa,
    names.TXT: more.texts,
    13: more.texts,
    35: more.naptr,
    43: more.ds,
    44: more.sshfp,
    46: more.rrsig,
    47: more.nsec,
    48: more.dnskey,
    50: more.nsec3,
    52: more.tlsa,
    53: more.tlsa,
    59: more.ds,
    60: more.dnskey,
    64: more.svcb,
    65: more.svcb,
    99: more.texts,
    256: more.uri,
    257: more.caa,
}
