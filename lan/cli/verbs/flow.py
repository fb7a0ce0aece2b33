"""Who says what to whom, as a ladder diagram:  lan flow   (lan flow -c 0: one TCP connection, with states)

Of a LAN that is up, or of a capture file.  --list numbers the conversations, --filter chooses frames.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from lan.cli import pictures
from lan.cli.common import whole_number
from lan.cli.one_connection import open_connection
from lan.cli.screen import Screen, spoken, width
from lan.cli.source import Source, filter_word, no_frame, open_source, part_word, source_words
from lan.errors import UsageError
from lan.language.catalogue import ENGLISH, Language
from lan.reasons import Sentence
from lan.trace.timeline import Conversation
from lan.trace.views import export, flow, flow_svg, flow_text

GROUP = "Look"


def arguments(parser: argparse.ArgumentParser) -> None:
    source_words(parser)
    part_word(parser)
    filter_word(parser)
    parser.add_argument("-c", "--connection", type=whole_number, metavar="N", help="one TCP connection, by its number")
    parser.add_argument("--list", action="store_true", help="the conversations, a line each")
    parser.add_argument("--hops", action="store_true", help="every cable a frame passed; switches have columns too")
    parser.add_argument("--all", action="store_true", help="long runs of data whole, not as one arrow")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write it there as a picture: FILE.svg or FILE.png")


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.connection is not None and (options.hops or options.filter is not None):
        raise UsageError("-c N shows one connection whole, from end to end", todo="leave out --hops and --filter")
    if options.list:
        _check_list(options)
    if options.svg is not None:
        pictures.check(options.svg)
    if options.connection is not None:
        source, connection = open_connection(options, options.connection, screen)
        drawn = flow.of_connection(connection, source.timeline, is_whole=options.all, language=_language(screen))
    else:
        source = open_source(options, screen)
        if options.list:
            return _list(source, screen)
        drawn = _diagram(options, source, screen)
    if options.svg is not None:
        pictures.write(options.svg, flow_svg.draw(drawn))
    if screen.json:
        screen.data({"ok": True, "columns": drawn.columns, "arrows": [_arrow_json(arrow) for arrow in drawn.arrows]})
    elif options.svg is not None:
        counts = {"count": len(drawn.arrows), "devices": len(drawn.columns)}
        screen.line(Sentence("{count} arrows between {devices} devices written to {file}", file=options.svg, **counts))
    elif not drawn.arrows:
        screen.line(Sentence("no frame is meant by the filter") if options.filter else no_frame(options, source), "dim")
    else:
        for line, style in flow_text.draw(drawn, width(screen)):
            screen.line(line, style)
    return 0


def _check_list(options: argparse.Namespace) -> None:
    """Refuse what a list of all conversations can't heed.  Raises UsageError."""
    for word in ("filter", "connection", "hops", "all", "svg"):
        value = getattr(options, word)
        if value is not None and value is not False:  # -c 0 is a number
            raise UsageError(f"--list shows every conversation: --{word} is for a diagram", todo=f"leave out --{word}")


def _diagram(options: argparse.Namespace, source: Source, screen: Screen) -> flow.Diagram:
    timeline = source.timeline
    wanted = source.compile(options.filter)
    frames = timeline.all_frames if options.hops else timeline.all_first_sightings
    meant = [frame for frame in frames if wanted is None or wanted(frame, timeline)]
    return flow.diagram(meant, timeline, every_hop=options.hops, is_whole=options.all, language=_language(screen))


def _language(screen: Screen) -> Language:
    """The reader's; of what programs read, English."""
    return ENGLISH if screen.json else spoken()


def _arrow_json(arrow: flow.Arrow) -> dict[str, object]:
    return {
        "number": arrow.frame.number,
        "time_ms": round(arrow.time_ms, 6),
        "from": arrow.source,
        "to": arrow.destination,
        "words": arrow.words,
        "frames": arrow.count,
        "states": list(arrow.states),
    }


def _list(source: Source, screen: Screen) -> int:
    timeline = source.timeline
    if screen.json:
        screen.data({"ok": True, **export.conversations(timeline)})
        return 0
    named: dict[str, Sequence[Conversation]] = {
        "ARP": timeline.arp, "DHCP": timeline.dhcp, "DNS": timeline.dns, "ICMP": timeline.icmp, "TCP": timeline.tcp,
        "HTTP": timeline.http, "TLS": timeline.tls,
    }  # fmt: skip
    rows = [
        [kind if kind != "TCP" else f"TCP -c {at}", each.frames[0].number, len(each.frames), repr(each)]
        for kind, found in named.items()
        for at, each in enumerate(found)
        if each.frames
    ]
    rows.sort(key=lambda row: int(str(row[1])))
    if rows:
        screen.table(["conversation", "frame", "frames", "says"], rows)
    else:
        screen.line(Sentence("no conversation has been captured yet"), "dim")
    return 0
