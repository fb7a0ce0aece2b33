"""DHCP options: their names, what their bytes mean, and back.  RFC 2132, RFC 3396.

`OPTIONS` is the table; an option that is not in it is bytes.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from ipaddress import IPv4Address
from typing import Any

from lan.wire import dns_names
from lan.wire.addresses import ipv4_bytes, ipv4_text, mac_text
from lan.wire.frozen import frozen
from lan.wire.layer import preview, printable
from lan.wire.malformed import Malformed

PAD, END = 0, 255
SUBNET_MASK, ROUTERS, DNS_SERVERS, HOSTNAME, DOMAIN_NAME = 1, 3, 6, 12, 15
REQUESTED_IP, LEASE_TIME, OVERLOAD, MESSAGE_TYPE, SERVER_ID = 50, 51, 52, 53, 54
PARAMETERS, MESSAGE, MAX_SIZE, T1, T2, VENDOR_CLASS, CLIENT_ID = 55, 56, 57, 58, 59, 60, 61


class MessageType(IntEnum):
    """Option 53.  RFC 2132 §9.6."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


@frozen
class Kind:
    """How an option's bytes are read, made and said; `fits` tells which lengths are right."""

    expected: str
    fits: Callable[[int], bool]
    read: Callable[[bytes], Any]
    make: Callable[[Any], bytes]
    say: Callable[[Any], str] = str


def _number(size: int) -> Kind:
    def read(data: bytes) -> int:
        return int.from_bytes(data, "big")

    def make(value: int) -> bytes:
        return int(value).to_bytes(size, "big")

    return Kind(f"{size} bytes" if size > 1 else "1 byte", lambda length: length == size, read, make)


def _read_addresses(data: bytes) -> tuple[IPv4Address, ...]:
    return tuple(IPv4Address(data[at : at + 4]) for at in range(0, len(data), 4))


def _make_addresses(values: Iterable[str | IPv4Address]) -> bytes:
    return b"".join(map(ipv4_bytes, [values] if isinstance(values, str) else values))


def _read_text(data: bytes) -> str:
    return data.rstrip(b"\0").decode("latin-1")  # RFC 2132 §2: a trailing NUL is to be tolerated


def _say_codes(codes: Iterable[int]) -> str:
    return ", ".join(option_name(code) for code in codes)


def _say_seconds(seconds: int) -> str:
    if seconds == 0xFFFFFFFF:
        return "for ever"
    hours, minutes = divmod(seconds, 3600)[0], seconds % 3600 // 60
    if seconds % 3600 == 0 and hours:
        return f"{seconds} s ({hours} h)"
    return f"{seconds} s ({minutes} min)" if seconds % 60 == 0 and 0 < seconds < 3600 else f"{seconds} s"


def _say_client_id(value: bytes) -> str:
    return f"{mac_text(value[1:])} (Ethernet)" if len(value) == 7 and value[0] == 1 else value.hex(":")


def _say_type(value: int) -> str:
    return f"{MessageType(value).name} ({value})" if value in MessageType.__members__.values() else f"unknown ({value})"


def _say_overload(value: int) -> str:
    return {1: "file holds options", 2: "sname holds options", 3: "file and sname hold options"}.get(value, str(value))


def _say_routes(value: bytes) -> str:
    """RFC 3442: the prefix's length, its significant bytes, the router; again and again."""
    routes, at = [], 0
    while at < len(value):
        size = (value[at] + 7) // 8
        after = at + 1 + size + 4
        if size > 4 or after > len(value):
            return preview(value)
        network = ipv4_text(value[at + 1 : at + 1 + size].ljust(4, b"\0"))
        routes.append(f"{network}/{value[at]} by {ipv4_text(value[after - 4 : after])}")
        at = after
    return ", ".join(routes)


def _say_static_routes(value: bytes) -> str:
    if len(value) % 8:
        return preview(value)
    pairs = [(value[at : at + 4], value[at + 4 : at + 8]) for at in range(0, len(value), 8)]
    return ", ".join(f"{ipv4_text(to)} by {ipv4_text(router)}" for to, router in pairs)


def _say_names(value: bytes) -> str:
    """RFC 3397: names as DNS writes them, pointers within the option included."""
    names, at = [], 0
    try:
        while at < len(value):
            name, at = dns_names.read_name(value, at, 0, len(value))
            names.append(name)
    except Malformed:
        return preview(value)
    return ", ".join(names)


def _say_fqdn(value: bytes) -> str:
    """RFC 4702 §2: flags, two obsolete bytes, the name, as DNS writes it where flag E says so."""
    if len(value) < 3:
        return preview(value)
    asked = "the server is to update DNS" if value[0] & 1 else "the client updates DNS itself"
    if value[0] & 8:
        asked = "nobody is to update DNS"
    name = printable(value[3:])
    if value[0] & 4 and len(value) > 3:
        try:
            name, _ = dns_names.read_name(value, 3, 3, len(value))
        except Malformed:
            name = printable(value[3:])  # a name without the root's zero is a part of one
    return f"{name}, {asked}" if name else asked


