"""A ladder diagram: devices as columns, an arrow a frame, in words.  The model; `flow_text` and `flow_svg` draw it.

Every frame stands where its sender put it on the cable, an arrow from the device that made it to the one it is for;
with hops, an arrow for each cable, and switches have columns too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lan.language.catalogue import ENGLISH, Language
from lan.reasons import Sentence
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline
from lan.trace.trackers.tcp import Connection
from lan.trace.views import table
from lan.trace.views.flow_words import in_clear, words

FIRST, LAST, LONG_RUN = 3, 2, 8
"""Of a run of segments that only carry data, so many are shown at both ends when it is longer than `LONG_RUN`."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """One frame; of a long run the ones in the middle are one arrow, whose `frame` is the first and `count` above 1.

    `states` are the states of client and server after it, where they are new.
    """

    frame: Frame
    time_ms: float
    source: str
    destination: str
    words: str
    style: str = ""
    count: int = 1
    states: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Diagram:
    """Columns from left to right, arrows from top to bottom."""

    columns: list[str]
    arrows: list[Arrow]


def diagram(
    frames: Iterable[Frame],
    timeline: Timeline,
    *,
    every_hop: bool = False,
    is_whole: bool = False,
    language: Language = ENGLISH,
) -> Diagram:
    """The diagram of some frames of a timeline; with `is_whole` no run of segments is drawn as one arrow."""
    clear = in_clear(timeline)
    arrows = [_arrow(frame, timeline, clear, language, is_hop=every_hop) for frame in frames]
    if not is_whole:
        arrows = _shortened(arrows, timeline, clear, language)
    names = [name for arrow in arrows for name in (arrow.source, arrow.destination) if name != table.EVERYONE]
    return Diagram(list(dict.fromkeys(names)), arrows)


def of_connection(
    connection: Connection, timeline: Timeline, *, is_whole: bool = False, language: Language = ENGLISH
) -> Diagram:
    """One connection, client at the left, with the states that its sides come to."""
    drawn = diagram(connection.frames, timeline, is_whole=is_whole, language=language)
    states = {frame.number: state for frame, state in zip(connection.frames, connection.states, strict=True)}
    before, arrows = ("", ""), []
    for arrow in drawn.arrows:
        client, server = (str(state) for state in states[arrow.frame.number])
        fresh = (client if client != before[0] else "", server if server != before[1] else "")
        before = client, server
        source, destination = arrow.source, arrow.destination
        is_client = connection.sender(arrow.frame) is connection.client
        ends = (connection.client.device, connection.server.device)
        source, destination = ends if is_client else ends[::-1]
        arrows.append(
            Arrow(arrow.frame, arrow.time_ms, source, destination, arrow.words, arrow.style, arrow.count, fresh)
        )
    return Diagram([connection.client.device, connection.server.device], arrows)


def _arrow(frame: Frame, timeline: Timeline, clear: Mapping[int, str], language: Language, *, is_hop: bool) -> Arrow:
    row = table.row(frame, timeline, is_hop=is_hop)
    return Arrow(frame, row.time_ms, row.source, row.destination, words(frame, timeline, clear, language), row.style)


def _shortened(arrows: list[Arrow], timeline: Timeline, clear: Mapping[int, str], language: Language) -> list[Arrow]:
    found: list[Arrow] = []
    run: list[Arrow] = []
    of: Connection | None = None
    for arrow in arrows:
        connection = None if arrow.frame.number in clear else _plain_connection(arrow.frame, timeline)
        if connection is None or connection is not of:
            found += _short_run(run, language)
            run = []
        of = connection
        (run if connection is not None else found).append(arrow)
    return found + _short_run(run, language)


def _plain_connection(frame: Frame, timeline: Timeline) -> Connection | None:
    """The connection of a segment that only carries data or acknowledges some; None of any other frame."""
    segment, connection = frame.packet.tcp, timeline.connection_of(frame)
    if segment is None or connection is None or segment.flags & 7 or connection.events_of(frame):
        return None
    head, tls = frame.packet.http, frame.packet.tls
    if tls is not None and any(record.content_type != "application data" for record in tls.records):
        return None
    return None if head is not None and head.kind != "data" else connection


def _short_run(run: Sequence[Arrow], language: Language) -> list[Arrow]:
    if len(run) <= LONG_RUN:
        return list(run)
    middle = run[FIRST:-LAST]
    way = max({(arrow.source, arrow.destination) for arrow in middle}, key=lambda way: _bytes(middle, way))
    size = _bytes(middle, way)
    what = language.retell(Sentence("{count} segments, {size} bytes in all", count=len(middle), size=size))
    source, destination = way
    whole = Arrow(middle[0].frame, middle[0].time_ms, source, destination, what, middle[0].style, len(middle))
    return [*run[:FIRST], whole, *run[-LAST:]]


def _bytes(arrows: Sequence[Arrow], way: tuple[str, str]) -> int:
    """What the segments of one way carry."""
    segments = (arrow.frame.packet.tcp for arrow in arrows if (arrow.source, arrow.destination) == way)
    return sum(segment.length for segment in segments if segment is not None)
