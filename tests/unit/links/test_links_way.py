"""One direction of a cable: nothing appears or vanishes, order and rate are kept, the same seed does the same."""

import random
from collections.abc import Iterable, Iterator
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.links.chance import Generator, Stream
from lan.links.impairments import Impairments
from lan.links.options import Direction, GilbertElliott
from lan.links.way import Decision, Way, What, with_bit_turned

MS, S = 1_000_000, 1_000_000_000
Arrivals = list[tuple[int, bytes]]


def twister(name: str) -> Generator:
    return random.Random(name).random


class Cable:
    """A direction, with the clock of a test: what has left by now, and every decision."""

    def __init__(self, *, seed: int = 0, **options: object) -> None:
        self.decisions: list[Decision] = []
        self.way = Way(Direction(**options), f"{seed}/pc1-s1/forward", twister, self.decisions.append)  # type: ignore[arg-type]
        self.left: list[tuple[int, bytes]] = []

    def carry(self, arrivals: Iterable[tuple[int, bytes]], until_ns: int = 10**18) -> list[tuple[int, bytes]]:
        """Take frames in at their times and give out each at its own, to `until_ns`: all that has left."""
        for at_ns, frame in arrivals:
            self.leave_until(at_ns)
            self.way.arrive(at_ns, frame)
        self.leave_until(until_ns)
        return self.left

    def leave_until(self, now_ns: int) -> None:
        while (due_ns := self.way.due_ns()) is not None and due_ns <= now_ns:
            frames = self.way.leave(due_ns)
            self.left += [(due_ns, frame) for frame in frames]
            self.way.sent(len(frames), sum(map(len, frames)))

    def told(self) -> list[tuple[str, int]]:
        return [(decision.what.value, decision.frame) for decision in self.decisions]


def frames(count: int, *, every_ns: int = MS, length: int = 60) -> Iterator[tuple[int, bytes]]:
    """Frames that carry their number, one each `every_ns`."""
    return ((n * every_ns, n.to_bytes(4, "big").ljust(length, b"\0")) for n in range(count))


def numbers(left: Iterable[tuple[int, bytes]]) -> list[int]:
    return [int.from_bytes(frame[:4], "big") for _, frame in left]


def fates(**options: object) -> list[bool]:
    """Which of 100 000 frames are lost."""
    faults = Impairments(Direction(**options), lambda purpose: Stream(purpose, twister))  # type: ignore[arg-type]
    return [faults.loses(number) for number in range(100_000)]


def test_a_perfect_direction_gives_each_frame_at_once() -> None:
    cable = Cable()
    arrivals = list(frames(5))
    assert cable.carry(arrivals) == arrivals
    assert (cable.way.counters.delayed, cable.decisions) == (0, [])


def test_a_delay_is_kept_to_the_nanosecond() -> None:
    left = Cable(delay_s=0.3).carry(frames(100, every_ns=7))
    assert left == [(at_ns + 300 * MS, frame) for at_ns, frame in frames(100, every_ns=7)]


def test_frames_that_come_at_once_leave_one_wire_time_apart() -> None:
    """1514 bytes cost 1538 at 10 Mbit/s: 1 230 400 ns each."""
    left = Cable(rate_bps=10_000_000, delay_s=0.02).carry(frames(10, every_ns=0, length=1514))
    assert [at_ns for at_ns, _ in left] == [1_230_400 * (n + 1) + 20 * MS for n in range(10)]


def test_a_wire_that_was_idle_begins_at_once_and_saves_nothing_up() -> None:
    cable = Cable(rate_bps=1_000_000)
    left = cable.carry([(0, bytes(60)), (5 * S, bytes(60)), (5 * S, bytes(60))])
    assert [at_ns for at_ns, _ in left] == [672_000, 5 * S + 672_000, 5 * S + 2 * 672_000]


def test_the_queue_holds_its_limit_beside_the_frame_on_the_wire_and_drops_what_comes_last() -> None:
    cable = Cable(rate_bps=10_000_000, queue_frames=3, delay_s=5.0)
    left = cable.carry(frames(10, every_ns=0))
    assert numbers(left) == [0, 1, 2, 3]
    assert cable.told() == [("dropped", n) for n in range(4, 10)]
    assert str(cable.decisions[0].why) == (
        "the queue for the wire is full (queue 3 frames, bw 10mbit; cable option max_queue_size)"
    )


