"""A TCP connection over time, as a picture:  lan plot --what window   (or sequence, throughput)

Of a LAN that is up, or of a capture file.  Behind the curves stand the causes of its stalls; the pointer shows frames.
sequence    bytes sent, sent again, acknowledged, and the edge of the receiver's window
window      bytes in the network, the receiver's window, and cwnd where lan stalls --watch asked the kernel
throughput  Mbit/s
A name that ends in .png is drawn by rsvg-convert or Chromium, where there is one.
"""

import argparse
import os
from pathlib import Path

from lan.cli import pictures
from lan.cli.common import whole_number
from lan.cli.facts import facts_of
from lan.cli.screen import Screen
from lan.cli.source import Source, open_source, part_word, source_words
from lan.errors import UsageError, nearest
from lan.language.catalogue import language_of
from lan.reasons import Sentence
from lan.trace.trackers.tcp import Connection
from lan.trace.views import plots

GROUP = "Look"


def arguments(parser: argparse.ArgumentParser) -> None:
    source_words(parser)
    part_word(parser)
    parser.add_argument("--what", dest="kind", default="sequence", metavar="WHAT", help=" or ".join(plots.PLOTS))
    parser.add_argument(
        "-c", "--connection", type=whole_number, metavar="N", help="as lan flow --list counts; else the largest"
    )
    parser.add_argument("--from", dest="sender", metavar="DEVICE", help="what this side sent; else who sent more")
    parser.add_argument("-o", "--output", type=Path, metavar="PICTURE", help="FILE.svg or FILE.png; else WHAT.svg")


def run(options: argparse.Namespace, screen: Screen) -> int:
    check(options)
    source = open_source(options, screen)
    connection = _connection(source, options.connection)
    sender = None
    if options.sender is not None:
        sides = {side.device: side for side in (connection.client, connection.server)}
        if options.sender not in sides:
            raise UsageError(f"{options.sender} is no end of this connection", expected=" or ".join(sides))
        sender = sides[options.sender]
    language = language_of(os.environ)
    drawn = plots.draw(options.kind, connection, source.timeline, facts_of(source), sender=sender, language=language)
    target = options.output or Path(f"{options.kind}.svg")
    pictures.write(target, drawn)
    if screen.json:
        screen.data({"ok": True, "picture": str(target), "connection": repr(connection)})
    else:
        screen.line(
            Sentence(
                "{file}: {kind} of {connection}",
                file=target,
                kind=language.say(options.kind),
                connection=repr(connection),
            )
        )
    return 0


def check(options: argparse.Namespace) -> None:
    """Refuse words that can't be meant, before a capture is read.  Raises UsageError."""
    if options.kind not in plots.PLOTS:
        near = nearest(options.kind, plots.PLOTS)
        raise UsageError(
            f"there is no plot {options.kind!r}" + (f"; did you mean {near!r}?" if near else ""),
            expected=" or ".join(plots.PLOTS),
        )
    if options.output is not None:
        pictures.check(options.output)


def _connection(source: Source, number: int | None) -> Connection:
    connections = source.timeline.tcp
    known = f"0 to {len(connections) - 1}" if connections else "none has been opened yet"
    if not connections:
        raise UsageError(f"{source.name} has no TCP connection to plot", todo="lan exec pc1 -- curl URL")
    if number is None:
        return max(connections, key=lambda each: each.client.data_bytes + each.server.data_bytes)
    if number >= len(connections):
        raise UsageError(f"{source.name} has no TCP connection {number}", expected=known, todo="lan flow --list")
    return connections[number]
