"""Opening files: ours, gzipped, classic, cut off, damaged, and what is no capture at all."""

import contextlib
import gzip
import os
import struct
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lan.errors import UsageError
from lan.trace.linktypes import as_ethernet
from lan.trace.opening import open_capture
from lan.trace.pcapng import load
from lan.wire.malformed import Malformed

OFFICE = bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text())


def write(folder: Path, data: bytes) -> Path:
    file = folder / "some.pcapng"
    file.write_bytes(data)
    return file


def test_a_file_of_ours_knows_its_switches_and_devices(tmp_path: Path) -> None:
    opened = open_capture(write(tmp_path, OFFICE))
    assert len(opened.timeline.frames) == 146 and opened.notes == ()
    assert len(opened.timeline.first_sightings) == 64
    assert opened.timeline.device_of("192.168.100.254") == "dns"


def test_a_compressed_file_is_read_as_the_plain_one(tmp_path: Path) -> None:
    plain = open_capture(write(tmp_path, OFFICE)).timeline.frames
    assert open_capture(write(tmp_path, gzip.compress(OFFICE))).timeline.frames == plain


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (OFFICE[:-10], "cut off after frame 145"),
        (OFFICE + b"\x06\0\0\0\x07\0\0\0" + bytes(20), "a block 7 bytes long after frame 146"),
        (gzip.compress(OFFICE)[:-400], "the compressed file is damaged after frame"),
    ],
)
def test_what_can_not_be_read_is_told_and_the_rest_is_there(tmp_path: Path, data: bytes, words: str) -> None:
    opened = open_capture(write(tmp_path, data))
    assert len(opened.timeline.frames) > 20
    [note] = opened.notes
    assert words in note


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"# README\n", "not a capture"), (b"", "it is empty"), (b"\x0a\x0d", "it ends before")],
)
def test_what_is_no_capture_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        open_capture(write(tmp_path, data))


def test_a_file_that_is_not_there_or_is_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gone"):
        open_capture(tmp_path / "gone.pcapng")
    with pytest.raises(UsageError, match="directory"):
        open_capture(tmp_path)


IPV4 = bytes.fromhex("450000200001000040110000c0a86401c0a864fe") + bytes.fromhex("30390035000c000078787878")
"""A datagram from 192.168.100.1 to .254, UDP 12345 → 53, four bytes."""
LINKS = {
    "raw IP": (101, IPV4),
    "BSD loopback": (0, b"\x02\0\0\0" + IPV4),
    "Linux cooked": (113, bytes.fromhex("0000 0001 0006 020000000001 0000 0800") + IPV4),
    "Linux cooked v2": (276, bytes.fromhex("0800 0000 00000002 0001 00 06 020000000001 0000") + IPV4),
}


def classic(linktype: int, *packets: bytes) -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, linktype)
    return head + b"".join(struct.pack("<4I", 1, 2, len(each), len(each)) + each for each in packets)


def blocks(linktype: int, *packets: bytes, order: str = "<") -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        total = struct.pack(order + "I", len(body) + 12)
        return struct.pack(order + "I", kind) + total + body + total

    comment = struct.pack(order + "HH", 1, 2) + b"hi" + bytes(2) + bytes(4)
    parts = [block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))]
    parts.append(block(1, struct.pack(order + "HHI", linktype, 0, 65535)))
    for each in packets:
        head = struct.pack(order + "5I", 0, 0, 3_000_000, len(each), len(each))
        parts.append(block(6, head + each + bytes(-len(each) % 4) + comment))
    return b"".join(parts)


@pytest.mark.parametrize("name", LINKS)
def test_packets_of_other_links_are_shown_as_ethernet_frames(tmp_path: Path, name: str) -> None:
    linktype, packet = LINKS[name]
    for data in (classic(linktype, packet, packet), blocks(linktype, packet, packet),
                 blocks(linktype, packet, packet, order=">")):  # fmt: skip
        opened = open_capture(write(tmp_path, data))
        assert [frame.packet.protocol for frame in opened.timeline.frames] == ["DNS", "DNS"]
        frame = opened.timeline.frames[0]
        assert frame.packet.ipv4 is not None and frame.packet.udp is not None and frame.packet.ethernet is not None
        assert (frame.packet.ipv4.src, frame.packet.udp.src_port) == ("192.168.100.1", 12345)
        assert frame.packet.ethernet.src == ("02:00:00:00:00:01" if "cooked" in name else "00:00:00:00:00:00")
        assert frame.length == len(frame.data) == 14 + len(IPV4)
        assert opened.notes == (f"packets of another link ({name}) are shown as Ethernet frames, with made-up headers",)


def test_options_of_rewritten_packets_stay(tmp_path: Path) -> None:
    [frame] = open_capture(write(tmp_path, blocks(101, IPV4))).timeline.frames
    assert frame.comment == "hi" and frame.time_ns == 3_000_000_000


def test_a_link_that_is_not_read_is_named(tmp_path: Path) -> None:
    opened = open_capture(write(tmp_path, blocks(105, IPV4)))
    assert opened.timeline.frames == [] and "link type 105" in opened.notes[0]
    with pytest.raises(UsageError, match="link type 105"):
        open_capture(write(tmp_path, classic(105, IPV4)))


@pytest.mark.parametrize("data", [OFFICE, gzip.compress(OFFICE)], ids=["plain", "gzip"])
def test_a_pipe_is_read_like_a_file(tmp_path: Path, data: bytes) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[data])
    writer.start()
    assert len(open_capture(pipe).timeline.frames) == 146
    writer.join()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_captures_of_other_links_are_handed_on(data: st.DataObject) -> None:
    linktype, packet = LINKS[data.draw(st.sampled_from(sorted(LINKS)))]
    whole = bytearray(data.draw(st.sampled_from([classic(linktype, packet, packet), blocks(linktype, packet, packet)])))
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=4)):
        whole[at] = value
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    made, _ = as_ethernet(cut)
    with contextlib.suppress(Malformed):
        for frame in load(made):
            assert frame.packet.summary()
