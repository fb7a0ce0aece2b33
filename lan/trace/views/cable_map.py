"""A map of the cables that a recording knows, with the way of one journey on it.  Plain text.

s1
├─ eth1 ◀── eth0 pc1
├─ eth2 ──▶ eth0 dhcp
└─ eth3 ─── eth0 web
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lan.trace.frame import Frame, device_of_port
from lan.trace.journey import Journey

MOST_LINES = 200
"""A larger LAN shows the cables of the journey alone."""
NOT, LEFT, RIGHT, BOTH = "───", "◀──", "──▶", "◀─▶"


@dataclass(frozen=True, slots=True)
class MapLine:
    """`is_passed`: the journey came by; `is_here`: the frame looked at is on this cable."""

    text: str
    is_passed: bool = False
    is_here: bool = False


class Cables:
    """The cables of a recording, in the order they came to be known, as (port, port)."""

    def __init__(self) -> None:
        self.ends: dict[tuple[str, str], None] = {}

    def add(self, cables: Iterable[tuple[str, str]]) -> None:
        """Know those cables too; a foreign capture without ports gives none."""
        for port, peer in cables:
            if peer and (port, peer) not in self.ends and (peer, port) not in self.ends:
                self.ends[port, peer] = None


def draw(cables: Cables, journey: Journey | None, frame: Frame | None) -> list[MapLine]:
    """A tree for each device with more than one cable; each cable is drawn once."""
    ways: set[tuple[str, str]] = {(one.sender, one.receiver) for one in journey.frames} if journey else set()
    here = {frame.port, frame.peer} if frame else set[str]()
    drawn = list(cables.ends)
    if len(drawn) > MOST_LINES:
        drawn = [ends for ends in drawn if ends in ways or ends[::-1] in ways]
    hanging: dict[str, list[tuple[str, str]]] = {}
    count: dict[str, int] = {}
    for ends in drawn:
        for port in ends:
            count[device_of_port(port)] = count.get(device_of_port(port), 0) + 1
    for ends in drawn:
        left, right = ends if count[device_of_port(ends[0])] >= count[device_of_port(ends[1])] else ends[::-1]
        hanging.setdefault(device_of_port(left), []).append((left, right))
    stops = {stop.device for stop in journey.stops} if journey else set[str]()
    lines = []
    for device, cable_ends in hanging.items():
        lines.append(MapLine(device, device in stops))
        wide = max(len(_port(left)) for left, _ in cable_ends)
        for number, (left, right) in enumerate(sorted(cable_ends, key=lambda ends: _place(ends[0])), 1):
            branch = "└─" if number == len(cable_ends) else "├─"
            passed = _arrow(left, right, ways)
            text = f"{branch} {_port(left):<{wide}} {passed} {device_of_port(right)} {_port(right)}"
            lines.append(MapLine(text, passed is not NOT, {left, right} == here))
    return lines


def _arrow(left: str, right: str, ways: set[tuple[str, str]]) -> str:
    is_to, is_from = (left, right) in ways, (right, left) in ways
    return BOTH if is_to and is_from else RIGHT if is_to else LEFT if is_from else NOT


def _place(port: str) -> tuple[tuple[int, str], ...]:
    """``eth2`` before ``eth10``."""
    return tuple((int(word), "") if word.isdigit() else (-1, word) for word in re.split(r"(\d+)", port))


def _port(port: str) -> str:
    return port.partition(":")[2] or port
