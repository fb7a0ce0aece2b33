"""Addresses as packets show them (lower-case text) and as bytes."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from lan.wire.malformed import Malformed

REMEMBERED = 4096
"""Addresses whose text is kept: a LAN has few, and each stands in every frame."""

BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"
NULL_MAC = "00:00:00:00:00:00"


def mac_text(data: bytes) -> str:
    """Six bytes → ``02:00:00:00:00:01``."""
    return data.hex(":")


def mac_bytes(text: str) -> bytes:
    """``02:00:00:00:00:01`` → six bytes; raises Malformed."""
    parts = text.split(":")
    try:
        if len(parts) == 6 and all(len(part) == 2 for part in parts):
            return bytes.fromhex("".join(parts))
    except ValueError:
        pass
    raise Malformed(f"{text!r} is not a MAC address, such as 02:00:00:00:00:01")


def ipv4_text(data: bytes) -> str:
    """Four bytes → ``192.168.100.1``."""
    return _ipv4_text(bytes(data))


@lru_cache(REMEMBERED)
def _ipv4_text(data: bytes) -> str:
    a, b, c, d = data
    return f"{a}.{b}.{c}.{d}"


def ipv4_bytes(address: str | IPv4Address) -> bytes:
    """``192.168.100.1`` → four bytes; raises Malformed."""
    try:
        return IPv4Address(address).packed
    except ValueError as fault:
        raise Malformed(f"{address!r} is not an IPv4 address") from fault


def ipv6_text(data: bytes) -> str:
    """Sixteen bytes → text, shortened as RFC 5952 says."""
    return _ipv6_text(bytes(data))


@lru_cache(REMEMBERED)
def _ipv6_text(data: bytes) -> str:
    return str(IPv6Address(data))
