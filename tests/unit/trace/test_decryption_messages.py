"""HTTP inside HTTPS: filters find it; table, window and JSON show it and say by whose key log."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from lan.cli.command_line import main
from lan.language.catalogue import ENGLISH
from lan.trace.decryption_messages import clear_messages
from lan.trace.filter import compile_filter
from lan.trace.frame import Direction, Frame
from lan.trace.journey import Journey, Stop
from lan.trace.timeline import Timeline
from lan.trace.views import export, html, pcapng_export, pdu, pdu_text, table
from lan.trace.why import Decisions, Explainer

from .tls_talk import TlsTalk

REQUEST = b"GET /secret HTTP/1.1\r\nHost: www.lan.test\r\n\r\n"
RESPONSE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
BY = "decrypted by the key log of pc1"


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> TlsTalk:
    talk = TlsTalk(tmp_path_factory.mktemp("tls"))
    talk.say("pc1", REQUEST)
    talk.say("web", RESPONSE)
    return talk


def hops(frames: list[Frame]) -> Iterator[Frame]:
    """Each frame as the switch got it, and as it sent it on by its other port."""
    numbers = count(1)
    for frame in frames:
        to = "web" if frame.port == "s1:pc1" else "pc1"
        yield replace(frame, number=next(numbers))
        yield replace(frame, number=next(numbers), port=f"s1:{to}", peer=f"{to}:eth0", direction=Direction.OUT)


def opened(talk: TlsTalk, key_log: str = "") -> Timeline:
    timeline = Timeline(switches=["s1"])
    timeline.learn_secrets(key_log)
    timeline.feed(hops(talk.frames))
    return timeline


@pytest.fixture
def clear(talk: TlsTalk) -> Timeline:
    return opened(talk, f"# of pc1\n{talk.key_log}")


def found(text: str, timeline: Timeline) -> list[Frame]:
    wanted = compile_filter(text)
    return [frame for frame in timeline.all_frames if wanted(frame, timeline)]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ('http.request.uri == "/secret"', 1),
        ("http.method = GET and tls", 1),
        ("http.response.code == 404", 1),
        ("http.host = www.lan.test", 1),
        ("http", 2),
        ("http.request or http.response", 2),
        ("info contains 'GET /secret'", 1),
        ("http.uri = /other", 0),
    ],
)
def test_a_filter_finds_http_inside_https_on_every_cable(
    text: str, messages: int, talk: TlsTalk, clear: Timeline
) -> None:
    assert len(found(text, clear)) == 2 * messages
    assert found(text, opened(talk)) == []


def test_secrets_that_come_later_open_what_has_passed(talk: TlsTalk) -> None:
    timeline = opened(talk)
    timeline.learn_secrets(talk.key_log)
    assert len(found("http.request", timeline)) == 2


def test_the_table_says_what_was_hidden_and_by_whose_key_log(clear: Timeline) -> None:
    [request, response] = [table.row(frame, clear) for frame in found("http", clear)[::2]]
    assert (request.protocol, request.words) == ("TLS", f"GET /secret HTTP/1.1, {BY}")
    assert response.words == f"HTTP/1.1 404 Not Found, {BY}"


def nothing(stop: Stop, journey: Journey) -> list[pdu.Explained]:
    return []


def test_the_window_has_the_layer_at_both_ends_and_not_at_the_switch(clear: Timeline) -> None:
    journey = clear.journey_of(found("http.request", clear)[0])
    sent, switched, got = pdu.windows(journey, clear, nothing)
    for half in (sent.outside[0], got.inside):
        assert half is not None
        assert [line.layer.number for line in half.lines] == [7, 6, 4, 3, 2, 1]
        assert half.lines[0].layer.title == f"HTTP request, GET /secret HTTP/1.1, {BY}"
    assert switched.inside is not None and [line.layer.number for line in switched.inside.lines] == [2, 1]


def test_its_fields_and_bytes_are_those_of_what_was_hidden(clear: Timeline) -> None:
    frame = found("http.request", clear)[1]
    [layer] = pdu_text.chosen(frame, None, clear)
    assert layer.data == REQUEST
    lines = list(pdu_text.fields(layer, 100))
    assert lines[0] == f"7 HTTP request, GET /secret HTTP/1.1, {BY}   bytes 0–{len(REQUEST) - 1} of what TLS hid"
    assert any("Host" in line and "www.lan.test" in line for line in lines)
    assert [each.number for each in pdu_text.chosen(frame, "all", clear)] == [2, 3, 4, 6, 7]


def test_the_json_of_a_frame_has_it_with_bytes_of_its_own(clear: Timeline, talk: TlsTalk) -> None:
    [told] = export.event(found("http.response", clear)[0], clear)["decrypted"]
    assert (told["protocol"], told["by"], bytes.fromhex(told["data"])) == ("HTTP", BY, RESPONSE)
    assert {"name": "Content-Length", "text": "2", "start": 24, "end": 43} in told["fields"]
    assert export.event(clear.all_frames[0], clear)["decrypted"] == []


def test_the_page_shows_its_fields_and_its_own_bytes(clear: Timeline) -> None:
    told = html.recording(clear.all_frames, clear, nothing, name="x")
    event = next(each for each in told["events"] if "GET /secret" in each["info"])
    *_, hidden = told["packets"][event["packet"]]["layers"]
    assert (hidden["layer"], bytes.fromhex(hidden["data"])) == (7, REQUEST)
    assert hidden["title"].endswith(BY) and ["Host", "www.lan.test", 22, 42] in hidden["fields"]
    assert all(layer["data"] is None for layer in told["packets"][0]["layers"])


def test_two_messages_in_one_record_are_both_there(talk: TlsTalk, tmp_path: Path) -> None:
    other = TlsTalk(tmp_path)
    other.say("pc1", REQUEST + REQUEST.replace(b"secret", b"second"))
    timeline = opened(other, other.key_log)
    [frame, _] = found("http.uri = /second and http.uri = /secret", timeline)
    assert [one.head.target for one in clear_messages(frame, timeline)] == ["/secret", "/second"]
    assert clear_messages(frame, timeline)[0].by == "decrypted by the key log that was given"


@pytest.mark.parametrize(("locale", "by"), [("C", BY), ("ko_KR.UTF-8", "pc1의 키 로그로 복호화")])
def test_a_file_that_holds_its_secrets_shows_them_in_every_verb(
    locale: str, by: str, clear: Timeline, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in ("LAN_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", locale)
    monkeypatch.setenv("COLUMNS", "140")
    file = tmp_path / "secret.pcapng"
    file.write_bytes(b"".join(pcapng_export.write(clear, pcapng_export.secrets_of(clear))))
    number = found("http.request", clear)[0].number
    assert main(["pdu", str(number), str(file)]) == 0
    assert by in " ".join(capsys.readouterr().out.split())
    assert main(["pdu", str(number), str(file), "--layer", "http"]) == 0
    assert "47 45 54 20 2f 73 65 63  72 65 74 20" in capsys.readouterr().out
    assert main(["trace", str(file), "--filter", 'http.request.uri == "/secret"']) == 0
    assert f"GET /secret HTTP/1.1, {BY}" in capsys.readouterr().out


def reads(talk: TlsTalk, targets: Sequence[str]) -> list[tuple[str, bool]]:
    """What the server is said to read, and whether by the packet alone; its log has these requests at the end."""
    end_s, client = talk.frames[-1].time_ns / 1e9, f"192.168.100.1:{talk.talk.ports['pc1']}"
    decisions = Decisions()
    for number, target in enumerate(targets):
        reason = {"source": "RFC 9112 §3", "text": f"number {number}", "facts": {}}
        keys = {"client": client, "method": "GET", "target": target}
        record = {"time_s": end_s + number / 1e3, "service": "http", "what": "request", "reason": reason, **keys}
        decisions.add("web", [json.dumps(record)])
    timeline = Timeline(switches=["s1"])
    timeline.learn_secrets(talk.key_log)
    timeline.feed(hops(talk.frames))
    explainer = Explainer(timeline, decisions, ENGLISH)
    return [
        (str(one.reason.text), one.is_derived)
        for journey in timeline.journeys
        for stop in journey.stops
        for one in explainer.explain(stop, journey)
        if one.code == "http.reads"
    ]


def test_of_equal_requests_each_has_a_line_of_its_own(tmp_path: Path) -> None:
    """They were sent one after the other, and the log has them when all had come."""
    talk = TlsTalk(tmp_path)
    asked = [f"GET {path} HTTP/1.1\r\nHost: www.lan.test\r\n\r\n".encode() for path in ("/a", "/b")]
    for request in (asked[0], asked[0], asked[1], asked[0]):
        talk.say("pc1", request)
    assert reads(talk, ("/a", "/a", "/b", "/a")) == [
        (f"the server reads GET /{path}: number {number}", False) for number, path in enumerate("aaba")
    ]


def test_a_server_reads_each_request_in_its_frame_though_its_log_has_them_later(tmp_path: Path) -> None:
    talk = TlsTalk(tmp_path)
    asked = [f"{method} HTTP/1.1\r\nHost: www.lan.test\r\n\r\n".encode() for method in ("GET /a", "GET /b", "GET /a")]
    for request in (asked[0], asked[1] + asked[2], REQUEST):
        talk.say("pc1", request)
    told = reads(talk, ("/a", "/b", "/a"))
    assert told == [
        ("the server reads GET /a: number 0", False),
        ("the server reads GET /b: number 1", False),
        ("the server reads GET /a: number 2", False),
        ("the server reads GET /secret: the packet says so, the device's log is not here", True),
    ]
