"""The waterfall, the plots and the verbs that show them, over recordings whose stalls are known."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lan.cli.command_line import main
from lan.trace import pcapng_writing
from lan.trace.frame import Direction, Frame
from lan.trace.stalls.attribution import Facts
from lan.trace.timeline import Timeline
from lan.trace.views import plots, waterfall, waterfall_svg
from lan.trace.views.waterfall import Row

from .dialogues import Talk, question, timeline, told

NAGLE = "0 pc1 SYN / 0.1 web SYN+ACK / 100.1 pc1 ACK / 100.2 pc1 ACK half / "
NAGLE += "100.3 web ACK / 200.3 pc1 ACK end / 200.4 web ACK response"
AGAIN = "0 pc1 SYN / 0.1 web SYN+ACK / 0.2 pc1 ACK / 0.3 pc1 ACK request / 200.3 pc1 ACK seq=1 request / "
ANSWER = "200.4 web ACK response / 200.5 pc1 FIN+ACK / 200.6 web FIN+ACK / 200.7 pc1 ACK"
SVG = "{http://www.w3.org/2000/svg}"
Run = Callable[..., tuple[int, str]]


def rows(frames: Timeline) -> list[Row]:
    return waterfall.rows(frames, frames, Facts())


def lines(frames: Timeline, width: int) -> list[str]:
    return [text for text, _ in waterfall.draw(rows(frames), width)]


def titles(svg: str) -> list[str]:
    return [title.text or "" for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_waterfall_fits_its_terminal(width: int) -> None:
    drawn = lines(told(NAGLE), width)
    assert max(map(len, drawn)) <= width
    assert drawn[1].startswith("  0 pc1 → web  GET / → 200, 2 B") and drawn[1].endswith("300.4 ms")


def test_below_the_phases_stand_the_causes_in_letters_and_then_in_words() -> None:
    """A third each: the way out and connecting, Nagle while it was sent, the way back."""
    _, _, phases, causes, *words = lines(told(NAGLE), 64)
    assert (phases.count("c"), phases.count("s"), phases.count("█")) == pytest.approx((30, 20, 10), abs=1)
    assert (causes.count("H"), causes.count("N"), causes.count("-")) == pytest.approx((20, 20, 20), abs=1)
    assert "    N     100.1 ms  Nagle: 2 bytes wait for the ACK of byte 27" in words


def test_a_pause_begins_another_axis_and_what_overlaps_shares_one() -> None:
    near = list(Talk(ports=(40000, 80)).frames(AGAIN + ANSWER))
    beside = [
        (time_ns + 50_000_000, data, who) for time_ns, data, who in Talk(ports=(40001, 80)).frames(AGAIN + ANSWER)
    ]
    later = [(time_ns + 9 * 10**9, data, who) for time_ns, data, who in Talk(ports=(40002, 80)).frames(AGAIN + ANSWER)]
    found = rows(timeline(near, beside, later))
    assert [len(group) for group in waterfall.groups(found)] == [2, 1]
    assert [row.number for row in found] == [0, 1, 2]
    assert any(text.endswith("after 9.000 s") for text in lines(timeline(near, beside, later), 80))


def test_a_scale_stands_above_the_bars_that_it_measures_behind_a_pause_too() -> None:
    """The handshake begins at 50 ms and Nagle holds from 150 on: so says the axis, however much is written behind."""
    later = [(time_ns + 9 * 10**9, data, who) for time_ns, data, who in Talk(ports=(40002, 80)).frames(NAGLE)]
    drawn = lines(timeline(list(Talk(ports=(40000, 80)).frames(AGAIN + ANSWER)), later), 80)
    [at] = [at for at, text in enumerate(drawn) if " ms after " in text]
    axis, causes = drawn[at], drawn[at + 3]
    assert axis.index("50") == pytest.approx(causes.index("H"), abs=1)
    assert axis.index("150") == pytest.approx(causes.index("N"), abs=1)


@pytest.mark.parametrize("width", [20, 80])
def test_a_time_that_is_centuries_away_has_a_scale_too(width: int) -> None:
    first, *rest = Talk().frames(AGAIN + ANSWER)
    assert lines(timeline([first], [(time_ns + 10**19, data, who) for time_ns, data, who in rest]), width)


def test_a_looked_up_name_is_a_phase_of_its_own() -> None:
    shifted = [(time_ns + 130_000_000, data, who) for time_ns, data, who in Talk().frames(AGAIN + ANSWER)]
    [row] = rows(timeline(question(5, answer_ms=125), shifted))
    assert [name for name, _, _ in row.phases] == ["dns", "queue", "connect", "queue", "send", "wait", "receive"]
    assert row.phases[0][2] - row.phases[0][1] == 120_000_000


def test_the_waterfalls_picture_is_whole_and_says_each_gap() -> None:
    assert any("Nagle: 2 bytes wait" in title for title in titles(waterfall_svg.draw(rows(told(NAGLE)))))
    assert titles(waterfall_svg.draw([])) == []


@pytest.mark.parametrize("kind", sorted(plots.PLOTS))
def test_a_plot_is_whole_and_has_the_stalls_behind_it(kind: str) -> None:
    frames = told(AGAIN + ANSWER)
    svg = plots.draw(kind, frames.tcp[0], frames, Facts(), sender=frames.tcp[0].client)
    assert any(title.startswith("retransmission time-out: ") for title in titles(svg))
    assert f"{kind}: pc1 10.0.0.1:40000" in "".join(ElementTree.fromstring(svg).itertext())


@pytest.mark.parametrize("kind", sorted(plots.PLOTS))
@pytest.mark.parametrize("moved_ms", [-3_600_000, 3_600_000])
def test_a_clock_that_is_set_in_the_midst_of_a_connection_is_drawn_too(kind: str, moved_ms: int) -> None:
    made = Timeline(switches=["s1"])
    for number, (time_ns, data, who) in enumerate(Talk().frames(AGAIN + ANSWER), 1):
        moved_ns = moved_ms * 1_000_000 if number in (5, 6) else 0
        made.add(Frame(number, time_ns + moved_ns, f"s1:{who}", f"{who}:eth0", Direction.IN, data))
    ElementTree.fromstring(plots.draw(kind, made.tcp[0], made, Facts()))
    assert list(waterfall.draw(rows(made), 80))
    ElementTree.fromstring(waterfall_svg.draw(rows(made)))


def test_what_was_sent_again_is_marked_in_the_sequence_plot() -> None:
    frames = told(AGAIN + ANSWER)
    svg = plots.draw("sequence", frames.tcp[0], frames, Facts(), sender=frames.tcp[0].client)
    assert "frame 5: 29 bytes again" in titles(svg)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A verb over a recording of AGAIN: its exit code, and what it said to either stream."""
    file = tmp_path / "again.pcapng"
    file.write_bytes(pcapng_writing.dump(told(AGAIN + ANSWER).all_frames, switches=["s1"]))
    monkeypatch.chdir(tmp_path)

    def call(verb: str, *words: str) -> tuple[int, str]:
        code = main([verb, str(file), *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def test_the_parts_that_json_tells_add_up_to_the_whole(run: Run) -> None:
    code, said = run("stalls", "-t", "0", "--json")
    told_ = json.loads(said)
    assert (code, told_["status"]) == (0, "200")
    assert sum(told_["causes_ms"].values()) == pytest.approx(told_["length_ms"], abs=1e-6)
    [gap] = [gap for gap in told_["gaps"] if gap["cause"] == "retransmission time-out"]
    assert (gap["frames"], gap["is_derived"]) == ([5], True)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["stalls"], 0, "retransmission time-out  200.0  100%"),
        (["stalls", "-t", "0"], 0, "no ACK of the segment came until the sender's timer ran out"),
        (["stalls", "-c", "0"], 0, "and 3 gaps of less than a millisecond"),
        (["stalls", "-t", "7"], 2, "again.pcapng has no transaction 7\n  expected  0 to 0\n  try       lan waterfall"),
        (["waterfall"], 0, "R     200.0 ms  retransmission time-out"),
        (["waterfall", "-n", "0"], 2, "'0' is no number of transactions"),
        (["waterfall", "--svg", "w.gif"], 2, "w.gif: no picture of that kind"),
        (["plot", "--what", "windw"], 2, "there is no plot 'windw'; did you mean 'window'?"),
        (["plot", "--from", "dns"], 2, "dns is no end of this connection\n  expected  pc1 or web"),
        (["plot", "-o", "none/p.svg"], 1, "none/p.svg: No such file or directory"),
        (["plot", "-o", "p.svg"], 0, "p.svg: sequence of TCP"),
        (["timewait"], 0, "10.0.0.1:40000  10.0.0.4:80  60.0"),
        (["timewait", "--at", "0.1s"], 0, "nobody holds a connection in TIME-WAIT"),
        (["timewait", "--kernel"], 2, "--kernel asks a LAN that is up"),
        (["timewait", "--device", "web"], 0, "web holds nothing in TIME-WAIT"),
        (["timewait", "--device", "wbe"], 2, "again.pcapng knows no device 'wbe'; did you mean 'web'?"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)  # fmt: skip
def test_the_verbs_say_what_is_and_what_is_wrong(run: Run, words: list[str], code: int, says: str) -> None:
    verb, *rest = words
    assert (run(verb, *rest)[0], says in run(verb, *rest)[1]) == (code, True), run(verb, *rest)
