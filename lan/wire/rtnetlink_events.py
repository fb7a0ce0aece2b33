"""What a kernel tells of its neighbours, routes and links when they change.  rtnetlink(7), linux/rtnetlink.h.

Pure: a datagram of a socket that listens to `GROUPS` in, events out.  An event's fields are plain values, so that a
record of them is JSON (`as_record`, `from_record`).
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_address
from typing import Any

from lan.wire import netlink
from lan.wire.netlink import NLM_F_REPLACE

LINK, NEIGHBOUR, IPV4_ROUTE, IPV4_RULE, IPV6_ROUTE, IPV6_RULE = 1, 3, 7, 8, 11, 19
GROUPS = (LINK, NEIGHBOUR, IPV4_ROUTE, IPV4_RULE, IPV6_ROUTE, IPV6_RULE)
"""RTNLGRP_ numbers to listen to."""
NEWLINK, DELLINK, NEWROUTE, DELROUTE, NEWNEIGH, DELNEIGH, NEWRULE, DELRULE = 16, 17, 24, 25, 28, 29, 32, 33
AF_INET, AF_BRIDGE, AF_INET6 = 2, 7, 10
MAIN, LOCAL = 254, 255
"""Numbers of the two tables of routes that every kernel has (ip-route(8))."""
STATES = {1: "INCOMPLETE", 2: "REACHABLE", 4: "STALE", 8: "DELAY", 16: "PROBE", 32: "FAILED", 128: "PERMANENT"}
"""A neighbour's, by its NUD_ bit (RFC 4861 §7.3.2; ip-neighbour(8)); NUD_NOARP, 64, needs no ARP and is left out."""
NUD_PERMANENT = 128
KINDS = {1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole", 7: "unreachable",
         8: "prohibit", 9: "throw"}  # fmt: skip
"""A route's, by its RTN_ number."""
IFF_UP, RTM_F_CLONED = 0x1, 0x200
LOOPBACK = b"\x7f"

