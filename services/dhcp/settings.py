"""What a DHCP server gives out: settings from the command line, overlaid by a JSON file that can change.

Pure: texts in, `Settings` out; each mistake is a UsageError that names its key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from lan.errors import UsageError, nearest
from lan.services.dhcp.pool import Pool, parse_pool
from lan.wire.addresses import mac_bytes, mac_text
from lan.wire.malformed import Malformed

LONGEST_LEASE_S = 0xFFFFFFFE
"""One less than what stands for ever on the wire.  RFC 2132 §9.2."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One subnet's service.  `reservations` is MAC → the one address that it gets."""

    server_ip: IPv4Address
    subnet: IPv4Network
    pool: Pool
    router: IPv4Address | None = None
    dns: tuple[IPv4Address, ...] = ()
    domain: str | None = None
    lease_s: int = 3600
    reservations: Mapping[str, IPv4Address] = field(default_factory=dict)
    offer_s: int = 30
    decline_s: int = 600


def parse_settings(values: Mapping[str, Any], server_ip: IPv4Address, where: object = None) -> Settings:
    """The keys subnet, pool, router, dns, domain, lease_s, reservations → Settings.

    None counts as not given; `where` is named in an error.  Raises UsageError.
    """
    given = {key: value for key, value in values.items() if value is not None}
    for key in given:
        if key not in KEYS:
            near = nearest(key, KEYS)
            raise UsageError(f"no setting is called {key!r}", where=where, expected=f"one of {', '.join(KEYS)}",
                             todo=f"{near}: …" if near else None)
    try:
        subnet = _subnet(given.pop("subnet", None))
        if server_ip not in subnet:
            raise UsageError(f"the server's address {server_ip} is not in the subnet {subnet}")
        parsed = {key: KEYS[key](value) for key, value in given.items()}
        reservations = parsed.get("reservations", {})
        for mac, address in reservations.items():
            if address not in subnet or address == server_ip:
                raise UsageError(f"reservations: {mac} can't have {address}", expected=f"a free address of {subnet}")
        taken = {server_ip, *reservations.values()}
        if parsed.get("router"):
            taken.add(parsed["router"])
        taken.update(parsed.get("dns", ()))
        parsed["pool"] = parse_pool(str(parsed.get("pool", "")), subnet, taken)
        return Settings(server_ip, subnet, **parsed)
    except UsageError as fault:
        raise UsageError(fault.what, where=where, expected=fault.expected, todo=fault.todo) from fault


def _subnet(value: object) -> IPv4Network:
    try:
        return IPv4Network(str(value), strict=False)
    except ValueError as fault:
        raise UsageError(f"subnet {value!r}: {fault}", expected="CIDR, such as 192.168.100.0/24") from fault


def _address(key: str) -> Callable[[object], IPv4Address]:
    def parse(value: object) -> IPv4Address:
        try:
            return IPv4Address(str(value).strip())
        except ValueError as fault:
            raise UsageError(f"{key} {value!r} is no address", expected="such as 192.168.100.254") from fault

    return parse


def _addresses(value: object) -> tuple[IPv4Address, ...]:
    texts = value if isinstance(value, list) else str(value).split(",")
    return tuple(_address("dns")(text) for text in texts)


def _domain(value: object) -> str:
    text = str(value)
    if not text or not text.isascii() or len(text) > 253 or any(character.isspace() for character in text):
        raise UsageError(f"domain {text!r} is no name", expected="such as ark-inflearn.com")
    return text


def _lease_s(value: object) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= LONGEST_LEASE_S:
        raise UsageError(f"lease_s {text!r} is no time", expected=f"seconds, 1 to {LONGEST_LEASE_S}")
    return int(text)


def _reservations(value: object) -> dict[str, IPv4Address]:
    if not isinstance(value, dict):
        raise UsageError("reservations is no object", expected='such as {"02:00:00:00:00:01": "192.168.100.7"}')
    found: dict[str, IPv4Address] = {}
    for mac, address in value.items():
        try:
            found[mac_text(mac_bytes(str(mac)))] = _address(f"reservations: {mac}")(address)
        except Malformed as fault:
            raise UsageError(f"reservations: {fault}") from fault
    if len(set(found.values())) < len(found):
        raise UsageError("reservations give one address to two clients")
    return found


KEYS: dict[str, Callable[[Any], Any]] = {
    "subnet": _subnet,
    "pool": str,
    "router": _address("router"),
    "dns": _addresses,
    "domain": _domain,
    "lease_s": _lease_s,
    "reservations": _reservations,
}
"""Each key of the command line and of the file, and what reads its value."""
