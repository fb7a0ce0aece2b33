"""Reassembly: any cutting and any order give the same bytes; what is missing, repeated or contradicts is told."""

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.trace.frame import Direction, Frame
from lan.trace.reassembly import Overlap, Pieces
from lan.trace.reassembly_ip import MOST_OPEN, TIME_OUT_NS, Fragments, Loss, Lost, Whole
from lan.trace.reassembly_messages import dns_messages, openflow_messages, tls_records
from lan.trace.stream import MOST_GAP_BYTES, Stream
from lan.wire import ethernet, icmp, ipv4, udp
from lan.wire.frame import Packet, decode

PC, WEB = "02:00:00:00:00:01", "02:00:00:00:00:02"
pieces = st.lists(st.tuples(st.integers(0, 60), st.binary(min_size=1, max_size=24)), max_size=25)


def frame(number: int) -> Frame:
    return Frame(number, number, "s1:eth1", "pc1:eth0", Direction.IN, b"")


@given(pieces, st.sampled_from(Overlap))
def test_pieces_are_what_a_table_of_bytes_says(given_pieces: list[tuple[int, bytes]], overlap: Overlap) -> None:
    ours: Pieces[int] = Pieces(overlap)
    table: dict[int, int] = {}
    for number, (start, data) in enumerate(given_pieces):
        here = {start + at: byte for at, byte in enumerate(data)}
        repeated = here.keys() & table.keys()
        added = ours.add(start, data, number)
        assert (added.new, added.repeated) == (len(here) - len(repeated), len(repeated))
        assert added.changed == any(table[at] != here[at] for at in repeated)
        table = table | here if overlap is Overlap.LAST_WINS else here | table
        whole = next(at for at in range(100) if at not in table)
        assert bytes(ours.data) == bytes(table[at] for at in range(whole))
        assert ours.end == max(table) + 1
        missing = {at for first, last in ours.holes() for at in range(first, last)}
        assert missing == set(range(ours.end)) - table.keys()
        assert ours.has_hole == bool(missing)


