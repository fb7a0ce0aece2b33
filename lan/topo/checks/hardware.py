"""Hardware addresses and datapath ids: well written, and one of each.  IEEE 802, OpenFlow §7.1."""

import re
from collections.abc import Iterator

from lan.topo.checks.facts import Facts
from lan.topo.problem import Problem
from lan.topo.spec import Link, Port, Where

_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_DPID = re.compile(r"[0-9a-fA-F]{1,16}")
EXPECTED = "six bytes, such as 02:00:00:00:00:01"


def macs(facts: Facts) -> Iterator[Problem]:
    """What is written as a MAC address is one station's."""
    written = [(device.name, "mac", device.options.get("mac"), device.where) for device in facts.lan.devices.values()]
    for link in facts.lan.links:
        for port, key in ((link.a, "addr1"), (link.b, "addr2")):
            written.append((port.device, key, link.options.get(key), link.where))
    for name, key, text, where in written:
        if text is None or (key == "mac" and not isinstance(text, str)):
            continue
        if not isinstance(text, str) or not _MAC.fullmatch(text):
            yield Problem(where, f"{name}: {key} {text!r:.60} is not a MAC address", EXPECTED)
        elif int(text[:2], 16) & 1:
            yield Problem(where, f"{name}: {key} {text} is a group's address", "an even first byte, such as 02")
        elif text == "00:00:00:00:00:00":
            yield Problem(where, f"{name}: {key} {text} is nobody's address", EXPECTED)


def duplicate_macs(facts: Facts) -> Iterator[Problem]:
    """A switch that learns one address at two ports sends its frames now here, now there."""
    first: dict[str, tuple[Port, Link]] = {}
    for link in facts.lan.links:
        for port in (link.a, link.b):
            holder, its_link = first.setdefault(port.mac, (port, link))
            if (holder.device, holder.interface) != (port.device, port.interface):
                at = _of(_written_at(facts, holder, its_link))
                what = f"{port.device}: MAC address {port.mac} is {holder}'s already{at}"
                todo = "leave mac out: every port gets one by itself"
                yield Problem(_written_at(facts, port, link), what, "an address of its own", todo)


def _written_at(facts: Facts, port: Port, link: Link) -> Where | None:
    device = facts.lan.devices[port.device]
    return link.where if device.options.get("mac") is None else device.where


def dpids(facts: Facts) -> Iterator[Problem]:
    """A written datapath id is a number of 64 bits, and one switch's."""
    first: dict[int, str] = {}
    for switch in facts.lan.switches:
        text = switch.options.get("dpid")
        if not isinstance(text, str):
            continue
        plain = text.replace(":", "")
        if not _DPID.fullmatch(plain) or int(plain, 16) == 0:
            what = f"{switch.name}: dpid {text!r:.60} is not a datapath id"
            yield Problem(switch.where, what, "up to 16 hexadecimal digits, not all 0")
        elif first.setdefault(int(plain, 16), switch.name) != switch.name:
            what = f"{switch.name}: dpid {text} is {first[int(plain, 16)]}'s already"
            yield Problem(switch.where, what, "a datapath id of its own", "leave dpid out")


def _of(where: Where | None) -> str:
    return f" ({where})" if where and where.line else ""