def _say_relay(value: bytes) -> str:
    """RFC 3046 §2: sub-options."""
    said, at = [], 0
    while at < len(value):
        after = at + 2 + value[at + 1] if at + 1 < len(value) else len(value) + 1
        if after > len(value):
            return preview(value)
        name = {1: "circuit", 2: "remote", 5: "link"}.get(value[at]) or f"sub-option {value[at]}"
        said.append(f"{name} {preview(value[at + 2 : after]) or 'empty'}")
        at = after
    return ", ".join(said)


def _say_machine(value: bytes) -> str:
    return value[1:].hex() if value[:1] == b"\0" else preview(value)


def _say_present(value: bytes) -> str:
    return preview(value) or "yes"


ADDRESS = Kind("4 bytes", lambda length: length == 4, IPv4Address, ipv4_bytes)
ADDRESSES = Kind(
    "4 bytes per address",
    lambda length: length > 0 and length % 4 == 0,
    _read_addresses,
    _make_addresses,
    lambda addresses: ", ".join(map(str, addresses)),
)
TEXT = Kind(
    "at least 1 byte",
    lambda length: length > 0,
    _read_text,
    lambda text: str(text).encode("latin-1"),
    lambda text: printable(text.encode("latin-1")),
)
BYTE, SHORT, LONG = _number(1), _number(2), _number(4)
SECONDS = Kind(LONG.expected, LONG.fits, LONG.read, LONG.make, _say_seconds)
TYPE = Kind(BYTE.expected, BYTE.fits, BYTE.read, BYTE.make, _say_type)
OVERLOADED = Kind(BYTE.expected, BYTE.fits, BYTE.read, BYTE.make, _say_overload)
CODES = Kind("at least 1 byte", lambda length: length > 0, tuple, bytes, _say_codes)
RAW = Kind("any", lambda length: True, bytes, bytes, preview)
SWITCH = Kind(BYTE.expected, BYTE.fits, BYTE.read, BYTE.make, lambda value: "yes" if value == 1 else f"no ({value})")


def _raw(say: Callable[[bytes], str]) -> Kind:
    return Kind(RAW.expected, RAW.fits, RAW.read, RAW.make, say)


IDENTIFIER = Kind("at least 2 bytes", lambda length: length >= 2, bytes, bytes, _say_client_id)


@frozen
class Option:
    """A known option: its name in words, and `key`, its name among a message's properties."""

    name: str
    kind: Kind
    key: str = ""


OPTIONS = {
    SUBNET_MASK: Option("subnet mask", ADDRESS, "subnet_mask"),
    2: Option("time offset", LONG),
    ROUTERS: Option("routers", ADDRESSES, "routers"),
    4: Option("time servers", ADDRESSES),
    DNS_SERVERS: Option("DNS servers", ADDRESSES, "dns_servers"),
    7: Option("log servers", ADDRESSES),
    HOSTNAME: Option("host name", TEXT, "hostname"),
    DOMAIN_NAME: Option("domain name", TEXT, "domain_name"),
    17: Option("root path", TEXT),
    19: Option("IP forwarding", SWITCH),
    23: Option("default TTL", BYTE),
    26: Option("interface MTU", SHORT),
    28: Option("broadcast address", ADDRESS),
    31: Option("router discovery", SWITCH),
    33: Option("static routes", _raw(_say_static_routes)),
    40: Option("NIS domain", TEXT),
    41: Option("NIS servers", ADDRESSES),
    42: Option("NTP servers", ADDRESSES),
    43: Option("vendor options", RAW),
    44: Option("NetBIOS name servers", ADDRESSES),
    46: Option("NetBIOS node type", BYTE),
    47: Option("NetBIOS scope", RAW),
    REQUESTED_IP: Option("requested address", ADDRESS, "requested_ip"),
    LEASE_TIME: Option("lease time", SECONDS, "lease_s"),
    OVERLOAD: Option("option overload", OVERLOADED),
    MESSAGE_TYPE: Option("DHCP message type", TYPE, "type"),
    SERVER_ID: Option("server identifier", ADDRESS, "server_id"),
    PARAMETERS: Option("parameter request list", CODES, "parameters"),
    MESSAGE: Option("message", TEXT, "message"),
    MAX_SIZE: Option("maximum message size", SHORT, "max_size"),
    T1: Option("renewal time T1", SECONDS, "t1_s"),
    T2: Option("rebinding time T2", SECONDS, "t2_s"),
    VENDOR_CLASS: Option("vendor class", TEXT, "vendor_class"),
    CLIENT_ID: Option("client identifier", IDENTIFIER, "client_id"),
    66: Option("TFTP server name", TEXT),
    67: Option("boot file name", TEXT),
    69: Option("SMTP servers", ADDRESSES),
    77: Option("user class", RAW),
    80: Option("rapid commit", _raw(_say_present)),
    81: Option("client FQDN", _raw(_say_fqdn)),
    82: Option("relay agent information", _raw(_say_relay)),
    93: Option("client architecture", RAW),
    94: Option("client network interface", RAW),
    97: Option("client machine id", _raw(_say_machine)),
    100: Option("POSIX time zone", TEXT),
    101: Option("time zone name", TEXT),
    108: Option("IPv6-only preferred", SECONDS),
    114: Option("captive portal", TEXT),
    116: Option("auto-configuration", SWITCH),
    118: Option("subnet selection", ADDRESS),
    119: Option("domain search", _raw(_say_names)),
    121: Option("classless static routes", _raw(_say_routes)),
    150: Option("TFTP servers", ADDRESSES),
    249: Option("classless static routes (Microsoft)", _raw(_say_routes)),
    252: Option("proxy autodiscovery", TEXT),
}
KEYS = {option.key: code for code, option in OPTIONS.items() if option.key}
UNKNOWN = Option("", RAW)


