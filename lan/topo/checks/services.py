"""What DHCP, DNS and web servers need of each other.  A server is known by its options, not by its kind's name."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from lan.topo.checks.facts import Facts, parse_ip
from lan.topo.problem import Problem
from lan.topo.schema import shown
from lan.topo.spec import Device

POOL_EXPECTED = "FIRST-LAST, such as 192.168.100.1-100"
RECORD_TYPES = {"A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT", "ttl_s"}


def dhcp_servers(facts: Facts) -> Iterator[Problem]:
    """One answers on a segment, and whoever asks there has one to ask."""
    serving: dict[int, Device] = {}
    for server in facts.taking("pool"):
        for segment in sorted(facts.segments_of(server)):
            first = serving.setdefault(segment, server)
            if first is not server:
                at = f" ({first.where})" if first.where and first.where.line else ""
                what = f"{server.name}: a second DHCP server on the LAN of {first.name}{at}"
                yield Problem(server.where, what, "one, or clients take whichever answers first", is_warning=True)
    for client in facts.lan.hosts:
        segments = facts.segments_of(client)
        if client.options.get("dhcp") is True and segments and not segments & serving.keys():
            what = f"{client.name}: dhcp=True, but no DHCP server is on its LAN"
            todo = "addHost('dhcp', kind='dhcp-server', …) and a cable, or a fixed ip"
            yield Problem(client.where, what, "a DHCP server among those its switches join", todo)


def pools(facts: Facts) -> Iterator[Problem]:
    """A pool lies in the server's subnet and keeps clear of fixed addresses."""
    for server in facts.taking("pool"):
        text = server.options.get("pool")
        if not isinstance(text, str):
            continue
        pool = parse_pool(text)
        if pool is None:
            yield Problem(server.where, f"{server.name}: pool {text!r:.60} is not a run of addresses", POOL_EXPECTED)
            continue
        first, last = pool
        if first > last:
            yield Problem(server.where, f"{server.name}: pool {text!r:.60} ends before it begins", POOL_EXPECTED)
            continue
        yield from _pool_place(facts, server, text, pool)
        told = _fixed_within(facts, server, pool)
        if told:
            names = ", ".join(told[:3])
            more = f" and {len(told) - 3} more" if len(told) > 3 else ""
            what = f"{server.name}: pool {text} holds the fixed address of {names}{more}"
            yield Problem(server.where, what, "a pool without them, or two devices may get one", is_warning=True)


def parse_pool(text: str) -> tuple[IPv4Address, IPv4Address] | None:
    """``192.168.100.1-192.168.100.100`` or ``192.168.100.1-100``."""
    first, _, last = (part.strip() for part in text.partition("-"))
    if last.isascii() and last.isdigit():
        last = f"{first.rpartition('.')[0]}.{last}"
    addresses = parse_ip(first), parse_ip(last)
    return (addresses[0], addresses[1]) if addresses[0] and addresses[1] else None


def _pool_place(facts: Facts, server: Device, text: str, pool: tuple[IPv4Address, IPv4Address]) -> Iterator[Problem]:
    own = [address.network for address in facts.address_of.get(server.name, [])]
    if not own:
        if server.options.get("ip") is None or server.options.get("dhcp"):
            what = f"{server.name}: a DHCP server needs a fixed address of its own"
            yield Problem(server.where, what, "ip='ADDRESS/PREFIX', such as 192.168.100.252/24")
    elif not any(pool[0] in network and pool[1] in network for network in own):
        subnets = " or ".join(str(network) for network in own)
        what = f"{server.name}: pool {text} lies outside its subnet {subnets}"
        yield Problem(server.where, what, f"addresses of {subnets}")


def _fixed_within(facts: Facts, server: Device, pool: tuple[IPv4Address, IPv4Address]) -> list[str]:
    """Who else has a fixed address in the pool; the server leaves its own, the router's and the resolver's out."""
    options = server.options
    excluded = {options.get(key) for key in ("router", "dns") if isinstance(options.get(key), str)}
    if isinstance(options.get("reservations"), dict):
        excluded |= {value for value in options["reservations"].values() if isinstance(value, str)}
    segments = facts.segments_of(server)
    return [
        f"{each.device.name} ({address.ip})"
        for each, address in facts.static
        if each.segment in segments
        and each.device is not server
        and pool[0] <= address.ip <= pool[1]
        and str(address.ip) not in excluded
    ]


def zones(facts: Facts) -> Iterator[Problem]:
    """A record is an address, ``{TYPE: data}``, or a list of these."""
    for server in facts.taking("zone"):
        zone = server.options.get("zone")
        for name, value in zone.items() if isinstance(zone, dict) else []:
            said = f"{server.name}: zone name {shown(name)}"
            if not isinstance(name, str) or not _is_name(name):
                yield Problem(server.where, f"{said} is not a domain name", "such as 'www.lan.test'")
            elif not _is_record(value):
                what = f"{server.name}: zone record {name} {shown(value)} is not an address"
                yield Problem(server.where, what, "an address such as '10.0.0.2', or {'CNAME': 'www.lan.test'}")


def web_names(facts: Facts) -> Iterator[Problem]:
    """A name that a web server answers to leads there from the DNS."""
    zones = [server.options.get("zone") for server in facts.taking("zone")]
    known = {_plain(name) for zone in zones if isinstance(zone, dict) for name in zone if isinstance(name, str)}
    for server in facts.taking("names"):
        names = server.options.get("names")
        for name in names if isinstance(names, (list, tuple)) else []:
            if isinstance(name, str) and _plain(name) not in known:
                what = f"{server.name}: no DNS record leads to its name {name!r:.80}"
                yield Problem(server.where, what, "the name in the zone of a DNS server", is_warning=True)


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


def _is_name(name: str) -> bool:
    labels = name.removesuffix(".").split(".")
    return len(name) <= 254 and all(label and len(label) <= 63 and label.isprintable() for label in labels)


def _is_record(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(_is_record(item) for item in value)
    if isinstance(value, dict):
        return bool(value) and all(isinstance(key, str) and key in RECORD_TYPES for key in value)
    return _ip(value) is not None


def _ip(value: Any) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(value) if isinstance(value, str) else None
    except ValueError:
        return None
