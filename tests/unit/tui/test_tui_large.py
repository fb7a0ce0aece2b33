"""The full-screen view of a capture of any size: it is there at once, and finds the rest between two keys."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from lan.cli.recorded_source import RecordedSource
from lan.trace.excerpts import Excerpts
from lan.trace.indexed import IndexedCapture
from lan.trace.pcapng import load
from lan.trace.pcapng_writing import dump
from lan.trace.timeline import Timeline
from lan.tui import app as tui
from lan.tui.app import TraceApp

from .test_tui import OFFICE, number_of, play, rows, title

ROUNDS, PAUSE_NS = 12, 60_000_000_000
FIRST = 64
"""First sightings of one day, which has 146."""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The office's day again and again, of which little is looked at between two keys."""
    for name, count in (("FIRST_FRAMES", 40), ("MORE_FRAMES", 20), ("KNOWN_FRAMES", 50)):
        monkeypatch.setattr(tui, name, count)
    made, office = tmp_path / "long.pcapng", load(bytes.fromhex(OFFICE.read_text()))
    frames = [
        replace(frame, time_ns=frame.time_ns + n * PAUSE_NS, decoded=[]) for n in range(ROUNDS) for frame in office
    ]
    made.write_bytes(dump(frames, switches=["s1"]))
    return made


def source(file: Path) -> RecordedSource:
    excerpts = Excerpts(IndexedCapture(file), Timeline(), file.parent, most_frames=640)
    excerpts.begin()
    return RecordedSource(excerpts, file.name, file.parent, file)


async def until_found(app: TraceApp, pilot: Pilot[None]) -> None:
    """Wait until nothing more is to be looked at."""
    while app._looking_on._active.is_set():
        await pilot.pause(0.01)
    await pilot.pause()


def test_the_first_frames_are_shown_before_the_rest_is_known(file: Path) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await until_found(app, pilot)
        assert title(app) == f" long.pcapng  ·  {ROUNDS * FIRST} of {ROUNDS * FIRST} frames"

    made = source(file)
    app = TraceApp(made)
    assert app.recorded.share < 1
    play(made, steps)


def test_a_filter_finds_on_and_keeps_the_frame_that_was_chosen(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tui, "LOOK_ON_S", 3600.0)  # it looks on when the test says so

    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await pilot.press("g", *"1500", "enter")
        assert number_of(app) == 1501, "1500 is no first sighting"
        chosen = next(each.number for each in app.table.frames if each.number > 1500 and each.packet.dns)
        await pilot.press("g", *str(chosen), "enter")
        await pilot.press("slash")
        app.query_one("#ask", Input).value = "dns"
        await pilot.press("enter")
        assert "looking on" in title(app)
        while app._looking_on._active.is_set():
            app._look_on()
            await pilot.pause()
        assert {frame.packet.protocol for frame in app.table.frames} == {"DNS"}
        assert number_of(app) == chosen and "looking on" not in title(app)
        assert any(str(chosen) in row for row in rows(app))

    play(source(file), steps)


def test_who_chooses_another_frame_meanwhile_is_left_there(file: Path) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await pilot.press("g", *"1600", "enter", "slash")
        app.query_one("#ask", Input).value = "dns or arp"
        await pilot.press("enter", "home", "down")
        here = number_of(app)
        await until_found(app, pilot)
        assert number_of(app) == here

    play(source(file), steps)


def test_the_end_is_gone_to_though_it_was_not_known(file: Path) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await pilot.press("end")
        last = number_of(app)
        assert last > (ROUNDS - 1) * 146
        await pilot.press("e")
        await until_found(app, pilot)
        assert number_of(app) == last and f"{ROUNDS * 146} of" in title(app)

    play(source(file), steps)


def test_a_filter_that_can_not_be_told_here_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await pilot.press("slash")
        app.query_one("#ask", Input).value = "tcp.stream=0"
        await pilot.press("enter")
        await until_found(app, pilot)
        [told] = app._notifications
        assert "tcp.stream counts the connections of a whole recording" in told.message
        assert len(app.table.frames) == ROUNDS * FIRST and "filter" not in title(app)

    made = source(file)
    monkeypatch.setattr(made.excerpts.numbering._numbers, "_most", 1)
    play(made, steps)


def test_a_file_that_is_cut_off_under_it_is_told(file: Path) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await until_found(app, pilot)
        with file.open("r+b") as cut:
            cut.truncate(5000)
        await pilot.press("end")
        await pilot.pause()
        assert "the file was changed meanwhile" in title(app) and "\n" not in title(app)
        row = next(each for each in rows(app) if "the file was changed meanwhile" in each)
        assert "\n" not in row and len(row) == app.table.size.width

    play(source(file), steps)


def test_a_file_cut_in_the_middle_says_so_when_its_end_is_known(file: Path) -> None:
    with file.open("r+b") as cut:
        cut.truncate(file.stat().st_size - 10)

    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await until_found(app, pilot)
        assert "the file is cut off after frame 1751" in title(app)

    play(source(file), steps)
