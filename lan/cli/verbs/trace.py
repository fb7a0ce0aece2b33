"""What was captured, a line a frame, from the first on:  lan trace   (-f follows; lan trace FILE.pcapng)

Of a LAN that is up, or of any pcap or pcapng file.  The capture of a LAN has one interface a port; Wireshark opens it.
"""

import argparse
import os
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

from lan.cli import port_trace
from lan.cli.common import whole_number
from lan.cli.exporting import write_pcapng
from lan.cli.recorded_source import open_recorded
from lan.cli.screen import Screen, fitting, spoken
from lan.cli.source import Source, filter_word, no_frame, open_source, part_word, source_words, tell_notes
from lan.errors import UsageError
from lan.language.catalogue import language_of
from lan.reasons import Sentence
from lan.trace.filter import Filter
from lan.trace.filter_fields import ALIASES, FIELDS
from lan.trace.frame import Frame
from lan.trace.growing import GrowingLogs
from lan.trace.notes import of_drops
from lan.trace.recorded import taken_up
from lan.trace.views import decided, export, html, table
from lan.trace.views.decided import Decided

GROUP = "Look"
HELD_FRAMES = 65_536
"""Of a longer recording, so many are held at a time."""

WRITTEN = {"follow": "it is written once", "why": "the reasons stand in it", "hops": "it has all hops"}
"""Words that a file which is written can't heed, and why."""


def arguments(parser: argparse.ArgumentParser) -> None:
    source_words(parser)
    part_word(parser)
    filter_word(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on as frames come")
    parser.add_argument("--hops", action="store_true", help="every cable a frame passed, not only where it set out")
    parser.add_argument("--why", action="store_true", help="between the frames, what switches and cables decided")
    parser.add_argument("-n", "--last", type=whole_number, metavar="N", help="only the last N")
    parser.add_argument("--fields", action="store_true", help="what a filter can ask for")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page to look at it without lan, or a network"
    )
    parser.add_argument("--pcap", type=Path, metavar="FILE", help="write them to a file for Wireshark, with reasons")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--port", metavar="PC1:ETH0", help="what a device's own port sees, from now on until Ctrl-C")
    one.add_argument("--loopback", metavar="DEVICE", help="what a device's programs say to each other, from now on")


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.fields:
        return _fields(screen)
    if options.port is not None or options.loopback is not None:
        return _port(options, screen)
    if options.follow and options.file is not None:
        raise UsageError("-f follows a LAN that is up; a file is read to its end", todo="leave out -f, or the FILE")
    if options.follow and options.part is not None:
        raise UsageError("-f follows what comes; --part is of what is recorded", todo="leave out the one or the other")
    if options.pcap is not None or options.html is not None:
        _check_writing(options)
    if options.pcap is not None:
        return _copy(options, open_source(options, screen), screen)
    if options.html is not None:
        return _page(options, open_source(options, screen), screen)
    if options.part is not None:
        source: Source = open_source(options, screen)
    else:
        source = open_recorded(options, most_frames=HELD_FRAMES, is_piped=True)
    telling = _Telling(source, source.compile(options.filter), screen, is_hop=options.hops)
    logs = Decisions(source.folder / "decisions.jsonl") if options.why else None
    is_at_once = source.is_live or (options.last is None and logs is None)  # else all is read before any is told
    if options.follow:
        tell_notes(source.notes, screen)  # there is no end to tell them at
    try:
        if is_at_once:
            telling.tell(logs, last=options.last)
        while (options.follow or not source.is_live) and source.wait_for_more():
            if is_at_once:
                telling.tell(logs)
    except KeyboardInterrupt:
        if not options.follow:  # which ends in no other way
            raise
    if not source.is_live:
        telling.tell(logs, last=options.last)
    if options.part is None and not options.follow:
        tell_notes(source.notes, screen)
    if source.drops:
        screen.line(of_drops(source.drops)[0], table.TROUBLE)
    if not source.recorded.sightings:
        screen.line(no_frame(options, source))
    elif options.filter is not None and not telling.shown:
        screen.line(Sentence("none of {count} frames is meant by the filter", count=telling.seen), "dim")
    return 0


def _check_writing(options: argparse.Namespace) -> None:
    """A file is of what there is now, every hop and all reasons in it.  Raises UsageError for words that say other."""
    name = "--html" if options.pcap is None else "--pcap"
    for word, why in WRITTEN.items():
        if getattr(options, word):
            raise UsageError(f"--{word} with {name}: {why}", todo=f"leave out --{word}")
    if options.pcap is not None and options.html is not None:
        raise UsageError("--pcap and --html: one file at a time", todo="the one, then the other")


def _port(options: argparse.Namespace, screen: Screen) -> int:
    """One interface of a device that is up."""
    for word in ("file", "last", "why", "html", "what"):
        if getattr(options, word):
            name = {"file": "a FILE", "what": "--topology"}.get(word, f"--{word}")
            raise UsageError(
                f"{name} goes with a capture that is there; a port is captured from now on", todo="leave it out"
            )
    if options.pcap is not None and options.filter is not None:
        raise UsageError("--filter with --pcap: a port's frames are written whole", todo="lan trace FILE --filter EXPR")
    source = port_trace.open_port(options.port, options.loopback, options.lan, options.pcap)
    telling = _Telling(source, source.compile(options.filter), screen, is_hop=True)
    return port_trace.follow(source, lambda: telling.tell(None), screen, options.pcap)


