"""The option `at`: which event comes when, and the exact words for a schedule that can't be."""

from typing import Any

import pytest

from lan.links.options import Cable, Direction
from lan.links.schedule import Event, flap, read


def both(**fields: Any) -> Cable:
    return Cable(Direction(**fields), Direction(**fields))


def events(at: dict[str, Any], **options: Any) -> list[Event]:
    found, faults = read({**options, "at": at})
    assert not faults
    assert [Event.from_json(event.as_json()) for event in found] == found
    return found


def test_pull_plug_and_a_span_of_loss() -> None:
    assert events({"3s": "down", "5s": "up", "6s-8s": {"loss": 10}}, delay="5ms") == [
        Event(3, up=False),
        Event(5, up=True),
        Event(6, cable=both(delay_s=0.005, loss=0.1)),
        Event(8, cable=both(delay_s=0.005)),
    ]


def test_options_at_a_moment_stay_and_a_span_lies_over_them() -> None:
    assert events({"2s-4s": {"loss": 10}, "1s": {"loss": 1}, "3s": {"bw": 2}}) == [
        Event(1, cable=both(loss=0.01)),
        Event(2, cable=both(loss=0.1)),
        Event(3, cable=both(loss=0.1, rate_bps=2_000_000)),
        Event(4, cable=both(loss=0.01, rate_bps=2_000_000)),
    ]


def test_one_end_alone_may_change() -> None:
    assert events({"1s": {"params1": {"loss": 50}}}, loss=1, seed=7) == [
        Event(1, cable=Cable(Direction(loss=0.5), Direction(loss=0.01), seed=7))
    ]


def test_what_the_schedule_says_for_the_cable_goes_over_what_the_file_says_for_an_end() -> None:
    assert events({"1s": {"loss": 2}}, params1={"loss": 50, "ip": "10.0.0.1/8"}) == [Event(1, cable=both(loss=0.02))]


def test_a_span_of_silence_and_flapping() -> None:
    assert events({"1s-2s": "down", "3s": "flap 200ms 2"}) == [
        Event(1, up=False),
        Event(2, up=True),
        Event(3, up=False),
        Event(3.2, up=True),
        Event(3.4, up=False),
        Event(3.6, up=True),
    ]
    assert flap(0, 1, 1) == [Event(0, up=False), Event(1, up=True)]


EXPECTED = "\n  expected  'down', 'up', 'flap 200ms 5' or options such as {'loss': 10}"

FAULTS = {
    "no mapping": (
        ["3s"],
        "at ['3s'] is not a schedule\n  expected  {TIME: what happens}\n  try       at={'3s': 'down', '5s': 'up'}",
    ),
    "no time": ({3: "down"}, "at: 3 is not a time\n  expected  a time such as '3s', or a span such as '6s-8s'"),
    "no unit": ({"3": "down"}, "at '3' has no unit\n  expected  s, ms or us\n  try       at='3ms'"),
    "backwards": (
        {"8s-6s": "down"},
        "at: the span '8s-6s' ends before it begins\n  expected  an earlier time first",
    ),
    "no such thing": ({"3s": "off"}, "at '3s': 'off'" + EXPECTED),
    "no value": ({"3s": 5}, "at '3s': 5" + EXPECTED),
    "a flap of none": (
        {"3s": "flap 200ms 0"},
        "at '3s': flap 200ms 0\n  expected  how often, a whole number from 1 to 1000\n  try       flap 200ms 5",
    ),
    "an option that is none": (
        {"3s": {"delai": "5ms"}},
        "at '3s': 'delai' is not an option that changes\n  expected  one of bw, corrupt, delay, distribution, "
        "duplicate, gap, jitter, loss, max_queue_size, params1, params2, reorder",
    ),
    "an option that is wrong": (
        {"6s-8s": {"loss": 101}},
        "at 6s: loss 101\n  expected  per cent of the frames, from 0 to 100\n  try       loss='1%'",
    ),
    "options that don't go together": (
        {"3s": {"jitter": "1ms"}},
        "at 3s: jitter 1ms is more than the delay, which is none\n  expected  jitter up to the delay: no frame "
        "arrives before it was sent\n  try       delay='1ms', or more",
    ),
    "two spans for one option": (
        {"1s-3s": {"loss": 1}, "2s-4s": {"loss": 2}},
        "at: '1s-3s' and '2s-4s' both set loss\n  expected  spans that don't overlap",
    ),
    "pulled within a span of silence": (
        {"1s-3s": "down", "2s": "up"},
        "at: '2s' pulls or plugs the cable within '1s-3s'\n  expected  one after the other",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_schedule_that_cannot_be_is_told_in_exact_words(case: str) -> None:
    at, text = FAULTS[case]
    assert [str(fault) for fault in read({"at": at})[1]] == [text]
