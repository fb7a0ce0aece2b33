"""Packet Tracer's window of a frame: at each device on its way the layers in and out, side by side, with reasons.

What a device did not look at is left out: a switch reads layer 2, a router layer 3.  `fields.py` shows the bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lan.reasons import Reason
from lan.trace.frame import Frame
from lan.trace.journey import Journey, Stop, StopKind
from lan.trace.timeline import Timeline
from lan.trace.views import table
from lan.trace.views.osi import OsiLayer, clear_layers, layers

DEPTH = {StopKind.SWITCH: 2, StopKind.ROUTER: 3, StopKind.NAT: 4}
"""The highest layer that a device reads of what it hands on; every other reads all."""


class Explained(Protocol):
    """Why a device did what it did at one layer; see `lan.trace.why`."""

    @property
    def layer(self) -> int: ...
    @property
    def way(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def reason(self) -> Reason: ...
    @property
    def is_derived(self) -> bool: ...
    @property
    def facts(self) -> dict[str, str]: ...


Explain = Callable[[Stop, Journey], Sequence[Explained]]


@dataclass(frozen=True, slots=True)
class Line:
    """One layer on one side of a window, and the reasons that belong there."""

    layer: OsiLayer
    reasons: tuple[Explained, ...] = ()


@dataclass(frozen=True, slots=True)
class Half:
    """In Layers or Out Layers: of the frame `frame`, and of the others with the same bytes (a flood's)."""

    frames: tuple[Frame, ...]
    lines: tuple[Line, ...]

    @property
    def frame(self) -> Frame:
        return self.frames[0]


@dataclass(frozen=True, slots=True)
class Window:
    """One device: what came in, what went out, and what was done there, as far as no layer has it."""

    device: str
    kind: StopKind
    inside: Half | None
    outside: tuple[Half, ...]
    is_logged: bool = False
    """Of a proxy: its own log says what it sent on because of what it got; else the packets alone do."""

    @property
    def frames(self) -> list[Frame]:
        """What came in and went out, each once."""
        return [*(self.inside.frames if self.inside else ()), *(each for half in self.outside for each in half.frames)]


def windows(journey: Journey, timeline: Timeline, explain: Explain) -> list[Window]:
    """A window for each device that the frame came to, in the order it did."""
    return [_window(stop, journey, timeline, explain(stop, journey)) for stop in journey.stops]


def _window(stop: Stop, journey: Journey, timeline: Timeline, why: Sequence[Explained]) -> Window:
    name = stop.device or _unnamed(stop, journey, timeline)
    inside = None
    if stop.received is not None:
        came = [one for one in why if one.way == "in"]
        inside = _half((stop.received,), stop.received.receiver, stop, came, timeline)
    out = [one for one in why if one.way != "in"]
    groups: dict[bytes, list[Frame]] = {}
    for frame in stop.sent:
        groups.setdefault(frame.data, []).append(frame)
    outside = [
        _half(tuple(group), " ".join(_port(each.sender) for each in group), stop, out, timeline)
        for group in groups.values()
    ]
    if not outside and out and inside is not None:  # why nothing went out
        inside = _half((stop.received,), stop.received.receiver, stop, why, timeline) if stop.received else inside
    return Window(name, stop.kind, inside, tuple(outside), stop.is_logged)


def _port(name: str) -> str:
    return name.partition(":")[2] or name


def _unnamed(stop: Stop, journey: Journey, timeline: Timeline) -> str:
    """A foreign capture's devices are known by their addresses."""
    source, destination = table.ends(journey.frames[0], timeline)
    return source if stop is journey.origin else destination


def _half(frames: tuple[Frame, ...], port: str, stop: Stop, why: Sequence[Explained], timeline: Timeline) -> Half:
    """The layers that the device read, each with its reasons; one of a layer that is not there goes to the next."""
    depth = DEPTH.get(stop.kind, 7)
    found = [*clear_layers(frames[0], timeline), *layers(frames[0], port)]
    shown = [layer for layer in found if layer.number <= depth]
    left, lines = list(why), []
    for at, layer in enumerate(shown):
        below = shown[at + 1].number if at + 1 < len(shown) else 0
        here = [one for one in left if one.layer > below or one.layer == layer.number]
        is_last_of_number = below != layer.number
        if not is_last_of_number:
            here = [one for one in here if one.layer > layer.number]
        left = [one for one in left if one not in here]
        lines.append(Line(layer, tuple(here)))
    return Half(frames, tuple(lines))


def as_json(found: Sequence[Window]) -> list[dict[str, Any]]:
    """``[{"device", "kind", "in": {…} | null, "out": [{"frames", "layers": [{"layer", "title", "reasons"}]}]}]``."""
    return [
        {
            "device": each.device,
            "kind": each.kind.value,
            "tied_by": None if each.kind is not StopKind.PROXY else "log" if each.is_logged else "packets",
            "in": _half_json(each.inside) if each.inside else None,
            "out": [_half_json(half) for half in each.outside],
        }
        for each in found
    ]


def _half_json(half: Half) -> dict[str, Any]:
    return {
        "frames": [frame.number for frame in half.frames],
        "layers": [
            {
                "layer": line.layer.number,
                "protocol": line.layer.header.protocol if line.layer.header else None,
                "title": line.layer.title,
                "reasons": [
                    {"code": one.code, **one.reason.as_json(), "facts": one.facts, "is_derived": one.is_derived}
                    for one in line.reasons
                ],
            }
            for line in half.lines
        ],
    }