def option_name(code: int) -> str:
    """``lease time``, or the number where it has no name here."""
    return OPTIONS[code].name if code in OPTIONS else f"option {code}"


def fault_of(code: int, data: bytes) -> str | None:
    """What is wrong with an option's length, or None.  Shape rules of RFC 2132 alone."""
    kind = OPTIONS.get(code, UNKNOWN).kind
    if kind.fits(len(data)):
        return None
    return f"DHCP option {code} ({option_name(code)}) has {len(data)} bytes, expected {kind.expected}"


def decode(code: int, data: bytes) -> Any:
    """An option's value: IPv4Address, a tuple of them, int, str, or bytes; raises Malformed."""
    if fault := fault_of(code, data):
        raise Malformed(fault)
    return OPTIONS.get(code, UNKNOWN).kind.read(data)


def encode(code: int, value: Any) -> bytes:
    """The bytes of an option's value; raises Malformed where it is no such value."""
    if not PAD < code < END:
        raise Malformed(f"DHCP option {code} carries no value")
    try:
        data = OPTIONS.get(code, UNKNOWN).kind.make(value)
    except (ValueError, TypeError, OverflowError) as fault:
        raise Malformed(f"DHCP option {code} ({option_name(code)}) can't be {value!r}: {fault}") from fault
    if fault_text := fault_of(code, data):
        raise Malformed(fault_text)
    return data


def words(code: int, data: bytes) -> str:
    """An option's value for a reader; never raises."""
    kind = OPTIONS.get(code, UNKNOWN).kind
    return kind.say(kind.read(data)) if kind.fits(len(data)) else preview(data)


def options(**values: Any) -> dict[int, bytes]:
    """Options by the names of `dhcp.Message`'s properties: ``options(type=OFFER, lease_s=3600)``.

    None leaves an option out; raises Malformed for a wrong value, KeyError for an unknown name.
    """
    return {KEYS[key]: encode(KEYS[key], value) for key, value in values.items() if value is not None}


def walk(data: bytes, start: int, end: int, problems: list[str]) -> Iterator[tuple[int, int, int]]:
    """(code, start, end) of each option in an options field, END too, padding left out.

    `start` is where the code stands; the value begins two bytes on.  Stops at the first that is
    damaged, which goes to `problems`, as does a missing END.
    """
    at = start
    while at < end:
        code = data[at]
        if code == END:
            yield END, at, at + 1
            return
        if code == PAD:
            at += 1
            continue
        after = at + 2 + data[at + 1] if at + 1 < end else end + 1
        if after > end:
            problems.append(f"DHCP option {code} ({option_name(code)}) runs past the options' end")
            return
        yield code, at, after
        at = after
    problems.append("DHCP options have no END")


def build(values: dict[int, bytes]) -> bytes:
    """The options field, END included: the message type first; raises Malformed.

    A value over 255 bytes is split, to be joined by the reader.  RFC 3396 §5.
    """
    made = bytearray()
    for code in sorted(values, key=lambda code: code != MESSAGE_TYPE):
        value = values[code]
        if not PAD < code < END or code == OVERLOAD:
            raise Malformed(f"DHCP option {code} can't be sent")
        if fault := fault_of(code, value):
            raise Malformed(fault)
        for at in range(0, len(value) or 1, 255):
            part = value[at : at + 255]
            made += bytes((code, len(part))) + part
    return bytes(made) + bytes((END,))
