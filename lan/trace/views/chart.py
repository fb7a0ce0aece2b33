"""A chart as SVG, with nothing but strings: axes with round steps, points, lines, steps, and marks with their words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 960, 440
LEFT, RIGHT, TOP, BOTTOM = 74, 18, 50, 62
LEGEND_PX, CHARACTER_PX = 18, 7.0
INK, FAINT = "#24292f", "#d0d7de"
STYLE = (
    "text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#24292f}.f{fill:#6e7781;font-size:11px}"
    ".e{text-anchor:end}.m{text-anchor:middle}.h{font-size:14px;font-weight:600}"
)
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Series:
    """One thing drawn: `kind` is "line", "steps", "points" or "ticks" (short upright strokes).

    `titles` are shown by the pointer, one a point.
    """

    name: str
    colour: str
    points: Points
    kind: str = "line"
    titles: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time with a colour behind all else, and its words."""

    start: float
    end: float
    colour: str
    words: str


def chart(title: str, unit: str, series: Sequence[Series], bands: Sequence[Band] = ()) -> str:
    """The whole SVG document; the horizontal axis is time in ms from 0, the vertical one in `unit` from 0."""
    times = [x for each in series for x, _ in each.points] + [band.end for band in bands]
    values = [y for each in series for _, y in each.points]
    end, top = max(times, default=0.0) or 1.0, (max(values, default=0.0) or 1.0) * 1.05
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
        f'<style>{STYLE}</style><rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text class="h" x="{LEFT}" y="20">{escape(title)}</text>',
        *_bands(bands, end), *_axes(end, top, unit),
        *(line for each in series for line in _series(each, end, top)), *_legend(series, bands), "</svg>",
    ]) + "\n"  # fmt: skip


def _x(time: float, end: float) -> float:
    return LEFT + time / end * (WIDTH - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)


def _axes(end: float, top: float, unit: str) -> Iterator[str]:
    yield f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="{INK}"/>'
    for value in steps(top, 6):
        y = _y(value, top)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{FAINT}"/>'
        yield f'<text class="e f" x="{LEFT - 6}" y="{y + 4:.1f}">{_number(value)}</text>'
    for time in steps(end, 10):
        yield f'<text class="m f" x="{_x(time, end):.1f}" y="{HEIGHT - BOTTOM + 16}">{_number(time)}</text>'
    yield f'<text class="e f" x="{WIDTH - RIGHT}" y="{HEIGHT - BOTTOM + 30}">ms</text>'
    yield f'<text class="f" x="{LEFT}" y="{TOP - 8}">{escape(unit)}</text>'


def _bands(bands: Sequence[Band], end: float) -> Iterator[str]:
    for band in bands:
        x, width = _x(band.start, end), _x(band.end, end) - _x(band.start, end)
        yield (
            f'<rect x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}" fill="{band.colour}"'
            f' opacity="0.18"><title>{escape(band.words)}</title></rect>'
        )


def _series(each: Series, end: float, top: float) -> Iterator[str]:
    at = [(_x(x, end), _y(y, top)) for x, y in each.points]
    if each.kind in ("line", "steps") and at:
        path = f"M{at[0][0]:.1f} {at[0][1]:.1f}" + "".join(
            f"H{x:.1f}V{y:.1f}" if each.kind == "steps" else f"L{x:.1f} {y:.1f}" for x, y in at[1:]
        )
        yield f'<path d="{path}" fill="none" stroke="{each.colour}" stroke-width="1.4"/>'
        return
    for number, (x, y) in enumerate(at):
        title = f"<title>{escape(each.titles[number])}</title>" if number < len(each.titles) else ""
        if each.kind == "ticks":
            yield f'<path d="M{x:.1f} {y - 4:.1f}v8" stroke="{each.colour}" stroke-width="1.6">{title}</path>'
        else:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{each.colour}">{title}</circle>'


def _legend(series: Sequence[Series], bands: Sequence[Band]) -> Iterator[str]:
    words = [(each.name, each.colour, 1.0) for each in series if each.points]
    words += list(dict.fromkeys((band.words.partition(":")[0], band.colour, 0.35) for band in bands))
    yield from legend(words, LEFT, HEIGHT - 12, WIDTH - RIGHT)[0]


def legend(words: Sequence[tuple[str, str, float]], left: int, y: int, right: int) -> tuple[list[str], int]:
    """Names with their colours and opacities in rows between two edges; and how high the rows are."""
    lines, x, first = [], float(left), y
    for name, colour, opacity in words:
        width = LEGEND_PX + len(name) * CHARACTER_PX + LEGEND_PX
        if x + width > right and x > left:
            x, y = float(left), y + LEGEND_PX
        lines.append(f'<rect x="{x:.0f}" y="{y - 10}" width="11" height="11" fill="{colour}" opacity="{opacity}"/>')
        lines.append(f'<text x="{x + LEGEND_PX - 2:.0f}" y="{y}">{escape(name)}</text>')
        x += width
    return lines, y - first + LEGEND_PX


def steps(top: float, most: int) -> Iterator[float]:
    """Round values from 0, at most so many after it."""
    step = next(
        mantissa * 10.0**power
        for power in range(-9, 15)
        for mantissa in (1, 2, 5)
        if top / (mantissa * 10.0**power) <= most
    )
    for number in range(int(top / step) + 1):
        yield number * step


def _number(value: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= 10 * size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
