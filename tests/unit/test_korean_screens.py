"""What verbs draw in Korean stands in its columns: a syllable takes two cells, in lists, ladders, screens, help."""

import asyncio
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from lan.cli.command_line import main, overview
from lan.cli.screen import Screen
from lan.cli.source import Source
from lan.cli.step_screen import FOOT
from lan.language.catalogue import language
from lan.trace.opening import open_capture
from lan.trace.timeline import Timeline
from lan.trace.views import flow, flow_svg, flow_text, html, table
from lan.trace.views.cells import cells
from lan.trace.views.flow import Arrow, Diagram
from lan.tui.app import TraceApp

OFFICE = Path(__file__).parent / "trace" / "office.pcapng.hex"
KOREAN = language("ko")
WIDTH = 80


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The office's capture, in a Korean locale."""
    for name in ("LAN_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "office.pcapng"
    path.write_bytes(bytes.fromhex(OFFICE.read_text()))
    return path


@pytest.fixture
def office(file: Path) -> Timeline:
    return open_capture(file).timeline


def cell_of(line: str, word: str) -> int:
    return cells(line[: line.index(word)])


def test_titles_of_the_list_stand_above_their_columns(office: Timeline) -> None:
    columns = table.columns(office, KOREAN)
    row = next(iter(table.rows(office)))
    line = columns.line(row)
    assert cell_of(columns.head, "이전 장치") == cell_of(line, row.source)
    assert cell_of(columns.head, "현재 장치") == cell_of(line, row.destination)
    assert cell_of(columns.head, "종류") == cell_of(line, row.protocol)
    assert cell_of(columns.head, "내용") == cell_of(line, row.words)


def test_lifelines_stand_under_words_of_two_cells(office: Timeline) -> None:
    plain = flow.diagram(office.all_first_sightings, office, is_whole=True)
    wide = Diagram(plain.columns, [Arrow(each.frame, each.time_ms, each.source, each.destination, "재전송 " * at)
                                   for at, each in enumerate(plain.arrows[:12])])  # fmt: skip
    lines = [line for line, _ in flow_text.draw(wide, WIDTH)]
    assert max(map(cells, lines)) <= WIDTH
    places = {cell_of(line, sign) for line in lines[1:-1] for sign in ("│", "┼") if line.endswith("│") and sign in line}
    heads = [cell_of(lines[0], name) + len(name) // 2 for name in wide.columns]
    assert places and min(places) in heads
    assert "<svg" in flow_svg.draw(wide)


def test_a_long_run_is_summed_up_in_korean(office: Timeline) -> None:
    drawn = flow.diagram(office.all_first_sightings, office, language=KOREAN)
    english = flow.diagram(office.all_first_sightings, office)
    assert [arrow.count for arrow in drawn.arrows] == [arrow.count for arrow in english.arrows]
    said = [arrow.words for arrow in drawn.arrows if arrow.count > 1]
    assert all("세그먼트" in words for words in said)


def test_a_page_speaks_the_readers_language_and_its_recording_stays_as_it_is(office: Timeline) -> None:
    def nothing(*_: object) -> list[object]:
        return []

    frames = office.all_frames[:4]
    korean = html.page(frames, office, nothing, name="x", language=KOREAN)  # type: ignore[arg-type]
    assert '<html lang="ko">' in korean and "이전 장치" in korean and "▶ 재생" in korean
    plain = html.page(frames, office, nothing, name="x")  # type: ignore[arg-type]
    assert '<html lang="en">' in plain and "<span>last device</span>" in plain
    assert html.recording(frames, office, nothing, name="x", language=KOREAN) == html.recording(  # type: ignore[arg-type]
        frames,
        office,
        nothing,
        name="x",  # type: ignore[arg-type]
    )


def test_the_full_screen_speaks_korean_within_its_cells(file: Path) -> None:
    source = Source(open_capture(file).timeline, file.name, file.parent, file)

    async def whole() -> None:
        app = TraceApp(source)
        async with app.run_test(size=(WIDTH, 24)) as pilot:
            await look(app, pilot)

    async def look(app: TraceApp, pilot: Pilot[None]) -> None:
        await pilot.pause()
        assert "프레임 64개 가운데 64개" in str(app.query_one("#title", Static).render())
        assert str(app.query_one("#head", Static).render()).split()[:2] == ["번호", "시각"]
        shown = {each.binding.description for each in app.screen.active_bindings.values() if each.binding.show}
        assert {"필터", "모든 홉", "바이트"} <= shown
        await pilot.press("n", "n", "n", "n", "n", "n")

    asyncio.run(whole())


def test_stepping_speaks_korean_and_its_foot_fits(file: Path, capsys: pytest.CaptureFixture[str],
                                                  monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("sys.stdin", io.StringIO("next\nbreaks\nbreak dns\nto arp\nlast\nnext\nhelp\n"))
    assert main(["step", str(file)]) == 0
    said = capsys.readouterr().out
    assert "정해진 중단점이 없습니다" in said and "중단점 1: dns" in said and "여기서 기록이 끝납니다" in said
    assert "break FILTER: run과 play가 멈출 곳" in said
    assert cells(" 64/64  " + KOREAN.say(FOOT)) <= WIDTH


def test_help_stands_in_its_columns_and_fits(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert max(map(cells, overview(WIDTH).splitlines()[2:-1])) <= WIDTH
    for verb in ("up", "trace", "step", "stalls", "link"):
        with pytest.raises(SystemExit):
            main([verb, "--help"])
        said = capsys.readouterr().out
        assert "사용법: " in said and "이 도움말을 보여 주고 끝납니다" in said
        assert max(map(cells, said.split("\n\n", 1)[1].splitlines()[1:])) <= WIDTH
    assert main(["upp"]) == 2
    assert capsys.readouterr().err.startswith("lan: lan에 'upp' 명령이 없습니다; 혹시 'up' 아닌가요?\n  필요  ")


def test_what_programs_read_of_an_error_is_the_same_in_every_language(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["pdu", "1000", str(file), "--json"]) == 2
    korean = capsys.readouterr().out
    monkeypatch.setenv("LANG", "C.UTF-8")
    assert main(["pdu", "1000", str(file), "--json"]) == 2
    assert capsys.readouterr().out == korean


def test_a_device_named_as_a_word_is_no_title(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    Screen().table(["state", "frames"], [["up", "1"], ["dns", "2"]], "dns")
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["dns", "상태", "켜짐", "dns"]


def test_no_catalogue_is_read_before_somebody_reads_a_word_of_it() -> None:
    """`lan --version` and the first moments of `lan run` cost as much as before."""
    told = subprocess.run(
        [sys.executable, "-c", "import sys; from lan.cli.command_line import main; main(['--version']); "
         "print([name for name in sys.modules if name.startswith('lan.language')])"],
        capture_output=True, text=True, check=True, env={**os.environ, "LAN_LANG": "ko"},
    )  # fmt: skip
    assert told.stdout.splitlines()[1] == "[]"
