"""A recording written for others: reasons as comments, the secrets of its connections, and all of it read back."""

import dataclasses
from pathlib import Path

import pytest

from lan.reasons import Reason
from lan.trace import pcapng_writing
from lan.trace.frame import Direction, Frame
from lan.trace.journey import Journey, Stop
from lan.trace.keylog import KeyLog, LanKeys
from lan.trace.opening import open_capture
from lan.trace.pcapng import Reader
from lan.trace.pcapng_writing import Writer
from lan.trace.timeline import Timeline
from lan.trace.views import export, pcapng_export
from lan.trace.why.saying import Explained

from .tls_talk import TlsTalk

REQUEST = b"GET /secret HTTP/1.1\r\nHost: www.lan.test\r\n\r\n"
OTHER = f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}\n"


@pytest.fixture
def talk(tmp_path: Path) -> TlsTalk:
    talk = TlsTalk(tmp_path)
    talk.say("pc1", REQUEST)
    return talk


def timeline_of(frames: list[Frame], key_log: str = "") -> Timeline:
    timeline = Timeline(switches=["s1"])
    timeline.learn_secrets(key_log)
    timeline.feed(frames)
    return timeline


def told(stop: Stop, journey: Journey) -> list[Explained]:
    return [Explained(2, way, f"test.{way}", Reason("here", f"{stop.device} {way} 물"), True) for way in ("in", "out")]


def test_a_file_holds_the_secrets_of_its_connections_and_no_others(talk: TlsTalk, tmp_path: Path) -> None:
    timeline = timeline_of(talk.frames, OTHER + talk.key_log)
    key_log = pcapng_export.secrets_of(timeline)
    assert key_log
    assert "abab" not in key_log
    assert pcapng_export.secrets_of(timeline, talk.frames[:1]) == key_log
    assert pcapng_export.secrets_of(timeline, []) == ""
    path = tmp_path / "sub" / "file.pcapng"
    path.parent.mkdir()
    path.write_bytes(b"".join(pcapng_export.write(timeline, key_log)))
    assert [transaction.target for transaction in open_capture(path).timeline.http] == ["/secret"]
    path.write_bytes(b"".join(pcapng_export.write(timeline)))
    assert open_capture(path).timeline.http == []


def test_each_frame_says_why_its_sender_sent_it_and_what_its_receiver_did(talk: TlsTalk) -> None:
    timeline = timeline_of(talk.frames[:1])
    reader = Reader()
    [frame] = reader.feed(b"".join(pcapng_export.write(timeline, "", told)))
    assert frame.comment == "pc1, layer 2: pc1 out 물 (test.out, derived)\ns1, layer 2: s1 in 물 (test.in, derived)"
    assert reader.switches == {"s1"}
    logged = dataclasses.replace(frame, comment=frame.comment.replace(", derived", "", 1))
    [again] = Reader().feed(b"".join(pcapng_export.write(timeline_of([logged]), "", told)))
    assert again.comment == logged.comment


def test_what_is_remarkable_about_a_segment_is_in_its_comment(talk: TlsTalk) -> None:
    last = talk.frames[-1]
    again = dataclasses.replace(last, number=last.number + 1, time_ns=last.time_ns + 10**9)
    timeline = timeline_of([*talk.frames, again])
    assert pcapng_export.comment(again, timeline) == f"TCP: retransmission of frame {last.number}"


def test_a_comment_that_is_too_long_ends_with_a_whole_letter(talk: TlsTalk) -> None:
    long = dataclasses.replace(talk.frames[0], comment="물" * 30_000)
    [frame] = Reader().feed(b"".join(pcapng_export.write(timeline_of([long]))))
    assert frame.comment == "물" * (0xFFFF // 3)


def test_the_secrets_of_a_damaged_block_are_read_as_far_as_they_are_there() -> None:
    writer, reader = Writer(), Reader()
    reader.feed(writer.start() + writer.secrets(OTHER) + writer.secrets("half"))
    assert reader.secrets == f"{OTHER}\nhalf\n"
    assert reader.damage == ""
    assert writer.secrets("") == b""


def test_the_files_of_a_lan_are_read_as_they_grow(tmp_path: Path) -> None:
    keys = LanKeys(tmp_path)
    assert keys.fresh() == ""
    for device in ("pc1", "web"):
        (tmp_path / "devices" / device).mkdir(parents=True)
    file = tmp_path / "devices/pc1/tls-keys.log"
    file.write_text(OTHER[:30])
    assert keys.fresh().strip() == ""
    file.write_text(OTHER)
    assert keys.fresh() == f"# of pc1\n{OTHER}"
    assert keys.fresh() == ""
    (tmp_path / "devices/web/tls-keys.log").write_text("# of dns\nweb\n")
    assert keys.fresh() == "# of web\nweb\n"


def test_a_key_log_knows_whose_program_wrote_it_and_says_so_to_those_who_read_it_next() -> None:
    keys = KeyLog(f"# of pc1\n{OTHER}# of web\n{OTHER}{OTHER.replace('ab', 'ef')}")
    assert [keys.owner(bytes.fromhex(each * 32)) for each in ("ab", "ef", "01")] == ["pc1", "web", ""]
    assert KeyLog(keys.text()).owner(bytes.fromhex("ef" * 32)) == "web"
    assert KeyLog(f"{OTHER}# of web\n").text() == OTHER


def test_what_is_in_the_clear_stands_in_the_json_too(talk: TlsTalk) -> None:
    told = export.conversations(timeline_of(talk.frames, talk.key_log))
    [transaction], [session] = told["http"], told["tls"]
    assert (transaction["is_tls"], transaction["position"], transaction["upstream"]) == (True, 1, [])
    assert session["opened"][-1] == {
        "frames": [talk.frames[-1].number],
        "by": "client",
        "text": f"application data, {len(REQUEST)} bytes",
    }


def test_a_key_log_of_any_length_is_written_in_blocks_that_readers_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcapng_writing, "MOST_SECRETS_BYTES", 500)
    lines = [f"CLIENT_RANDOM {n:064} {n:096}\n" for n in range(20)]
    long = f"# {'x' * 600}\n"
    writer, reader = Writer(), Reader()
    reader.feed(writer.start() + writer.secrets("".join(lines[:10]) + long + "".join(lines[10:])))
    assert not reader.damage and reader.secrets.replace("\n\n", "\n") == "".join(lines[:10]) + long + "".join(
        lines[10:]
    )
    assert max(len(part) for part in reader.secret_parts) <= len(long) + 1 and len(reader.secret_parts) > 5


def test_a_comment_that_is_too_long_ends_behind_a_whole_character() -> None:
    writer, reader = Writer(), Reader()
    head = writer.start() + writer.interface("s1:eth1", "pc1:eth0")[1]
    [frame] = reader.feed(head + writer.packet(0, 1, Direction.IN, b"x", comment="물" * 30_000))
    assert frame.comment == "물" * (0xFFFF // 3)
    [frame] = reader.feed(writer.packet(0, 1, Direction.IN, b"x", comment="a" + "물" * 30_000))
    assert frame.comment == "a" + "물" * ((0xFFFF - 1) // 3)