def test_frames_that_fly_take_no_place_in_the_queue() -> None:
    """At one frame each 67.2 µs they leave the wire before the next comes, however long they fly."""
    cable = Cable(rate_bps=10_000_000, queue_frames=1, delay_s=1.0)
    assert len(cable.carry(frames(1000, every_ns=67_200))) == 1000


def test_a_queue_in_bytes_counts_those_that_wait() -> None:
    cable = Cable(rate_bps=10_000_000, queue_bytes=3000)
    assert numbers(cable.carry(frames(10, every_ns=0, length=1000))) == [0, 1, 2, 3]
    small = Cable(rate_bps=10_000_000, queue_bytes=3000)
    assert len(small.carry(frames(100, every_ns=0, length=60))) == 51


def test_what_waits_and_what_flies_can_be_seen() -> None:
    cable = Cable(rate_bps=10_000_000, delay_s=0.01)
    cable.carry(frames(10, every_ns=0, length=1514), until_ns=0)
    state = cable.way.as_json(1_230_400 * 3)
    assert (state["waiting_frames"], state["waiting_bytes"], state["flying"]) == (6, 6 * 1514, 4)


def test_loss_is_a_decision_with_its_reason() -> None:
    cable = Cable(loss=0.5)
    left = numbers(cable.carry(frames(1000)))
    lost = [frame for what, frame in cable.told() if what == "lost"]
    assert sorted(left + lost) == list(range(1000))
    assert 430 < len(lost) < 570
    assert cable.way.counters.lost == len(lost)
    assert str(cable.decisions[0].why) == "the cable loses 50% of its frames (cable option loss)"


def test_everything_and_nothing_are_exact() -> None:
    assert Cable(loss=1.0).carry(frames(500)) == []
    assert numbers(Cable(duplicate=1.0).carry(frames(3))) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1])
def test_the_share_lost_of_a_hundred_thousand_is_what_was_asked(share: float) -> None:
    deviation = (100_000 * share * (1 - share)) ** 0.5
    assert abs(sum(fates(loss=share)) - 100_000 * share) < 3.3 * deviation  # one in a thousand, and the seed is fixed


def test_bursts_lose_the_share_and_the_length_of_the_model() -> None:
    """p 1 %, r 10 %: bursts of 10 frames in the mean, 1 of 11 frames lost."""
    model = GilbertElliott(0.01, 0.1)
    lost = fates(loss=model)
    bursts = [len(list(burst)) for is_lost, burst in groupby(lost) if is_lost]
    assert sum(lost) / len(lost) == pytest.approx(model.share(), rel=0.1)
    assert sum(bursts) / len(bursts) == pytest.approx(10, rel=0.1)


def test_a_burst_says_that_it_is_one() -> None:
    cable = Cable(loss=GilbertElliott(1.0, 0.0))
    cable.carry(frames(2))
    assert str(cable.decisions[0].why) == "a burst of loss: gemodel 100% 0% 100% 0% (cable option loss)"
    assert cable.told() == [("lost", 1)]


def test_a_damaged_frame_differs_in_one_bit_and_the_decision_names_it() -> None:
    cable = Cable(corrupt=0.5)
    left = dict(enumerate(frame for _, frame in cable.carry(frames(200, length=100))))
    sent = [frame for _, frame in frames(200, length=100)]
    damaged = {decision.frame: decision for decision in cable.decisions}
    assert 70 < len(damaged) < 130
    for number, frame in left.items():
        decision = damaged.get(number)
        assert frame == (sent[number] if decision is None else with_bit_turned(sent[number], decision.bit or 0))
        assert decision is None or (decision.what is What.CORRUPTED and 0 <= (decision.bit or 0) < 800)
    assert len({decision.bit for decision in damaged.values()}) > 50


def test_reordered_frames_overtake_those_that_fly() -> None:
    cable = Cable(delay_s=0.01, reorder=1.0, gap=5)
    left = numbers(cable.carry(frames(10)))
    assert left == [4, 9, 0, 1, 2, 3, 5, 6, 7, 8]
    assert cable.told() == [("reordered", 4), ("reordered", 9)]


