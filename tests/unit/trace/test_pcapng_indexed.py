"""Frames read where they stand in a file: the same as those of the Reader, whatever the file is."""

import os
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lan.trace.frame import Direction, Frame
from lan.trace.indexed import IndexedCapture
from lan.trace.indexed_ports import IndexedPorts
from lan.trace.opening import open_capture
from lan.trace.pcapng import Reader
from lan.trace.pcapng_writing import Writer, dump
from lan.wire.malformed import Malformed

from .drawn_frames import drawn

OFFICE = Path(__file__).with_name("office.pcapng.hex")

frames = drawn(st.sampled_from(["", "why"]))


def same(file: Path, data: bytes) -> None:
    """Index and reader agree on `data`, in whatever order one looks."""
    file.write_bytes(data)
    expected = Reader().feed(data)
    with IndexedCapture(file) as capture:
        for place in (0, len(expected) // 2):
            assert capture.frames(place, place + 1) == expected[place : place + 1]
        assert len(capture) == len(expected)
        assert capture.frames(0, len(expected) + 5) == expected
        assert capture.last(2) == expected[-2:]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=frames, more=frames, cut=st.integers(0, 60))
def test_frames_are_those_of_the_reader(tmp_path: Path, written: list[Frame], more: list[Frame], cut: int) -> None:
    data = dump(written) + dump(more)
    same(tmp_path / "a.pcapng", data[: len(data) - cut])


def test_a_later_file_of_a_capture_keeps_its_numbers(tmp_path: Path) -> None:
    writer = Writer()
    parts = [writer.start(frames_before=41), writer.interface("s1:eth1", "pc1:eth0")[1]]
    parts.append(writer.packet(0, 1, Direction.IN, b"x"))
    same(tmp_path / "a.pcapng", b"".join(parts))
    same(tmp_path / "a.pcapng", dump([Frame(0, 1, "a", "", Direction.IN, b"x")]) + b"".join(parts))


