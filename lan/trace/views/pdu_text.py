"""The windows of `pdu.py` as text: two columns a device, then fields with their byte ranges, and bytes in hex."""

import textwrap
from collections.abc import Iterator

from lan.language.catalogue import ENGLISH, Language
from lan.reasons import Sentence
from lan.trace.frame import Frame
from lan.trace.journey import StopKind
from lan.trace.timeline import Timeline
from lan.trace.views import table
from lan.trace.views.cells import cells, pad, wrap
from lan.trace.views.hexdump import ROW_BYTES, HexRow
from lan.trace.views.osi import OsiLayer, clear_layers, layers
from lan.trace.views.pdu import Half, Window

NARROWEST, WIDEST = 60, 140
DERIVED = "~"
"""Stands before a reason that was worked out from packets, not read from the device."""


def head(frame: Frame, timeline: Timeline) -> str:
    """``PDU 38  HTTP  GET / HTTP/1.1 …``: which frame it is and when it set out."""
    row = table.row(frame, timeline)
    return f"PDU {frame.number} · {row.time_ms:.3f} ms · {row.source} → {row.destination} · {row.protocol} {row.words}"


def window(one: Window, width: int, language: Language = ENGLISH) -> Iterator[str]:
    """One device's window, at most `width` wide."""
    width = min(max(width, NARROWEST), WIDEST)
    column = (width - 3) // 2
    name = f"── {one.device} · {_does(one, language)} "
    yield name + "─" * (width - cells(name))
    left = _column(language.say("In Layers"), one.inside, column, language)
    for at, half in enumerate(one.outside or (None,)):
        right = _column(language.say("Out Layers"), half, column, language)
        rows = max(len(left), len(right))
        pairs = zip(left + [""] * (rows - len(left)), right + [""] * (rows - len(right)), strict=True)
        yield from (f"{pad(a, column)} │{b}".rstrip() for a, b in pairs)
        left = []
        if at + 1 < len(one.outside):
            yield f"{'':<{column}} ├{'─' * (column + 1)}"


def _does(one: Window, language: Language) -> str:
    """What the device did, and of a proxy how it is known what it sent on."""
    kind = language.say(one.kind)
    if one.kind is not StopKind.PROXY:
        return kind
    tied = Sentence("{kind}, tied by its own log", kind=kind)
    return language.retell(tied if one.is_logged else Sentence("{kind}, tied by packets", kind=kind))


def _column(title: str, half: Half | None, width: int, language: Language) -> list[str]:
    if half is None:
        return [f" {title}: {language.say('nothing')}"]
    numbers = " ".join(str(frame.number) for frame in half.frames)
    told = language.retell(Sentence("{title}: frame {numbers}", title=title, numbers=numbers))
    lines = wrap(told, width - 1, initial_indent=" ", subsequent_indent="   ")
    for line in half.lines:
        words = f"{line.layer.number} {language.retell(line.layer.title)}"
        lines += wrap(words, width, initial_indent=" ", subsequent_indent="   ")
        for one in line.reasons:
            mark = DERIVED if one.is_derived else "·"
            lines += wrap(str(one.reason), width, initial_indent=f"   {mark} ", subsequent_indent="     ")
    return lines


def chosen(frame: Frame, layer: str | None, timeline: Timeline) -> list[OsiLayer]:
    """The layers that ``--layer`` names, by number or protocol; the innermost where it says nothing; [] for none."""
    every = [*clear_layers(frame, timeline), *layers(frame, frame.port)]
    found = [each for each in every if each.header is not None]
    if layer is None:
        inner = [each for each in found if each.header and each.header.protocol != "Data"]
        return (inner or found)[:1]
    if layer == "all":
        return found[::-1]
    return [
        each
        for each in reversed(found)
        if str(each.number) == layer or (each.header and each.header.protocol.lower() == layer.lower())
    ]


def fields(layer: OsiLayer, width: int) -> Iterator[str]:
    """A layer's title, a line a field: its bytes' range in the frame, its name, its value."""
    header = layer.header
    assert header is not None
    where = f"bytes {header.start}–{max(header.end - 1, header.start)}"
    yield f"{layer.number} {layer.title}   {where}{'' if layer.data is None else ' of what TLS hid'}"
    name_width = max([len(field.name) for field in header.fields], default=0)
    room = max(width - name_width - 14, 20)
    for field in header.fields:
        last = max(field.end - 1, field.start)
        place = f"{field.start}" if last == field.start else f"{field.start}–{last}"
        first, *more = textwrap.wrap(field.text, room, break_on_hyphens=False) or [""]
        yield f"  {place:>9}  {field.name:<{name_width}} {first}".rstrip()
        yield from (f"{'':{13 + name_width}}{each}" for each in more)
    for problem in header.problems:
        yield f"  {'!':>9}  {problem}"


def hexdump(data: bytes, start: int, end: int) -> Iterator[str]:
    """Bytes `start` to `end`, sixteen a line; a line like the one before is not shown again."""
    before, is_told = b"", False
    for at in range(start, end, ROW_BYTES):
        row = HexRow(at, data[at : min(at + ROW_BYTES, end)], range(0))
        if row.data != before or at + ROW_BYTES >= end:
            yield f"  {row}"
            before, is_told = row.data, False
        elif not is_told:
            yield "  *     the same again"
            is_told = True
