"""Pipes, compressed files and captures of other links are read by index as a plain file is."""

import gzip
import os
import struct
import threading
from pathlib import Path

import pytest

from lan.errors import RunError
from lan.trace import spooling
from lan.trace.indexed import IndexedCapture
from lan.trace.opening import open_capture
from lan.trace.spooling import Spooled

OFFICE = bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text())
COOKED = bytes.fromhex("0000000100060200000000010000") + b"\x08\x00" + bytes(20)
"""A packet of `tcpdump -i any`, 16 bytes before its (empty) IP header."""


def cooked(count: int) -> bytes:
    records = b"".join(struct.pack("<IIII", 10, n, len(COOKED), len(COOKED)) + COOKED for n in range(count))
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 113) + records


def whole(path: Path) -> Spooled:
    spooled = Spooled(path)
    while spooled.more():
        pass
    return spooled


@pytest.mark.parametrize("data", [OFFICE, cooked(50)], ids=["ethernet", "cooked"])
@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "gzip"])
def test_what_is_read_by_index_is_what_is_read_to_the_end(tmp_path: Path, data: bytes, is_compressed: bool) -> None:
    file = tmp_path / "a.pcap"
    file.write_bytes(gzip.compress(data) if is_compressed else data)
    opened, spooled = open_capture(file), whole(file)
    with IndexedCapture(spooled.path) as capture:
        assert capture.frames(0, 1000) == opened.timeline.all_frames
    assert tuple(spooled.notes) == opened.notes
    assert (spooled.path == file) == (data is OFFICE and not is_compressed)


def test_a_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    are_there, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with pipe.open("wb", buffering=0) as target:
            target.write(OFFICE[: len(OFFICE) // 2])
            are_there.set()
            go_on.wait(60)
            target.write(OFFICE[len(OFFICE) // 2 :])

    writer = threading.Thread(target=write)
    writer.start()
    spooled = Spooled(pipe)
    are_there.wait(60)
    with IndexedCapture(spooled.path) as capture:
        half = len(capture)
        assert 0 < half < 146
        go_on.set()
        while spooled.more():
            pass
        assert len(capture) == 146
    writer.join()


def test_a_compressed_file_that_is_cut_off_gives_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "a.pcapng.gz"
    file.write_bytes(gzip.compress(OFFICE)[:-200])
    spooled = whole(file)
    with IndexedCapture(spooled.path) as capture:
        assert 0 < len(capture) < 146
    assert "the compressed file is damaged" in spooled.notes[0]


@pytest.mark.parametrize("is_full", [True, False], ids=["full", "no folder"])
def test_where_the_temporary_file_has_no_room_it_is_told_and_not_the_capture(
    is_full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.pcapng.gz"
    file.write_bytes(gzip.compress(OFFICE))
    if is_full:
        monkeypatch.setattr(spooling.tempfile, "TemporaryFile", lambda: Path("/dev/full").open("wb"))  # noqa: SIM115
    else:
        monkeypatch.setattr(spooling.tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(RunError, match="a temporary file is needed") as raised:
        whole(file)
    assert "TMPDIR" in str(raised.value.todo)