def test_jitter_stays_within_its_width_and_moves_frames_both_ways() -> None:
    left = Cable(delay_s=0.01, jitter_s=0.002).carry(frames(5000, every_ns=10 * MS))
    late = [(at_ns - number * 10 * MS) / MS for (at_ns, _), number in zip(left, numbers(left), strict=True)]
    assert 8 <= min(late) < 8.01 and 11.99 < max(late) <= 12
    assert sum(late) / len(late) == pytest.approx(10, abs=0.1)


def test_no_frame_arrives_before_it_was_sent() -> None:
    left = Cable(delay_s=0.001, jitter_s=0.001, distribution="normal").carry(frames(5000, every_ns=10 * MS))
    assert all(at_ns >= number * 10 * MS for (at_ns, _), number in zip(left, numbers(left), strict=True))


def test_the_frames_that_are_lost_do_not_depend_on_what_else_is_asked_or_was_before() -> None:
    alone, mixed = Cable(loss=0.1), Cable(delay_s=0.1, jitter_s=0.01, duplicate=0.3, corrupt=0.3, reorder=0.2)
    alone.carry(frames(2000))
    arrivals = list(frames(2000))
    mixed.carry(arrivals[:1000])
    mixed.way.change(Direction(loss=0.1), 1000 * MS)
    mixed.carry(arrivals[1000:])
    assert [each for each in mixed.told() if each[0] == "lost"] == [each for each in alone.told() if each[1] >= 1000]


def test_other_seeds_lose_other_frames() -> None:
    lost = []
    for seed in (1, 2):
        cable = Cable(seed=seed, loss=0.1)
        cable.carry(frames(1000))
        lost.append(cable.told())
    assert lost[0] != lost[1]


def test_a_faster_wire_speeds_up_those_that_wait_and_leaves_those_that_fly() -> None:
    cable = Cable(rate_bps=10_000_000, delay_s=0.01)
    left = cable.carry(frames(4, every_ns=0, length=1514), until_ns=0)
    cable.way.change(Direction(rate_bps=100_000_000, delay_s=0.01), 1_000_000)
    left = cable.carry([])
    on_the_wire = 1_230_400
    assert numbers(left) == [0, 1, 2, 3]
    assert [at_ns - 10 * MS for at_ns, _ in left] == [on_the_wire + 123_040 * n for n in range(4)]


def test_a_wire_without_rate_frees_its_queue_at_once_behind_the_frame_on_it() -> None:
    cable = Cable(rate_bps=1_000_000)
    cable.carry(frames(4, every_ns=0), until_ns=0)
    cable.way.change(Direction(), 100_000)
    left = cable.carry([(200_000, b"\0\0\0\4".ljust(60, b"\0"))])
    assert numbers(left) == [0, 1, 2, 3, 4]
    assert [at_ns for at_ns, _ in left] == [672_000] * 5


def test_a_shorter_queue_keeps_those_that_wait_already() -> None:
    cable = Cable(rate_bps=1_000_000)
    cable.carry(frames(100, every_ns=0), until_ns=0)
    cable.way.change(Direction(rate_bps=1_000_000, queue_frames=1), 0)
    assert len(cable.carry([(0, bytes(60))])) == 100
    assert [decision.what for decision in cable.decisions] == [What.DROPPED]


def test_a_pulled_cable_loses_what_is_on_it_and_counts_it() -> None:
    cable = Cable(delay_s=1.0)
    cable.carry(frames(7), until_ns=0)
    assert (cable.way.cut(), len(cable.way), cable.way.counters.cut) == (7, 0, 7)


def test_a_direction_holds_no_more_than_memory_is_kept_for() -> None:
    cable = Cable(delay_s=60.0)
    cable.way.may_hold_frames = 5
    assert len(cable.carry(frames(9))) == 5
    assert cable.told() == [("dropped", n) for n in range(5, 9)]
    assert str(cable.decisions[0].why) == "more is under way than memory is kept for (cable option delay)"


shares = st.sampled_from([0.0, 0.0, 0.1, 0.5, 1.0])
losses = shares | st.builds(GilbertElliott, shares, shares, shares, shares)
delays = st.sampled_from([0.0, 0.0, 0.001, 0.3])


