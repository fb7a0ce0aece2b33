"""A waterfall: one line an object, its connection, its phases as bars on one axis of time.

Pure: rows in, lines of coloured pieces out.  `fetch.py` prints them, plain or by Rich.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lan.readable import ROUND_STEPS, duration, size

BARS = {
    "queue": ("·", "dim"),
    "dns": ("d", "magenta"),
    "connect": ("c", "yellow"),
    "tls": ("t", "bright_magenta"),
    "send": ("s", "cyan"),
    "wait": ("░", "blue"),
    "receive": ("█", "green"),
}
"""Phase → the character that its bar is made of, and its colour."""
LEAST_WIDTH = 60
_NAME_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Row:
    """One object; `spans` are (phase, begin, end) in ms from the start of all; `connection` None: it got none."""

    name: str
    connection: int | None
    status: str
    size_bytes: int | None
    spans: tuple[tuple[str, float, float], ...]
    note: str = ""
    """Why it has no response, and the like: on a line of its own."""
    is_ok: bool = True


@dataclass(frozen=True, slots=True)
class Piece:
    """Text in one colour of Rich's; empty: the terminal's own."""

    text: str
    style: str = ""


Line = list[Piece]


def draw(rows: Sequence[Row], width: int) -> list[Line]:
    """The waterfall in so many columns; a narrower terminal than LEAST_WIDTH wraps."""
    width = max(width, LEAST_WIDTH)
    end_ms = max((end for row in rows for _, _, end in row.spans), default=0.0)
    marks = [f"#{row.connection}" if row.connection else "-" for row in rows]
    sizes = ["-" if row.size_bytes is None else size(row.size_bytes) for row in rows]
    widest = [max(map(len, column), default=0) for column in (marks, [row.status for row in rows], sizes)]
    name_width = min(max((len(row.name) for row in rows), default=4), int(width * _NAME_SHARE))
    times = [duration(_last(row) - _first(row)) for row in rows]
    time_width = max(map(len, times), default=0)
    bar_width = width - sum(widest) - name_width - time_width - 5
    indent = " " * (sum(widest) + name_width + 4)
    lines: list[Line] = [[Piece(indent + _axis(end_ms, bar_width, bar_width + 1 + time_width), "dim")]]
    for row, mark, size_text, time in zip(rows, marks, sizes, times, strict=True):
        left = f"{mark:<{widest[0]}} "
        status = f"{row.status:<{widest[1]}}"
        middle = f" {size_text:>{widest[2]}} {shortened(row.name, name_width):<{name_width}} "
        bar = _bar(row, end_ms, bar_width)
        lines.append([Piece(left), Piece(status, "" if row.is_ok else "red"), Piece(middle), *bar,
                      Piece(f" {time:>{time_width}}")])  # fmt: skip
        if row.note:
            lines.append([Piece(f"{' ' * (widest[0] + 1)}{row.note}", "dim" if row.is_ok else "red")])
    used = [phase for phase in BARS if any(phase == name for row in rows for name, _, _ in row.spans)]
    legend = [Piece(" " * (widest[0] + 1))]
    for phase in used:
        mark, style = BARS[phase]
        legend += [Piece(mark * 2, style), Piece(f" {phase}   ")]
    return [*lines, legend]


def _bar(row: Row, end_ms: float, width: int) -> list[Piece]:
    """Each cell shows the phase that fills most of it; a phase that fills none takes the one where it begins."""
    cell_ms = end_ms / width
    if cell_ms <= 0:  # nothing took any time, or so little that a cell of it is none
        return [Piece(" " * width)]
    cells = [_fullest(row, at * cell_ms, (at + 1) * cell_ms) for at in range(width)]
    for phase, begin, end in row.spans:
        at = min(int(begin / cell_ms), width - 1)
        if end > begin and phase not in cells and (cells[at] == "" or cells.count(cells[at]) > 1):
            cells[at] = phase
    pieces: list[Piece] = []
    for phase in cells:
        mark, style = BARS.get(phase, (" ", ""))
        if pieces and pieces[-1].style == style and pieces[-1].text[-1] == mark:
            pieces[-1] = Piece(pieces[-1].text + mark, style)
        else:
            pieces.append(Piece(mark, style))
    return pieces


def _fullest(row: Row, begin_ms: float, end_ms: float) -> str:
    shares = [(min(end, end_ms) - max(begin, begin_ms), phase) for phase, begin, end in row.spans]
    most, phase = max(shares, default=(0.0, ""))
    return phase if most > 0 else ""


def _axis(end_ms: float, width: int, room: int) -> str:
    """``0        10        20 ms``: a round step, as many as have room in these columns; `end_ms` is at `width`."""
    if end_ms <= 0:
        return ""
    step_ms = next(step for step in ROUND_STEPS if width * step / end_ms >= 8)
    marks = ""
    count = int(end_ms / step_ms)
    for at in range(count + 1):
        text = f"{at * step_ms:g}" + (" ms" if at == count else "")
        place = min(round(at * step_ms / end_ms * width), room - len(text))
        if place > len(marks) or not marks:
            marks = f"{marks:<{place}}{text}"
    return marks


def _first(row: Row) -> float:
    return min((begin for _, begin, _ in row.spans), default=0.0)


def _last(row: Row) -> float:
    return max((end for _, _, end in row.spans), default=0.0)


def shortened(name: str, width: int) -> str:
    """A name in so many columns: its end says more than its middle."""
    if len(name) <= width:
        return name
    tail = (width - 1) * 2 // 3
    return f"{name[: width - 1 - tail]}…{name[len(name) - tail :]}"
