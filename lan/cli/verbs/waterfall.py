"""Each HTTP transaction as a bar, and below it what it waited for:  lan waterfall [FILE]

Two lines a transaction: its phases (name, connect, TLS, send, wait, receive), and below them who held it up; then the
causes in words.  lan stalls N shows the proof of each.  docs/stalls.md
"""

import argparse
import os
from pathlib import Path

from lan.cli import pictures
from lan.cli.facts import facts_of
from lan.cli.screen import Screen, width
from lan.cli.source import open_source, part_word, source_words
from lan.language.catalogue import Language, language_of
from lan.reasons import Sentence
from lan.trace.stalls.cause import totals
from lan.trace.views import waterfall, waterfall_svg
from lan.trace.views.waterfall import Row

GROUP = "Look"


def arguments(parser: argparse.ArgumentParser) -> None:
    source_words(parser)
    part_word(parser)
    parser.add_argument("-n", "--last", type=_number, metavar="N", help="only the last N transactions")
    parser.add_argument("--svg", type=Path, metavar="PICTURE", help="write it there as a picture: FILE.svg or FILE.png")


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of transactions")
    return int(text)


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.svg is not None:
        pictures.check(options.svg)
    source, language = open_source(options, screen), language_of(os.environ)
    found = waterfall.rows(source.timeline, source.timeline, facts_of(source))
    if options.last is not None:
        found = found[-options.last :]
    if options.svg is not None:
        pictures.write(options.svg, waterfall_svg.draw(found, language))
        words = Sentence("{count} transactions written to {file}", count=len(found), file=options.svg)
        screen.line(language.retell(words))
    if screen.json:
        screen.data({"ok": True, "transactions": [as_json(row, language) for row in found]})
    elif not found:
        screen.line(language.say(waterfall.NOTHING), "dim")
    elif options.svg is None:
        for text, style in waterfall.draw(found, width(screen), language):
            screen.line(text, style)
    return 0


def as_json(row: Row, language: Language) -> dict[str, object]:
    """One transaction; times in ms, from its beginning.  Causes are codes, reasons are told in a language."""
    begun_ns = row.start_ns
    return {
        "number": row.number,
        "name": row.name,
        "ends": row.ends,
        "status": row.status,
        "size_bytes": row.size_bytes,
        "start_ns": begun_ns,
        "length_ms": row.length_ms,
        "phases": [
            {"phase": name, "start_ms": (start - begun_ns) / 1e6, "end_ms": (end - begun_ns) / 1e6}
            for name, start, end in row.phases
        ],
        "causes_ms": {cause.value: length / 1e6 for cause, length in totals(row.gaps).items()},
        "gaps": [
            {
                "start_ms": (gap.start_ns - begun_ns) / 1e6,
                "end_ms": (gap.end_ns - begun_ns) / 1e6,
                "cause": gap.cause.value,
                "device": gap.device,
                "is_derived": gap.is_derived,
                "frames": [frame.number for frame in gap.evidence],
                "reason": language.reason(gap.reason).as_json(),
            }
            for gap in row.gaps
        ],
    }