@st.composite
def directions(draw: st.DrawFn) -> Direction:
    delay_s = draw(delays)
    rate_bps = draw(st.sampled_from([None, None, 100_000, 10_000_000]))
    return Direction(
        delay_s=delay_s,
        jitter_s=draw(st.sampled_from([0.0, delay_s])),
        loss=draw(losses),
        duplicate=draw(shares),
        corrupt=draw(shares),
        reorder=draw(shares) if delay_s else 0.0,
        gap=draw(st.integers(1, 3)),
        rate_bps=rate_bps,
        queue_frames=draw(st.none() | st.integers(1, 4)) if rate_bps else None,
        queue_bytes=draw(st.none() | st.integers(60, 4000)) if rate_bps else None,
    )


times = st.lists(st.tuples(st.integers(0, 3 * MS), st.integers(14, 1514)), max_size=30)


def spread(gaps: list[tuple[int, int]]) -> Arrivals:
    """Gaps between frames, and lengths → arrivals."""
    now_ns, arrivals = 0, Arrivals()
    for number, (gap_ns, length) in enumerate(gaps):
        now_ns += gap_ns
        arrivals.append((now_ns, number.to_bytes(4, "big").ljust(length, b"\0")))
    return arrivals


@given(directions(), times, st.lists(st.tuples(st.integers(0, 30), directions()), max_size=3), st.booleans())
def test_no_frame_appears_or_vanishes_whatever_changes(
    first: Direction, gaps: list[tuple[int, int]], changes: list[tuple[int, Direction]], is_pulled: bool
) -> None:
    """in = out + lost + dropped + cut − duplicated + what is under way, at every moment."""
    cable = Cable()
    cable.way.change(first, 0)

    def balance() -> None:
        counted = cable.way.counters
        gone = counted.passed + counted.lost + counted.dropped + counted.cut + counted.unsent
        assert counted.frames + counted.duplicated == gone + len(cable.way)

    for number, (at_ns, frame) in enumerate(spread(gaps)):
        for when, options in changes:
            if when == number:
                cable.leave_until(at_ns)
                before = len(cable.way)
                cable.way.change(options, at_ns)
                assert len(cable.way) == before
        cable.carry([(at_ns, frame)], until_ns=at_ns)
        balance()
    if is_pulled:
        cable.way.cut()
    cable.carry([])
    balance()
    assert len(cable.way) == 0
    assert [at_ns for at_ns, _ in cable.left] == sorted(at_ns for at_ns, _ in cable.left)


@given(directions(), times)
def test_without_jitter_and_reorder_frames_stay_in_order(options: Direction, gaps: list[tuple[int, int]]) -> None:
    cable = Cable()
    way = Direction(
        delay_s=options.delay_s, loss=options.loss, duplicate=options.duplicate,
        rate_bps=options.rate_bps, queue_frames=options.queue_frames, queue_bytes=options.queue_bytes,
    )  # fmt: skip
    cable.way.change(way, 0)
    left = numbers(cable.carry(spread(gaps)))
    assert left == sorted(left)


@given(directions(), times)
def test_no_frame_is_due_sooner_than_said(options: Direction, gaps: list[tuple[int, int]]) -> None:
    cable = Cable()
    cable.way.change(options, 0)
    for at_ns, frame in spread(gaps):
        cable.leave_until(at_ns)
        before = len(cable.way)
        cable.way.arrive(at_ns, frame)
        if before == 0 and (due_ns := cable.way.due_ns()) is not None:
            assert due_ns >= at_ns + cable.way.least_ns()


@given(directions(), times, st.integers(0, 2**63 - 1))
def test_the_same_seed_does_the_same_twice(options: Direction, gaps: list[tuple[int, int]], seed: int) -> None:
    runs = []
    for _ in range(2):
        cable = Cable(seed=seed)
        cable.way.change(options, 0)
        runs.append((cable.carry(spread(gaps)), cable.told()))
    assert runs[0] == runs[1]


@given(st.integers(1_000, 1_000_000_000), st.lists(st.integers(14, 1514), min_size=1, max_size=50))
def test_the_rate_of_a_busy_wire_is_exact(rate_bps: int, lengths: list[int]) -> None:
    """Frames back to back take their bits, padding, FCS, preamble and gap, to half a nanosecond each."""
    cable = Cable(rate_bps=rate_bps)
    left = cable.carry((0, bytes(length)) for length in lengths)
    bits = sum((max(length, 60) + 24) * 8 for length in lengths)
    assert abs(left[-1][0] - bits * S / rate_bps) <= 0.5 * len(lengths) + 0.01
