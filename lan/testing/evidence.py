"""What a failed test is explained with: the few frames that matter, as a ladder, and all as a capture file.  Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from lan.testing.watch import Look
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline
from lan.trace.trackers.tcp import Connection
from lan.trace.views import flow, pcapng_export
from lan.trace.views.flow_text import draw
from lan.trace.why import Decisions, Explainer

LADDERS = 3
"""Conversations of a look that are drawn; the last ones."""
RUNGS = 24
"""A longer ladder is shown without its middle."""
MOST_EXPLAINED = 5000
"""Frames of a capture whose comments tell why; of more it would take too long."""
WIDTH = 78
"""Two less than the narrowest terminal's."""


def explain(looks: Sequence[Look], timeline: Timeline) -> str:
    """The last looks of a test, each with the ladders of what it found."""
    drawn: set[object] = set()
    parts = [_look(look, timeline, drawn) for look in reversed(looks)]
    return "\n".join(line for part in reversed(parts) for line in part)


def capture(looks: Iterable[Look], timeline: Timeline, *, after: int = 0, decisions: Decisions | None = None) -> bytes:
    """The frames after one, as a capture file, with the TLS secrets that it takes to read them.

    Those that the test looked at have a comment that says so, and each why devices did with it what they did.
    """
    why = {frame.number: look.question for look in looks for frame in _frames(look.found)}
    frames = [frame for frame in timeline.all_frames if frame.number > after]
    told = [replace(each, comment=_comment(each, why[each.number])) if each.number in why else each for each in frames]
    explain = Explainer(timeline, decisions).explain if len(told) <= MOST_EXPLAINED else None
    return b"".join(pcapng_export.write(timeline, pcapng_export.secrets_of(timeline, told), explain, frames=told))


def file_name(test: str) -> str:
    """A test's name as that of its capture file: ``tests/test_a.py::test_b[c]`` → ``test_a.test_b-c.pcapng``."""
    file, _, rest = test.partition("::")
    words = f"{file.rpartition('/')[2].removesuffix('.py')}.{rest}"
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", words).strip("-.")
    return f"{name[:120]}.pcapng"


def _comment(frame: Frame, question: str) -> str:
    return "\n".join(filter(None, [frame.comment, f"the test looked at this: {question}"]))


def _frames(found: Iterable[Any]) -> list[Frame]:
    return [frame for item in found for frame in ([item] if isinstance(item, Frame) else item.frames)]


def _look(look: Look, timeline: Timeline, drawn: set[object]) -> list[str]:
    """Its question, and the ladders of what it found; of what was `drawn` already, its line alone."""
    lines = [look.question]
    frames = [item for item in look.found if isinstance(item, Frame)]
    if frames:
        return [*lines, *_drawn(flow.diagram(frames, timeline), timeline)]
    for item in look.found[-LADDERS:]:
        lines += [f"  {item!r}"] if repr(item) != look.question else []
        if (what := getattr(item, "connection", item)) not in drawn:
            drawn.add(what)
            lines += _drawn(_diagram(item, timeline), timeline)
    return lines


def _diagram(item: Any, timeline: Timeline) -> flow.Diagram:
    """Of what has a connection, all of that: its opening and end tell why."""
    connection = item if isinstance(item, Connection) else getattr(item, "connection", None)
    if isinstance(connection, Connection):
        return flow.of_connection(connection, timeline)
    return flow.diagram(item.frames, timeline)


def _drawn(whole: flow.Diagram, timeline: Timeline) -> list[str]:
    """The ladder; of a long one its beginning, its end, and what is remarkable between them."""
    lines: list[str] = []
    for at, part in enumerate(_kept(whole.arrows, timeline)):
        if at:
            lines.append(f"{'':>11} …")
        lines += [f"  {line}" for line, _ in draw(flow.Diagram(whole.columns, part), WIDTH)]
    return lines


def _kept(arrows: list[flow.Arrow], timeline: Timeline) -> list[list[flow.Arrow]]:
    """The arrows to draw, in stretches without a gap."""
    if len(arrows) <= RUNGS:
        return [arrows]
    share = RUNGS // 3
    odd = [at for at in range(share, len(arrows) - share) if _is_odd(arrows[at].frame, timeline)]
    places = sorted({*range(share), *odd[:share], *range(len(arrows) - share, len(arrows))})
    stretches: list[list[flow.Arrow]] = [[]]
    for before, at in pairwise([-1, *places]):
        if at != before + 1:
            stretches.append([])
        stretches[-1].append(arrows[at])
    return stretches


def _is_odd(frame: Frame, timeline: Timeline) -> bool:
    connection = timeline.connection_of(frame)
    return connection is not None and bool(connection.events_of(frame))
