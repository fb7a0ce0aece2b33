"""What is shown of the chosen frame: its layers with their fields, its bytes, its way on the map."""

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.text import Text
from textual.message import Message
from textual.widgets import Static, Tree

from lan.language.catalogue import language_of
from lan.reasons import Sentence
from lan.trace.decryption_messages import ClearMessage
from lan.trace.frame import Frame
from lan.trace.journey import Stop
from lan.trace.views.cable_map import MapLine
from lan.trace.views.cells import cells
from lan.trace.views.hexdump import rows
from lan.trace.why import Explained
from lan.wire.layer import Field, Layer

MARKED, DIM = "reverse", "dim"
MOST_BYTES = 2048
"""More bytes are not drawn; nobody reads them here."""


class Place(NamedTuple):
    """Bytes `start` to `end` of the frame, which are those of a layer of this protocol, or of a field of it."""

    protocol: str
    start: int
    end: int


class Layers(Tree[Place]):
    """The frame's layers, each with its fields; the innermost is open.  The chosen one's bytes are marked."""

    class Marked(Message):
        """These bytes are the chosen layer's or field's."""

        def __init__(self, start: int, end: int) -> None:
            super().__init__()
            self.start, self.end = start, end

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__("", id=id)
        self.show_root = False
        self.guide_depth = 2
        self._protocol = ""
        """Of the layer that was chosen last: the next frame is shown with its own."""

    def show_frame(self, frame: Frame, clear: Sequence[ClearMessage] = ()) -> None:
        """Show its layers; the chosen one is that of the same protocol as before, else the innermost.

        What TLS hid, where it can be read (`clear`), stands below them; no byte of the frame is marked for it.
        """
        layers = frame.packet.layers
        same = [layer for layer in layers if layer.protocol == self._protocol]
        chosen = same[-1] if same else layers[-1] if layers else None
        self.clear()
        for layer in layers:
            node = self.root.add(_title(layer), Place(layer.protocol, layer.start, layer.end), expand=layer is chosen)
            for field in layer.fields:
                node.add_leaf(_field(field), Place(layer.protocol, field.start, field.end))
            if layer is chosen:
                self.call_after_refresh(self.move_cursor, node)  # its line is not there yet
                self.post_message(self.Marked(layer.start, layer.end))
        for message in clear:
            node = self.root.add(
                Text(language_of(os.environ).retell(message.title), "bold"),
                Place(message.layer.protocol, 0, 0),
                expand=True,
            )
            for field in message.layer.fields:
                node.add_leaf(_field(field), Place(message.layer.protocol, 0, 0))

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Place]) -> None:
        """The user went to another line."""
        place = event.node.data
        if place is not None and self.has_focus:
            self._protocol = place.protocol
            self.post_message(self.Marked(place.start, place.end))


def _title(layer: Layer) -> Text:
    text = Text(layer.title, "bold")
    for problem in layer.problems:
        text.append(f"  {problem}", "bold red")
    return text


def _field(field: Field) -> Text:
    return Text.assemble((f"{field.name}: ", "cyan"), field.text)


class Bytes(Static):
    """The frame's bytes, those of the chosen layer or field marked."""

    def show_bytes(self, frame: Frame, start: int, end: int) -> None:
        """Show them."""
        text = Text(no_wrap=True)
        for row in rows(frame.data[:MOST_BYTES], start, end):
            text.append(f"{row.offset:04x}  ", DIM)
            first = len(text)
            text.append(row.hex)
            text.append(f"  {row.text}\n")
            for at in row.marked:
                place = first + 3 * at + (at >= 8)
                text.stylize(MARKED, place, place + 2)
                text.stylize(MARKED, first + len(row.hex) + 2 + at, first + len(row.hex) + 3 + at)
        if len(frame.data) > MOST_BYTES:
            more = Sentence("… {count} bytes more", count=len(frame.data) - MOST_BYTES)
            text.append(language_of(os.environ).retell(more), DIM)
        self.update(text)


class Map(Static):
    """The cables, and the way of the chosen frame."""

    def show_lines(self, lines: list[MapLine]) -> None:
        """Show them."""
        text = Text(no_wrap=True)
        for line in lines:
            style = "bold reverse" if line.is_here else "bold green" if line.is_passed else DIM
            text.append(line.text, style)
            text.append("\n")
        self.update(text)


class Why(Static):
    """What each device on the way did with the frame, layer by layer, and why."""

    def show_stops(self, stops: Iterable[tuple[Stop, Sequence[Explained]]]) -> None:
        """Show them; what is derived from packets, and not read from the device, has a ~."""
        text, language = Text(), language_of(os.environ)
        ways = {"in": language.say("in"), "out": language.say("out")}
        wide = max(map(cells, ways.values()))
        for stop, reasons in stops:
            text.append(f"\n{stop.device}", "bold")
            text.append(f" · {language.say(stop.kind)}\n", DIM)
            for one in reasons:
                way = ways[one.way]
                text.append(f" {' ' * (wide - cells(way))}{way} {one.layer} ", "cyan")
                text.append("~ " if one.is_derived else "", DIM)
                text.append(f"{one.reason.text} ")
                text.append(f"{one.reason.source}\n", DIM)
        self.update(text)
