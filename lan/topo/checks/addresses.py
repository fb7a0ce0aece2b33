"""IPv4 addresses: well written, one of each, and within the subnet of those they talk to."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from lan.topo.checks.facts import Address, Facts, Interface, parse_ip
from lan.topo.problem import Problem
from lan.topo.spec import Device

NOT_HOSTS = {0, 127, *range(224, 256)}
"""First bytes of addresses that no host has: this network, loopback, groups, reserved (RFC 6890)."""


def written(facts: Facts) -> Iterator[Problem]:
    """ADDRESS/PREFIX, and an address that a host may have (RFC 1122 §3.2.1.3)."""
    for each in facts.interfaces:
        if not isinstance(each.text, str):
            continue  # its type is told elsewhere
        said = f"{each.device.name}: ip {each.text!r:.60}"
        if each.address is None:
            todo = "ip=None, dhcp=True" if each.text.lower() == "dhcp" else None
            expected = f"ADDRESS/PREFIX, such as {_example(each.text)}"
            yield Problem(each.where, f"{said} is not an address with prefix", expected, todo)
            continue
        network, ip = each.address.network, each.address.ip
        if network.prefixlen < 31 and ip == network.network_address:
            yield Problem(each.where, f"{said} is the name of the network itself", _hosts(network))
        elif network.prefixlen < 31 and ip == network.broadcast_address:
            yield Problem(each.where, f"{said} is the network's broadcast address", _hosts(network))
        elif ip.packed[0] in NOT_HOSTS:
            yield Problem(each.where, f"{said} is no address for a host", "a unicast address, such as 192.168.100.1/24")


def duplicates(facts: Facts) -> Iterator[Problem]:
    """Two holders of one address: a mistake where they hear each other, odd elsewhere."""
    first: dict[IPv4Address, Interface] = {}
    for each, address in facts.static:
        holder = first.setdefault(address.ip, each)
        if holder is not each:
            at = f" ({holder.where})" if holder.where and holder.where.line else ""
            what = f"{each.device.name}: address {address.ip} is {holder.device.name}'s already{at}"
            apart = holder.segment != each.segment
            yield Problem(each.where, what, "an address of its own for each device", is_warning=apart)


Members = list[tuple[Interface, Address]]


def neighbours(facts: Facts) -> Iterator[Problem]:
    """A device alone in its subnet can talk to none of those on its segment."""
    on_segment: dict[int | str, dict[IPv4Network, Members]] = {}
    for each, address in facts.static:
        on_segment.setdefault(each.segment, {}).setdefault(address.network, []).append((each, address))
    for groups in on_segment.values():
        if len(groups) > 1:
            most = max(groups, key=lambda network: len(groups[network]))
            for network, members in groups.items():
                if network != most:
                    yield from _strangers(network, members, most, groups[most])


def _strangers(network: IPv4Network, members: Members, most: IPv4Network, theirs: Members) -> Iterator[Problem]:
    """Several together may be meant as a second subnet; one that overlaps is half right."""
    names = ", ".join(each.device.name for each, _ in theirs[:3]) + (", …" if len(theirs) > 3 else "")
    (each, address), others = members[0], len(members) - 1
    is_inside = address.ip in most
    said = "has another prefix than" if is_inside else "lies outside"
    what = f"{each.device.name}: ip {address} {said} its neighbours' subnet {most} ({names})"
    if others:
        what += f", and {others} more in {network}"
    expected = f"/{most.prefixlen}" if is_inside else f"an address of {most}"
    yield Problem(each.where, what, expected, is_warning=bool(others) or network.overlaps(most))


def routers(facts: Facts) -> Iterator[Problem]:
    """A gateway is an address that the device can reach without one."""
    for device in facts.lan.hosts:
        routers = {key: device.options.get(key) for key in ("gateway", "router")} | {"defaultRoute": _via(device)}
        for key, text in routers.items():
            if isinstance(text, str):
                yield from _router(facts, device, key, text)


def _router(facts: Facts, device: Device, key: str, text: str) -> Iterator[Problem]:
    gateway = parse_ip(text)
    if gateway is None:
        expected = "an address without prefix, such as 192.168.100.254"
        yield Problem(device.where, f"{device.name}: {key} {text!r:.60} is not an address", expected)
        return
    own = facts.address_of.get(device.name, [])
    if any(address.ip == gateway for address in own):
        yield Problem(device.where, f"{device.name}: {key} {text} is its own address", "another device's")
    elif own and not any(gateway in address.network for address in own):
        subnets = " or ".join(str(address.network) for address in own)
        what = f"{device.name}: {key} {text} lies outside its subnet {subnets}"
        yield Problem(device.where, what, f"an address of {subnets}")
    elif text not in facts.fixed:
        what = f"{device.name}: {key} {text} is no device's address"
        yield Problem(device.where, what, "the address of a router on its LAN", is_warning=True)


def resolvers(facts: Facts) -> Iterator[Problem]:
    """Who is asked for names exists; addresses only, since no name works before."""
    for device in facts.lan.hosts:
        texts = device.options.get("dns")
        for text in texts if isinstance(texts, (list, tuple)) else [texts]:
            if not isinstance(text, str):
                continue
            if parse_ip(text) is None:
                expected = "an address without prefix, such as 192.168.100.254"
                yield Problem(device.where, f"{device.name}: dns {text!r:.60} is not an address", expected)
            elif text not in facts.fixed:
                what = f"{device.name}: dns {text} is no device's address"
                yield Problem(device.where, what, "the address of a DNS server of the LAN", is_warning=True)


def _via(device: Device) -> str | None:
    """The address in Mininet's ``via 10.0.0.254`` or ``dev h1-eth0 via 10.0.0.254``."""
    route = device.options.get("defaultRoute")
    words = route.split() if isinstance(route, str) else []
    return words[words.index("via") + 1] if "via" in words[:-1] else None


def _example(text: str) -> str:
    """The address as it may have been meant."""
    address = parse_ip(text.partition("/")[0])
    return f"{address}/24" if address else "192.168.100.1/24"


def _hosts(network: IPv4Network) -> str:
    return f"{network.network_address + 1} to {network.broadcast_address - 1}"
