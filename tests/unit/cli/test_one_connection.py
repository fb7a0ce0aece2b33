"""`lan flow -c N` of a recording that is too large to be held: as of the whole, by the same number."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lan.cli import one_connection
from lan.cli.command_line import main
from lan.trace import opening
from lan.trace.pcapng import load
from lan.trace.pcapng_writing import Writer, dump

from ..trace.tls_talk import TlsTalk

OFFICE = load(bytes.fromhex((Path(__file__).parents[1] / "trace/office.pcapng.hex").read_text()))
ROUNDS, PAUSE_NS = 4, 60_000_000_000
Say = Callable[..., str]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """What `lan flow` says of the office's day again and again, with or without room for all its frames."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAN_LANG", "en")
    frames = [
        replace(frame, time_ns=frame.time_ns + n * PAUSE_NS, decoded=[]) for n in range(ROUNDS) for frame in OFFICE
    ]
    Path("days.pcapng").write_bytes(dump(frames, switches=["s1"]))

    def call(*words: str, most: int = 250_000, code: int = 0) -> str:
        for where in (opening, one_connection):
            monkeypatch.setattr(where, "MOST_FRAMES", most)
        assert main(["flow", *words]) == code
        said = capsys.readouterr()
        return said.out + said.err

    return call


def test_a_connection_of_a_large_file_is_shown_as_of_the_whole(say: Say) -> None:
    listed = [line for line in say("days.pcapng", "--list").splitlines() if "TCP -c" in line]
    assert "are too many to be held" in say("days.pcapng", most=100, code=2)
    for number in (0, len(listed) // 2, len(listed) - 1):
        whole = say("days.pcapng", "-c", str(number))
        assert say("days.pcapng", "-c", str(number), most=100) == whole and "SYN" in whole
    told = json.loads(say("days.pcapng", "-c", "1", "--json", most=100))
    assert told == json.loads(say("days.pcapng", "-c", "1", "--json")) and told["ok"]


def test_a_connection_of_a_compressed_file_is_shown_whatever_its_size(say: Say) -> None:
    whole = say("days.pcapng", "-c", "2")
    Path("days.pcapng.gz").write_bytes(gzip.compress(Path("days.pcapng").read_bytes()))
    assert say("days.pcapng.gz", "-c", "2") == say("days.pcapng.gz", "-c", "2", most=100) == whole


def test_a_number_that_no_connection_has_is_told_with_those_there_are(say: Say) -> None:
    count = say("days.pcapng", "--list").count("TCP -c")
    for most in (100, 250_000):
        said = say("days.pcapng", "-c", "999", most=most, code=2)
        assert "days.pcapng has no TCP connection 999" in said and f"0 to {count - 1}" in said
    Path("arp.pcapng").write_bytes(dump([frame for frame in OFFICE if frame.packet.arp] * 20))
    for most in (1, 250_000):
        assert "none has been opened yet" in say("arp.pcapng", "-c", "0", most=most, code=2)


def test_a_connection_too_large_to_be_held_says_so(say: Say) -> None:
    said = say("days.pcapng", "-c", "0", most=3, code=2)
    assert "the frames of connection 0 are too many to be held" in said and "--part" in said


def test_a_connection_whose_frames_went_with_the_oldest_files_is_told(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lan.trace.numbering.Numbering.places", lambda self, number: [])
    said = say("days.pcapng", "-c", "0", most=100, code=1)
    assert "the frames of connection 0 are in none of the files that are left" in said and "lan flow --list" in said


def test_a_part_has_numbers_of_its_own(say: Say) -> None:
    assert say("days.pcapng", "-c", "0", "--part", f"{len(OFFICE) + 1}-", most=5000) != say("days.pcapng", "-c", "0")


def test_where_ends_are_too_many_it_says_so(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lan.trace.numbering.MOST_ENDS", 1)
    monkeypatch.setattr("lan.trace.numbering.Numbering.is_full", True)
    assert "too many for connections to be numbered" in say("days.pcapng", "-c", "0", most=100, code=2)


def test_what_tls_hid_is_read_by_the_files_own_secrets(say: Say) -> None:
    talk = TlsTalk(Path())
    talk.say("pc1", b"GET /secret HTTP/1.1\r\nHost: www.lan.test\r\n\r\n")
    made = Writer()
    secret = made.start() + made.interface("s1:eth1", "pc1:eth0", hardware="switch")[1] + made.secrets(talk.key_log)
    Path("tls.pcapng").write_bytes(secret + dump(OFFICE, switches=["s1"]) + dump(talk.frames, switches=["s1"]))
    number = say("tls.pcapng", "--list").count("TCP -c") - 1
    whole = say("tls.pcapng", "-c", str(number))
    assert say("tls.pcapng", "-c", str(number), most=len(talk.frames)) == whole and "GET /secret" in whole


def test_where_no_lan_is_up_the_last_recording_is_offered(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    left = tmp_path / "lan/office/trace.pcapng"
    left.parent.mkdir(parents=True)
    left.touch()
    said = say("-c", "0", code=2)
    assert "no LAN is up" in said and str(left) in said
