"""Connections of a large recording have the numbers that the same file read whole gives them."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from random import Random

import pytest

from lan.trace.excerpts import Excerpts
from lan.trace.filter import compile_filter
from lan.trace.frame import Direction, Frame
from lan.trace.indexed import IndexedCapture
from lan.trace.numbering import Numbering
from lan.trace.opening import open_capture
from lan.trace.pcapng import load
from lan.trace.pcapng_writing import dump
from lan.trace.recorded import taken_up
from lan.trace.segment import ODD, segment_in, segment_of
from lan.trace.timeline import Timeline
from lan.wire import ethernet, ipv4, tcp
from lan.wire.frame import decode
from lan.wire.tcp import TcpFlags

OFFICE = load(bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text()))
MACS = {"pc1": "02:00:00:00:00:01", "web": "02:00:00:00:00:04", "r1": "02:00:00:00:00:09"}
IPS = {"pc1": ("10.0.0.1", "fd00::1"), "web": ("10.0.0.4", "fd00::4")}
FLAGS = [TcpFlags(bits) for bits in (2, 2, 18, 18, 16, 16, 16, 17, 17, 17, 24, 4, 20, 0, 19, 1)]
SEQS = [0, 1, 2, 100, 101, 102, 2**32 - 1, 2**31]


def dialogue(random: Random, *, is_plain: bool = False) -> Iterator[Frame]:
    """Segments in any order between two hosts with few ports and few numbers, some of them handed on by a router."""
    number, following = 0, dict[tuple[object, ...], int]()
    for _ in range(500):
        who, peer = random.sample(["pc1", "web"], 2)
        family = random.randrange(2)
        src, dst = IPS[who][family], IPS[peer][family]
        ports = [random.choice([40000, 40001, 40002, 40003]), 80]
        ports = ports if who == "pc1" else ports[::-1]
        ports = ports if random.random() < 0.95 else [80, 80]
        data = bytes(random.choice([0, 0, 1, 2, 99]))
        flags, own, other = random.choice(FLAGS), (family, who, *ports), (family, peer, *ports[::-1])
        seq, ack = (following.get(end, 1000) if random.random() < 0.7 else random.choice(SEQS) for end in (own, other))
        if flags & TcpFlags.SYN and random.random() < 0.5:
            seq = following.get(own, 1000) - 1  # sent again, or overtaken by what came after it
        following[own] = (seq + len(data) + bool(flags & TcpFlags.SYN) + bool(flags & TcpFlags.FIN)) % 2**32
        segment = tcp.build(IPS[who][0], IPS[peer][0], *ports, seq=seq % 2**32, ack=ack, flags=flags, payload=data)
        if family:
            head = struct.pack("!LHBB", 6 << 28, len(segment), ipv4.TCP, 64)
            packets = [head + b"".join(ip_address(each).packed for each in (src, dst)) + segment]
        else:
            packets = [ipv4.build(src, dst, ipv4.TCP, segment, identification=number % 65536)]
            if not is_plain and random.random() < 0.05 and len(segment) > 40:
                packets = fragments(packets[0])
        vlan = 7 if not is_plain and random.random() < 0.1 else None
        code = ethernet.IPV6 if family else ethernet.IPV4
        for device in [who, "r1"] if random.random() < 0.2 else [who] if random.random() < 0.95 else [""]:
            for packet in packets:
                number += 1
                made = ethernet.build(MACS[peer], MACS[device or who], code, packet, vlan=vlan)
                kept = made[: random.choice([60, 70, 1500])] if random.random() < 0.3 else made
                peer_port = f"{device}:eth0" if device else ""
                way = Direction.IN if device or random.random() < 0.5 else Direction.UNKNOWN
                yield Frame(number, number * 10**6, f"s1:{device or 'x'}", peer_port, way, kept, len(made))


def fragments(packet: bytes) -> list[bytes]:
    """The same packet in two parts."""
    head, body = packet[:20], packet[20:]
    made = []
    for at, part in ((0, body[:24]), (24, body[24:])):
        new = bytearray(head)
        struct.pack_into("!H", new, 2, 20 + len(part))
        struct.pack_into("!H", new, 6, at // 8 | (0x2000 if at == 0 else 0))
        made.append(bytes(new) + part)
    return made


def whole_numbers(file: Path) -> tuple[dict[int, int], Timeline]:
    """Frame → connection, by a timeline that holds all."""
    timeline = open_capture(file).timeline
    numbers = {frame.number: at for at, found in enumerate(timeline.tcp) for frame in found.frames}
    return numbers, timeline


def written(folder: Path, frames: list[Frame], name: str = "made.pcapng") -> Path:
    file = folder / name
    file.write_bytes(dump(frames, switches=["s1"]))
    return file


@pytest.mark.parametrize("seed", range(40))
def test_numbers_are_those_of_the_whole(seed: int, tmp_path: Path) -> None:
    file = written(tmp_path, list(dialogue(Random(seed))))
    expected, timeline = whole_numbers(file)
    with IndexedCapture(file) as index:
        numbering = Numbering(index)
        index.walk()
        while numbering.go_on(37):
            pass
        told = {
            frame.number: number for frame in timeline.first_sightings if (number := numbering.of(frame)) is not None
        }
        whole_only = {number: told[number] for number in expected}
        assert whole_only == expected
        assert numbering.count == len(timeline.tcp) > 10
        others = set(told) - set(expected)
        assert all(timeline.all_frames[number - 1].packet.ipv4.is_fragment() for number in others), "parts of a segment"
        for at in range(numbering.count):
            places = {index.number(place) for place in numbering.places(at)}
            assert places == {number for number, which in told.items() if which == at}


def test_a_frame_that_must_be_decoded_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a VLAN all are such; only fragments are kept, and need the whole frame."""
    plain = dialogue(Random(3), is_plain=True)
    frames = [
        replace(frame, data=frame.data[:12] + b"\x81\0\0\7" + frame.data[12:], length=frame.length + 4)
        for frame in plain
    ]
    file = written(tmp_path, frames)
    expected, timeline = whole_numbers(file)
    read, looked = list[int](), IndexedCapture.frames_at
    monkeypatch.setattr(
        IndexedCapture, "frames_at", lambda self, places: looked(self, [read.append(each) or each for each in places])
    )
    with IndexedCapture(file) as index:
        index.walk()
        numbering = Numbering(index)
        while numbering.go_on():
            pass
        assert numbering.count == len(timeline.tcp) > 10 and not read
        assert sum(len(numbering.places(at)) for at in range(numbering.count)) == len(expected)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_classic_file_and_one_of_the_other_byte_order_are_numbered_too(order: str, tmp_path: Path) -> None:
    frames = [replace(frame, port="", peer="", direction=Direction.UNKNOWN) for frame in dialogue(Random(5))]
    records = b"".join(
        struct.pack(order + "IIII", 0, each.number, len(each.data), each.length) + each.data for each in frames
    )
    file = tmp_path / "a.pcap"
    file.write_bytes(struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + records)
    expected, _ = whole_numbers(file)
    with IndexedCapture(file) as index:
        index.walk()
        numbering = Numbering(index)
        assert {number: numbering.of(index.frame(number - 1)) for number in expected} == expected


