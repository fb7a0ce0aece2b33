"""Neighbour discovery over ICMPv6: routers, neighbours, redirects, and their options.  RFC 4861, RFC 8106, RFC 4191."""

from collections.abc import Callable, Iterator

from lan.wire import dns_names, ipv6, quote
from lan.wire.addresses import ipv6_text, mac_text
from lan.wire.layer import Field, count, preview
from lan.wire.malformed import Malformed

ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, SOLICITATION, ADVERTISEMENT, REDIRECT = range(133, 138)
TYPES = range(ROUTER_SOLICITATION, REDIRECT + 1)
HEAD_BYTES = {ROUTER_SOLICITATION: 8, ROUTER_ADVERTISEMENT: 16, SOLICITATION: 24, ADVERTISEMENT: 24, REDIRECT: 40}
"""Bytes before the options."""
SOURCE_MAC, TARGET_MAC, PREFIX, REDIRECTED, MTU, NONCE, ROUTE, RDNSS, DNSSL = 1, 2, 3, 4, 5, 14, 24, 25, 31
OPTION_NAMES = {
    SOURCE_MAC: "source link-layer address",
    TARGET_MAC: "target link-layer address",
    PREFIX: "prefix",
    REDIRECTED: "redirected header",
    MTU: "MTU",
    NONCE: "nonce",
    ROUTE: "route",
    RDNSS: "DNS servers",
    DNSSL: "domain search",
    37: "captive portal",
    38: "NAT64 prefix",
}
PREFERENCES = {0: "medium", 1: "high", 3: "low", 2: "reserved"}
FOR_EVER = 0xFFFFFFFF


def problems(kind: int, data: bytes, start: int, end: int) -> Iterator[str]:
    """What is wrong with a message's length and with its options."""
    if end - start < HEAD_BYTES[kind]:
        yield f"ICMPv6 message has {count(end - start, 'byte')}, expected at least {HEAD_BYTES[kind]}"
        return
    faults: list[str] = []
    for _ in _options(data, start + HEAD_BYTES[kind], end, faults):
        pass
    yield from faults


def fields(kind: int, data: bytes, start: int, end: int) -> Iterator[Field]:
    """What follows a message's checksum, options included, as far as it is here."""
    if end - start < HEAD_BYTES[kind]:
        return
    yield from HEADS[kind](data, start)
    for option, at, after in _options(data, start + HEAD_BYTES[kind], end, []):
        name = OPTION_NAMES.get(option) or f"option {option}"
        yield Field(name, data[at:after], option_words(option, data[at:after]), at, after)
        if option == REDIRECTED and after - at >= 8 + ipv6.HEADER_BYTES:
            quoted = ipv6.read(data, at + 8, after, whole=False)
            yield from quote.fields(quoted, data, at + 8, after)


def _options(data: bytes, at: int, end: int, faults: list[str]) -> Iterator[tuple[int, int, int]]:
    """(type, start, end) of each option; their length counts eights.  RFC 4861 §4.6."""
    while at < end:
        size = data[at + 1] * 8 if at + 1 < end else 0
        if size == 0 or at + size > end:
            name = OPTION_NAMES.get(data[at]) or f"option {data[at]}"
            faults.append(f"neighbor discovery {name} {'runs past the message' if size else 'has no length'}")
            return
        yield data[at], at, at + size
        at += size


def _solicited_router(data: bytes, start: int) -> Iterator[Field]:
    yield _reserved(data, start)


def _router(data: bytes, start: int) -> Iterator[Field]:
    bits = data[start + 5]
    lifetime_s = data[start + 6] << 8 | data[start + 7]
    yield Field("hop limit", data[start + 4], count(data[start + 4], "hop"), start + 4, start + 5)
    yield Field("managed addresses", bool(bits & 0x80), _yes(bits & 0x80), start + 5, start + 6)
    yield Field("other configuration", bool(bits & 0x40), _yes(bits & 0x40), start + 5, start + 6)
    yield Field("router preference", bits >> 3 & 3, PREFERENCES[bits >> 3 & 3], start + 5, start + 6)
    yield Field("router lifetime", lifetime_s, f"{lifetime_s} s", start + 6, start + 8)
    for name, at in (("reachable time", start + 8), ("retransmission timer", start + 12)):
        time_ms = int.from_bytes(data[at : at + 4], "big")
        yield Field(name, time_ms, f"{time_ms} ms", at, at + 4)


