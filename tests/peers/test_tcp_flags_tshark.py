"""Our tracker and tshark say the same of TCP's segments; the long form is benchmarks/tcp_flags_beside_tshark.py.

The talks are recorded: the same segments at each run, as they were and with changes that are the same too.
"""

import shutil
from itertools import chain, permutations
from random import Random

import pytest

from benchmarks import recorded_talks
from benchmarks import tcp_flags_beside_tshark as beside
from benchmarks.tcp_flags_dialogues import DIALOGUES
from benchmarks.tcp_flags_explained import ACKED, IN_FLIGHT, NUMBERS, SENDING, SENDING_WORDS
from lan.trace.frame import Frame
from lan.trace.trackers import tcp_analysis
from lan.trace.trackers.tcp_analysis import Analysis, Event, Flight, Kind, RoundTrip

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
Reading = tuple[str, list[Frame], list[dict[str, str]]]
NAMES = {kind: name for name, kind in beside.FLAGS.items()}
KINDS = [beside.FLAGS[word] for word in SENDING_WORDS]


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> list[Reading]:
    """Captures of all talks, one after the other, and what tshark says of each frame."""
    path, talks = tmp_path_factory.mktemp("captures") / "frames.pcapng", recorded_talks.read("tcp")
    captures = {**{name: [timed] for name, timed in DIALOGUES.items()}, "talks": list(talks.values())}
    for how, change in beside.CHANGES.items():
        captures[how] = [change(frames, Random(f"{name} {how}")) for name, frames in talks.items()]
    return [
        (name, beside.in_file([*chain(*timed)], path), list(beside.tshark(path))) for name, timed in captures.items()
    ]


def compared(readings: list[Reading]) -> beside.Tally:
    tally = beside.Tally()
    for name, frames, theirs in readings:
        beside.judge(name, frames, theirs, tally)
    return tally


def told(readings: list[Reading], kind: Kind) -> list[Reading]:
    """The first captures of which tshark tells a kind: enough to see whether we do."""
    name = NAMES[kind]
    return [reading for reading in readings if any(name in each or each.get(SENDING) == name for each in reading[2])][
        :3
    ]


def test_each_segment_gets_the_same_flags(readings: list[Reading]) -> None:
    tally = compared(readings)
    assert not tally.differences, "\n".join(map(str, tally.differences))
    assert set(tally.flags) == set(beside.FLAGS), str(tally)
    assert all(tally.numbers[name] > tally.segments / 20 for name in NUMBERS), tally.numbers


def test_a_fin_that_an_ack_overtook_is_late_whatever_tshark_has_counted(readings: list[Reading]) -> None:
    [(_, frames, theirs)] = [reading for reading in readings if reading[0] == "a late FIN behind a gap"]
    [(frame, said)] = [(frame, said[SENDING]) for frame, _, said in beside.ours(frames) if SENDING in said]
    assert said == "out_of_order"
    assert theirs[frame.number - 1][SENDING] == "fast_retransmission"
    [why] = [why for why in compared(readings[: len(DIALOGUES)]).explained if "fast" in why]
    assert "−1" in why


@pytest.mark.parametrize("kind", Kind)
def test_a_flag_that_is_never_told_is_seen(
    kind: Kind, readings: list[Reading], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = Analysis.tell

    def never(analysis: Analysis, frame: Frame, found: list[Event]) -> None:
        tell(analysis, frame, [event for event in found if event.kind is not kind])

    monkeypatch.setattr(Analysis, "tell", never)
    name, found = NAMES[kind], compared(told(readings, kind)).differences
    assert any(name in (each.name, each.theirs) and not each.ours for each in found)


@pytest.mark.parametrize(("kind", "other"), list(permutations(KINDS, 2)))
def test_bytes_that_are_said_to_come_for_another_reason_are_seen(
    kind: Kind, other: Kind, readings: list[Reading], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = Analysis.tell

    def another(analysis: Analysis, frame: Frame, found: list[Event]) -> None:
        tell(analysis, frame, [Event(frame, other) if event.kind is kind else event for event in found])

    monkeypatch.setattr(Analysis, "tell", another)
    found = {(each.ours, each.theirs) for each in compared(told(readings, kind)).differences}
    assert (NAMES[other], NAMES[kind]) in found


def test_a_wrong_number_is_seen(readings: list[Reading], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_analysis, "Flight", lambda frame, held: Flight(frame, held + 1))
    monkeypatch.setattr(tcp_analysis, "RoundTrip", lambda _, ack, time_ns: RoundTrip(ack, ack, time_ns))
    assert {each.name for each in compared(readings[:1]).differences} == {IN_FLIGHT, ACKED}
