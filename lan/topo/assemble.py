"""From what a Topo holds to a `Lan`: kinds, addresses, names of interfaces, as Mininet would give them.

What can't be said by a `Lan` at all (a name twice, a cable to nobody) becomes a `Problem` here;
everything else is judged by lan/topo/validate.py.
"""

from typing import Any

from lan.topo import stock
from lan.topo.checks.facts import parse_ip
from lan.topo.problem import Problem, Speller
from lan.topo.spec import Device, Lan, Link, Port, mac_address

DEFAULT_HOST, DEFAULT_SWITCH = "pc", "switch"
MININET_PREFIX = 8
"""Of Mininet's default network 10.0.0.0/8, and of an address written without one (Node.setIP)."""


def assemble(seen: stock.Recording, name: str, source: str) -> tuple[Lan, list[Problem]]:
    """The LAN that a Topo describes, and the mistakes that it can't hold."""
    problems = _twice(seen)
    devices = {}
    for node in stock.nodes(seen):
        if not isinstance(node.name, str):
            what = f"{node.name!r:.60} is not a name"
            problems.append(Problem(node.where, what, "text, such as 'pc1'"))
        else:
            devices[node.name] = _device(node, problems)
    _number_hosts(devices, problems)
    links = _links(seen, devices, problems)
    return Lan(name, devices, links, source), problems


def _twice(seen: stock.Recording) -> list[Problem]:
    return [
        Problem(
            where,
            f"{name}: the name is taken" + (f" by the device of {first}" if first else ""),
            "a name of its own for each device",
        )
        for name, where, first in seen.twice
    ]


def _device(node: stock.Node, problems: list[Problem]) -> Device:
    options, is_plain = dict(node.options), "kind" not in node.options
    kind = options.pop("kind", DEFAULT_SWITCH if node.is_switch else DEFAULT_HOST)
    ip = options.get("ip")
    if is_plain and parse_ip(ip) is not None:
        what = f"{node.name}: ip {ip!r} has no prefix; as in Mininet, it is taken for {ip}/{MININET_PREFIX}"
        problems.append(Problem(node.where, what, f"ADDRESS/PREFIX, such as {ip}/24", is_warning=True))
        options["ip"] = f"{ip}/{MININET_PREFIX}"
    return Device(node.name, kind, options, node.where, node.is_switch)


def _number_hosts(devices: dict[str, Device], problems: list[Problem]) -> None:
    """10.0.0.N/8 for the N-th host in natural order, where it says nothing of an address (Mininet.addHost)."""
    hosts = [device for device in devices.values() if not device.is_switch]
    for number, host in enumerate(sorted(hosts, key=lambda host: stock.natural(host.name)), 1):
        if "ip" not in host.options and not host.options.get("dhcp"):
            host.options["ip"] = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}/{MININET_PREFIX}"


def _links(seen: stock.Recording, devices: dict[str, Device], problems: list[Problem]) -> tuple[Link, ...]:
    speller = Speller()
    for cable in seen.loose:
        for name in dict.fromkeys((cable.node1, cable.node2)):
            if name not in devices:
                what = f"{cable.node1} – {cable.node2}: no device {name!r} is declared{speller.meant(name, devices)}"
                problems.append(Problem(cable.where, what, "a device that addHost or addSwitch has made before"))
    cables = [cable for cable in stock.cables(seen) if cable.node1 in devices and cable.node2 in devices]
    sound = [cable for cable in cables if not _port_problems(cable, problems)]
    macs = _macs(sound, devices)
    links = []
    for cable in sound:
        a, b = _ends(cable)
        options = {key: value for key, value in cable.options.items() if value is not None}
        links.append(Link(Port(*a, macs[a]), Port(*b, macs[b]), options, cable.where))
    return tuple(links)


def _port_problems(cable: stock.Cable, problems: list[Problem]) -> bool:
    """Whether the cable's ports can't be named."""
    before = len(problems)
    for name, value in (("port1", cable.port1), ("port2", cable.port2)):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 65279:
            what = f"{cable.node1} – {cable.node2}: {name} {value!r:.60} is not the number of a port"
            problems.append(Problem(cable.where, what, f"a whole number, such as {name}=1"))
    for name in ("intfName1", "intfName2"):
        value = cable.options.get(name)
        if value is not None and (not isinstance(value, str) or not value):
            what = f"{cable.node1} – {cable.node2}: {name} {value!r:.60} is not a name"
            problems.append(Problem(cable.where, what, f"text, such as {name}='pc1-eth0'"))
    return len(problems) > before


def _ends(cable: stock.Cable) -> tuple[tuple[str, str], tuple[str, str]]:
    """(device, interface) of both ends."""
    return (
        (cable.node1, cable.options.get("intfName1") or f"{cable.node1}-eth{cable.port1}"),
        (cable.node2, cable.options.get("intfName2") or f"{cable.node2}-eth{cable.port2}"),
    )


def _macs(cables: list[stock.Cable], devices: dict[str, Device]) -> dict[tuple[str, str], str]:
    """The address of every port: the cable's `addr1`, the device's `mac` (lowest port), else derived from its name."""
    lowest: dict[str, tuple[int, str]] = {}
    written: dict[tuple[str, str], Any] = {}
    for cable in cables:
        for end, number, key in zip(_ends(cable), (cable.port1, cable.port2), ("addr1", "addr2"), strict=True):
            lowest[end[0]] = min(lowest.get(end[0], (number, end[1])), (number, end[1]))
            written[end] = cable.options.get(key)
    for name, (_, interface) in lowest.items():
        written[name, interface] = devices[name].options.get("mac") or written[name, interface]
    macs = {end: str(mac).lower() for end, mac in written.items() if mac}
    taken = set(macs.values())
    for end in written:
        if end not in macs:
            mac, again = mac_address(*end), 0
            while mac in taken:  # one in 10¹² for two ports, and still not to be
                again += 1
                mac = mac_address(end[0], f"{end[1]}#{again}")
            macs[end] = mac
            taken.add(mac)
    return macs
