"""Which frames a failed test is explained with, and what its capture says of them."""

from dataclasses import replace

import pytest

from lan.testing import evidence
from lan.testing.trace import Trace
from lan.testing.watch import Look, Notebook, Watch
from lan.trace.frame import Frame
from lan.trace.pcapng import load
from lan.trace.timeline import Timeline

from . import played

OPENING = "SYN seq=0"
"""The first rung of a connection's ladder."""
GAP = f"{'':>11} …"


@pytest.fixture
def watch() -> Watch:
    return Watch(played.Played(played.office()), lambda: played.DEVICES, notebook=Notebook())


def drawn(watch: Watch, *looks: Look) -> list[str]:
    return evidence.explain(looks, watch.timeline).splitlines()


def rungs(lines: list[str]) -> int:
    return sum("▶" in line or "◀" in line for line in lines)


def test_the_last_of_several_conversations_are_drawn(watch: Watch) -> None:
    found = tuple(watch.timeline.tcp[:4])
    lines = drawn(watch, Look("four", found))
    assert [repr(one) in "\n".join(lines) for one in found] == [False, True, True, True]
    assert evidence.LADDERS == 3 and lines[0] == "four"


def test_a_question_that_is_the_conversation_itself_is_said_once(watch: Watch) -> None:
    one = watch.timeline.tcp[0]
    assert sum(repr(one) in line for line in drawn(watch, Look(repr(one), (one,)))) == 1
    assert sum(repr(one) in line for line in drawn(watch, Look("another", (one,)))) == 1


def test_of_two_looks_at_one_connection_the_later_one_has_the_ladder(watch: Watch) -> None:
    one, fetch = watch.timeline.tcp[0], watch.timeline.http[0]
    lines = drawn(watch, Look("first", (one,)), Look("then", (fetch,)))
    assert sum(OPENING in line for line in lines) == 1
    assert lines.index("first") + 2 == lines.index("then") and OPENING in "\n".join(lines[lines.index("then") :])
    pings = watch.timeline.icmp[:2]
    assert rungs(drawn(watch, Look("one", (pings[0],)), Look("other", (pings[1],)))) == 4, "two are two"


def test_a_ladder_that_fits_is_whole_and_a_longer_one_is_its_ends(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = watch.timeline.tcp[0]
    whole = drawn(watch, Look("it", (one,)))
    count = rungs(whole)
    monkeypatch.setattr(evidence, "RUNGS", count)
    assert drawn(watch, Look("it", (one,))) == whole and GAP not in whole
    monkeypatch.setattr(evidence, "RUNGS", 9)
    lines = drawn(watch, Look("it", (one,)))
    kept = [line for line in lines if "▶" in line or "◀" in line]
    every = [line for line in whole if "▶" in line or "◀" in line]
    assert count > 9 and lines.count(GAP) >= 1
    assert kept[:3] == every[:3] and kept[-3:] == every[-3:] and len(kept) == 6, "nothing between is remarkable"
    assert lines.index(kept[2]) < lines.index(GAP) < lines.index(kept[3])


def test_of_many_remarkable_segments_a_third_of_the_ladder_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "RUNGS", 9)
    monkeypatch.setattr(evidence, "_is_odd", lambda frame, timeline: True)
    timeline = played.Played(played.office()).timeline
    lines = evidence.explain([Look("it", (timeline.tcp[0],))], timeline).splitlines()
    assert rungs(lines) == 9 and lines.count(GAP) == 1, "the first six stand together"


def frames_of(data: bytes) -> list[Frame]:
    return load(data)


def test_a_comment_that_is_there_stays_before_what_the_test_looked_at(watch: Watch) -> None:
    frames = [replace(frame, comment="by hand" if frame.number == 2 else "") for frame in played.office()]
    timeline = Timeline(switches=["s1"])
    timeline.feed(frames)
    found = load(evidence.capture([Look("why", tuple(frames[:3]))], timeline))
    lines = [frame.comment.splitlines() for frame in found[:4]]
    assert lines[1][:2] == ["by hand", "the test looked at this: why"]
    assert lines[0][0] == lines[2][0] == "the test looked at this: why"
    assert not any("the test" in line for line in lines[3])


def test_a_capture_has_what_came_after_a_frame_and_that_frame_not(watch: Watch) -> None:
    assert [frame.time_ns for frame in load(evidence.capture([], watch.timeline, after=140))] == [
        frame.time_ns for frame in watch.timeline.all_frames[140:]
    ]


def test_a_large_capture_has_no_reasons(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    for most, has in ((6, True), (5, False)):
        monkeypatch.setattr(evidence, "MOST_EXPLAINED", most)
        found = load(evidence.capture([], watch.timeline, after=140))
        assert len(found) == 6 and any("derived" in frame.comment for frame in found) is has


def test_a_connection_that_was_asked_for_brings_all_its_frames(watch: Watch) -> None:
    trace = Trace(watch)
    assert trace.tcp.first().syns == 1
    looked = [frame for frame in load(evidence.capture(watch.notebook.looks, watch.timeline))
              if "the test looked at this" in frame.comment]  # fmt: skip
    assert len(looked) == len(watch.timeline.tcp[0].frames)


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("tests/test_a.py::test_b[c]", "test_a.test_b-c.pcapng"),
        ("test_a.py::test_b", "test_a.test_b.pcapng"),
        ("test_a.py", "test_a.pcapng"),
        (f"t.py::{'x' * 200}", f"t.{'x' * 118}.pcapng"),
    ],
)
def test_a_file_name_is_short_and_of_plain_letters(test: str, name: str) -> None:
    assert evidence.file_name(test) == name
