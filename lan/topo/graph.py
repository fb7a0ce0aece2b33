"""Drawings of a LAN as text, from its file alone: for a terminal, for Mermaid, for Graphviz.  See lan/topo/svg.py."""

import json
from collections.abc import Iterator

from lan.topo.cable_words import does
from lan.topo.spec import Device, Lan, Link, Port

CROWD = 12
"""So many hosts of one switch and kind are drawn one by one; more are told in a line."""

DEEP = 8
"""A row of switches is drawn so deep; what follows begins anew at the left."""

_ASCII = str.maketrans({"├": "+", "└": "`", "│": "|", "─": "-", "·": "-", "…": "...", "–": "-", "↺": "^", "→": ">"})


def unicode(lan: Lan) -> str:
    """A tree for a terminal: each switch with what is plugged into its ports."""
    return "\n".join(_lines(lan)) + "\n"


def ascii(lan: Lan) -> str:  # noqa: A001 - what it is called everywhere
    """The same for terminals that know ASCII alone."""
    return unicode(lan).translate(_ASCII).encode("ascii", "replace").decode()


def mermaid(lan: Lan) -> str:
    """A Mermaid flowchart, as GitHub and GitLab draw it in Markdown."""
    numbers = {name: f"n{number}" for number, name in enumerate(lan.devices)}
    lines = ["graph LR"]
    for device in lan.devices.values():
        left, right = ("{{", "}}") if device.is_switch else ("[", "]")
        label = "<br/>".join(_escaped(text) for text in captions(device))
        lines.append(f'    {numbers[device.name]}{left}"{label}"{right}')
    for link in lan.links:
        words = (f"{port_word(link.a)} – {port_word(link.b)}", does(link))
        label = "<br/>".join(_escaped(word) for word in words if word)
        lines.append(f'    {numbers[link.a.device]} ---|"{label}"| {numbers[link.b.device]}')
    return "\n".join(lines) + "\n"


def dot(lan: Lan) -> str:
    """A Graphviz graph: ``lan graph office --dot | dot -Tpng``."""
    lines = [f"graph {_quoted(lan.name)} {{", '    node [fontname="sans-serif" fontsize=11];', "    edge [fontsize=9];"]
    for device in lan.devices.values():
        shape = "box3d" if device.is_switch else "box"
        lines.append(f"    {_quoted(device.name)} [shape={shape} label={_quoted(chr(10).join(captions(device)))}];")
    for link in lan.links:
        ends = f"taillabel={_quoted(port_word(link.a))} headlabel={_quoted(port_word(link.b))}"
        label = f" label={_quoted(told)}" if (told := does(link)) else ""
        lines.append(f"    {_quoted(link.a.device)} -- {_quoted(link.b.device)} [{ends}{label}];")
    return "\n".join([*lines, "}"]) + "\n"


def captions(device: Device) -> list[str]:
    """What stands at a device in every drawing: name, kind where it isn't plain from it, address."""
    found = [device.name]
    if device.kind not in device.name and not device.is_switch and device.kind != "pc":
        found.append(str(device.kind))
    address = address_word(device)
    return [*found, address] if address else found


def address_word(device: Device) -> str:
    """``192.168.100.254/24``, ``DHCP`` or nothing."""
    if device.options.get("dhcp"):
        return "DHCP"
    ip = device.options.get("ip")
    return "" if device.is_switch or ip is None else str(ip)


def port_word(port: Port) -> str:
    """``eth0`` of ``pc1-eth0``."""
    return port.interface.removeprefix(f"{port.device}-")


def neighbours(lan: Lan) -> dict[str, list[tuple[Port, Port, Link]]]:
    """Device → (its port, the other end, the cable), in the order they were plugged."""
    found: dict[str, list[tuple[Port, Port, Link]]] = {name: [] for name in lan.devices}
    for link in lan.links:
        for here, there in ((link.a, link.b), (link.b, link.a)):
            if here.device in found and there.device in found:
                found[here.device].append((here, there, link))
    return found