@pytest.mark.parametrize("seed", range(10))
def test_a_segment_read_from_its_bytes_is_what_decode_says(seed: int) -> None:
    random = Random(seed)
    plain = 0
    for frame in [*dialogue(random), *OFFICE]:
        for _ in range(4):
            data = bytearray(frame.data)
            if random.random() < 0.7:
                data[random.randrange(12, min(len(data), 60))] = random.randrange(256)
            kept = bytes(data[: random.choice([len(data), random.randrange(len(data) + 1)])])
            length = random.choice([len(kept), frame.length, len(kept) + 3])
            read = segment_of(kept, length, "pc1")
            if read is not ODD:
                plain += read is not None
                assert read == segment_in(decode(kept, wire_length=length), "pc1")
    assert plain > 500


ROUNDS, PAUSE_NS, MOST_FRAMES = 12, 60_000_000_000, 640


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The office's day again and again."""
    frames = [
        replace(frame, time_ns=frame.time_ns + n * PAUSE_NS, decoded=[]) for n in range(ROUNDS) for frame in OFFICE
    ]
    return written(tmp_path_factory.mktemp("days"), frames)


def excerpts(file: Path) -> Excerpts:
    return Excerpts(IndexedCapture(file), Timeline(), file.parent, most_frames=MOST_FRAMES)


