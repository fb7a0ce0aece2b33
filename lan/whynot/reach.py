"""From a device to an address and back: route, firewall, each hop, forwarding, and the way of the answer.  Pure."""

from collections.abc import Iterator

from lan.reasons import Sentence
from lan.whynot.case import Case, numbers, told
from lan.whynot.crossing import cross, own_link
from lan.whynot.facts import Device, Route
from lan.whynot.finding import Step
from lan.whynot.nftables import REJECT, Packet, Stopped, stopped

MOST_HOPS = 16


def reach(case: Case, source: Device, packet: Packet, *, is_back: bool = False) -> Iterator[Step]:
    """Every piece from a device to `packet.dst`, in the order in which a packet meets them; then the answer's."""
    device, came_by = source, ""
    for _ in range(MOST_HOPS):
        route = device.routes.get(packet.dst, Route())
        if route.is_local or packet.dst in device.addresses:
            break
        yield from _leaves(case, device, packet, route, came_by, is_back=is_back)
        next_hop = route.gateway or packet.dst
        if route.gateway:
            yield from _gateway(case, device, route)
        yield from cross(case, device, route.interface, next_hop, packet)
        [arrived, *_] = case.owners(next_hop) or [device]
        if arrived is device:
            return
        there = case.interface_with(arrived, next_hop)
        device, came_by = arrived, there.name if there else ""
    else:
        said = Sentence("the routes lead in a circle: after {count} hops the packet is at {device}",
                        count=MOST_HOPS, device=device.name)  # fmt: skip
        look = f"lan show routes {device.name}"
        yield Step("route", device.name, said, "route.circle", tuple(device.table), look=look)
    yield from _enters(case, device, packet, came_by)
    if not is_back:
        yield from reach(case, device, packet.back(), is_back=True)


def _leaves(case: Case, device: Device, packet: Packet, route: Route, came_by: str, *, is_back: bool) -> Iterator[Step]:
    """Route, interface and firewall of a device that sends a packet, or forwards what came by an interface."""
    who = {"device": device.name, "ip": packet.dst}
    if came_by and device.sysctls.get("ip_forward") == "0":
        came = case.frames(packet, receiver=device.name)
        said = Sentence("{device} is on the way to {ip} and does not forward (net.ipv4.ip_forward=0)", **who)
        if is_back:
            said = Sentence("{device} is on the way back to {ip} and does not forward (net.ipv4.ip_forward=0)", **who)
        look = f"lan exec {device.name} -- sysctl net.ipv4.ip_forward"
        remedy = f"lan exec {device.name} -- sysctl -w net.ipv4.ip_forward=1"
        evidence = ("net.ipv4.ip_forward = 0", *told(came))
        yield Step("forwarding", device.name, said, "forward.off", evidence, numbers(came), look, remedy)
    if route.fault:
        yield from _no_route(case, device, packet, route, is_back=is_back)
    if route.interface and (interface := device.interface(route.interface)) is not None:
        yield from own_link(case, device, interface)
    by = (
        Sentence("via {gateway} by {interface}", gateway=route.gateway, interface=route.interface)
        if route.gateway
        else Sentence("by {interface}", interface=route.interface)
    )
    said = Sentence("{device} has a route to {ip}, {by}", by=by, **who)
    if is_back:
        said = Sentence("{device} has a route back to {ip}, {by}", by=by, **who)
    yield Step("route", device.name, said)
    hooks = ("prerouting", "forward", "postrouting") if came_by else ("output", "postrouting")
    if rule := stopped(device.ruleset, hooks, packet, came_by, route.interface):
        yield _firewall(case, device, packet, rule)