@pytest.mark.parametrize("order", ["<", ">"])
def test_classic_files_and_foreign_blocks_are_read_too(tmp_path: Path, order: str) -> None:
    records = b"".join(struct.pack(order + "IIII", 10, n, 3, 60) + b"abc" for n in range(3))
    same(tmp_path / "a.pcap", struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + records)
    section = struct.pack(order + "IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    loop = struct.pack(order + "IIHHII", 1, 20, 113, 0, 0, 20)  # link type 113 is no Ethernet
    interface = struct.pack(order + "IIHHII", 1, 20, 1, 0, 0, 20)
    unknown = struct.pack(order + "III", 0x0BAD, 12, 12)
    skipped = struct.pack(order + "IIIIIII4sI", 6, 36, 0, 0, 7, 2, 60, b"no\0\0", 36)
    packet = struct.pack(order + "IIIIIII4sI", 6, 36, 1, 0, 7, 2, 60, b"hi\0\0", 36)
    old = struct.pack(order + "IIHHIIII4sI", 2, 36, 1, 0, 0, 7, 2, 60, b"hi\0\0", 36)
    made = section + loop + interface + skipped + unknown + packet + old
    same(tmp_path / "a.pcapng", made + section + interface)
    same(tmp_path / "a.pcapng", made + dump([Frame(0, 1, "a", "", Direction.IN, b"x")]))


def test_the_office_is_read_by_index(tmp_path: Path) -> None:
    same(tmp_path / "a.pcapng", bytes.fromhex(OFFICE.read_text()))


def test_damage_ends_the_walk_and_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.pcapng"
    good = dump([Frame(0, 1, "a", "", Direction.IN, b"x")])
    file.write_bytes(good + struct.pack("<III", 6, 5, 5) + good)
    with IndexedCapture(file) as capture:
        assert (len(capture), capture.damage) == (1, "a block 5 bytes long after frame 1")


@pytest.mark.parametrize("data", [b"", b"GET /", b"GET / HTTP/1.1\r\n", b"\x0a\x0d\x0d\x0a"])
def test_what_is_no_capture_is_malformed(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "a.pcapng"
    file.write_bytes(data)
    with pytest.raises(Malformed):
        IndexedCapture(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=frames, changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=3))
def test_damage_ends_the_index_where_it_ends_the_reader(
    tmp_path: Path, written: list[Frame], changes: list[tuple[int, int]]
) -> None:
    data = bytearray(dump(written))
    for at, value in changes:
        data[at % (len(data) - 12) + 12] = value
    file, reader = tmp_path / "a.pcapng", Reader()
    file.write_bytes(data)
    try:
        expected = reader.feed(bytes(data))
    except Malformed:
        with pytest.raises(Malformed):
            IndexedCapture(file)
        return
    with IndexedCapture(file) as capture:
        assert capture.frames(0, 99) == expected
        assert bool(capture.damage) == bool(reader.damage)


def test_a_block_longer_than_what_is_read_at_once_is_read_whole(tmp_path: Path) -> None:
    long = [Frame(0, n, "a", "", Direction.IN, bytes(size)) for n, size in enumerate((10, 3 << 20, 10, 70_000, 10))]
    same(tmp_path / "a.pcapng", dump(long))


def test_first_sightings_are_what_no_switch_sent(tmp_path: Path) -> None:
    file = tmp_path / "a.pcapng"
    marked = bytes.fromhex(OFFICE.read_text())
    for data, switches in ((marked, None), (dump(Reader().feed(marked)), None), (dump(Reader().feed(marked)), ["s1"])):
        file.write_bytes(data)
        opening = open_capture(file, switches=switches)
        with IndexedCapture(file, switches=None if switches is None else frozenset(switches)) as capture:
            found = [capture.frame(place) for place in capture.first_sightings] if len(capture) else []
        assert found == opening.timeline.all_first_sightings


def test_frames_are_found_by_number_in_every_file_of_a_capture(tmp_path: Path) -> None:
    writer = Writer()
    parts = [writer.start(frames_before=41), writer.interface("s1:eth1", "pc1:eth0")[1]]
    parts += [writer.packet(0, n, Direction.IN, b"x") for n in range(3)]
    file = tmp_path / "a.pcapng"
    file.write_bytes(dump([Frame(0, 1, "a", "", Direction.IN, b"x")] * 2) + b"".join(parts))
    with IndexedCapture(file) as capture:
        assert len(capture) == 5 and capture.last_number == 44
        places = {0: None, 1: 0, 2: 1, 3: None, 41: None, 42: 2, 44: 4, 45: None}
        assert {number: capture.place(number) for number in places} == places


def section() -> bytes:
    return struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


def interface(snaplen_bytes: int = 0) -> bytes:
    return struct.pack("<IIHHII", 1, 20, 1, 0, snaplen_bytes, 20)


def test_a_simple_packet_that_was_cut_ends_before_its_padding(tmp_path: Path) -> None:
    data = bytes(range(61))
    simple = struct.pack("<III", 3, 80, 1500) + data + bytes(3) + struct.pack("<I", 80)
    file = tmp_path / "a.pcapng"
    same(file, section() + interface(61) + simple)
    [frame] = Reader().feed(file.read_bytes())
    assert (frame.data, frame.length) == (data, 1500)


def test_a_section_that_says_it_is_4_gb_long_is_damage_and_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, pread = list[int](), os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, at: asked.append(size) or pread(file, min(size, 1 << 24), at))
    bogus = struct.pack("<IIIHHqI", 0x0A0D0D0A, 0xFFFFFFF0, 0x1A2B3C4D, 1, 0, -1, 28)
    same(tmp_path / "a.pcapng", dump([Frame(0, 1, "a", "", Direction.IN, b"x")]) + bogus + bytes(64))
    assert max(asked) <= 1 << 24


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The port of each interface that is looked at, each time."""
    found, first_ways = list[str](), IndexedPorts.first_ways
    monkeypatch.setattr(
        IndexedPorts, "first_ways", lambda self, *ends: found.append(ends[0]) or first_ways(self, *ends)
    )
    return found


def test_each_interface_and_each_secret_is_looked_at_once(tmp_path: Path, looked: list[str]) -> None:
    """A file may have as many as it likes."""
    writer = Writer()
    blocks = [writer.start()]
    for number in range(300):
        hardware = "switch" if number < 2 else ""
        blocks += [writer.interface(f"s{number % 2}:eth{number}", f"h{number}:eth0", hardware=hardware)[1]]
        blocks += [writer.secrets(f"# {number}\n"), writer.packet(number, 1, Direction.IN, b"x")]
    file = tmp_path / "a.pcapng"
    same(file, b"".join(blocks))
    assert len(looked) < 2 * 310
    with IndexedCapture(file) as index:
        index.walk()
        assert len(index.secret_parts) == 300 and index.secrets == "".join(index.secret_parts)
        assert len(index.cables()) == 300 and index.linktypes == {1}
        assert len(index.first_sightings) == 300


@pytest.mark.parametrize("is_told_between", [False, True])
def test_a_mark_of_a_switch_is_no_reason_to_look_at_every_interface(
    tmp_path: Path, looked: list[str], *, is_told_between: bool
) -> None:
    writer = Writer()
    blocks = [writer.start()]
    for number in range(300):
        blocks += [writer.interface(f"s{number}:eth1", f"s{number + 1}:eth0", hardware="switch")[1]]
        blocks += [writer.packet(number, 1, Direction.IN, b"x")] if is_told_between else []
    blocks += [writer.packet(number, 1, Direction.IN, b"x") for number in range(300)]
    file = tmp_path / "a.pcapng"
    file.write_bytes(b"".join(blocks))
    with IndexedCapture(file) as index:
        index.walk()
        assert index.switches == {f"s{number}" for number in range(300)}
        first = len(index.first_sightings)
        assert first == (301 if is_told_between else 1), "what came from a device that was not marked yet"
    assert len(looked) <= 2 * 300
