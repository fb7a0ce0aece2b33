"""Opening files: ours, gzipped, classic, cut off, damaged, and what is no capture at all."""

import gzip
from pathlib import Path

import pytest

from lan.errors import UsageError
from lan.trace.opening import open_capture

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
