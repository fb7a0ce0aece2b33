"""Where each device of a drawing stands: switches in the middle, hosts around them.  Pure geometry, in pixels.

A row of switches is drawn as a row, with hosts above and below; a tree of them from its middle
downwards; anything with a loop as a ring.  A crowd of like hosts takes one place.
"""

import math
from collections import deque
from dataclasses import dataclass, field

from lan.topo.graph import End, neighbours
from lan.topo.spec import Lan

CELL, ROW, MARGIN = 132, 150, 70
"""Between two hosts, between two rows, around all."""
NARROWEST = 240
CROWD = 16
"""More hosts of one kind at one switch are drawn as one."""

Places = dict[str, tuple[float, float]]


@dataclass(slots=True)
class Layout:
    """The middle of every device drawn.

    `crowds`: the device that stands for others → all of them.  `above`: hosts higher than their switch.
    """

    places: Places = field(default_factory=dict)
    above: set[str] = field(default_factory=set)
    crowds: dict[str, list[str]] = field(default_factory=dict)
    width: float = 0
    height: float = 0


def layout(lan: Lan) -> Layout:
    """Places for all devices but those that a crowd hides."""
    ends = neighbours(lan)
    found = Layout()
    around = _around(lan, ends, found)
    plugged = {name: _joined(lan, name, ends) for name in lan.devices if lan.devices[name].is_switch}
    for members in _components(plugged):
        _below(found, _component(members, plugged, around))
    beside = {name for hosts in around.values() for name in hosts}
    beside.update(name for crowd in found.crowds.values() for name in crowd)
    _below(found, _grid(_by_cable([host.name for host in lan.hosts if host.name not in beside], ends)))
    for switch, hosts in around.items():
        level = found.places[switch][1] - 1
        found.above.update(name for name in hosts if found.places[name][1] < level)
    return _framed(found)


def _around(lan: Lan, ends: dict[str, list[End]], found: Layout) -> dict[str, list[str]]:
    """Switch → the hosts drawn beside it: those whose first cable ends there."""
    around: dict[str, list[str]] = {name: [] for name in lan.devices if lan.devices[name].is_switch}
    for host in lan.hosts:
        first = next((far.device for _, far, _ in ends[host.name] if far.device in around), None)
        if first is not None:
            around[first].append(host.name)
    for switch, hosts in around.items():
        kinds: dict[str, list[str]] = {}
        for name in hosts:
            if len(ends[name]) == 1:
                kinds.setdefault(str(lan.devices[name].kind), []).append(name)
        for crowd in kinds.values():
            if len(crowd) > CROWD:
                found.crowds[crowd[0]] = crowd
                hidden = set(crowd[1:])
                around[switch] = [name for name in around[switch] if name not in hidden]
    return around


def _joined(lan: Lan, name: str, ends: dict[str, list[End]]) -> list[str]:
    """The switches a switch is cabled to."""
    far = (there.device for _, there, _ in ends[name])
    return [each for each in dict.fromkeys(far) if lan.devices[each].is_switch and each != name]


def _components(plugged: dict[str, list[str]]) -> list[list[str]]:
    left, found = dict.fromkeys(plugged), []
    while left:
        members = _breadth_first(next(iter(left)), plugged)
        found.append(list(members))
        for name in members:
            left.pop(name)
    return found


def _breadth_first(start: str, plugged: dict[str, list[str]]) -> dict[str, str | None]:
    """Switch → the one it was reached from, nearest first."""
    came: dict[str, str | None] = {start: None}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for there in plugged[here]:
            if there not in came:
                came[there] = here
                waiting.append(there)
    return came


def _depth_first(start: str, plugged: dict[str, list[str]]) -> list[str]:
    """Along the cables as long as they lead on: the order of a loop."""
    seen: dict[str, None] = {}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen[here] = None
            waiting += [there for there in reversed(plugged[here]) if there not in seen]
    return list(seen)


def _component(members: list[str], plugged: dict[str, list[str]], around: dict[str, list[str]]) -> Places:
    cables = sum(len(plugged[name]) for name in members) // 2
    if cables > len(members) - 1:
        return _ring(_depth_first(members[0], plugged), around)
    if all(len(plugged[name]) <= 2 for name in members):
        tip = next((name for name in members if len(plugged[name]) <= 1), members[0])
        return _row(list(_breadth_first(tip, plugged)), around)
    return _tree(members, plugged, around)


