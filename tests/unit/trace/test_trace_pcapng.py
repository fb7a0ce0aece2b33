"""Capture files: what the Writer makes the Reader reads, whole, cut or damaged."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.trace.frame import Direction, Frame
from lan.trace.pcapng import Reader, load
from lan.trace.pcapng_format import LARGEST_BLOCK_BYTES
from lan.trace.pcapng_writing import Writer, dump
from lan.wire.malformed import Malformed

from .drawn_frames import drawn

# tcpdump -i lo -w - -c 1 --time-stamp-precision=nano, then `xxd -p`: an ARP request
CLASSIC_NANO = bytes.fromhex(
    "4d3cb2a1020004000000000000000000000004000100000070c9a06515cd5b072a0000002a000000"
    "ffffffffffff02000000000a08060001080006040001" "02000000000ac0a86401000000000000c0a864fe"
)  # fmt: skip
# dumpcap 4.0.17 -i lo -c 1 -w -, then `xxd -p`: section, interface (if_tsresol 9), packet, without comments
SECTION = "0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000"

frames = drawn(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))


def numbered(given_frames: list[Frame]) -> list[Frame]:
    return [
        Frame(n, f.time_ns, f.port, f.peer, f.direction, f.data, f.length, f.comment)
        for n, f in enumerate(given_frames, 1)
    ]


@given(frames)
def test_what_is_written_is_read(written: list[Frame]) -> None:
    assert load(dump(written)) == numbered(written)


@given(frames, st.lists(st.integers(0, 1200), max_size=8))
def test_feeding_in_pieces_gives_what_feeding_whole_gives(written: list[Frame], cuts: list[int]) -> None:
    data, reader = dump(written), Reader()
    ends = [*sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found = [frame for start, end in zip([0, *ends], ends, strict=False) for frame in reader.feed(data[start:end])]
    assert found == numbered(written)
    assert reader.pending_bytes == 0


@given(frames, st.integers(0, 1200))
def test_a_file_cut_anywhere_gives_the_frames_before_the_cut(written: list[Frame], cut: int) -> None:
    data, reader = dump(written), Reader()
    found = reader.feed(data[:cut])
    assert found == numbered(written)[: len(found)]
    assert [*found, *reader.feed(data[cut:])] == numbered(written)


@given(frames, st.integers(0, 1200), st.binary(min_size=1, max_size=40), st.integers(0, 60))
def test_damage_anywhere_never_raises_but_at_the_head(written: list[Frame], at: int, garbage: bytes, gone: int) -> None:
    data = dump(written)
    damaged = data[:at] + garbage + data[at + gone :]
    outcomes = []
    for size in (len(damaged), 7):
        reader = Reader()
        try:
            found = [f for start in range(0, len(damaged), size) for f in reader.feed(damaged[start : start + size])]
        except Malformed:
            assert at < 12
            outcomes.append(None)
        else:
            outcomes.append((found, reader.damage))
    assert outcomes[0] == outcomes[1]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_capture_or_malformed(data: bytes) -> None:
    try:
        load(data)
    except Malformed:
        pass


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_behind_a_good_head_never_raise(tail: bytes, is_classic: bool) -> None:
    load((CLASSIC_NANO[:24] if is_classic else bytes.fromhex(SECTION)) + tail)


def test_classic_pcap_is_read_too() -> None:
    [frame] = load(CLASSIC_NANO)
    assert frame.time_ns == 1_705_036_144_123_456_789
    assert (frame.port, frame.direction, len(frame.data)) == ("if0", Direction.UNKNOWN, 42)
    assert frame.packet.arp is not None


def test_classic_pcap_in_microseconds_and_big_endian() -> None:
    head = struct.pack(">IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    record = struct.pack(">IIII", 10, 5, 3, 60) + b"abc"
    [frame] = load(head + record)
    assert (frame.time_ns, frame.data, frame.length) == (10_000_005_000, b"abc", 60)


def test_a_big_endian_section_after_a_little_endian_one() -> None:
    section = struct.pack(">IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = struct.pack(">IIHHIHH4sHHHHI", 1, 36, 1, 0, 0, 2, 3, b"eth\0", 9, 1, 0x0600, 0, 36)
    packet = struct.pack(">IIIIIII4sI", 6, 36, 0, 0, 7, 2, 60, b"hi\0\0", 36)
    found = load(dump([Frame(0, 1, "s1:eth1", "pc1:eth0", Direction.IN, b"x")]) + section + interface + packet)
    assert [(frame.number, frame.port, frame.data, frame.time_ns) for frame in found] == [
        (1, "s1:eth1", b"x", 1),
        (2, "eth", b"hi", 7000),
    ]


def test_an_interface_may_come_in_mid_file_and_comes_once() -> None:
    writer = Writer()
    first, block = writer.interface("s1:eth1", "pc1:eth0", hardware="switch")
    parts = [writer.start(), block, writer.packet(first, 5, Direction.IN, b"a")]
    second, block = writer.interface("pc2:eth0", "pc3:eth0", hardware="host")
    parts += [block, writer.packet(second, 6, Direction.OUT, b"b", comment="why")]
    assert writer.interface("s1:eth1", "pc1:eth0") == (first, b"")
    reader = Reader()
    one, two = reader.feed(b"".join(parts))
    assert (one.sender, one.receiver, two.sender, two.comment) == ("pc1:eth0", "s1:eth1", "pc2:eth0", "why")
    assert reader.switches == {"s1"}


@pytest.mark.parametrize("is_first", [True, False])
def test_a_port_that_does_not_know_its_cable_has_the_end_that_another_names(is_first: bool) -> None:
    """As where a device's own capture of its port is merged with the LAN's."""
    frames = [Frame(1, 1, "s1:eth1", "pc1:eth0", Direction.OUT, b"a"), Frame(2, 2, "pc1:eth0", "", Direction.IN, b"a"),
              Frame(3, 3, "pc2:eth0", "", Direction.IN, b"b")]  # fmt: skip
    if is_first:
        frames.insert(0, frames.pop(1))
    found = {frame.port: frame.peer for frame in load(dump([*frames, *frames]))[3:]}
    assert found == {"s1:eth1": "pc1:eth0", "pc1:eth0": "s1:eth1", "pc2:eth0": ""}


@given(frames)
def test_many_packets_at_once_are_written_as_one_by_one(written: list[Frame]) -> None:
    writer = Writer()
    one_by_one = [writer.packet(3, f.time_ns, f.direction, f.data, length=f.length) for f in written]
    many = [(f.time_ns, writer.way(3, f.direction), f.data, f.length) for f in written]
    assert writer.packets(many) == b"".join(one_by_one)


def test_what_was_lost_stands_behind_the_packets_of_an_interface() -> None:
    writer = Writer()
    number, block = writer.interface("pc1:eth0", "")
    packet = writer.packet(number, 5, Direction.IN, b"x")
    told = writer.statistics(number, 7 << 32 | 9, 3)
    assert struct.unpack("<IIIIIHHQII", told) == (5, len(told), number, 7, 9, 5, 8, 3, 0, len(told))
    reader = Reader()
    assert len(reader.feed(writer.start() + block + packet + told + packet)) == 2
    assert reader.damage == ""


def test_a_later_file_of_a_capture_goes_on_counting() -> None:
    writer = Writer()
    head = writer.start(frames_before=41)
    number, block = writer.interface("s1:eth1", "pc1:eth0")
    file = head + block + writer.packet(number, 1, Direction.IN, b"x")
    assert [frame.number for frame in load(file)] == [42]
    assert [frame.number for frame in load(dump([Frame(0, 1, "a", "", Direction.IN, b"x")]) + file)] == [1, 42]


def test_the_same_bytes_seen_again_share_their_layers() -> None:
    seen = [Frame(0, 1, "s1:eth1", "pc1:eth0", Direction.IN, CLASSIC_NANO[40:])]
    seen.append(Frame(0, 2, "s1:eth2", "pc2:eth0", Direction.OUT, CLASSIC_NANO[40:]))
    seen.append(Frame(0, 3, "s1:eth2", "pc2:eth0", Direction.OUT, CLASSIC_NANO[40:], length=1500))
    first, again, cut = load(dump(seen))
    assert again.packet is first.packet
    assert cut.packet is not first.packet and cut.packet.cut_bytes == 1458


def test_an_unknown_block_is_passed_over() -> None:
    packet = dump([Frame(0, 1, "a", "", Direction.IN, b"x")])
    unknown = struct.pack("<IIIII", 0x0BAD, 20, 1, 2, 20)
    assert len(load(packet + unknown + packet + unknown)) == 2


def test_nothing_is_read_behind_the_end_of_options() -> None:
    start = dump([Frame(0, 1, "a", "", Direction.IN, b"x")])
    options = struct.pack("<HHHH4s", 0, 0, 1, 4, b"late")
    packet = struct.pack("<IIIIIII", 6, 44, 0, 0, 0, 0, 0) + options + struct.pack("<I", 44)
    assert [frame.comment for frame in load(start + packet)] == ["", ""]


@pytest.mark.parametrize(
    ("tail", "why"),
    [
        (struct.pack("<III", 6, 4, 4), "a block 4 bytes long after frame 1"),
        (struct.pack("<III", 6, LARGEST_BLOCK_BYTES + 4, 0), f"a block {LARGEST_BLOCK_BYTES + 4} bytes long after"),
        (struct.pack("<III", 6, 12, 16), "two lengths differ (12, 16) after frame 1"),
        (struct.pack("<III", 6, 12, 12), "too short for what it says"),
        (struct.pack("<IIIIIIII", 6, 32, 9, 0, 0, 0, 0, 32), "too short for what it says"),
        (struct.pack("<IIIIIIII", 6, 32, 0, 0, 0, 99, 0, 32), "99 bytes captured, 0 here"),
        (struct.pack("<IIII", 0x0A0D0D0A, 28, 99, 0), "byte order mark 63 00 00 00 after frame 1"),
    ],
)
def test_damage_is_told_and_ends_the_reading(tail: bytes, why: str) -> None:
    good = dump([Frame(0, 1, "a", "", Direction.IN, b"x")])
    reader = Reader()
    assert len(reader.feed(good + tail)) == 1
    assert why in reader.damage
    assert reader.feed(good) == []


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1", b"\x0a\x0d\x0d\x0a1234abcd", b"\xd4\xc3\xb2\xa1" + b"\0" * 20])
def test_what_is_no_capture_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        load(data)
