"""Tables and colours on a terminal, by Rich."""

import sys
from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lan.cli.screen import STATES
from lan.errors import LanError, labels
from lan.trace.views.cells import cells

_OUT = Console(highlight=False, soft_wrap=True)
_ERR = Console(highlight=False, soft_wrap=True, file=sys.stderr)
_STATES = {
    "ready": "green", "up": "green", "ok": "green", "ended": "red", "down": "red", "failed": "red", "starting": "yellow"
}  # fmt: skip
_GAPS = ((3, (0, 1, 0, 1)), (2, (0, 1, 0, 0)), (1, (0, 0, 0, 0)))
"""Spaces between two columns, and the cells' padding that makes them."""


def line(text: str, style: str) -> None:
    """A line in a style."""
    _OUT.print(Text(text, style=style))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str, say: Callable[[str], str]) -> None:
    """A table; words that are states are coloured, and said in the reader's language.

    Three spaces lie between columns, two or one where so the words fit; only where they still don't are they broken.
    """
    widths = [max(map(cells, column)) for column in zip(columns, *rows, strict=True)]
    fits = (padding for gap, padding in _GAPS if 1 + sum(widths) + gap * (len(widths) - 1) + 1 <= _OUT.width)
    made = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold", pad_edge=False,
                 padding=next(fits, _GAPS[1][1]))  # fmt: skip
    for name in columns:
        made.add_column(name, overflow="fold")
    for row in rows:
        made.add_row(*[Text(say(cell) if cell in STATES else cell, style=_STATES.get(cell, "")) for cell in row])
    _OUT.print(made)


def error(fault: LanError, tell: Callable[[str], str]) -> None:
    """An error in the reader's language: red what, dim expected, the remedy to be seen."""
    expected, todo = labels(tell)
    where = Text(f"{fault.where}: ", style="bold") if fault.where else Text()
    _ERR.print(Text("lan: ", style="red bold") + where + Text(tell(fault.what)))
    if fault.expected:
        _ERR.print(Text(f"  {expected}  ", style="dim") + Text(tell(fault.expected)))
    if fault.todo:
        _ERR.print(Text(f"  {todo}  ", style="dim") + Text(tell(fault.todo), style="cyan"))