def _row(switches: list[str], around: dict[str, list[str]]) -> Places:
    """Switches side by side; hosts of each half above, half below."""
    places: Places = {}
    left = 0.0
    for switch in switches:
        hosts = around[switch]
        upper = hosts[: (len(hosts) + 1) // 2] if len(hosts) > 2 or len(switches) == 1 else hosts
        lower = hosts[len(upper) :]
        width = max(len(upper), len(lower), 1) * CELL
        places[switch] = (left + width / 2, 0)
        for names, y in ((upper, -ROW), (lower, ROW)):
            for number, name in enumerate(names):
                places[name] = (left + width / 2 + (number - (len(names) - 1) / 2) * CELL, y)
        left += width + (CELL * 0.45 if len(switches) > 1 else 0)
    return places


def _tree(members: list[str], plugged: dict[str, list[str]], around: dict[str, list[str]]) -> Places:
    """From the middle of the tree downwards, hosts as its leaves; each parent stands above its children."""
    came = _breadth_first(_middle(members, plugged), plugged)
    children: dict[str, list[str]] = {name: [] for name in came}
    for name, parent in came.items():
        if parent is not None:
            children[parent].append(name)
    depth = dict.fromkeys(came, 0)
    for name, parent in came.items():
        depth[name] = 0 if parent is None else depth[parent] + 1
    places: Places = {}
    widths: dict[str, float] = {}
    for name in reversed(came):
        below = sum(widths[child] for child in children[name])
        widths[name] = max(len(around[name]) * CELL * 0.85 + below, CELL)
    lefts = {next(iter(came)): 0.0}
    for name in came:
        x = lefts[name]
        y = depth[name] * ROW
        for host in around[name]:
            places[host] = (x + CELL * 0.425, y + ROW)
            x += CELL * 0.85
        for child in children[name]:
            lefts[child] = x
            x += widths[child]
    for name in reversed(came):
        xs = [places[below][0] for below in (*around[name], *children[name])] or [lefts[name] + CELL / 2]
        places[name] = ((min(xs) + max(xs)) / 2, depth[name] * ROW)
    return places


def _middle(members: list[str], plugged: dict[str, list[str]]) -> str:
    """The switch half way along the tree's longest path; where two are, the first written."""
    far = list(_breadth_first(members[0], plugged))[-1]
    came = _breadth_first(far, plugged)
    path, step = [], list(came)[-1]
    while step is not None:
        path.append(step)
        step = came[step]  # type: ignore[assignment]
    middles = path[(len(path) - 1) // 2 : len(path) // 2 + 1]
    return min(middles, key=members.index)


def _ring(members: list[str], around: dict[str, list[str]]) -> Places:
    """Switches on a circle, their hosts outside it."""
    slots = sum(max(len(around[name]), 1) for name in members)
    radius = max(ROW, slots * CELL / (2 * math.pi) - ROW * 0.6)
    places: Places = {}
    slot = 0
    for name in members:
        hosts = around[name]
        size = max(len(hosts), 1)
        places[name] = _at(radius, (slot + (size - 1) / 2) / slots)
        for number, host in enumerate(hosts):
            places[host] = _at(radius + ROW, (slot + number) / slots)
        slot += size
    return places


def _at(radius: float, turn: float) -> tuple[float, float]:
    """A point of a circle, from the top clockwise."""
    return radius * math.sin(2 * math.pi * turn), -radius * math.cos(2 * math.pi * turn)


def _by_cable(names: list[str], ends: dict[str, list[End]]) -> list[str]:
    """Hosts cabled to each other stand side by side."""
    ordered, known = dict[str, None](), set(names)
    for name in names:
        ordered.setdefault(name)
        for _, far, _ in ends[name]:
            if far.device in known:
                ordered.setdefault(far.device)
    return list(ordered)


def _grid(names: list[str]) -> Places:
    columns = max(2, min(len(names), math.ceil(math.sqrt(len(names) * 2))))
    return {name: (n % columns * CELL * 1.3, n // columns * ROW) for n, name in enumerate(names)}


def _below(found: Layout, places: Places) -> None:
    """Add a part under what is there, middle under middle."""
    if not places:
        return
    top, base = min(y for _, y in places.values()), found.height
    middle = (min(x for x, _ in places.values()) + max(x for x, _ in places.values())) / 2
    for name, (x, y) in places.items():
        found.places[name] = (x - middle, y - top + base)
    found.height = max(y for _, y in found.places.values()) + ROW


def _framed(found: Layout) -> Layout:
    """All of it within 0 … width, 0 … height."""
    if not found.places:
        found.width = found.height = 2 * MARGIN
        return found
    left, right = min(x for x, _ in found.places.values()), max(x for x, _ in found.places.values())
    left -= max(0, NARROWEST - 2 * MARGIN - (right - left)) / 2
    found.places = {name: (x - left + MARGIN, y + MARGIN + 6) for name, (x, y) in found.places.items()}
    found.width = max(max(x for x, _ in found.places.values()) + MARGIN, NARROWEST)
    found.height = max(y for _, y in found.places.values()) + MARGIN * 1.15
    return found
