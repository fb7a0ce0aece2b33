"""A capture in several files: who writes them, who reads on, who opens them later."""

import tempfile
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import MonkeyPatch

from lan.trace.capture_file import CaptureFile, Capturing, TapPort
from lan.trace.indexed import IndexedCapture
from lan.trace.opening import open_capture
from lan.trace.pcapng import Reader
from lan.trace.pcapng_writing import Writer
from lan.trace.rotation import Tail, part, parts

PORT, LATER = TapPort("s1:eth1", "pc1:eth0"), TapPort("s1:eth2", "pc2:eth0")
FILE_BYTES = 600


def frame(number: int) -> bytes:
    return b"\x02" * 12 + b"\x88\xb5" + b"%03d" % number + b"." * 60


class Writing:
    """A capture of frames 1, 2, 3 … in files of six or so."""

    def __init__(self, folder: Path, *, files: int = 3) -> None:
        self.path = folder / "trace.pcapng"
        self.file = CaptureFile(str(self.path), Capturing(file_bytes=FILE_BYTES, files=files))
        self.coming, _ = self.file.ways(PORT)
        self.written = 0

    def write(self, count: int) -> None:
        for _ in range(count):
            self.written += 1
            data = frame(self.written)
            self.file.append([(self.written, self.coming, data, len(data))])


def said(data: bytes) -> int:
    return int(data[14:17])


def test_the_last_files_are_kept_and_each_is_small_and_whole(tmp_path: Path) -> None:
    writing = Writing(tmp_path)
    writing.write(40)
    files = parts(writing.path)
    numbers = [int(file.name.split(".")[1]) for file in files[:-1]]
    assert files == [part(writing.path, numbers[0]), part(writing.path, numbers[0] + 1), writing.path]
    assert numbers[0] > 1
    assert all(file.stat().st_size <= FILE_BYTES for file in files)
    for file in files:
        assert all(
            (each.number, each.port) == (said(each.data), PORT.name) for each in Reader().feed(file.read_bytes())
        )


def test_a_capture_of_several_files_is_opened_from_the_oldest_on(tmp_path: Path) -> None:
    writing = Writing(tmp_path)
    writing.write(40)
    frames = open_capture(writing.path).timeline.all_frames
    assert [each.number for each in frames] == [said(each.data) for each in frames]
    assert (frames[-1].number, len(frames)) == (
        40,
        sum(len(Reader().feed(p.read_bytes())) for p in parts(writing.path)),
    )
    old = open_capture(parts(writing.path)[0]).timeline.all_frames
    assert old == frames[: len(old)]


def test_files_that_only_look_like_parts_are_not_read(tmp_path: Path) -> None:
    writing = Writing(tmp_path, files=9)
    writing.write(2)
    (tmp_path / "trace.2020.pcapng").write_bytes(b"something else")
    assert len(open_capture(writing.path).timeline.all_frames) == 2


def test_a_new_capture_by_the_same_name_lets_the_old_files_go(tmp_path: Path) -> None:
    Writing(tmp_path).write(40)
    writing = Writing(tmp_path)
    assert parts(writing.path) == [writing.path]


@settings(max_examples=30)
@given(steps=st.lists(st.integers(0, 25), max_size=8))
def test_who_reads_on_misses_only_what_is_gone(steps: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        writing = Writing(Path(folder), files=4)
        tail, reader, found = Tail(writing.path), Reader(), list[int]()
        for step in steps:
            writing.write(step)
            kept = [each.number for file in parts(writing.path) for each in Reader().feed(file.read_bytes())]
            fresh = [each.number for piece in tail.pieces() for each in reader.feed(piece)]
            assert fresh == sorted(set(fresh)) and set(fresh) >= {n for n in kept if not found or n > found[-1]}
            found += fresh
        assert found == sorted(set(found))
        assert reader.frames == writing.written


class Hurried:
    """A file that its writer goes on with, and leaves, just when its reader believes to be at its end."""

    def __init__(self, file: BinaryIO, writing: Writing) -> None:
        self.file, self.writing, self.is_over = file, writing, False

    def read(self, size: int) -> bytes:
        piece = self.file.read(size)
        if not piece and not self.is_over:
            self.is_over = True
            self.writing.write(20)
        return piece

    def fileno(self) -> int:
        return self.file.fileno()

    def close(self) -> None:
        self.file.close()


def test_what_comes_between_the_last_look_and_the_new_file_is_read(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    writing = Writing(tmp_path, files=99)
    tail, reader = Tail(writing.path), Reader()
    monkeypatch.setattr(tail, "_file", Hurried(tail._file, writing))
    numbers = [each.number for _ in range(2) for piece in tail.pieces() for each in reader.feed(piece)]
    assert numbers == list(range(1, 21))


def test_a_port_that_is_named_later_is_in_the_next_file_too(tmp_path: Path) -> None:
    writing = Writing(tmp_path)
    writing.write(3)
    writing.coming, _ = writing.file.ways(LATER)
    writing.write(20)
    ports = [each.port for each in Reader().feed(writing.path.read_bytes())]
    assert ports and set(ports) == {LATER.name}


def test_a_file_that_was_just_begun_or_found_no_room_is_waited_for(tmp_path: Path) -> None:
    """Between its making and its first block a file is empty; on a full disk it stays so."""
    writing = Writing(tmp_path)
    writing.write(2)
    with IndexedCapture(writing.path, is_growing=True) as index:
        assert len(index) == 2
        whole = writing.path.read_bytes()
        writing.path.rename(part(writing.path, 1))
        writing.path.write_bytes(b"")
        assert not index.walk() and index.known == 2 and not index.damage
        head = Writer().start(frames_before=2)
        writing.path.write_bytes(head + whole[len(Writer().start()) :])
        assert len(index) == 4 and index.last_number == 4


@pytest.mark.parametrize(("between", "count", "damage"), [(b"", 4, ""), (b"no capture", 2, "not a capture")])
def test_a_file_in_the_midst_that_is_none_does_not_end_the_view(
    tmp_path: Path, between: bytes, count: int, damage: str
) -> None:
    writing = Writing(tmp_path)
    writing.write(2)
    whole = writing.path.read_bytes()
    part(writing.path, 1).write_bytes(whole)
    part(writing.path, 2).write_bytes(between * 3)
    writing.path.write_bytes(Writer().start(frames_before=2) + whole[len(Writer().start()) :])
    with IndexedCapture(writing.path) as index:
        assert len(index) == count and damage in index.damage
        assert [said(frame.data) for frame in index.frames(0, count)] == [1, 2] * (count // 2)