def test_a_part_numbers_connections_as_the_whole_does(days: Path) -> None:
    whole, part = open_capture(days).timeline, excerpts(days)
    part.know()
    segments = [frame for frame in whole.all_frames if frame.packet.tcp]
    for at in (0, len(segments) // 2, len(segments) // 2 + 1, len(segments) - 1, 7):
        frame, timeline = taken_up(part, part.sightings[segments[at].number - 1])
        connection, expected = timeline.connection_of(frame), whole.connection_of(segments[at])
        assert connection is not None and expected is not None
        assert timeline.number_of(connection) == whole.number_of(expected)
        assert compile_filter(f"tcp.stream={whole.number_of(expected)}")(frame, timeline)


def test_no_more_is_gone_over_than_is_asked_for(days: Path) -> None:
    part = excerpts(days)
    part.know()
    frame, timeline = taken_up(part, next(each for each in part.sightings[900:] if each.packet.tcp))
    connection = timeline.connection_of(frame)
    assert connection is not None and timeline.number_of(connection) is not None
    assert 0 < part.numbering.known <= part.index.first_sightings.index(part.index.place(frame.number) or 0) + 1


def test_where_there_are_too_many_ends_nothing_is_told_rather_than_something_wrong(tmp_path: Path) -> None:
    frames = list(dialogue(Random(1), is_plain=True))
    file = written(tmp_path, frames)
    expected, _ = whole_numbers(file)
    with IndexedCapture(file) as index:
        index.walk()
        numbering = Numbering(index, most_ends=2)
        told = {number: numbering.of(index.frame(number - 1)) for number in expected}
    assert numbering.is_full
    known = {number: one for number, one in told.items() if one is not None}
    assert known and known.items() <= expected.items() and len(known) < len(expected)


def test_files_that_go_meanwhile_take_their_numbers_along(tmp_path: Path) -> None:
    from lan.trace.capture_file import CaptureFile, Capturing, TapPort

    writing = CaptureFile(str(tmp_path / "trace.pcapng"), Capturing(file_bytes=1 << 20, files=2))
    way = writing.ways(TapPort("s1:eth1", "pc1:eth0"))[0]
    index = IndexedCapture(tmp_path / "trace.pcapng", is_growing=True)
    numbering, at = Numbering(index), 0
    for _ in range(60):
        for _ in range(5):
            segment = tcp.build("10.0.0.1", "10.0.0.4", 1000 + at, 80, seq=1, flags=TcpFlags.SYN, payload=bytes(60_000))
            data = ethernet.build(
                MACS["web"], MACS["pc1"], ethernet.IPV4, ipv4.build("10.0.0.1", "10.0.0.4", 6, segment)
            )
            writing.append([(1000 + at, way, data, len(data))])
            at += 1
        index.walk()
        numbering.go_on()
    writing.close()
    assert index.start > 0 and numbering.known == len(index.first_sightings)
    for place in range(index.start, index.known, 7):
        assert numbering.of(index.frame(place)) == place, "each frame here opens a connection"
    assert numbering.places(index.known - 1) == [index.known - 1] and numbering.places(0) == []


CROSSING = "pc1 SYN 0 0, web SYN 1000 0, pc1 SYN+ACK 0 1001, web SYN+ACK 1000 1, pc1 ACK 1 1001, web ACK 1001 1"
CLOSING = "pc1 FIN+ACK 1 1001, web ACK 1001 2, web FIN+ACK 1001 2, pc1 ACK 2 1002"
OPENING = "pc1 SYN 0 0, web SYN+ACK 1000 1, pc1 ACK 1 1001"


@pytest.mark.parametrize(
    ("script", "count"),
    [
        (f"{CROSSING}, {CLOSING}, pc1 SYN 0 0", 2),
        (f"{CROSSING}, pc1 SYN 0 0", 1),
        (f"{OPENING}, {CLOSING}, pc1 SYN 0 0", 2),
        (f"{OPENING}, pc1 SYN 0 0, pc1 SYN 7 0", 2),
        (f"{OPENING}, web RST 1001 0, pc1 SYN 0 0", 2),
        (f"web SYN+ACK 1000 1, pc1 SYN 0 0, {CLOSING}", 1),
        (f"pc1 ACK 1 1001, pc1 SYN 0 0, {CLOSING}", 1),
        ("pc1 ACK 9 1001, pc1 SYN 0 0", 2),
    ],
)
def test_a_syn_opens_another_connection_where_the_tracker_says_so(script: str, count: int, tmp_path: Path) -> None:
    frames = []
    for number, line in enumerate(script.split(", "), 1):
        who, flags, seq, ack = line.split()
        peer = "web" if who == "pc1" else "pc1"
        bits = TcpFlags(0)
        for name in flags.split("+"):
            bits |= TcpFlags[name]
        ports = (40000, 80) if who == "pc1" else (80, 40000)
        segment = tcp.build(IPS[who][0], IPS[peer][0], *ports, seq=int(seq), ack=int(ack), flags=bits)
        packet = ipv4.build(IPS[who][0], IPS[peer][0], ipv4.TCP, segment)
        data = ethernet.build(MACS[peer], MACS[who], ethernet.IPV4, packet)
        frames.append(Frame(number, number, f"s1:{who}", f"{who}:eth0", Direction.IN, data))
    file = written(tmp_path, frames)
    expected, timeline = whole_numbers(file)
    with IndexedCapture(file) as index:
        index.walk()
        numbering = Numbering(index)
        assert {frame.number: numbering.of(frame) for frame in frames} == expected
    assert numbering.count == len(timeline.tcp) == count
