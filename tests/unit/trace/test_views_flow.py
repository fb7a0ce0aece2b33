"""The ladder diagram: which devices have columns, what arrows say, how text and picture are drawn."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from lan.trace.frame import Direction, Frame
from lan.trace.pcapng import load
from lan.trace.timeline import Timeline
from lan.trace.views import flow, flow_svg, flow_text
from lan.trace.views.flow_words import words

from .talk import Talk, play

OFFICE = bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text())


@pytest.fixture(scope="module")
def office() -> Timeline:
    timeline = Timeline(switches=["s1"])
    timeline.feed(load(OFFICE))
    return timeline


def of(frames: list[Frame]) -> Timeline:
    timeline = Timeline(switches=["s1"])
    timeline.feed(frames)
    return timeline


def lines(drawn: flow.Diagram, width: int = 80) -> list[str]:
    return [line for line, _ in flow_text.draw(drawn, width)]


def test_devices_have_columns_in_the_order_in_which_they_speak(office: Timeline) -> None:
    drawn = flow.diagram(office.all_first_sightings, office)
    assert drawn.columns == ["pc1", "dhcp", "web", "dns"]
    assert sum(arrow.count for arrow in drawn.arrows) == 64
    hops = flow.diagram(office.all_frames, office, every_hop=True)
    assert "s1" in hops.columns and len(hops.arrows) > 64


def test_arrows_speak_in_their_protocols_words(office: Timeline) -> None:
    told = [words(frame, office) for frame in office.all_first_sightings]
    assert [text for text in told if text.startswith("DHCP")] == [
        "DHCP DISCOVER", "DHCP OFFER 192.168.100.1", "DHCP REQUEST 192.168.100.1", "DHCP ACK 192.168.100.1"
    ]  # fmt: skip
    assert "DNS A www.ark-inflearn.com?" in told
    assert "DNS A www.ark-inflearn.com → 192.168.100.253" in told
    assert "HTTP GET / · 65 bytes seq=1 ack=1" in told
    assert "SYN seq=0" in told and "SYN+ACK seq=0 ack=1" in told
    assert any(text.startswith("TLS ClientHello") for text in told)


def test_what_is_remarkable_about_a_segment_is_said() -> None:
    talk = Talk()
    frames = play(talk, "pc1 SYN, web SYN+ACK, pc1 ACK, pc1 ACK 5")
    timeline = of([*frames, talk.say("pc1", "ACK", b"x" * 5, seq=talk.next["pc1"] - 5)])
    assert words(timeline.frames[-1], timeline).startswith("5 bytes seq=1 ack=1 (again) · ")
    assert "retransmission" in words(timeline.frames[-1], timeline)


def test_words_stand_on_the_arrow_or_above_it_where_they_are_longer(office: Timeline) -> None:
    dhcp = [frame for frame in office.all_first_sightings if frame.packet.dhcp]
    drawn = lines(flow.diagram(dhcp, office), 60)
    assert drawn[0].split() == ["pc1", "dhcp"] == drawn[-1].split()
    assert drawn[1].endswith("│────────────── DHCP DISCOVER ──────────────▶│")
    assert drawn[3].endswith("│◀──────── DHCP OFFER 192.168.100.1 ─────────│")
    narrow = lines(flow.diagram(office.all_first_sightings, office), 40)
    at = next(at for at, line in enumerate(narrow) if "DNS A www.ark-inflearn.com →" in line)
    assert "◀" in narrow[at + 1] and "◀" not in narrow[at]


@pytest.mark.parametrize("width", [72, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(office: Timeline, width: int) -> None:
    assert max(len(line) for line in lines(flow.diagram(office.all_first_sightings, office), width)) <= width


def test_a_pause_breaks_the_lifelines(office: Timeline) -> None:
    talk = Talk()
    first, second = talk.say("pc1", "SYN"), talk.say("web", "SYN+ACK")
    late = Frame(2, first.time_ns + 3_200_000_000, second.port, second.peer, Direction.IN, second.data)
    timeline = of([first, late])
    assert any("┊" in line and "+3.2 s" in line for line in lines(flow.diagram(timeline.frames, timeline)))


def test_a_connection_has_its_client_at_the_left_and_states_where_they_change(office: Timeline) -> None:
    drawn = flow.of_connection(office.tcp[0], office)
    assert drawn.columns == ["pc1", "web"]
    states = [arrow.states for arrow in drawn.arrows]
    assert states[0] == ("SYN-SENT", "LISTEN") and states[1] == ("", "SYN-RECEIVED")
    assert states[-1] == ("TIME-WAIT", "CLOSED")
    text = lines(drawn)
    assert text[2].split() == ["│", "SYN-SENT", "LISTEN", "│"]


def test_a_long_run_of_data_is_one_arrow_unless_all_is_wanted() -> None:
    talk = Talk()
    frames = [*talk.open(), *(talk.say("web", "ACK", bytes(1000)) for _ in range(30))]
    timeline = of(frames)
    drawn = flow.diagram(frames, timeline)
    [middle] = [arrow for arrow in drawn.arrows if arrow.count > 1]
    assert sum(arrow.count for arrow in drawn.arrows) == len(frames)
    assert middle.words == f"{middle.count} segments, {middle.count * 1000} bytes in all"
    assert (middle.source, middle.destination) == ("web", "pc1")
    assert len(flow.diagram(frames, timeline, is_whole=True).arrows) == len(frames)


def test_what_opens_a_tls_connection_and_http_within_it_is_never_part_of_a_run(office: Timeline) -> None:
    tls = office.tcp[4]
    drawn = flow.of_connection(tls, office)
    assert any(arrow.words.startswith("TLS ClientHello") for arrow in drawn.arrows)
    assert any(arrow.words.startswith("TLS ServerHello") for arrow in drawn.arrows)
    first = next(frame for frame in tls.frames if frame.packet.tls)
    told = words(first, office, {first.number: "HTTPS GET /"})
    assert told.startswith("HTTPS GET / · ") and told.endswith(" seq=1 ack=1")


def test_a_device_alone_and_nobody_at_all_are_drawn(office: Timeline) -> None:
    asked = [frame for frame in office.all_first_sightings if frame.packet.dhcp][:1]
    assert lines(flow.diagram(asked, office))[1].endswith("DHCP DISCOVER")
    assert lines(flow.Diagram([], [])) == []
    assert flow_svg.draw(flow.Diagram([], [])).startswith("<svg")


def test_the_picture_has_an_arrow_a_frame_and_escapes_what_packets_say(office: Timeline) -> None:
    drawn = flow.diagram(office.all_first_sightings, office, is_whole=True)
    assert len(ElementTree.fromstring(flow_svg.draw(drawn)).findall("{*}g")) == 64
    talk = Talk()
    evil = [*talk.open(), talk.say("pc1", "PSH+ACK", b'GET /<script>alert(1)</script>&" HTTP/1.1\r\nHost: a\r\n\r\n')]
    picture = flow_svg.draw(flow.diagram(evil, of(evil)))
    assert "<script" not in picture and "&lt;script&gt;" in picture
    ElementTree.fromstring(picture)
