"""LANs from a word: ``single:400``, ``linear:4,2``, ``tree:depth=2,fanout=3``, with Mininet's names and meaning.

Also ``mn``'s own way to write them, ``single,400``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mininet.topo import LinearTopo, MinimalTopo, SingleSwitchReversedTopo, SingleSwitchTopo, Topo

from lan.errors import UsageError

DEVICES_MAX = 20_000
"""More are refused: a mistyped number should not eat the machine."""

Parameters = tuple[list[Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Generator:
    """`parameters` in Mininet's order with their defaults; `count` tells the devices before any is made."""

    parameters: Mapping[str, int | None]
    lowest: int
    build: Callable[..., Topo]
    count: Callable[..., int]
    example: str
    help: str


def _tree(depth: int, fanout: int, **options: Any) -> Topo:
    """Mininet's TreeTopo, without the rest of Mininet that its module imports."""
    topo, numbers = Topo(), {"h": 0, "s": 0}

    def add(level: int) -> str:
        kind = "s" if level else "h"
        numbers[kind] += 1
        name: str = f"{kind}{numbers[kind]}"
        if not level:
            topo.addHost(name)
            return name
        topo.addSwitch(name, **options)
        for _ in range(fanout):
            topo.addLink(name, add(level - 1))
        return name

    add(depth)
    return topo


def _torus(x: int, y: int, n: int, **options: Any) -> Topo:
    """Mininet's TorusTopo, likewise."""
    topo = Topo()
    for i in range(1, x + 1):
        for j in range(1, y + 1):
            switch = topo.addSwitch(f"s{i}x{j}", dpid=f"{i * 256 + j:x}", **options)
            for k in range(1, n + 1):
                topo.addLink(topo.addHost(f"h{i}x{j}" if n == 1 else f"h{i}x{j}x{k}"), switch)
    for i in range(x):
        for j in range(y):
            switch = f"s{i + 1}x{j + 1}"
            topo.addLink(switch, f"s{i + 1}x{(j + 1) % y + 1}")
            topo.addLink(switch, f"s{(i + 1) % x + 1}x{j + 1}")
    return topo


def _tree_count(depth: int, fanout: int) -> int:
    if depth > 64 and fanout > 1:  # the power itself would eat the machine
        return DEVICES_MAX + 1
    return depth + 1 if fanout == 1 else sum(fanout**level for level in range(depth + 1))


GENERATORS = {
    "minimal": Generator({}, 0, MinimalTopo, lambda: 3, "minimal", "two hosts on one switch"),
    "single": Generator({"k": 2}, 1, SingleSwitchTopo, lambda k: k + 1, "single:4", "k hosts on one switch"),
    "reversed": Generator(
        {"k": 2}, 1, SingleSwitchReversedTopo, lambda k: k + 1, "reversed:4", "single, its ports counted backwards"
    ),
    "linear": Generator(
        {"k": 2, "n": 1}, 1, LinearTopo, lambda k, n: k * (n + 1), "linear:4,2", "a row of k switches, n hosts on each"
    ),
    "tree": Generator(
        {"depth": 1, "fanout": 2}, 1, _tree, _tree_count, "tree:depth=2,fanout=3", "switches down to depth, hosts below"
    ),
    "torus": Generator(
        {"x": None, "y": None, "n": 1}, 1, _torus, lambda x, y, n: x * y * (n + 1), "torus:3,3", "a grid closed round"
    ),
}
_TORUS_LEAST = 3


def generate(name: str, parameters: str, *, spanning_tree: Mapping[str, Any] | None = None) -> Topo:
    """The Topo that a generator makes; `parameters` as written behind its name.  Raises UsageError.

    `spanning_tree` holds the switch options that let a torus, which has loops, work.
    """
    generator = GENERATORS[name]
    values = _values(name, generator, parameters)
    devices = generator.count(**values)
    if devices > DEVICES_MAX:
        raise UsageError(f"{name}:{parameters[:40]} has too many devices", expected=f"at most {DEVICES_MAX}")
    if name == "torus":
        return generator.build(**values, **(spanning_tree or {}))
    return generator.build(**values)


def _values(name: str, generator: Generator, text: str) -> dict[str, int]:
    def wrong(what: str) -> UsageError:
        return UsageError(f"{name}: {what}", expected=generator.example, todo=None)

    positional, named = split_parameters(text)
    names = list(generator.parameters)
    if len(positional) > len(names):
        raise wrong(f"{len(positional)} values, but it takes {', '.join(names) or 'none'}")
    given = {**dict(zip(names, positional, strict=False)), **named}
    for key, value in given.items():
        if key not in generator.parameters:
            raise wrong(f"no parameter {key[:40]!r}; it takes {', '.join(names) or 'none'}")
        least = _TORUS_LEAST if name == "torus" and key != "n" else generator.lowest
        if not isinstance(value, int):
            raise wrong(f"{key} {str(value)[:40]!r} is not a whole number")
        if value < least:
            raise wrong(f"{key} {value} is too small, the least is {least}")
    values = {**generator.parameters, **given}
    missing = [key for key, value in values.items() if value is None]
    if missing:
        raise wrong(f"{' and '.join(missing)} must be given")
    return {key: value for key, value in values.items() if value is not None}


def split_parameters(text: str) -> Parameters:
    """``2,fanout=3`` → ([2], {"fanout": 3}): as `mn` does, numbers where they look like it."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for part in text.split(",") if text else []:
        key, equals, value = part.partition("=")
        if equals:
            named[key.strip()] = _number(value)
        else:
            positional.append(_number(part))
    return positional, named


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
