"""What of a capture can't be seen is told where its frames are: frames cut by --snaplen say why HTTP is missing."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lan.cli.command_line import main
from lan.cli.verbs import trace
from lan.trace.excerpts import Excerpts
from lan.trace.indexed import IndexedCapture
from lan.trace.notes import cut_to_bytes
from lan.trace.pcapng import load
from lan.trace.pcapng_writing import dump
from lan.trace.timeline import Timeline
from lan.trace.views import html

OFFICE = bytes.fromhex((Path(__file__).parents[1] / "trace/office.pcapng.hex").read_text())
NOTE = "note: the capture kept 96 bytes of each frame at most: what lies behind them, such as HTTP, is not seen"
LEAST = 96
Say = Callable[..., str]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """What a verb says; beside it lie a recording, and the same with frames cut."""
    frames = load(OFFICE)
    monkeypatch.chdir(tmp_path)
    Path("whole.pcapng").write_bytes(dump(frames, switches=["s1"]))
    cut = [replace(frame, data=frame.data[:LEAST], decoded=[]) for frame in frames]
    Path("cut.pcapng").write_bytes(dump(cut, switches=["s1"]))

    def call(words: str, language: str = "en") -> str:
        monkeypatch.setenv("LAN_LANG", language)
        assert main(words.split()) == 0
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize(
    "words",
    ["trace", "trace --part 1-", "trace --html page.html", "trace --pcap copy.pcapng", "flow", "flow --list",
     "flow -c 0", "waterfall", "pdu 20", "stalls", "plot -o plot.svg", "timewait"],
)  # fmt: skip
def test_who_looks_at_cut_frames_is_told_why_layers_are_missing(words: str, say: Say) -> None:
    verb, *rest = words.split()
    at = 1 if verb == "pdu" else 0
    cut, whole = (" ".join([verb, *rest[:at], f"{name}.pcapng", *rest[at:]]) for name in ("cut", "whole"))
    assert say(cut).count(NOTE) == 1
    assert "note: " not in say(whole)
    korean = say(cut, "ko")
    assert re.search("참고: .*96바이트", korean) and "note:" not in korean


def test_the_page_says_it_too(say: Say) -> None:
    say("trace cut.pcapng --html page.html")
    recording = re.search(r'id="recording">(.*)</script>', Path("page.html").read_text())
    assert recording is not None
    assert json.loads(recording[1])["notes"] == [NOTE.removeprefix("note: ")]
    assert '"notes":[]' in html.page([], Timeline(), lambda stop, journey: [], name="x")


def test_a_note_of_damage_is_told_in_korean_too(say: Say) -> None:
    whole = Path("whole.pcapng").read_bytes()
    Path("half.pcapng").write_bytes(whole[: len(whole) // 2 + 2])
    assert "note: the file is cut off after frame" in say("trace half.pcapng")
    assert re.search("참고: 파일이 프레임 .* 뒤에서 잘렸습니다", say("trace half.pcapng", "ko"))
    assert re.search("참고: 파일이 프레임 .* 뒤에서 잘렸습니다", say("flow half.pcapng", "ko"))


@pytest.mark.parametrize("name", ["pcapng", "classic"])
def test_the_index_knows_how_much_was_kept_as_far_as_it_goes(name: str, say: Say) -> None:
    file = Path("cut.pcapng")
    frames = load(file.read_bytes())
    if name == "classic":
        head = bytes.fromhex("d4c3b2a1 02000400 00000000 00000000 00000400 01000000")
        records = b"".join(
            b"".join(each.to_bytes(4, "little") for each in (0, 0, len(frame.data), frame.length)) + frame.data
            for frame in frames
        )
        file.write_bytes(head + records)
    first = next(at for at, frame in enumerate(frames, 1) if len(frame.data) < frame.length)
    with IndexedCapture(file) as index:
        index.walk(first - 1)
        assert index.cut_to_bytes == 0
        index.walk(first)
        assert index.cut_to_bytes == LEAST
        assert cut_to_bytes(index.frames(0, len(index))) == LEAST


def test_a_file_that_is_cut_off_while_it_is_read_is_told_with_what_to_do(
    say: Say, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = Excerpts.begin

    def cut(excerpts: Excerpts) -> None:
        begin(excerpts)
        excerpts.know()
        with Path("copy.pcapng").open("r+b") as file:
            file.truncate(9000)

    monkeypatch.setattr(Excerpts, "begin", cut)
    monkeypatch.setattr(trace, "HELD_FRAMES", 64)
    for language, told, what_to_do in (
        ("en", "the file was changed meanwhile", "look again when nobody changes the file"),
        ("ko", "파일이 그 사이에 바뀌었습니다", "파일을 바꾸는 프로그램이 끝난 뒤에 다시 보기"),
    ):
        Path("copy.pcapng").write_bytes(Path("whole.pcapng").read_bytes())
        monkeypatch.setenv("LAN_LANG", language)
        assert main(["trace", "copy.pcapng"]) == 1
        said = capsys.readouterr().err
        assert told in said and what_to_do in said
