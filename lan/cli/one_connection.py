"""One TCP connection by its number, of a recording of any size: of a large one its own frames alone are read.

The numbers are those of ``lan flow --list``, of a recording that is too large for it too (`lan.trace.numbering`).
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from lan.cli.recorded_source import RecordedSource, open_recorded
from lan.cli.recordings import connect
from lan.cli.screen import Screen
from lan.cli.source import STANDARD_INPUT, Source, open_source, tell_notes
from lan.errors import RunError, UsageError
from lan.language.catalogue import language_of
from lan.reasons import Sentence
from lan.trace.numbering import MOST_ENDS
from lan.trace.opening import MOST_BYTES, MOST_FRAMES, is_large, too_many
from lan.trace.timeline import Timeline
from lan.trace.trackers.tcp import Connection


def open_connection(options: argparse.Namespace, number: int, screen: Screen) -> tuple[Source, Connection]:
    """What `source_words` and `part_word` ask for, as far as a connection needs it, and the connection.

    Raises UsageError, and RunError where its frames are gone.
    """
    if options.part is not None or not _is_large(options):
        source = open_source(options, screen)
        return source, _at(source.timeline.tcp, number, source.name)
    recorded = open_recorded(options)
    try:
        timeline, connection = _of_large(recorded, number, screen)
    finally:
        screen.progress("")
    tell_notes(recorded.notes, screen)
    return Source(timeline, recorded.name, recorded.folder, recorded.capture), connection


def _is_large(options: argparse.Namespace) -> bool:
    if options.file is not None:
        return is_large(Path("/dev/stdin") if options.file == STANDARD_INPUT else options.file)
    trace = connect(options.lan).trace
    return trace is not None and is_large(Path(trace))


def _of_large(recorded: RecordedSource, number: int, screen: Screen) -> tuple[Timeline, Connection]:
    """A timeline of the frames of a connection, and the connection."""
    excerpts, name = recorded.excerpts, recorded.name
    index, numbering, language = excerpts.index, excerpts.numbering, language_of(os.environ)
    is_more = True
    while is_more:
        is_more = excerpts.know(index.known + MOST_FRAMES)
        while numbering.go_on():
            said = Sentence("{name}: {count} frames are read …", name=name, count=numbering.known)
            screen.progress(" " + language.retell(said))
    if numbering.is_full:
        told = Sentence(
            "{name}: more than {count} pairs of addresses and ports are too many for connections to be numbered",
            name=name,
            count=MOST_ENDS,
        )
        raise UsageError(told, todo=Sentence("--part 1000-2000 (frames) or --part 3.2s-4s takes a part"))
    timeline = excerpts.timeline.excerpt(excerpts.timeline.begun_ns, is_whole=False)
    if number >= numbering.count:
        raise _none(number, numbering.count, name)
    timeline.switches = index.switches
    timeline.learn_secrets(index.secrets)
    size_bytes = 0
    for count, frame in enumerate(index.frames_at(numbering.places(number)), 1):
        size_bytes += len(frame.data)
        if count > MOST_FRAMES or size_bytes > MOST_BYTES:
            raise too_many(recorded.capture or Path(name), f"the frames of connection {number}")
        timeline.add(frame)
    if not timeline.tcp:  # a capture that goes on let its oldest files go meanwhile
        told = Sentence("the frames of connection {number} are in none of the files that are left", number=number)
        raise RunError(told, todo="lan flow --list")
    return timeline, timeline.tcp[0]


def _at(connections: Sequence[Connection], number: int, name: str) -> Connection:
    if number >= len(connections):
        raise _none(number, len(connections), name)
    return connections[number]


def _none(number: int, count: int, name: str) -> UsageError:
    known = f"0 to {count - 1}" if count else "none has been opened yet"
    return UsageError(f"{name} has no TCP connection {number}", expected=known, todo="lan flow --list")
