"""A part of a recording is chosen by frames or by time."""

import gzip
from pathlib import Path

import pytest

from lan.errors import UsageError
from lan.trace import opening
from lan.trace.frame import Direction, Frame
from lan.trace.opening import Opening
from lan.trace.span import Span, read_span
from lan.trace.timeline import Timeline
from lan.trace.views import table

OFFICE = bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text())
MS_NS, S_NS = 1_000_000, 1_000_000_000

TEXTS = {
    "1000-2000": Span(1000, 2000, is_time=False),
    "5-5": Span(5, 5, is_time=False),
    "-500": Span(None, 500, is_time=False),
    "500-": Span(500, None, is_time=False),
    "3.2s-4s": Span(3_200 * MS_NS, 4 * S_NS, is_time=True),
    "250ms-": Span(250 * MS_NS, None, is_time=True),
    "-0.5s": Span(None, 500 * MS_NS, is_time=True),
    "900ms-1s": Span(900 * MS_NS, S_NS, is_time=True),
}
MISTAKES = ["", "-", "5", "5s", "a-b", "5-4", "4s-3s", "3s-400", "1-2-3", "-5s-", "1e3-2e3", "٣-٤"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_part_is_read(text: str) -> None:
    assert read_span(text) == TEXTS[text]


@pytest.mark.parametrize("text", MISTAKES)
def test_what_is_no_part_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="--part"):
        read_span(text)


def taken(tmp_path: Path, text: str | None) -> Timeline:
    file = tmp_path / "office.pcapng"
    file.write_bytes(OFFICE)
    made = Opening(file, span=None if text is None else read_span(text))
    while made.more():
        pass
    return made.timeline


def test_a_part_has_its_frames_with_their_numbers_and_times(tmp_path: Path) -> None:
    whole = taken(tmp_path, None)
    part = taken(tmp_path, "20-30")
    assert part.all_frames == whole.all_frames[19:30]
    assert [table.row(frame, part).time_ms for frame in part.all_frames] == [
        table.row(frame, whole).time_ms for frame in whole.all_frames[19:30]
    ]
    middle_ns = whole.all_frames[60].time_ns - whole.begun_ns
    assert taken(tmp_path, f"{middle_ns / 1e6:.6f}ms-").all_frames == whole.all_frames[60:]
    assert taken(tmp_path, f"-{middle_ns / 1e6:.6f}ms").all_frames == whole.all_frames[:61]
    assert not part.is_whole and whole.is_whole


def test_more_frames_than_can_be_held_are_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MOST_FRAMES", 100)
    with pytest.raises(UsageError, match="146 frames are too many to be held at once") as raised:
        taken(tmp_path, None)
    assert "--part" in str(raised.value.expected)
    assert len(taken(tmp_path, "1-100").all_frames) == 100
    with pytest.raises(UsageError, match="more than 100 frames are too many"):
        taken(tmp_path, "1-")


def test_a_compressed_file_is_refused_when_that_many_were_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MOST_FRAMES", 100)
    file = tmp_path / "office.pcapng.gz"
    file.write_bytes(gzip.compress(OFFICE))
    with pytest.raises(UsageError, match="are too many to be held at once"):
        opening.open_capture(file)


def test_frames_that_are_too_long_together_are_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MOST_BYTES", 1 << 14)
    with pytest.raises(UsageError, match="more than 0 MB of frames are too many to be held at once"):
        taken(tmp_path, None)
    assert taken(tmp_path, "1-40").all_frames


def test_an_open_beginning_has_frames_that_are_earlier_than_the_first() -> None:
    """Those of several ports are not quite in the order of time."""
    frames = [Frame(n, time_ns, "s1:eth1", "", Direction.UNKNOWN, b"x") for n, time_ns in ((1, 5000), (2, 4000))]
    assert read_span("-1s").choose(frames, 5000) == frames
    assert read_span("0s-1s").choose(frames, 5000) == frames[:1]


def test_a_time_is_exact_however_long_the_recording() -> None:
    assert read_span("123456789012.123456789s-").first == 123456789012_123456789
    assert read_span("0.1ms-0.3ms") == Span(100_000, 300_000, is_time=True)
