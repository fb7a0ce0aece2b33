"""The window of a frame: layers in and out at each device, where reasons go, fields and bytes."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from lan.reasons import Reason
from lan.trace.frame import Frame
from lan.trace.journey import Journey, Stop
from lan.trace.pcapng import load
from lan.trace.timeline import Timeline
from lan.trace.views import flow_words, pdu, pdu_text
from lan.trace.views.pdu import Window

from .tls_talk import TlsTalk

OFFICE = bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text())
GET = 55
"""pc1's first request, on its first cable."""


@dataclass(frozen=True)
class Why:
    layer: int
    way: str
    code: str
    reason: Reason
    is_derived: bool = False

    @property
    def facts(self) -> dict[str, str]:
        return dict(self.reason.facts)


@pytest.fixture(scope="module")
def office() -> Timeline:
    timeline = Timeline(switches=["s1"])
    timeline.feed(load(OFFICE))
    return timeline


def nothing(stop: Stop, journey: Journey) -> list[Why]:
    return []


def of(office: Timeline, number: int, explain: pdu.Explain = nothing) -> list[Window]:
    return pdu.windows(office.journey_of(office.frames[number - 1]), office, explain)


def text(windows: list[Window], width: int = 80) -> list[str]:
    return [line for window in windows for line in pdu_text.window(window, width)]


def test_each_device_on_the_way_shows_what_it_read(office: Timeline) -> None:
    first, switch, last = of(office, GET)
    assert [(each.device, each.kind.value) for each in (first, switch, last)] == [
        ("pc1", "origin"), ("s1", "switch"), ("web", "end")
    ]  # fmt: skip
    assert first.inside is None and last.outside == ()
    assert switch.inside is not None and last.inside is not None
    assert [line.layer.number for line in first.outside[0].lines] == [7, 4, 3, 2, 1]
    assert [line.layer.number for line in switch.inside.lines] == [2, 1]
    assert last.inside.lines[0].layer.title == "HTTP request, GET / HTTP/1.1"
    assert switch.outside[0].lines[-1].layer.title.startswith("Port eth")


def test_copies_of_a_flood_are_one_side_with_all_its_ports(office: Timeline) -> None:
    _, switch, *ends = of(office, 1)
    [half] = switch.outside
    assert len(half.frames) == 3 == len(ends)
    assert half.lines[-1].layer.title.split()[0] == "Port" and len(half.lines[-1].layer.title.split()) == 4


def test_a_reason_stands_at_its_layer_and_side(office: Timeline) -> None:
    hit = Why(2, "out", "switch.hit", Reason("802.1D §7.7", "known unicast: table hit on port 4"))
    listens = Why(4, "in", "tcp.listen", Reason("RFC 9293", "a connection is there"), is_derived=True)
    _, switch, last = of(office, GET, lambda stop, _: [hit] if stop.device == "s1" else [listens])
    assert switch.inside is not None and last.inside is not None
    assert [line.reasons for line in switch.inside.lines] == [(), ()]
    assert [line.reasons for line in switch.outside[0].lines] == [(hit,), ()]
    assert [line.reasons for line in last.inside.lines if line.layer.number == 4] == [(listens,)]
    shown = "\n".join(text([switch, last]))
    assert "· known unicast: table hit on port" in shown and "~ a connection is there (RFC 9293)" in shown


def test_a_reason_of_a_layer_that_is_not_there_is_shown_all_the_same(office: Timeline) -> None:
    deep = Why(7, "in", "x", Reason("S", "nobody listens"))
    low = Why(1, "out", "y", Reason("S", "the cable is pulled"))
    _, switch, last = of(office, GET, lambda stop, _: [deep, low])
    assert switch.inside is not None
    assert [line.reasons for line in switch.inside.lines] == [(deep,), ()]
    assert "the cable is pulled" in "\n".join(text([last])), "why nothing went out, where nothing did"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_two_columns_fit_the_terminal(office: Timeline, width: int) -> None:
    told = text(of(office, GET), width)
    assert max(len(line) for line in told) <= width
    middle = {line.index("│") for line in told if "│" in line}
    assert len(middle) == 1


def test_fields_have_byte_ranges_and_their_bytes_are_shown(office: Timeline) -> None:
    frame = office.frames[GET - 1]
    [http] = pdu_text.chosen(frame, None, office)
    assert http.header is not None and http.header.protocol == "HTTP"
    told = list(pdu_text.fields(http, 80))
    assert told[0].startswith("7 HTTP request, GET / HTTP/1.1   bytes 66–")
    assert any("Host" in line and "www.ark-inflearn.com" in line for line in told)
    dump = list(pdu_text.hexdump(frame.data, http.header.start, http.header.end))
    assert dump[0] == "  0042  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  GET / HTTP/1.1.."
    assert bytes.fromhex("".join(line[8:57] for line in dump)) == frame.data[http.header.start : http.header.end]


def test_a_layer_is_chosen_by_number_or_protocol(office: Timeline) -> None:
    def protocols(frame: Frame, layer: str | None) -> list[str]:
        return [one.header.protocol for one in pdu_text.chosen(frame, layer, office) if one.header]

    frame = office.frames[GET - 1]
    assert protocols(frame, "4") == protocols(frame, "TCP") == ["TCP"]
    assert protocols(frame, "all") == ["Ethernet", "IPv4", "TCP", "HTTP"]
    assert protocols(frame, "udp") == []


def test_equal_lines_of_bytes_are_shown_once() -> None:
    assert list(pdu_text.hexdump(bytes(64), 0, 64))[1:] == [
        "  *     the same again",
        "  0030  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  ................",
    ]


def test_the_windows_as_json_name_frames_layers_and_reasons(office: Timeline) -> None:
    why = Why(2, "out", "switch.hit", Reason("802.1D §7.7", "table hit", port="4"), is_derived=True)
    told = json.loads(json.dumps(pdu.as_json(of(office, GET, lambda stop, _: [why]))))
    assert [each["device"] for each in told] == ["pc1", "s1", "web"]
    assert told[0]["in"] is None and told[2]["out"] == []
    [reason] = told[1]["out"][0]["layers"][0]["reasons"]
    assert reason == {
        "code": "switch.hit", "source": "802.1D §7.7", "text": "table hit", "facts": {"port": "4"}, "is_derived": True
    }  # fmt: skip


CLEAR = "HTTP request, GET /a HTTP/1.1, decrypted by the key log that was given"


def test_what_tls_hides_is_shown_where_the_secrets_are_known(tmp_path: Path) -> None:
    talk = TlsTalk(tmp_path)
    talk.say("pc1", b"GET /a HTTP/1.1\r\nHost: www.lan.test\r\n\r\n")
    closed, opened = Timeline(switches=["s1"]), Timeline(switches=["s1"])
    opened.learn_secrets(talk.key_log)
    for timeline, words in ((closed, ["TLS, 1 record"]), (opened, [CLEAR])):
        timeline.feed(talk.frames)
        [first, *_] = pdu.windows(timeline.journey_of(timeline.frames[-1]), timeline, nothing)
        assert [line.layer.title for line in first.outside[0].lines][:1] == words
        arrow = flow_words.words(timeline.frames[-1], timeline, flow_words.in_clear(timeline))
        assert arrow.startswith("HTTPS GET /a · " if timeline is opened else "TLS application data")
