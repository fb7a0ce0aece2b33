"""Gaps one by one: what lies between two moments, and neighbours of one cause as one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lan.reasons import Reason
from lan.trace.frame import Direction, Frame
from lan.trace.stalls.cause import Cause, Gap, clip, merge

LENGTHS = st.lists(
    st.tuples(st.sampled_from([Cause.PATH, Cause.NAGLE]), st.sampled_from(["", "pc1"]), st.integers(0, 9)), max_size=12
)


def frame(number: int) -> Frame:
    return Frame(number, number, "s1:eth1", "pc1:eth0", Direction.IN, b"")


def following(parts: list[tuple[Cause, str, int]]) -> list[Gap]:
    """One after the other, each with two frames, of which it shares one with the next."""
    gaps, at = list[Gap](), 100
    for number, (cause, device, length) in enumerate(parts):
        reason = Reason("here", f"number {number}")
        gaps.append(Gap(at, at + length, cause, [frame(number), frame(number + 1)], reason, device))
        at += length
    return gaps


def test_neighbours_of_one_cause_are_one_with_the_longests_reason_and_the_frames_of_all() -> None:
    path = Cause.PATH
    whole, other = merge(following([(path, "", 2), (path, "", 0), (path, "", 5), (path, "", 5), (path, "pc1", 1)]))
    assert (whole.start_ns, whole.end_ns, whole.reason.text) == (100, 112, "number 2")
    assert [each.number for each in whole.evidence] == [0, 1, 2, 3, 4]
    assert (other.device, other.length_ns) == ("pc1", 1)


@given(LENGTHS)
def test_what_is_merged_is_as_long_and_has_no_neighbours_alike(parts: list[tuple[Cause, str, int]]) -> None:
    gaps, merged = following(parts), merge(following(parts))
    assert sum(gap.length_ns for gap in merged) == sum(gap.length_ns for gap in gaps)
    kinds = [(gap.cause, gap.device) for gap in merged]
    assert all(one != other for one, other in pairwise(kinds))
    assert all(gap.length_ns for gap in merged)


@given(LENGTHS, st.integers(90, 200), st.integers(0, 60))
def test_what_is_clipped_lies_between_and_misses_nothing(
    parts: list[tuple[Cause, str, int]], start_ns: int, length_ns: int
) -> None:
    gaps, end_ns = following(parts), start_ns + length_ns
    clipped = clip(gaps, start_ns, end_ns)
    assert all(start_ns <= gap.start_ns and gap.end_ns <= end_ns for gap in clipped)
    inside = range(max(start_ns, 100), max(min(end_ns, gaps[-1].end_ns if gaps else 100), 100))
    assert sum(gap.length_ns for gap in clipped) == len(inside)
