"""Reassembly against a model: a set of the bytes that came."""

from hypothesis import given
from hypothesis import strategies as st

from lan.trace.frame import Direction, Frame
from lan.trace.stream import Stream, distance

TRUTH = bytes(n * 7 % 256 for n in range(64))

pieces = st.lists(st.tuples(st.integers(0, 63), st.integers(1, 20)), max_size=25)
first_seqs = st.one_of(st.integers(0, 2**32 - 1), st.integers(2**32 - 70, 2**32 - 1))


def frame(number: int) -> Frame:
    return Frame(number, number, "s1:eth1", "pc1:eth0", Direction.IN, b"")


@given(pieces, first_seqs)
def test_segments_in_any_order_give_the_stream_up_to_the_first_gap(cuts: list[tuple[int, int]], first: int) -> None:
    stream, came = Stream(), set[int]()
    stream.first_seq = first
    for number, (start, length) in enumerate(cuts):
        data = TRUTH[start : start + length]
        new = stream.add((first + start) % 2**32, data, frame(number))
        here = set(range(start, start + len(data)))
        assert new == len(here - came)
        came |= here
        whole = next(n for n in range(65) if n not in came)
        assert bytes(stream.data) == TRUTH[:whole]
        assert stream.has_gap == (max(came) > whole)


@given(st.lists(st.tuples(st.integers(0, 40), st.binary(min_size=1, max_size=12)), max_size=20))
def test_what_was_there_first_stays(given_pieces: list[tuple[int, bytes]]) -> None:
    stream, before = Stream(), b""
    stream.first_seq = 0
    for start, data in given_pieces:
        stream.add(start, data, frame(1))
        assert bytes(stream.data[: len(before)]) == before
        before = bytes(stream.data)


@given(pieces)
def test_the_frames_of_a_range_are_those_that_brought_it(cuts: list[tuple[int, int]]) -> None:
    stream = Stream()
    stream.first_seq = 0
    ranges = {}
    for number, (start, length) in enumerate(cuts):
        ranges[number] = range(start, min(start + length, 64))
        stream.add(start, TRUTH[start : start + length], frame(number))
    for at in range(len(stream.data)):
        [brought] = stream.frames_of(at, at + 1)
        assert at in ranges[brought.number]
    everyone = [each.number for each in stream.frames_of(0, len(stream.data))]
    assert len(everyone) == len(set(everyone))


def test_sequence_numbers_wrap_round() -> None:
    assert distance(5, 2**32 - 5) == 10
    assert distance(2**32 - 5, 5) == -10
