"""A device's interfaces and routes at an instant: what it was told, what it leased, which cables were plugged.  Pure.

Told by the topology, by `lan set` and `lan link`, and by the DHCP client's log.  What a program on the device changed
by itself (`ip address add …`) is not among it, but for routes: where the kernel told of them, they are as it says.
"""

import ipaddress
from dataclasses import dataclass

from lan.reasons import Sentence
from lan.trace.kernel.routes import Choice
from lan.trace.tables.history import History, Port
from lan.trace.tables.table import Table
from lan.wire import dhcp

INTERFACES = ["interface", "state", "mac", "addresses", "mtu", "received", "sent"]
ROUTES = ["destination", "gateway", "interface", "source"]
MADE_FROM = Sentence("its settings, its DHCP client's log and the cables' log")
MTU = "1500"


@dataclass(frozen=True, slots=True)
class _Address:
    interface: str
    text: str
    """ADDRESS/PREFIX."""
    router: str = ""


def interfaces(history: History, device: str, at_ns: int) -> Table:
    """One row a port; the loopback interface, which no cable shows, is left out."""
    addresses = _addresses(history, device, at_ns)
    received, sent = _count(history, at_ns, device)
    rows = []
    for port in history.ports_of(device):
        pulls = history.pulls(port.name, at_ns)
        state = "down" if pulls and not pulls[-1][1] else "up"
        held = " ".join(each.text for each in addresses if each.interface == port.interface) or "—"
        counted = [str(received.get(port.name, 0)), str(sent.get(port.name, 0))]
        rows.append([port.interface, state, port.mac, held, MTU, *counted])
    made_from = Sentence("{settings}; counters from frames", settings=MADE_FROM)
    return Table(INTERFACES, rows, made_from, is_derived=True)


def routes(history: History, device: str, at_ns: int) -> Table:
    """The default route, then a route for each network that the device is on."""
    if (told := history.kernel.routes.table(device, at_ns)) is not None:
        return _told(told)
    addresses = _addresses(history, device, at_ns)
    rows = [["default", each.router, each.interface, "—"] for each in addresses if each.router]
    for each in sorted(addresses, key=lambda one: ipaddress.ip_interface(one.text).network):
        held = ipaddress.ip_interface(each.text)
        if held.network.prefixlen < 32:
            rows.append([str(held.network), "—", each.interface, str(held.ip)])
    return Table(ROUTES, rows, MADE_FROM, is_derived=True)


def _told(choices: list[Choice]) -> Table:
    routes = [(one, choice.interface) for choice in choices if (one := choice.route) and ":" not in one.destination]
    rows = [
        ["default" if one.is_default else one.destination, one.gateway or "—", interface or "—", one.source or "—"]
        for one, interface in sorted(routes, key=lambda pair: not pair[0].is_default)
    ]
    return Table(ROUTES, rows, Sentence("what its kernel told"), is_derived=False)


def _addresses(history: History, device: str, at_ns: int) -> list[_Address]:
    ports, options = history.ports_of(device), history.options(device, at_ns)
    if not ports:
        return []
    found = [_Address(port.interface, port.address) for port in ports[1:] if port.address]
    if options.get("dhcp"):
        return [*_leased(history, device, ports[0], at_ns), *found]
    gateway = str(options.get("gateway") or "")
    default = str(options.get("defaultRoute") or "")
    if not gateway and "via " in default:
        gateway = default.rpartition("via ")[2].split()[0]
    own = str(options.get("ip") or "")
    return [*([_Address(ports[0].interface, own, gateway)] if own else []), *found]


def _leased(history: History, device: str, port: Port, at_ns: int) -> list[_Address]:
    """What the DHCP client put on, if it did not take it off again; the router is in the ACK."""
    held = ""
    for one in history.logs.get(device, []):
        if one.time_ns <= at_ns and one.service == "dhcp-client" and one.what in ("bound", "unbound"):
            held = one.get("ip") if one.what == "bound" else ""
    router = ""
    for frame in history.of_device(device, at_ns):
        message = frame.packet.dhcp
        if message is not None and message.type is dhcp.ACK and message.chaddr == port.mac:
            router = str(message.routers[0]) if message.routers else ""
    return [_Address(port.interface, held, router)] if held else []


def _count(history: History, at_ns: int, device: str) -> tuple[dict[str, int], dict[str, int]]:
    received: dict[str, int] = {}
    sent: dict[str, int] = {}
    for frame in history.of_device(device, at_ns):
        counted = sent if frame.from_device == device else received
        port = frame.sender if frame.from_device == device else frame.receiver
        counted[port] = counted.get(port, 0) + 1
    return received, sent
