"""Decisions between frames: read from the log's lines, told in the columns of frames, in the order of time."""

import json
from typing import Any

from lan.trace.frame import Direction, Frame
from lan.trace.views import decided

LOST = {
    "time_s": 10.002,
    "service": "links",
    "what": "lost",
    "reason": {"source": "cable option loss", "text": "the cable loses 1% of its frames", "facts": {}},
    "cable": "h1:eth0 - s1:eth1",
    "from": "h1",
    "to": "s1",
    "frame": 17,
    "bytes": 98,
    "crc": 1,
}
LEARNED = {
    "time_s": 10.001,
    "service": "switch",
    "what": "learned",
    "reason": {"source": "802.1D §7.8", "text": "learned", "facts": {"port": "3"}},
    "switch": "s1",
    "in_port": 3,
}


def lines(*records: dict[str, Any]) -> list[str]:
    return [json.dumps(record) for record in records]


def frame(number: int, time_s: float) -> Frame:
    return Frame(number, round(time_s * 1e9), "s1:eth1", "h1:eth0", Direction.IN, bytes(60), 60)


def test_a_cables_decision_names_ends_frame_and_reason() -> None:
    [one] = decided.read(lines(LOST))
    assert one.line(10_000_000_000) == (
        "    ·        2.000 ms  h1 → s1            lost frame 17, 98 bytes: "
        "the cable loses 1% of its frames (cable option loss)"
    )


def test_a_switchs_decision_names_the_switch_and_its_facts() -> None:
    [one] = decided.read(lines(LEARNED))
    assert one.line(10_000_000_000).endswith("s1                 learned (port 3; 802.1D §7.8)")


def test_decisions_stand_between_frames_by_time_and_after_a_frame_of_the_same_moment() -> None:
    frames = [frame(1, 10.0), frame(2, 10.002), frame(3, 10.003)]
    merged = decided.merge(frames, decided.read(lines(LOST, LEARNED)))
    assert [one.number if isinstance(one, Frame) else one.what.split()[0] for one in merged] == [
        1,
        "learned",
        2,
        "lost",
        3,
    ]


def test_decisions_after_the_last_frame_are_told() -> None:
    assert len(list(decided.merge([], decided.read(lines(LOST, LEARNED))))) == 2


def test_what_is_no_decision_is_passed_over() -> None:
    assert list(decided.read(["", "{", "[]", '{"time_s": "x"}', *lines({**LOST, "reason": None})])) == []