def _no_route(case: Case, device: Device, packet: Packet, route: Route, *, is_back: bool) -> Iterator[Step]:
    look = f"lan show routes {device.name}"
    if route.row.split()[:1] and route.row.split()[0] in ("blackhole", "unreachable", "prohibit", "throw"):
        said = Sentence("{device}'s routing table refuses {ip}: {row}",
                        device=device.name, ip=packet.dst, row=route.row)  # fmt: skip
        remedy = f"lan exec {device.name} -- ip route del {route.row}"
        yield Step("route", device.name, said, "route.refused", (route.row,), look=look, remedy=remedy)
    if not case.owners(packet.dst) and case.meant(packet.dst) is None:
        said = Sentence("no device of the LAN has the address {ip}, and no route leads out of a LAN", ip=packet.dst)
        who = Sentence("lan inspect shows who has which address")
        yield Step("address", device.name, said, "address.unknown", tuple(device.table), look=look, remedy=who)
    facts = {"device": device.name, "ip": packet.dst, "fault": route.fault}
    said = Sentence("{device} has no route to {ip} ({fault})", **facts)
    if is_back:
        said = Sentence("{device} has no route back to {ip} ({fault})", **facts)
    table = tuple(device.table) or (Sentence("the routing table is empty"),)
    router = next(
        (
            address
            for other in case.facts.devices.values()
            if other is not device and other.sysctls.get("ip_forward") == "1"
            for address in other.addresses
            if case.is_local(device, address)
        ),
        None,
    )
    remedy = f"lan set {device.name} gateway={router}" if router else f"lan set {device.name} ip=ADDRESS/PREFIX"
    if device.dhcp and device.addresses and router:
        remedy = f"lan set {device.name} ip=dhcp"
    yield Step("route", device.name, said, "route.none", table, look=look, remedy=remedy)


def _gateway(case: Case, device: Device, route: Route) -> Iterator[Step]:
    """Whether the gateway is a device that could be one."""
    owners = case.owners(route.gateway)
    if owners and owners[0].sysctls.get("ip_forward") == "0" and case.meant(route.gateway) is not None:
        routers = [
            address
            for other in case.facts.devices.values()
            if other.sysctls.get("ip_forward") == "1" and other is not device
            for address in other.addresses
            if case.is_local(device, address)
        ]
        if routers and len(case.cables_at(owners[0].name)) < 2:
            said = Sentence("{device}'s gateway {ip} is {owner}, which is no router",
                            device=device.name, ip=route.gateway, owner=owners[0].name)  # fmt: skip
            look, remedy = f"lan show routes {device.name}", f"lan set {device.name} gateway={routers[0]}"
            yield Step("gateway", device.name, said, "gateway.wrong", tuple(device.table), look=look, remedy=remedy)
    if not owners and case.meant(route.gateway) is None:
        asked = case.arp(route.gateway, "request")
        said = Sentence("{device}'s gateway {ip} is no device's address", device=device.name, ip=route.gateway)
        look, remedy = f"lan show routes {device.name}", f"lan set {device.name} gateway=ADDRESS"
        evidence = tuple(device.table) + told(asked)
        yield Step("gateway", device.name, said, "gateway.nobody", evidence, numbers(asked), look, remedy)


def _enters(case: Case, device: Device, packet: Packet, came_by: str) -> Iterator[Step]:
    """A packet at the device that it is for."""
    if rule := stopped(device.ruleset, ("prerouting", "input"), packet, came_by, ""):
        yield _firewall(case, device, packet, rule)
    if (
        packet.protocol == "icmp"
        and packet.icmp_type == "echo-request"
        and device.sysctls.get("icmp_echo_ignore_all", "0") != "0"
    ):
        came = case.frames(packet, receiver=device.name)
        said = Sentence("{device} is told not to answer pings (net.ipv4.icmp_echo_ignore_all=1)", device=device.name)
        look = f"lan exec {device.name} -- sysctl net.ipv4.icmp_echo_ignore_all"
        remedy = f"lan exec {device.name} -- sysctl -w net.ipv4.icmp_echo_ignore_all=0"
        yield Step("kernel", device.name, said, "icmp.ignored", told(came), numbers(came), look, remedy)


def _firewall(case: Case, device: Device, packet: Packet, rule: Stopped) -> Step:
    facts = {
        "device": device.name, "packet": packet.words(), "src": packet.src, "hook": rule.hook, "rule": rule.text
    }  # fmt: skip
    said = Sentence("{device}'s firewall drops {packet} from {src} ({hook}): {rule}", **facts)
    if rule.verdict == REJECT:
        said = Sentence("{device}'s firewall rejects {packet} from {src} ({hook}): {rule}", **facts)
    where = f"table {rule.family} {rule.table}, chain {rule.chain}: {rule.text}"
    came = case.frames(packet, receiver=device.name) or case.frames(packet)
    look = f"lan exec {device.name} -- nft -a list ruleset"
    remedy = f"lan exec {device.name} -- {rule.remedy()}"
    return Step(
        "firewall", device.name, said, f"firewall.{rule.verdict}", (where, *told(came)), numbers(came), look, remedy
    )
