"""Why a transaction took so long, with the frames that prove it:  lan stalls 0

Of a FILE:  lan stalls FILE -t 0.  Without a number: what all transactions spent their time on.  lan waterfall numbers
them; -c N is a TCP connection by the numbers of lan flow --list.  --watch DEVICE asks that device's kernel meanwhile
(until Ctrl-C): it says for certain what packets only suggest.  docs/stalls.md
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from lan.cli.common import whole_number
from lan.cli.facts import SAMPLES, facts_of
from lan.cli.screen import Screen
from lan.cli.source import Source, open_source, part_word, source_words
from lan.cli.verbs.waterfall import as_json
from lan.control import client
from lan.errors import UsageError
from lan.language.catalogue import Language, language_of
from lan.reasons import Sentence
from lan.trace import kernel_tcp
from lan.trace.stalls.attribution import attribute
from lan.trace.stalls.cause import Cause, Gap, totals
from lan.trace.views import waterfall
from lan.trace.views.waterfall import Row

GROUP = "Look"
FRAMES_SHOWN = 6
GAP_HEADINGS = ("at ms", "ms", "cause", "at", "frames", "why")
SUM_HEADINGS = ("cause", "ms", "share", "transactions")


def arguments(parser: argparse.ArgumentParser) -> None:
    source_words(parser)
    part_word(parser)
    parser.add_argument("-t", "--transaction", type=whole_number, metavar="N", help="one transaction, by lan waterfall")
    parser.add_argument("-c", "--connection", type=whole_number, metavar="N", help="one connection, by lan flow --list")
    parser.add_argument("--all", action="store_true", help="gaps shorter than a millisecond too")
    parser.add_argument("--watch", metavar="DEVICE", help="sample this device's TCP sockets until Ctrl-C")


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.watch is not None:
        return _watch(options, screen)
    if options.file is not None and str(options.file).isdecimal() and not options.file.exists():
        options.file, options.transaction = None, int(str(options.file))  # lan stalls 3
    if options.transaction is not None and options.connection is not None:
        raise UsageError("a transaction or a connection, not both", todo="leave out -c, or the other number")
    source, language = open_source(options, screen), language_of(os.environ)
    if options.connection is not None:
        return _connection(options, source, screen, language)
    found = waterfall.rows(source.timeline, source.timeline, facts_of(source))
    if options.transaction is None:
        return _overview(found, screen, language)
    row = next((row for row in found if row.number == options.transaction), None)
    if row is None:
        raise UsageError(
            f"{source.name} has no transaction {options.transaction}",
            expected=f"0 to {max(row.number for row in found)}" if found else "none has passed yet",
            todo="lan waterfall",
        )
    if screen.json:
        screen.data({"ok": True, **as_json(row, language)})
        return 0
    screen.line(f"{row.ends}  {row.name}  {row.status}  {row.length_ms:.3f} ms", "bold")
    _gaps(row.gaps, screen, language, is_whole=options.all)
    return 0


def _connection(options: argparse.Namespace, source: Source, screen: Screen, language: Language) -> int:
    connections = source.timeline.tcp
    if options.connection >= len(connections):
        known = f"0 to {len(connections) - 1}" if connections else "none has been opened yet"
        raise UsageError(
            f"{source.name} has no connection {options.connection}", expected=known, todo="lan flow --list"
        )
    connection = connections[options.connection]
    gaps = tuple(attribute(connection, source.timeline, facts_of(source)))
    if screen.json:
        row = Row(options.connection, repr(connection), "", "—", None, (), gaps)
        screen.data({"ok": True, **(as_json(row, language) if gaps else {"gaps": []})})
        return 0
    screen.line(repr(connection), "bold")
    _gaps(gaps, screen, language, is_whole=options.all)
    return 0


def _gaps(gaps: tuple[Gap, ...], screen: Screen, language: Language, *, is_whole: bool) -> None:
    """A line a gap, then the sums."""
    if not gaps:
        screen.line(language.say("a single frame: no time has passed"), "dim")
        return
    shown = [gap for gap in gaps if is_whole or gap.length_ns >= waterfall.TOLD_NS]
    rows = [
        [f"{(gap.start_ns - gaps[0].start_ns) / 1e6:.3f}", f"{gap.length_ms:.3f}", language.say(gap.cause), gap.device,
         _frames(gap), language.retell(_why(gap))]
        for gap in shown
    ]  # fmt: skip
    screen.table([language.say(each) for each in GAP_HEADINGS], rows)
    left_ns = sum(gap.length_ns for gap in gaps) - sum(gap.length_ns for gap in shown)
    if len(shown) < len(gaps):
        count = len(gaps) - len(shown)
        rest = Sentence("and {count} gaps of less than a millisecond, {ms:.3f} ms together: --all shows them",
                        count=count, ms=left_ns / 1e6)  # fmt: skip
        screen.line(language.retell(rest), "dim")


def _why(gap: Gap) -> str:
    """Its reason, and whether the kernel of who waited said so itself."""
    return gap.reason.text if gap.is_derived else Sentence("{why} (its kernel says so)", why=gap.reason.text)


def _frames(gap: Gap) -> str:
    numbers = [str(frame.number) for frame in gap.evidence]
    return " ".join(numbers[:FRAMES_SHOWN]) + (" …" if len(numbers) > FRAMES_SHOWN else "")


def _overview(found: list[Row], screen: Screen, language: Language) -> int:
    """What all of them spent their time on."""
    sums: dict[Cause, int] = totals(gap for row in found for gap in row.gaps)
    whole_ns = sum(sums.values())
    if screen.json:
        causes = {cause.value: length / 1e6 for cause, length in sums.items()}
        screen.data({"ok": True, "transactions": len(found), "causes_ms": causes})
        return 0
    if not found:
        screen.line(language.say(waterfall.NOTHING), "dim")
        return 0
    rows = [
        [language.say(cause), f"{length / 1e6:.1f}", f"{length / whole_ns:.0%}",
         sum(any(gap.cause is cause and gap.length_ns >= waterfall.TOLD_NS for gap in row.gaps) for row in found)]
        for cause, length in sums.items()
    ]  # fmt: skip
    screen.table([language.say(each) for each in SUM_HEADINGS], rows)
    all_of_them = Sentence("{count} transactions, {ms:.1f} ms; lan stalls N tells of one, lan waterfall shows all",
                           count=len(found), ms=whole_ns / 1e6)  # fmt: skip
    screen.line(language.retell(all_of_them), "dim")
    return 0


def _watch(options: argparse.Namespace, screen: Screen) -> int:
    """Write samples beside the capture until Ctrl-C."""
    if options.file is not None:
        raise UsageError("--watch samples a LAN that is up, not a file", todo="leave out the FILE")
    lan = client.connect(options.lan)
    device = lan.device(options.watch)
    path = lan.state / SAMPLES
    command = [sys.executable, "-m", "lan.trace.kernel_tcp", "--announce"]
    house = str(Path(__file__).resolve().parents[3])
    language = language_of(os.environ)
    begun = Sentence("sampling the TCP sockets of {device} every 5 ms until Ctrl-C", device=options.watch)
    how: dict[str, Any] = {"stderr": subprocess.PIPE, "env": {"PYTHONPATH": house}}
    with path.open("ab") as file, device.popen(command, stdout=file, **how) as program:
        try:
            assert program.stderr is not None
            fault = program.stderr.readline()
            if fault == kernel_tcp.BEGUN:  # before that nothing is sampled
                screen.line(language.retell(begun), "dim")
                fault = b""
            fault += program.communicate()[1]
            code = program.returncode
        except KeyboardInterrupt:
            program.terminate()
            program.communicate()
            code, fault = 0, b""
    sys.stderr.write(fault.decode(errors="replace"))
    count = sum(1 for _ in path.open("rb"))
    ended = Sentence("{count} samples in {file}; lan stalls and lan waterfall use them", count=count, file=path)
    screen.line(language.retell(ended))
    return int(code != 0)
