"""The ladder diagram as a picture: SVG, with every word of a packet escaped; the whole line is shown by the pointer."""

from collections.abc import Iterator
from html import escape

from lan.trace.views.cells import cells
from lan.trace.views.flow import Arrow, Diagram
from lan.trace.views.table import EVERYONE

TIME_PX, COLUMN_PX, ROW_PX, HEAD_PX, MARGIN_PX = 96, 230, 34, 56, 20
COLOURS = {"yellow": "#946200", "magenta": "#8a2da5", "cyan": "#00707f", "green": "#1a7f37", "blue": "#0550ae",
           "red": "#c11f2b", "dim": "#6e7781", "": "#24292f"}  # fmt: skip
"""The terminal's colours, dark enough for white paper."""
PX_A_CHARACTER = 6.4
STYLE = (
    "text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#24292f}"
    ".t{fill:#6e7781;text-anchor:end}.h{font-weight:600;text-anchor:middle;font-size:13px}"
    ".w{text-anchor:middle}.s{fill:#6e7781;font-size:11px}.l{stroke:#d0d7de}.m{fill:none;stroke-width:1.4}"
)


def draw(drawn: Diagram) -> str:
    """The whole SVG document."""
    apart = _apart(drawn)
    columns = {name: TIME_PX + MARGIN_PX + COLUMN_PX // 2 + apart * at for at, name in enumerate(drawn.columns)}
    width = TIME_PX + 2 * MARGIN_PX + COLUMN_PX + apart * max(len(columns) - 1, 0)
    height = HEAD_PX + ROW_PX * len(drawn.arrows) + MARGIN_PX
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
            f"<style>{STYLE}</style>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            *_lives(columns, height),
            *(line for at, arrow in enumerate(drawn.arrows) for line in _arrow(at, arrow, columns, width)),
            "</svg>",
        ]
    )


def _apart(drawn: Diagram) -> int:
    """Between two lifelines: room for the words where there are no more than two."""
    if len(drawn.columns) != 2:
        return COLUMN_PX
    longest = max((cells(arrow.words) for arrow in drawn.arrows), default=0)
    return max(COLUMN_PX, round(longest * PX_A_CHARACTER) + 2 * MARGIN_PX)


def _lives(columns: dict[str, int], height: int) -> Iterator[str]:
    for name, x in columns.items():
        yield f'<text class="h" x="{x}" y="24">{escape(name)}</text>'
        yield f'<line class="l" x1="{x}" y1="32" x2="{x}" y2="{height - MARGIN_PX // 2}"/>'


def _arrow(at: int, arrow: Arrow, columns: dict[str, int], width: int) -> Iterator[str]:
    y = HEAD_PX + ROW_PX * at + 12
    colour = COLOURS.get(arrow.style, COLOURS[""])
    start = columns[arrow.source]
    places = list(columns.values())
    ends = [columns[arrow.destination]] if arrow.destination != EVERYONE else [places[0], places[-1]]
    ends = [end for end in ends if end != start] or [start + 40]
    low, high = min([start, *ends]), max([start, *ends])
    middle = min(max((low + high) / 2, TIME_PX + MARGIN_PX + cells(arrow.words) * PX_A_CHARACTER / 2), width)
    middle = min(middle, width - MARGIN_PX - cells(arrow.words) * PX_A_CHARACTER / 2) if len(columns) > 1 else middle
    title = f"frame {arrow.frame.number}: {arrow.frame.packet.summary()}"
    yield f"<g><title>{escape(title)}</title>"
    yield f'<text class="t" x="{TIME_PX}" y="{y + 4}">{arrow.time_ms:.3f} ms</text>'
    yield f'<text class="w" x="{middle:.0f}" y="{y - 5}" style="fill:{colour}">{escape(arrow.words)}</text>'
    for end in ends:
        tip = 7 if end > start else -7
        yield f'<path class="m" stroke="{colour}" d="M{start} {y}H{end}m{-tip} -4L{end} {y}l{-tip} 4"/>'
    client, server = arrow.states
    if client:
        yield f'<text class="s" x="{places[0] - 6}" y="{y + 14}" text-anchor="end">{escape(client)}</text>'
    if server:
        yield f'<text class="s" x="{places[-1] + 6}" y="{y + 14}">{escape(server)}</text>'
    yield "</g>"