@given(st.binary(min_size=1, max_size=200), st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
def test_any_segmentation_and_order_give_the_same_stream(data: bytes, first: int, random: Random) -> None:
    cuts = sorted({0, len(data), *(random.randrange(len(data)) for _ in range(8))})
    segments = [(start, data[start:end]) for start, end in itertools.pairwise(cuts)]
    segments += [*random.choices(segments, k=4), ((at := random.randrange(len(data))), data[at : at + 30])]
    random.shuffle(segments)
    stream = Stream()
    stream.first_seq = first
    for number, (start, piece) in enumerate(segments):
        stream.add((first + start) % 2**32, piece, frame(number))
    stream.finish((first + len(data)) % 2**32)
    assert (bytes(stream.data), stream.has_gap, stream.is_complete, stream.changed) == (data, False, True, [])


def test_what_the_receiver_has_and_nobody_saw_is_a_gap() -> None:
    stream = Stream()
    stream.first_seq = 2**32 - 4
    for number, (seq, data) in enumerate([(2**32 - 4, b"ab"), (2, b"gh"), (6, b"kl")]):
        stream.add(seq, data, frame(number))
    assert stream.missing() == [(2, 6), (8, 10)]
    stream.acknowledged(2, frame(7))
    assert (bytes(stream.data), stream.gaps) == (b"ab\0\0\0\0gh", [(2, 6)])
    stream.acknowledged(6, frame(8))
    assert (bytes(stream.data), stream.gaps) == (b"ab\0\0\0\0gh\0\0kl", [(2, 6), (8, 10)])
    assert [each.number for each in stream.frames_of(2, 6)] == [7]


def test_a_gap_is_not_filled_before_the_receiver_says_that_it_has_it() -> None:
    stream = Stream()
    stream.first_seq = 0
    stream.add(5, b"later", frame(1))
    stream.acknowledged(4, frame(2))
    assert (bytes(stream.data), stream.gaps, stream.has_gap) == (b"", [], True)


def test_a_sequence_number_out_of_every_window_makes_no_gap() -> None:
    stream = Stream()
    stream.first_seq = 0
    stream.add(MOST_GAP_BYTES + 1, b"damaged", frame(1))
    stream.acknowledged(MOST_GAP_BYTES + 100, frame(2))
    assert (len(stream.data), stream.gaps) == (0, [])


def test_bytes_that_change_are_told_and_those_that_came_first_stay() -> None:
    stream = Stream()
    stream.add(100, b"GET /", frame(1))
    added = stream.take(102, b"T /secret", frame(2))
    assert (added.new, added.repeated, added.changed) == (6, 3, False)
    added = stream.take(100, b"PUT", frame(3))
    assert (added.new, added.changed, bytes(stream.data)) == (0, True, b"GET /secret")
    assert [each.number for each in stream.changed] == [3]


def test_what_stands_behind_the_fin_is_let_go() -> None:
    stream = Stream()
    stream.add(10, b"bye", frame(1))
    stream.finish(13)
    stream.add(13, b"more", frame(2))
    stream.add(11, b"ye and more", frame(3))
    assert (bytes(stream.data), stream.is_complete, stream.has_gap) == (b"bye", True, False)


def in_fragments(payload: bytes, size: int, number: int = 7) -> list[bytes]:
    whole = udp.build("10.0.0.1", "10.0.0.2", 5, 6, payload)
    frames = []
    for at in range(0, len(whole), size):
        made = bytearray(ipv4.build("10.0.0.1", "10.0.0.2", ipv4.UDP, whole[at : at + size], identification=number))
        made[6:8] = ((0x2000 if at + size < len(whole) else 0) | at // 8).to_bytes(2, "big")
        frames.append(ethernet.build(WEB, PC, ethernet.IPV4, bytes(made)))
    return frames


def in_fragments6(payload: bytes, size: int, number: int = 7) -> list[bytes]:
    """Behind a hop-by-hop header, as RFC 8200 §4.5 orders them."""
    whole = (1234).to_bytes(2, "big") * 2 + (8 + len(payload)).to_bytes(2, "big") + b"\0\0" + payload
    frames = []
    for at in range(0, len(whole), size):
        more = at + size < len(whole)
        part = b"\x11\0" + (at | more).to_bytes(2, "big") + number.to_bytes(4, "big") + whole[at : at + size]
        content = bytes((44, 0, 1, 4, 0, 0, 0, 0)) + part
        head = b"\x60\0\0\0" + len(content).to_bytes(2, "big") + b"\0\x40" + bytes(range(16)) + bytes(range(16, 32))
        frames.append(ethernet.build(WEB, PC, ethernet.IPV6, head + content))
    return frames


@given(
    st.binary(min_size=1, max_size=300), st.integers(1, 8), st.booleans(), st.randoms(use_true_random=False)
)  # fmt: skip
def test_fragments_in_any_order_and_twice_give_the_packet(
    payload: bytes, eights: int, is_6: bool, random: Random
) -> None:
    frames = (in_fragments6 if is_6 else in_fragments)(payload, 8 * eights)
    if len(frames) == 1:
        return
    came = frames + random.choices(frames, k=2)
    random.shuffle(came)
    fragments: Fragments[int] = Fragments()
    whole: list[Whole[int]] = []
    for number, each in enumerate(came):
        found = fragments.add(decode(each), number, 0)
        whole += [one for one in found if isinstance(one, Whole)]
        if whole:
            break
    [one] = whole
    packet = decode(one.frame)
    assert (packet.payload, packet.problems) == (payload, () if not is_6 else packet.problems)
    assert packet.udp is not None and not (packet.ipv4 or packet.ipv6 or pytest.fail()).is_fragment()
    assert len(one.sources) == number + 1 and len(fragments) == 0


def test_a_packet_that_is_not_whole_in_time_says_what_it_lacks() -> None:
    first, _, third, *_ = in_fragments(bytes(100), 24)
    fragments: Fragments[str] = Fragments()
    assert fragments.deadline_ns() is None
    assert fragments.add(decode(first), "first", 5) == fragments.add(decode(third), "third", 9) == []
    assert fragments.deadline_ns() == 5 + TIME_OUT_NS
    assert fragments.expire(4 + TIME_OUT_NS) == []
    [lost] = fragments.expire(5 + TIME_OUT_NS)
    assert (lost.why, lost.holes, lost.sources) == (Loss.TIME_OUT, ((24, 48), (72, None)), ("first", "third"))
    assert fragments.deadline_ns() is None


def test_fragments_that_overlap_lose_their_packet_as_in_linux() -> None:
    short, long = in_fragments(bytes(100), 24), in_fragments(bytes(100), 40)
    fragments: Fragments[int] = Fragments()
    assert fragments.add(decode(short[0]), 1, 0) == []
    [lost] = fragments.add(decode(long[0]), 2, 0)
    assert isinstance(lost, Lost) and lost.why is Loss.OVERLAP


@pytest.mark.parametrize(("overlap", "kept"), [(Overlap.FIRST_WINS, b"a"), (Overlap.LAST_WINS, b"b")])
def test_with_a_policy_the_overlap_is_the_first_ones_or_the_last_ones(overlap: Overlap, kept: bytes) -> None:
    first, last = in_fragments(b"a" * 80, 48), in_fragments(b"b" * 80, 32)
    fragments: Fragments[int] = Fragments(overlap=overlap)
    assert fragments.add(decode(first[0]), 1, 0) == []
    assert fragments.add(decode(last[1]), 2, 0) == []
    [whole] = fragments.add(decode(last[2]), 3, 0)
    assert isinstance(whole, Whole) and whole.overlapping == 1
    assert decode(whole.frame).payload[24:40] == kept * 16


def test_what_can_be_no_packet_is_lost_at_once() -> None:
    frames = in_fragments(bytes(100), 24)
    odd = bytearray(frames[0][:-3])
    odd[16:18] = (len(odd) - 14).to_bytes(2, "big")
    far = bytearray(frames[-1])
    far[20:22] = b"\x1f\xff"
    for damaged, why in ((odd, Loss.NO_EIGHTS), (far, Loss.TOO_LONG)):
        [lost] = Fragments[int]().add(decode(bytes(damaged)), 1, 0)
        assert isinstance(lost, Lost) and lost.why is why
    two_ends: Fragments[int] = Fragments()
    two_ends.add(decode(frames[-1]), 1, 0)
    early = bytearray(frames[1])
    early[20] &= 0xDF
    [lost] = two_ends.add(decode(bytes(early)), 2, 0)
    assert isinstance(lost, Lost) and lost.why is Loss.TWO_ENDS


def test_the_oldest_is_given_up_where_too_many_are_open() -> None:
    fragments: Fragments[int] = Fragments()
    for number in range(MOST_OPEN):
        assert fragments.add(decode(in_fragments(bytes(50), 24, number)[0]), number, number) == []
    [lost] = fragments.add(decode(in_fragments(bytes(50), 24, 5000)[0]), 5000, 9999)
    assert isinstance(lost, Lost) and (lost.why, lost.sources, len(fragments)) == (Loss.CROWDED, (0,), MOST_OPEN)


def test_what_is_no_fragment_or_was_cut_by_the_capture_is_not_taken() -> None:
    fragments: Fragments[int] = Fragments()
    echo = ethernet.build(WEB, PC, ethernet.IPV4, ipv4.build("10.0.0.1", "10.0.0.2", 1, icmp.build_echo(1, 2, b"")))
    piece = in_fragments(bytes(100), 48)[0]
    cut: Packet = decode(piece[:60], wire_length=len(piece))
    assert fragments.add(decode(echo), 1, 0) == fragments.add(cut, 2, 0) == []
    assert len(fragments) == 0


@given(st.lists(st.binary(min_size=12, max_size=40), max_size=6), st.randoms(use_true_random=False))
def test_messages_with_a_length_in_front_come_whole_however_they_are_cut(texts: list[bytes], random: Random) -> None:
    wire = b"".join(len(text).to_bytes(2, "big") + text for text in texts)
    stream, found = Stream(), []
    cutter = dns_messages(stream)
    at = 0
    while at < len(wire):
        size = random.randrange(1, 20)
        stream.add(1000 + at, wire[at : at + size], frame(at))
        at += size
        found += [message.data[2:] for message in cutter.take()]
    assert (found, cutter.rest_bytes, cutter.is_lost) == (texts, 0, False)


def test_a_gap_or_a_foreign_byte_ends_the_reading_of_messages() -> None:
    hello = bytes.fromhex("0400000800000001")
    stream = Stream()
    stream.add(0, hello + hello[:5], frame(1))
    cutter = openflow_messages(stream)
    assert [message.data for message in cutter.take()] == [hello]
    stream.add(20, hello, frame(2))
    stream.acknowledged(28, frame(3))
    assert (list(cutter.take()), cutter.is_lost, stream.gaps) == ([], True, [(13, 20)])
    other = Stream()
    other.add(0, b"GET / HTTP/1.1\r\n", frame(1))
    records = tls_records(other)
    assert (list(records.take()), records.is_lost) == ([], True)