_IFLA_ADDRESS, _IFLA_IFNAME, _NDA_DST, _NDA_LLADDR = 1, 3, 1, 2
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC, _RTA_MULTIPATH = 1, 4, 5, 6, 7, 9
_RTA_TABLE, _RTA_VIA, _RTA_ENCAP, _RTA_NH_ID = 15, 18, 22, 30
_IFINFO = struct.Struct("=BxHiII")
_NDMSG = struct.Struct("=BxHiHBB")
_RTMSG = struct.Struct("=BBBBBBBBI")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A row of the neighbour table (of the ARP cache, for IPv4) as it is now; `is_gone`: there is none any more."""

    index: int
    ip: str
    mac: str
    state: str
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A route that came, or went.  `destination` has its prefix, `gateway` is "" for a network of one's own.

    `is_simple` is False where more than this decides: several ways at once, a next hop kept apart, an encapsulation,
    or that it is for one type of service alone.
    `replaces` says that it takes the place of the one with its destination and metric.
    """

    table: int
    kind: str
    destination: str
    gateway: str
    index: int
    source: str = ""
    metric: int = 0
    is_simple: bool = True
    replaces: bool = False
    is_gone: bool = False

    @property
    def is_default(self) -> bool:
        """Whether it fits every address."""
        return self.destination in ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface as it is now; `is_up` says whether it was set up, not whether its cable is plugged."""

    index: int
    name: str
    is_up: bool
    is_gone: bool = False
    mac: str = ""


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """Rules that choose a table of routes have changed (ip-rule(8)): the main table alone decides no longer."""

    family: int


@dataclass(frozen=True, slots=True)
class Station:
    """A row of a bridge's MAC address table as it is now: a station behind the bridge's port `index`."""

    index: int
    mac: str
    is_gone: bool = False


Event = Neighbour | Route | Interface | PolicyRule
NAMES: dict[Any, str] = {Neighbour: "neighbour", Route: "route", Interface: "interface", PolicyRule: "policy rule"}
_FIELDS: dict[type, list[tuple[str, Any]]] = {
    kind: [(field.name, field.default) for field in fields(kind)] for kind in NAMES
}
_CLASSES: dict[str, Any] = {name: kind for kind, name in NAMES.items()}


def as_record(event: Event) -> dict[str, Any]:
    """``{"what": "neighbour", …}``, without the fields that are as by default."""
    kind = type(event)
    told = {name: value for name, default in _FIELDS[kind] if (value := getattr(event, name)) != default}
    return {"what": NAMES[kind], **told}


def from_record(record: Mapping[str, Any]) -> Event | None:
    """The event of such an object; None where it is of another kind.  Raises TypeError where fields are amiss."""
    kind = _CLASSES.get(record["what"])
    if kind is None:
        return None
    event: Event = kind(**{name: record[name] for name, _ in _FIELDS[kind] if name in record})
    return event


def events(data: bytes) -> Iterator[Event]:
    """What a datagram tells, in its order; what is cut short or of no interest here is passed over."""
    for kind, flags, _, body in netlink.messages(data):
        event: Event | None = None
        try:
            if kind in (NEWNEIGH, DELNEIGH):
                event = _neighbour(body, is_gone=kind == DELNEIGH)
            elif kind in (NEWROUTE, DELROUTE):
                event = _route(body, replaces=bool(flags & NLM_F_REPLACE), is_gone=kind == DELROUTE)
            elif kind in (NEWLINK, DELLINK):
                event = _interface(body, is_gone=kind == DELLINK)
            elif kind in (NEWRULE, DELRULE):
                event = PolicyRule(body[0])
        except (struct.error, ValueError, IndexError):
            continue
        if event is not None:
            yield event


def stations(data: bytes) -> Iterator[Station]:
    """The rows of bridges that a datagram tells of; those of their own addresses are passed over."""
    for kind, _, _, body in netlink.messages(data):
        if kind not in (NEWNEIGH, DELNEIGH) or len(body) < _NDMSG.size or body[0] != AF_BRIDGE:
            continue
        _, _, index, state, _, _ = _NDMSG.unpack_from(body)
        mac = netlink.attributes(body[_NDMSG.size :]).get(_NDA_LLADDR, b"")
        if mac and not state & NUD_PERMANENT:
            yield Station(index, mac.hex(":"), kind == DELNEIGH)


def _neighbour(body: bytes, *, is_gone: bool) -> Neighbour | None:
    family, _, index, state, _, _ = _NDMSG.unpack_from(body)
    told = netlink.attributes(body[_NDMSG.size :])
    if family not in (AF_INET, AF_INET6) or _NDA_DST not in told or (state not in STATES and not is_gone):
        return None
    mac = told.get(_NDA_LLADDR, b"").hex(":")
    return Neighbour(index, str(ip_address(told[_NDA_DST])), mac, STATES.get(state, ""), is_gone)


def _route(body: bytes, *, replaces: bool, is_gone: bool) -> Route | None:
    family, length, _, tos, table, _, _, kind, flags = _RTMSG.unpack_from(body)
    told = netlink.attributes(body[_RTMSG.size :])
    if family not in (AF_INET, AF_INET6) or flags & RTM_F_CLONED or kind not in KINDS:
        return None
    if told.get(_RTA_DST, b"")[:1] == LOOPBACK:  # every device has them, and no cable sees what they lead to
        return None
    nowhere = bytes(4 if family == AF_INET else 16)
    destination = f"{ip_address(told.get(_RTA_DST, nowhere))}/{length}"
    gateway, source = (str(ip_address(told[name])) if name in told else "" for name in (_RTA_GATEWAY, _RTA_PREFSRC))
    return Route(
        _number(told.get(_RTA_TABLE), table),
        KINDS[kind],
        destination,
        gateway,
        _number(told.get(_RTA_OIF), 0),
        source,
        _number(told.get(_RTA_PRIORITY), 0),
        is_simple=not tos and not {_RTA_MULTIPATH, _RTA_VIA, _RTA_ENCAP, _RTA_NH_ID} & told.keys(),
        replaces=replaces,
        is_gone=is_gone,
    )


def _interface(body: bytes, *, is_gone: bool) -> Interface:
    _, _, index, flags, _ = _IFINFO.unpack_from(body)
    told = netlink.attributes(body[_IFINFO.size :])
    name = told.get(_IFLA_IFNAME, b"").rstrip(b"\0").decode(errors="replace")
    return Interface(index, name, bool(flags & IFF_UP), is_gone, told.get(_IFLA_ADDRESS, b"").hex(":"))


def _number(value: bytes | None, default: int) -> int:
    return default if value is None else int(struct.unpack_from("=I", value)[0])
