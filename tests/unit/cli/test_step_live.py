"""`lan step` on a LAN that is up: what was recorded meanwhile is taken in at each stop, and told."""

import io
import json
import sys
from pathlib import Path

import pytest

from lan.cli import step_screen
from lan.cli.screen import Screen
from lan.cli.source import Source
from lan.cli.verbs import step
from lan.errors import RunError
from lan.trace.frame import Frame
from lan.trace.pcapng import load
from lan.trace.stepping import Stepper
from lan.trace.stepping_words import Commands
from lan.trace.timeline import Timeline

OFFICE = load(bytes.fromhex((Path(__file__).parents[1] / "trace" / "office.pcapng.hex").read_text()))


class Recording(Source):
    """A LAN that is up: each time that it is asked, so many more frames have passed."""

    is_live = True

    def __init__(self, begun: int, *coming: int) -> None:
        super().__init__(Timeline(switches=["s1"]), "office", Path(), None)
        self.timeline.feed(OFFICE[:begun])
        self.coming = list(coming)

    def sync(self) -> None:
        if not self.coming:
            raise RunError("LAN office is down")
        at = len(self.timeline.all_frames)
        self.timeline.feed(OFFICE[at : at + self.coming.pop(0)])


def script(source: Source, lines: str, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    return step._script(source, Commands(Stepper(source.recorded)), screen)


def test_a_script_is_told_what_came_before_each_of_its_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script(Recording(10, 0, 37, 0, 1), "last\nnext\nback\nlast\n", Screen(), monkeypatch) == 0
    lines = [line.split()[:3] for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["10", "+37", "11", "10", "+1", "48"]
    assert lines[1] == ["+37", "frames", "recorded"] and lines[4] == ["+1", "frame", "recorded"]


def test_json_has_the_count_on_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(Recording(10, 37, 0), "first\nnext\n", Screen(json=True), monkeypatch)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told[0] == {"schema": 1, "said": "+37 frames recorded", "recorded": 37}
    assert [each["number"] for each in told[1:]] == [1, 2]


def standing(screen: step_screen._Screen) -> Frame:
    assert screen.stepper.frame is not None
    return screen.stepper.frame


def test_a_key_takes_in_what_came_and_moves(capsys: pytest.CaptureFixture[str]) -> None:
    source = Recording(10, 0, 37, 0)
    screen = step_screen._Screen(source, Commands(Stepper(source.recorded)), 0)
    assert screen._press("G") and standing(screen).number == 10 and screen.said == ""
    assert screen._press("n") and standing(screen).number == 11 and screen.said == "+37 frames recorded"
    assert "11/47" in screen._foot(80)
    assert screen._press("b") and screen.said == ""
    assert screen._press("b") and "the LAN is gone: LAN office is down" in screen.said
    assert standing(screen).number == 9, "what was recorded is there still"


def test_play_goes_on_with_what_comes_and_ends_where_nothing_does() -> None:
    source = Recording(2, 0, 2, 0)
    screen = step_screen._Screen(source, Commands(Stepper(source.recorded)), 0)
    assert screen._press("p") and screen.is_playing
    for number in (1, 2, 3, 4):
        assert screen.is_playing
        screen._tick()
        assert standing(screen).number == number
    assert not screen.is_playing and screen.said == "the recording ends here"
