"""The waterfall as a picture: of each transaction a bar of phases and one of causes; the pointer shows their words."""

from collections.abc import Iterator, Sequence
from html import escape

from lan.language.catalogue import ENGLISH, Language
from lan.reasons import Sentence
from lan.trace.views.chart import FAINT, STYLE, legend, steps
from lan.trace.views.plots import COLOURS
from lan.trace.views.waterfall import Row, groups

NAME_PX, BAR_PX, TIME_PX, ROW_PX, HEAD_PX, MARGIN_PX = 300, 700, 90, 44, 26, 16
PHASES = {"queue": "#d0d7de", "dns": "#bf3989", "connect": "#d4a72c", "tls": "#8250df", "send": "#1b7c83",
          "wait": "#54aeff", "receive": "#2da44e"}  # fmt: skip
SHOWN_CHARACTERS = 46


def draw(rows: Sequence[Row], language: Language = ENGLISH) -> str:
    """The whole SVG document; as in the text, a pause begins another axis."""
    causes = list(dict.fromkeys(cause for row in rows for cause, _, _ in row.told()))
    width, left = NAME_PX + BAR_PX + TIME_PX + 2 * MARGIN_PX, MARGIN_PX + NAME_PX
    lines: list[str] = []
    y, first_ns = MARGIN_PX, rows[0].start_ns if rows else 0
    for group in groups(rows):
        begin = group[0].start_ns
        whole_ms = max(row.end_ns - begin for row in group) / 1e6 or 1.0
        pause = Sentence("after {seconds:.3f} s", seconds=(begin - first_ns) / 1e9)
        after = language.retell(pause) if begin > first_ns else ""
        lines += _axis(whole_ms, left, y, len(group), after)
        y += HEAD_PX
        for row in group:
            lines += _row(row, (left, y), begin, whole_ms, language)
            y += ROW_PX
    y += 2 * MARGIN_PX
    for words in ([(language.say(name), colour, 1.0) for name, colour in PHASES.items()],
                  [(language.say(cause), COLOURS[cause], 1.0) for cause in causes]):  # fmt: skip
        drawn, high = legend(words, MARGIN_PX, y, width - MARGIN_PX)
        lines += drawn
        y += high + 4
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}">',
        f'<style>{STYLE}</style><rect width="{width}" height="{y}" fill="#ffffff"/>',
        *lines, "</svg>",
    ]) + "\n"  # fmt: skip


def _axis(whole_ms: float, left: int, y: int, rows: int, after: str) -> Iterator[str]:
    for time in steps(whole_ms, 8):
        x = left + time / whole_ms * BAR_PX
        yield f'<path d="M{x:.1f} {y + 20}V{y + HEAD_PX + rows * ROW_PX - 10}" stroke="{FAINT}"/>'
        yield f'<text class="m f" x="{x:.1f}" y="{y + 14}">{time:g}{"" if time else " ms"}</text>'
    yield f'<text class="f" x="{MARGIN_PX}" y="{y + 14}">{after}</text>'


def _row(row: Row, corner: tuple[int, int], begin: int, whole_ms: float, language: Language) -> Iterator[str]:
    left, y = corner
    name = row.name if len(row.name) <= SHOWN_CHARACTERS else row.name[: SHOWN_CHARACTERS - 1] + "…"
    yield f'<text x="{MARGIN_PX}" y="{y + 12}">{row.number} {escape(name)}</text>'
    yield f'<text class="f" x="{MARGIN_PX}" y="{y + 27}">{escape(row.ends)}  {escape(row.status)}</text>'
    for phase, start, end in row.phases:
        words = f"{language.say(phase)} {(end - start) / 1e6:.3f} ms"
        yield _bar(start, end, (y, 16), PHASES[phase], words, (begin, whole_ms, left))
    for gap in row.gaps:
        words = f"{gap.length_ms:.3f} ms {language.say(gap.cause)}: {language.reason(gap.reason)}"
        yield _bar(gap.start_ns, gap.end_ns, (y + 18, 10), COLOURS[gap.cause], words, (begin, whole_ms, left))
    x = left + (row.end_ns - begin) / 1e6 / whole_ms * BAR_PX
    yield f'<text x="{x + 6:.1f}" y="{y + 13}">{row.length_ms:.1f} ms</text>'


def _bar(start: int, end: int, place: tuple[int, int], colour: str, words: str, axis: tuple[int, float, int]) -> str:
    begin, whole_ms, left = axis
    y, height = place
    x, width = left + (start - begin) / 1e6 / whole_ms * BAR_PX, max((end - start) / 1e6 / whole_ms * BAR_PX, 0.3)
    return (
        f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{height}" fill="{colour}">'
        f"<title>{escape(words)}</title></rect>"
    )
