"""The ladder diagram as text: lifelines, arrows between them, words on the arrow or above it where they are longer."""

from collections.abc import Iterator
from itertools import pairwise

from lan.trace.views.cells import cells, cut
from lan.trace.views.flow import Arrow, Diagram
from lan.trace.views.table import EVERYONE

TIME_WIDTH = 11
"""Milliseconds since the recording's first frame."""
LEAST_COLUMN, WIDEST_COLUMN = 12, 60
QUIET_MS = 1000.0
"""A pause this long is a break in the lifelines."""


def draw(drawn: Diagram, width: int) -> Iterator[tuple[str, str]]:
    """Lines with their styles; wider than `width` where the columns would be too narrow to tell apart."""
    if not drawn.columns:
        return
    at = _places(drawn.columns, width)
    edge = max(width, at[-1] + 1)
    lives = dict(zip(drawn.columns, at, strict=True))
    yield _heads(drawn.columns, at), "bold"
    before: float | None = None
    for arrow in drawn.arrows:
        if before is not None and arrow.time_ms - before >= QUIET_MS:
            pause = f"+{(arrow.time_ms - before) / 1000:.1f} s"
            yield f"{pause:>{TIME_WIDTH - 2}}" + _line(at, life="┊")[TIME_WIDTH - 2 :], "dim"
        before = arrow.time_ms
        yield from ((line, arrow.style) for line in _arrow(arrow, lives, at, edge))
        if any(arrow.states):
            yield _states(arrow, at), "dim"
    yield _heads(drawn.columns, at), "bold"


def _places(names: list[str], width: int) -> list[int]:
    """Where each lifeline stands."""
    first = TIME_WIDTH + max(len(names[0]) // 2, 1)
    if len(names) == 1:
        return [first]
    step = (width - 1 - len(names[-1]) // 2 - first) // (len(names) - 1)
    longest = max(len(one) // 2 + len(other) // 2 + 2 for one, other in pairwise(names))
    step = min(max(step, LEAST_COLUMN, longest), WIDEST_COLUMN)
    return [first + step * number for number in range(len(names))]


def _line(at: list[int], *, life: str = "│", width: int = 0) -> str:
    line = [" "] * max(at[-1] + 1, width)
    for place in at:
        line[place] = life
    return "".join(line)


def _heads(names: list[str], at: list[int]) -> str:
    line = list(" " * (at[-1] + len(names[-1]) + 1))
    for name, place in zip(names, at, strict=True):
        start = place - len(name) // 2
        line[start : start + len(name)] = name
    return "".join(line).rstrip()


def _arrow(arrow: Arrow, lives: dict[str, int], at: list[int], edge: int) -> Iterator[str]:
    start = lives[arrow.source]
    time = f"{arrow.time_ms:>{TIME_WIDTH - 2}.3f}"
    if arrow.destination == EVERYONE:
        ends = [place for place in (at[0], at[-1]) if place != start]
    else:
        ends = [lives[arrow.destination]]
    low, high = min([start, *ends]), max([start, *ends])
    line = list(_line(at, width=edge))
    for place in range(low + 1, high):
        line[place] = "┼" if line[place] == "│" else "─"
    for end in ends:
        if end > start:
            line[end - 1] = "▶"
        elif end < start:
            line[end + 1] = "◀"
    if arrow.destination == EVERYONE and low < start < high:
        line[start] = "┼"
    text = arrow.words
    if low == high:  # to itself, or nobody else is there
        yield _over(time, at, start + 2, text, edge)
        return
    room = high - low - 6
    if cells(text) <= room:
        begun = low + 2 + (high - low - 5 - cells(text)) // 2
        line[begun : begun + cells(text) + 2] = f" {text} "
        yield time + "".join(line)[len(time) :].rstrip()
        return
    yield _over("", at, low + 2, text, edge)
    yield time + "".join(line)[len(time) :].rstrip()


def _over(time: str, at: list[int], begun: int, text: str, edge: int) -> str:
    """Words across the lifelines: from `begun`, or further left where they would not fit."""
    begun = max(min(begun, edge - cells(text)), TIME_WIDTH + 1)
    if cells(text) > edge - begun:
        text = cut(text, edge - begun - 1) + "…"
    line = _line(at, width=edge)
    line = line[:begun] + text + line[begun + cells(text) :]
    return (time + line[len(time) :]).rstrip()


def _states(arrow: Arrow, at: list[int]) -> str:
    """The states of a connection's two sides, beside their lifelines."""
    client, server = arrow.states
    line = list(_line(at))
    line[at[0] + 2 : at[0] + 2 + len(client)] = client
    begun = at[-1] - 1 - len(server)
    line[begun : begun + len(server)] = server
    return "".join(line)
