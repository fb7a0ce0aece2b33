"""`lan step` on a terminal: what it draws fits, in any language, and what is typed ends, even with the terminal."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lan.cli.source import Source
from lan.cli.step_screen import _Screen
from lan.reasons import Reason
from lan.trace.journey import Journey, Stop
from lan.trace.opening import open_capture
from lan.trace.stepping import Stepper
from lan.trace.stepping_words import Commands
from lan.trace.views.cells import cells
from lan.trace.why import Explained

OFFICE = Path(__file__).parents[1] / "trace" / "office.pcapng.hex"
WIDTH, HEIGHT = 70, 20
KOREAN = Reason("RFC 826", "192.168.100.253의 하드웨어 주소를 아직 몰라서 이 네트워크의 모든 장치에게 물어봅니다")


class Korean(Source):
    """Tells the same long sentence at each device."""

    def explain(self, stop: Stop, journey: Journey) -> Sequence[Explained]:
        return [Explained(2, way, "arp.miss", KOREAN, True) for way in ("in", "out")]


@pytest.fixture
def keys() -> Iterator[tuple[int, int]]:
    """A terminal's stand-in: where the screen reads, and where the test types."""
    ours, theirs = os.pipe()
    yield ours, theirs
    for descriptor in (ours, theirs):
        with contextlib.suppress(OSError):
            os.close(descriptor)


@pytest.fixture
def screen(keys: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Screen:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("LINES", str(HEIGHT))
    file = tmp_path / "office.pcapng"
    file.write_bytes(bytes.fromhex(OFFICE.read_text()))
    source = Korean(open_capture(file).timeline, file.name, file.parent, file)
    return _Screen(source, Commands(Stepper(source.recorded)), keys[0])


def drawn(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of what was drawn last, without what colours them and moves the cursor."""
    text = capsys.readouterr().out.rpartition("\x1b[H")[2].replace("\x1b[2K", "")
    return [line.rpartition("\x1b[0m")[0].rpartition("m")[2] if line.startswith("\x1b[") else line
            for line in text.split("\r\n")]  # fmt: skip


def test_korean_reasons_stay_within_the_terminals_cells(screen: _Screen, capsys: pytest.CaptureFixture[str]) -> None:
    screen.said = "가" * WIDTH
    screen.stepper.first()
    screen._draw()
    lines = drawn(capsys)
    assert any("하드웨어" in line for line in lines) and "가가" in lines[-2]
    assert len(lines) == HEIGHT and max(map(cells, lines)) <= WIDTH


def test_a_narrow_terminal_has_the_keys_that_lead_on(screen: _Screen) -> None:
    screen.stepper.first()
    assert "? help  q quit" in screen._foot(40)


def test_a_line_that_is_being_typed_ends_when_the_terminal_is_gone(screen: _Screen, keys: tuple[int, int]) -> None:
    os.write(keys[1], b"/dns")
    os.close(keys[1])
    screen.loop()
    assert screen.stepper.at == 0
