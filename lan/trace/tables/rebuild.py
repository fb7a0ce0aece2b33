"""Which tables can be rebuilt, of which devices, and at which instant.  Pure."""

import re
from bisect import bisect_left
from collections.abc import Callable
from operator import attrgetter

from lan.errors import UsageError, nearest
from lan.trace.tables import arp, cache, configured, leases, mac, names, sockets
from lan.trace.tables.history import SECOND_NS, History
from lan.trace.tables.table import Table

Rebuild = Callable[[History, str, int], Table]
TABLES: dict[str, tuple[tuple[str, ...], Rebuild]] = {
    "mac": (("switch",), mac.table),
    "leases": (("dhcp-server",), leases.table),
    "arp": ((), arp.table),
    "sockets": ((), sockets.table),
    "interfaces": ((), configured.interfaces),
    "routes": ((), configured.routes),
    "cache": (("proxy",), cache.table),
    "dns": ((), names.table),
}
"""Table → the kinds of devices that have it (none: all that are no switches), and who rebuilds it."""
HAVING = {
    "mac": "a switch",
    "leases": "a dhcp-server",
    "cache": "a proxy with proxy=cache",
    "arp": "a host",
    "sockets": "a host",
    "interfaces": "a host",
    "routes": "a host",
}
"""Table → who has it, in words."""
LOST = {
    "configuration": "it is what routes, interfaces and leases say together",
    "queues": "what waited at a cable is counted, not recorded",
}
"""Tables that `lan show` has, and why they can't be rebuilt."""
NEED_DESCRIPTION = {"interfaces", "routes"}


def instant(text: str, history: History) -> int:
    """``3.214s`` since the first frame, ``214ms``, or ``frame:120``: in ns since 1970.  Raises UsageError."""
    frames = history.timeline.all_frames
    if not frames:
        raise UsageError(f"--at {text}: nothing has been captured yet")
    if found := re.fullmatch(r"frame:(\d+)", text):
        number = int(found[1])
        place = bisect_left(frames, number, key=attrgetter("number"))  # of a capture in files the first are gone
        if place == len(frames) or frames[place].number != number:
            known = f"frame:{frames[0].number} to frame:{frames[-1].number}"
            raise UsageError(f"--at {text}: there is no such frame", expected=known)
        return frames[place].time_ns
    if found := re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|)", text):
        return history.begun_ns + round(float(found[1]) * (SECOND_NS // 1000 if found[2] == "ms" else SECOND_NS))
    raise UsageError(
        f"--at {text} is no instant", expected="seconds since the first frame, such as 3.214s, or frame:120"
    )


def rebuild(history: History, name: str, device: str | None, at_ns: int) -> dict[str, Table]:
    """The table of one device, or of all that have it.  Raises UsageError for one that can't be rebuilt."""
    if name not in TABLES:
        if name in LOST:
            raise UsageError(f"{name} can't be rebuilt: {LOST[name]}", expected="one of " + ", ".join(TABLES))
        near = nearest(name, TABLES)
        raise UsageError(
            f"no table {name!r} can be rebuilt" + (f"; did you mean {near!r}?" if near else ""),
            expected="one of " + ", ".join(TABLES),
        )
    if name in NEED_DESCRIPTION and not history.described:
        raise UsageError(
            f"{name} can't be rebuilt: nothing tells what the devices were set to",
            todo="give a capture that lies in a LAN's state folder, beside its lan.json",
        )
    having = _having(history, name, at_ns)
    if device is not None and device not in having:
        near = nearest(device, having)
        raise UsageError(
            f"{device} has no table {name}" + (f"; did you mean {near!r}?" if near else ""),
            expected="one of " + ", ".join(having),
        )
    return {each: TABLES[name][1](history, each, at_ns) for each in ([device] if device else having)}


def _having(history: History, name: str, at_ns: int) -> list[str]:
    """The devices that had a table.  Raises UsageError where none had."""
    having = history.devices(*TABLES[name][0])
    if name == "cache":
        having = [each for each in having if history.options(each, at_ns).get("proxy") == "cache"]
    if name == "dns":
        having = names.devices(history, at_ns)
        if not having:
            raise UsageError(
                "no DNS answer had passed then: what a name server knows is in none of the frames",
                todo="lan trace --filter dns shows when the first one did; give a later --at",
            )
    if not having and name == "leases":
        having = sorted(_servers(history))
    if not having and history.described:
        raise UsageError(f"no device of this LAN had a table {name} then", expected=f"one with it: {HAVING[name]}")
    if not having:
        raise UsageError(
            f"no device of this capture is known to have a table {name}",
            expected="a capture of lan's own, which names its ports",
        )
    return having


def _servers(history: History) -> set[str]:
    """The devices that answered as DHCP servers."""
    answers = (frame for exchange in history.timeline.dhcp for frame in exchange.frames[1:2])
    return {frame.from_device for frame in answers if frame.from_device}