End = tuple[Port, Port, Link]
Row = tuple[str, list[str]]
"""What stands left of it in the tree, and its columns."""


def _lines(lan: Lan) -> Iterator[str]:
    switches = sum(device.is_switch for device in lan.devices.values())
    count = f"{_many(len(lan.devices) - switches, 'host')} · {_many(switches, 'switch')}"
    yield f"{lan.name} · {count} · {_many(len(lan.links), 'cable')}"
    rows = list(_rows(lan))
    widths = [max((len(row[1][n]) for row in rows if n < len(row[1])), default=0) for n in range(4)]
    left = max((len(tree) for tree, columns in rows if columns), default=0)
    for tree, columns in rows:
        cells = [cell.ljust(width) for cell, width in zip(columns, widths, strict=False)]
        yield "  ".join([tree.ljust(left), *cells]).rstrip() if columns else tree


def _rows(lan: Lan) -> Iterator[Row]:
    plugged, seen, used = neighbours(lan), set[str](), set[int]()
    for root in sorted(lan.devices.values(), key=lambda device: not device.is_switch):
        if root.name not in seen:
            yield "", []
            yield from _tree(lan, root, plugged, (seen, used))


def _tree(lan: Lan, root: Device, plugged: dict[str, list[End]], told: tuple[set[str], set[int]]) -> Iterator[Row]:
    """One device with all that hangs on it; `told` are the devices and cables drawn so far."""
    seen, used = told
    seen.add(root.name)
    yield " ".join(word for word in (root.name, address_word(root)) if word), []
    stack = [("", _branches(lan, root.name, plugged, used))]
    while stack:
        indent, branches = stack[-1]
        if not branches:
            stack.pop()
            continue
        ends = branches.pop(0)
        used.update(id(link) for _, _, link in ends)
        here, there, link = ends[0]
        knot, below = ("└─", "   ") if not branches else ("├─", "│  ")
        device = lan.devices[there.device]
        if len(ends) > 1:
            seen.update(far.device for _, far, _ in ends)
            crowd = [*_crowd(lan, [far.device for _, far, _ in ends]), does(link)]
            yield f"{indent}{knot} {port_word(here)} …", crowd
        elif there.device in seen:
            yield f"{indent}{knot} {port_word(here)}", [f"{there} ↺", "", "", does(link)]
        else:
            columns = [str(there), "" if device.is_switch else str(device.kind), address_word(device), does(link)]
            is_deep = len(stack) == DEEP and device.is_switch
            yield f"{indent}{knot} {port_word(here)}", [f"{there} …"] if is_deep else columns
            if not is_deep:
                seen.add(there.device)
                stack.append((indent + below, _branches(lan, there.device, plugged, used)))


def _branches(lan: Lan, name: str, plugged: dict[str, list[End]], used: set[int]) -> list[list[End]]:
    """The cables of a device that aren't drawn yet, each alone or a crowd of like hosts together."""
    groups: dict[object, list[End]] = {}
    for end in plugged[name]:
        if id(end[2]) not in used:
            far = lan.devices[end[1].device]
            is_leaf = not far.is_switch and len(plugged[far.name]) == 1
            groups.setdefault((str(far.kind), does(end[2])) if is_leaf else id(end), []).append(end)
    branches = []
    for ends in groups.values():
        branches += [ends] if len(ends) > CROWD else [[end] for end in ends]
    places = {id(end): place for place, end in enumerate(plugged[name])}
    return sorted(branches, key=lambda ends: places[id(ends[0])])


def _crowd(lan: Lan, names: list[str]) -> list[str]:
    first, last = lan.devices[names[0]], lan.devices[names[-1]]
    ends = list(dict.fromkeys(word for word in (address_word(first), address_word(last)) if word))
    return [f"{first.name} … {last.name}", f"{len(names)} × {first.kind}", " … ".join(ends)]


def _many(number: int, word: str) -> str:
    plural = word + ("es" if word.endswith("ch") else "s")
    return f"{number} {word if number == 1 else plural}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _escaped(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