def _solicitation(data: bytes, start: int) -> Iterator[Field]:
    yield _reserved(data, start)
    yield _address("target", data, start + 8)


def _advertisement(data: bytes, start: int) -> Iterator[Field]:
    bits = data[start + 4]
    for name, bit in (("router", 0x80), ("solicited", 0x40), ("override", 0x20)):
        yield Field(name, bool(bits & bit), _yes(bits & bit), start + 4, start + 5)
    yield _address("target", data, start + 8)


def _redirect(data: bytes, start: int) -> Iterator[Field]:
    yield _reserved(data, start)
    yield _address("target", data, start + 8)
    yield _address("redirected destination", data, start + 24)


def _reserved(data: bytes, start: int) -> Field:
    return Field("reserved", data[start + 4 : start + 8], data[start + 4 : start + 8].hex(), start + 4, start + 8)


def _address(name: str, data: bytes, at: int) -> Field:
    address = ipv6_text(data[at : at + 16])
    return Field(name, address, address, at, at + 16)


def _yes(bit: int) -> str:
    return "yes" if bit else "no"


HEADS: dict[int, Callable[[bytes, int], Iterator[Field]]] = {
    ROUTER_SOLICITATION: _solicited_router,
    ROUTER_ADVERTISEMENT: _router,
    SOLICITATION: _solicitation,
    ADVERTISEMENT: _advertisement,
    REDIRECT: _redirect,
}


def option_words(kind: int, option: bytes) -> str:
    """What an option says, type and length included; never raises."""
    reader = READERS.get(kind)
    return (reader(option) if reader else None) or preview(option[2:])


def _mac_words(option: bytes) -> str | None:
    return mac_text(option[2:8]) if len(option) == 8 else None


def _prefix_words(option: bytes) -> str | None:
    """RFC 4861 §4.6.2: on-link (L) and autonomous configuration (A)."""
    if len(option) != 32:
        return None
    uses = [name for bit, name in ((0x80, "on-link"), (0x40, "for autoconfiguration")) if option[3] & bit]
    valid, preferred = (_seconds(option[at : at + 4]) for at in (4, 8))
    prefix = f"{ipv6_text(option[16:32])}/{option[2]}"
    return ", ".join([prefix, *uses, f"valid {valid}", f"preferred {preferred}"])


def _seconds(number: bytes) -> str:
    seconds = int.from_bytes(number, "big")
    return "for ever" if seconds == FOR_EVER else f"{seconds} s"


def _mtu_words(option: bytes) -> str | None:
    return count(int.from_bytes(option[4:8], "big"), "byte") if len(option) == 8 else None


def _route_words(option: bytes) -> str | None:
    if len(option) not in (8, 16, 24):
        return None
    prefix = ipv6_text(option[8:].ljust(16, b"\0"))
    return f"{prefix}/{option[2]}, preference {PREFERENCES[option[3] >> 3 & 3]}, {_seconds(option[4:8])}"


def _servers_words(option: bytes) -> str | None:
    if len(option) < 24 or len(option) % 16 != 8:
        return None
    servers = [ipv6_text(option[at : at + 16]) for at in range(8, len(option), 16)]
    return f"{', '.join(servers)}, {_seconds(option[4:8])}"


def _search_words(option: bytes) -> str | None:
    names, at = [], 8
    try:
        while at < len(option) and option[at]:
            name, at = dns_names.read_name(option, at, 0, len(option))
            names.append(name)
    except Malformed:
        return None
    return f"{', '.join(names)}, {_seconds(option[4:8])}" if names else None


READERS: dict[int, Callable[[bytes], str | None]] = {
    SOURCE_MAC: _mac_words,
    TARGET_MAC: _mac_words,
    PREFIX: _prefix_words,
    MTU: _mtu_words,
    ROUTE: _route_words,
    RDNSS: _servers_words,
    DNSSL: _search_words,
}