class _Telling:
    """Tells the frames that came since it last did."""

    def __init__(self, source: Source, wanted: Filter | None, screen: Screen, *, is_hop: bool) -> None:
        self.recorded, self.wanted, self.screen, self.is_hop = source.recorded, wanted, screen, is_hop
        self.seen, self.shown = 0, 0
        self._last_number = 0
        self._columns: table.Columns | None = None

    def tell(self, logs: "Decisions | None", *, last: int | None = None) -> None:
        """What is new; of that, only the last frames where `last` is given."""
        fresh: Iterator[Frame] | deque[Frame] = self._fresh(last if self.wanted is None else None)
        if last is not None:
            fresh = deque(fresh, maxlen=last)
        news = logs.fresh() if logs else []
        if isinstance(fresh, deque):
            news = [one for one in news if fresh and one.time_ns >= fresh[0].time_ns]
        for one in decided.merge(fresh, news):
            self._line(one)

    def _fresh(self, last: int | None) -> Iterator[Frame]:
        """Those that are meant; `last`: no more than so many are wanted."""
        frames = self.recorded.sightings if self.is_hop else self.recorded.first_sightings
        place = bisect_right(frames, self._last_number, key=attrgetter("number"))
        if last is not None:
            place = max(place, len(frames) - last)
        for at in range(place, len(frames)):
            frame = frames[at]
            self.seen, self._last_number = self.seen + 1, frame.number
            if self.wanted is None or self.wanted(frame, self.recorded.timeline_of(frame)):
                yield frame

    def _line(self, one: Frame | Decided) -> None:
        """A frame's line, or a decision's."""
        screen = self.screen
        if isinstance(one, Frame):
            self.shown += 1
        if screen.json:
            if isinstance(one, Frame):
                screen.data(export.event(*taken_up(self.recorded, one), is_hop=self.is_hop))
            else:
                screen.data(one.as_json())
            return
        if self._columns is None:
            self._columns = table.columns(self.recorded.timeline, language_of(os.environ))
            screen.line(fitting(self._columns.head, screen), "bold")
        if isinstance(one, Frame):
            row = table.row(one, self.recorded.timeline_of(one), is_hop=self.is_hop)
            screen.line(fitting(self._columns.line(row), screen), row.style)
        else:
            screen.line(fitting(one.line(self.recorded.timeline.begun_ns or one.time_ns), screen), "yellow")


class Decisions:
    """The LAN's log of decisions, read on as it grows."""

    def __init__(self, path: Path) -> None:
        self._path, self._logs = path, GrowingLogs()

    def fresh(self) -> list[Decided]:
        """Those that were written since the last call."""
        return list(decided.read(self._logs.fresh(self._path), language_of(os.environ)))


def _fields(screen: Screen) -> int:
    """Every name that a filter knows."""
    others: dict[str, list[str]] = {}
    for other, name in ALIASES.items():
        others.setdefault(name, []).append(other)
    if screen.json:
        fields = [
            {"name": each.name, "kind": each.kind.name.lower(), "help": each.help, "also": others.get(each.name, [])}
            for each in FIELDS.values()
        ]
        screen.data({"ok": True, "fields": fields})
        return 0
    language = spoken()
    screen.table(
        ["field", "is", "means"],
        [
            [each.name, language.say(each.kind.name.lower()), language.know_again(language.say(each.help))]
            for each in FIELDS.values()
        ],
    )
    return 0


def _page(options: argparse.Namespace, source: Source, screen: Screen) -> int:
    """The frames that are meant as an HTML file."""
    timeline, wanted = source.timeline, source.compile(options.filter)
    frames = [frame for frame in timeline.all_frames if wanted is None or wanted(frame, timeline)]
    if options.last is not None:
        frames = frames[-options.last :] if options.last else []
    if len(frames) > html.MOST_FRAMES:
        raise UsageError(
            f"--html: {len(frames)} frames are too many for a page",
            expected=f"{html.MOST_FRAMES} at most",
            todo="--filter EXPR or -n N choose",
        )
    language = language_of(os.environ)
    notes = [language.retell(note) for note in source.notes]
    text = html.page(frames, timeline, source.explain, name=source.name, notes=notes, language=language)
    try:
        options.html.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--html {options.html}: {error.strerror}") from error
    if screen.json:
        screen.data({"ok": True, "html": str(options.html), "frames": len(frames)})
    else:
        screen.line(Sentence("{count} frames written to {file}", count=len(frames), file=options.html))
    return 0


def _copy(options: argparse.Namespace, source: Source, screen: Screen) -> int:
    """The frames that are meant as a pcapng file, with reasons as comments and the TLS secrets of their connections."""
    target, timeline, wanted = options.pcap, source.timeline, source.compile(options.filter)
    frames = [frame for frame in timeline.all_frames if wanted is None or wanted(frame, timeline)]
    if options.last is not None:
        frames = frames[-options.last :] if options.last else []
    opened = write_pcapng(source, frames, target)
    if screen.json:
        screen.data({"ok": True, "pcapng": str(target), "frames": len(frames), "tls_connections_opened": opened})
    else:
        screen.line(_copied(len(frames), opened, target))
    return 0


def _copied(count: int, opened: int, file: Path) -> Sentence:
    if not opened:
        return Sentence("{count} frames written to {file}", count=count, file=file)
    if opened == 1:
        return Sentence("{count} frames, and the secrets of 1 TLS connection written to {file}", count=count, file=file)
    return Sentence(
        "{count} frames, and the secrets of {opened} TLS connections written to {file}",
        count=count,
        opened=opened,
        file=file,
    )
