"""Mininet's Topo, read: which nodes and cables it holds, and which line of the user's file said so.

The one file of the room that knows Mininet's classes (they have no types).  Only `mininet.topo` is
imported: `mininet.topolib` would bring `mininet.net`, ten times as slow.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from mininet.topo import Topo

from lan.topo.spec import Where


@dataclass(frozen=True, slots=True)
class Node:
    """A node as added; `options` are the keywords given, without Mininet's `isSwitch`."""

    name: Any
    is_switch: bool
    options: dict[str, Any]
    where: Where | None


@dataclass(frozen=True, slots=True)
class Cable:
    """A cable as added: node and port number of both ends, and the keywords given."""

    node1: Any
    port1: Any
    node2: Any
    port2: Any
    options: dict[str, Any]
    where: Where | None


@dataclass(slots=True)
class Recording:
    """What was seen while one Topo was built, beside what it holds afterwards."""

    topo: Topo
    nodes: dict[Any, Where] = field(default_factory=dict)
    cables: dict[int, Where] = field(default_factory=dict)
    """By the identity of the edge's attributes, which live as long as the Topo."""
    twice: list[tuple[Any, Where, Where | None]] = field(default_factory=list)
    """Name, second place, first place."""
    loose: list[Cable] = field(default_factory=list)
    """Cables to a node that nobody has declared; Mininet fails on them."""


class Recorder:
    """Notes every node and cable that is added to any Topo while it is in force.

    `path` is the user's file, whose lines are noted; `shown` its name in messages.
    """

    def __init__(self, path: str | None, shown: str) -> None:
        self.path, self._nowhere, self._shown = path, Where(shown), shown
        self._recordings: dict[int, Recording] = {}

    def of(self, topo: Topo) -> Recording:
        """What was seen of one Topo."""
        found = self._recordings.get(id(topo))
        if found is None:
            found = self._recordings[id(topo)] = Recording(topo)
        return found

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Stand between the file and Mininet's `addNode` and `addLink`, which all other ways to add end in."""
        add_node, add_link = Topo.addNode, Topo.addLink

        def add_node_noted(topo: Topo, name: Any, **options: Any) -> Any:
            where, seen = self._line(), self.of(topo)
            if name in topo.g.node:
                seen.twice.append((name, where, seen.nodes.get(name)))
            else:
                seen.nodes[name] = where
            return add_node(topo, name, **options)

        def add_link_noted(
            topo: Topo, node1: Any, node2: Any, port1: Any = None, port2: Any = None, key: Any = None, **options: Any
        ) -> Any:
            where, seen = self._line(), self.of(topo)
            if node1 not in topo.g.node or node2 not in topo.g.node:
                seen.loose.append(Cable(node1, port1, node2, port2, options, where))
                return None
            key = add_link(topo, node1, node2, port1, port2, key, **options)
            seen.cables[id(topo.g[node1][node2][key])] = where
            return key

        Topo.addNode, Topo.addLink = add_node_noted, add_link_noted
        try:
            yield
        finally:
            Topo.addNode, Topo.addLink = add_node, add_link

    def _line(self) -> Where:
        """Where in the user's file the call came from: the nearest frame of that file."""
        if self.path is None:
            return self._nowhere
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_filename == self.path:
                return Where(self._shown, frame.f_lineno)
            frame = frame.f_back
        return self._nowhere


def is_topo(value: object) -> bool:
    """Whether this is a Topo, ready built."""
    return isinstance(value, Topo)


def is_topo_class(value: object) -> bool:
    """Whether this is somebody's subclass of Topo."""
    return isinstance(value, type) and issubclass(value, Topo) and value is not Topo


def nodes(seen: Recording) -> list[Node]:
    """The nodes in the order they were added."""
    found = []
    for name, attributes in seen.topo.g.node.items():
        options = {key: value for key, value in attributes.items() if key != "isSwitch"}
        found.append(Node(name, bool(attributes.get("isSwitch")), options, seen.nodes.get(name)))
    return found


_ENDS = {"node1", "port1", "node2", "port2"}


def cables(seen: Recording) -> list[Cable]:
    """The cables in the order they were added."""
    edges = {id(edge): edge for ends in seen.topo.g.edge.values() for keys in ends.values() for edge in keys.values()}
    places = {identity: place for place, identity in enumerate(seen.cables)}
    found = []
    for identity in sorted(edges, key=lambda identity: places.get(identity, len(places))):
        edge = edges[identity]
        options = {key: value for key, value in edge.items() if key not in _ENDS}
        ends = (edge.get("node1"), edge.get("port1"), edge.get("node2"), edge.get("port2"))
        found.append(Cable(*ends, options, seen.cables.get(identity)))
    return found


def natural(name: str) -> list[Any]:
    """The key of Mininet's order of names: h2 before h10."""
    parts: list[Any] = re.split(r"([0-9]+)", name)
    for n in range(1, len(parts), 2):
        digits = parts[n].lstrip("0")
        parts[n] = (len(digits), digits)
    return parts
