"""A LAN as an SVG picture, from its file alone: no script, no font, no other file."""

from xml.sax.saxutils import escape

from lan.topo.cable_words import does
from lan.topo.graph import address_word, captions, port_word
from lan.topo.layout import Layout, layout
from lan.topo.spec import Device, Lan, Link, Port

PALETTE = ("#0f766e", "#7c3aed", "#c2410c", "#be185d", "#4d7c0f", "#b45309")
"""Colours of kinds, in the order they appear; switches are blue, PCs grey."""
SWITCH, PC = "#1d4ed8", "#475569"

STYLE = """
    text { font-family: system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; text-anchor: middle; }
    .cable { stroke: #94a3b8; stroke-width: 2; fill: none; }
    .port { font-size: 9.5px; fill: #64748b; stroke: #fff; stroke-width: 4; paint-order: stroke; }
    .name { font-size: 13px; font-weight: 600; fill: #0f172a; }
    .note { font-size: 10.5px; fill: #64748b; }
    .lines { stroke: #fff; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; fill: none; }
    .halo { stroke: #fff; stroke-width: 5; stroke-linejoin: round; paint-order: stroke; }"""


def svg(lan: Lan) -> str:
    """The picture, a whole file."""
    plan = layout(lan)
    width, height = round(plan.width), round(plan.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{_attribute(lan.name)}">',
        f"<title>{escape(lan.name)}</title>",
        f"<style>{STYLE}\n</style>",
        f'<rect width="{width}" height="{height}" rx="12" fill="#fff"/>',
    ]
    drawn = [link for link in lan.links if link.a.device in plan.places and link.b.device in plan.places]
    twins: dict[frozenset[str], int] = {}
    labels = []
    for link in drawn:
        pair = frozenset((link.a.device, link.b.device))
        twins[pair] = twins.get(pair, 0) + 1
        lines.append(_cable(plan, link, twins[pair] - 1))
        labels += _port_labels(lan, plan, link.a, link.b)
    lines += labels
    colours = _colours(lan)
    for name in plan.places:
        lines += _device(lan.devices[name], plan, colours[str(lan.devices[name].kind)])
    return "\n".join([*lines, "</svg>"]) + "\n"


def _colours(lan: Lan) -> dict[str, str]:
    kinds = dict.fromkeys(str(device.kind) for device in lan.hosts)
    kinds.pop("pc", None)
    found = {kind: PALETTE[number % len(PALETTE)] for number, kind in enumerate(kinds)}
    return {"pc": PC, **{str(switch.kind): SWITCH for switch in lan.switches}, **found}


def _cable(plan: Layout, link: Link, twin: int) -> str:
    """A line, dashed where it does something to frames; a second one between the same two is bent beside the first."""
    a, b, told = link.a, link.b, does(link)
    dashed = ' stroke-dasharray="7 4"' if told else ""
    (x1, y1), (x2, y2) = plan.places[a.device], plan.places[b.device]
    title = f"<title>{escape(' · '.join(word for word in (f'{a} – {b}', told) if word))}</title>"
    if not twin:
        return f'<path class="cable"{dashed} d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}">{title}</path>'
    bend = 26 * ((twin + 1) // 2) * (1 if twin % 2 else -1)
    length = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 1)
    x, y = (x1 + x2) / 2 - (y2 - y1) / length * bend * 2, (y1 + y2) / 2 + (x2 - x1) / length * bend * 2
    return f'<path class="cable"{dashed} d="M{x1:.0f} {y1:.0f}Q{x:.0f} {y:.0f} {x2:.0f} {y2:.0f}">{title}</path>'


def _port_labels(lan: Lan, plan: Layout, a: Port, b: Port) -> list[str]:
    """The port's word at every switch end, and at a host's where it isn't the plain first one."""
    found = []
    for here, there in ((a, b), (b, a)):
        word = port_word(here)
        crowd = here.device in plan.crowds or there.device in plan.crowds
        if crowd or (not lan.devices[here.device].is_switch and word == "eth0"):
            continue
        (x, y), (far_x, far_y) = plan.places[here.device], plan.places[there.device]
        length = max(((far_x - x) ** 2 + (far_y - y) ** 2) ** 0.5, 1)
        away = min(58.0, length * 0.4)
        x, y = x + (far_x - x) / length * away, y + (far_y - y) / length * away
        found.append(f'<text class="port" x="{x:.0f}" y="{y + 3:.0f}">{escape(word)}</text>')
    return found


def _device(device: Device, plan: Layout, colour: str) -> list[str]:
    x, y = plan.places[device.name]
    crowd = plan.crowds.get(device.name)
    title, *notes = captions(device)
    if crowd:
        title, notes = f"{crowd[0]} … {crowd[-1]}", [f"{len(crowd)} × {device.kind}"]
    icon = _switch_icon if device.is_switch else _pc_icon if device.kind == "pc" else _server_icon
    base = 28 if device.is_switch else 38
    if device.name in plan.above:  # so that the cable, which comes from below, crosses no word
        base = -28 - 13 * len(notes) - (8 if crowd else 0)
    lines = [f'<g transform="translate({x:.0f} {y:.0f})">', f"<title>{escape(_said(device))}</title>"]
    if crowd:
        lines += [f'<g opacity=".35" transform="translate({9 - n * 5} {n * 4 - 7})">{icon(colour)}</g>' for n in (0, 1)]
    lines += [icon(colour), f'<text class="name halo" y="{base}">{escape(title)}</text>']
    for number, note in enumerate(notes):
        lines.append(f'<text class="note halo" y="{base + 14 + 13 * number}">{escape(note)}</text>')
    return [*lines, "</g>"]


def _said(device: Device) -> str:
    """What a pointer resting on it is told."""
    return " · ".join(word for word in (device.name, str(device.kind), address_word(device)) if word)


def _attribute(text: str) -> str:
    return escape(text, {'"': "&quot;"})


def _switch_icon(colour: str) -> str:
    """A flat box with arrows both ways, as network drawings have it."""
    arrows = "M-17 -4h13m-4 -4l4 4l-4 4M17 4h-13m4 -4l-4 4l4 4"
    return f'<rect x="-31" y="-14" width="62" height="28" rx="6" fill="{colour}"/><path class="lines" d="{arrows}"/>'


def _pc_icon(colour: str) -> str:
    """A screen on its foot."""
    return (
        f'<path d="M-8 20h16l-3 -8h-10z" fill="{colour}"/>'
        f'<rect x="-23" y="-20" width="46" height="33" rx="4" fill="{colour}"/>'
        '<rect x="-19" y="-16" width="38" height="25" rx="1.5" fill="#e2e8f0"/>'
        f'<path d="M-13 20h26" stroke="{colour}" stroke-width="3" stroke-linecap="round"/>'
    )


def _server_icon(colour: str) -> str:
    """Three boxes of a rack."""
    boxes = "".join(
        f'<rect x="-20" y="{top}" width="40" height="13" rx="3" fill="{colour}" stroke="#fff" stroke-width="1"/>'
        f'<path class="lines" d="M-13 {top + 6.5}h.5M2 {top + 6.5}h11"/>'
        for top in (-21, -7, 7)
    )
    return f"<g>{boxes}</g>"
