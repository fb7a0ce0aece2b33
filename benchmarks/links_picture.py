"""Draws transfers over a cable as SVG, with nothing but strings: three plots above each other, a column each.

Lines of theory are dashed; a red mark below the queue is a moment at which frames were dropped.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, ACROSS, DOWN = 380, 130, 64, 46, 40, 34
INK, FAINT, DROP = "#24292f", "#d0d7de", "#cf222e"
COLOURS = ("#0969da", "#8250df", "#1a7f37")
SMOOTH_S = 0.5
"""Goodput is that of so long."""

Points = Sequence[tuple[float, float]]


def draw(transfers: list[dict[str, Any]], theory: dict[str, float], queue_frames: int) -> str:
    """The picture of these transfers, each ``{"control", "samples"}``."""
    columns = len(transfers)
    whole = (LEFT + columns * (WIDTH + ACROSS), TOP + 3 * (HEIGHT + DOWN) + 10)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole[0]} {whole[1]}" width="{whole[0]}"'
        f' font-family="system-ui, sans-serif" font-size="12" fill="{INK}">',
        f'<rect width="{whole[0]}" height="{whole[1]}" fill="white"/>',
    ]
    for number, each in enumerate(transfers):
        samples, x = each["samples"], LEFT + number * (WIDTH + ACROSS)
        end_s = samples[-1]["at_s"]
        parts.append(_text(x, 22, f"{each['control']}: bw=10 delay=20ms max_queue_size=50", size=15))
        plots = (
            ("goodput, Mbit/s", _goodput(samples), 12.0, [theory["goodput_bps"] / 1e6]),
            ("round trip, ms", [(one["at_s"], one["rtt_s"] * 1e3) for one in samples], 120.0,
             [theory["base_rtt_s"] * 1e3, theory["full_rtt_s"] * 1e3]),
            ("frames waiting in the queue", [(one["at_s"], one["waiting_frames"]) for one in samples], 60.0,
             [float(queue_frames)]),
        )  # fmt: skip
        for row, (title, points, most, lines) in enumerate(plots):
            y = TOP + row * (HEIGHT + DOWN)
            parts += _plot(x, y, title, points, (end_s, most), lines, COLOURS[row])
        parts += _drops(x, TOP + 2 * (HEIGHT + DOWN) + HEIGHT, samples, end_s)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _goodput(samples: list[dict[str, Any]]) -> Points:
    span = max(1, round(SMOOTH_S / (samples[1]["at_s"] - samples[0]["at_s"])))
    pairs = zip(samples, samples[span:], strict=False)
    return [
        (new["at_s"], (new["received_bytes"] - old["received_bytes"]) * 8 / (new["at_s"] - old["at_s"]) / 1e6)
        for old, new in pairs
    ]


def _plot(
    x: float, y: float, title: str, points: Points, most: tuple[float, float], lines: list[float], colour: str
) -> list[str]:
    end_s, top = most

    def at(time_s: float, value: float) -> tuple[float, float]:
        return x + time_s / end_s * WIDTH, y + HEIGHT - min(value, top) / top * HEIGHT

    parts = [f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="{FAINT}"/>']
    parts.append(_text(x + 4, y - 5, title))
    for share in (0.0, 0.5, 1.0):
        parts.append(_text(x - 6, y + HEIGHT - share * HEIGHT + 4, f"{top * share:g}", anchor="end"))
    for second in range(0, int(end_s) + 1, 5):
        parts.append(_text(at(second, 0)[0], y + HEIGHT + 14, f"{second} s", anchor="middle", size=10))
    for value in lines:
        height = at(0, value)[1]
        ends = f'x1="{x}" y1="{height:.1f}" x2="{x + WIDTH}" y2="{height:.1f}"'
        parts.append(f'<line {ends} stroke="{INK}" stroke-dasharray="4 4"/>')
        parts.append(_text(x + WIDTH - 4, height - 4, f"theory: {value:.4g}", anchor="end", size=10))
    path = " ".join(f"{left:.1f},{height:.1f}" for left, height in (at(*point) for point in points))
    return [*parts, f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>']


def _drops(x: float, y: float, samples: list[dict[str, Any]], end_s: float) -> list[str]:
    parts = []
    for before, later in pairwise(samples):
        if later["dropped"] > before["dropped"]:
            left = x + later["at_s"] / end_s * WIDTH
            parts.append(
                f'<line x1="{left:.1f}" y1="{y - 10}" x2="{left:.1f}" y2="{y}" stroke="{DROP}" stroke-width="2"/>'
            )
    return parts


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'
