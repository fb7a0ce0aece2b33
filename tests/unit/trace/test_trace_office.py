"""A real capture of the office, told by trackers, timeline and views.

`office.pcapng.hex`: our tap on four veth ports of a Linux bridge; udhcpc and busybox udhcpd 1.35,
dig 9.18 and a dnslib server, ping, curl 7.88 over TLS 1.3, small Python sockets for the closes.
"""

import json
from pathlib import Path

import pytest

from lan.trace.frame import Direction
from lan.trace.pcapng import Reader, load
from lan.trace.pcapng_writing import dump
from lan.trace.timeline import Timeline
from lan.trace.trackers.tcp import Connection
from lan.trace.views import export, table
from lan.trace.views.ladder import ladder

OFFICE = bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text())


@pytest.fixture(scope="module")
def office() -> Timeline:
    timeline = Timeline(switches=["s1"])
    timeline.feed(load(OFFICE))
    return timeline


def lines(things: object) -> list[str]:
    assert isinstance(things, list)
    return [repr(thing) for thing in things]


def test_the_client_leased_its_address(office: Timeline) -> None:
    [exchange] = office.dhcp
    assert exchange.types == ("DISCOVER", "OFFER", "REQUEST", "ACK")
    assert (exchange.client, str(exchange.yiaddr), str(exchange.server)) == ("pc1", "192.168.100.1", "192.168.100.252")
    assert exchange.lease_s == 3600
    assert exchange.is_granted()
    assert [frame.number for frame in exchange.frames] == [1, 9, 13, 17]


def test_names_were_asked_for_and_answered(office: Timeline) -> None:
    found, missing = office.dns
    assert (found.name, found.type, found.addresses) == ("www.ark-inflearn.com", "A", ["192.168.100.253"])
    assert (missing.rcode, missing.addresses) == ("NXDOMAIN", [])
    assert repr(found) == "DNS pc1 → 192.168.100.254: A www.ark-inflearn.com? 192.168.100.253 0.47 ms"


def test_pings_and_arp(office: Timeline) -> None:
    assert [(echo.client, echo.dst_ip, echo.sequence, echo.is_answered) for echo in office.icmp] == [
        ("pc1", "192.168.100.253", 1, True),
        ("pc1", "192.168.100.253", 2, True),
    ]
    assert lines(office.arp) == [
        "ARP dhcp: who has 192.168.100.1? no answer",
        "ARP pc1: who has 192.168.100.253? 02:00:00:00:00:04",
        "ARP pc1: who has 192.168.100.254? 02:00:00:00:00:03",
        "ARP pc1: who has 192.168.100.77? no answer",
    ]
    assert len(office.arp[-1].requests) == 2


def test_connections_and_how_they_closed(office: Timeline) -> None:
    assert lines(office.tcp) == [
        "TCP pc1 192.168.100.1:60958 → web 192.168.100.253:80: 65 bytes →, 122 bytes ←, closed by pc1, four segments",
        "TCP pc1 192.168.100.1:60970 → web 192.168.100.253:80: 65 bytes →, 122 bytes ←, closed by web, three segments",
        "TCP pc1 192.168.100.1:60982 → web 192.168.100.253:80: 65 bytes →, 60 bytes ←, closed by web, RST",
        "TCP pc1 192.168.100.1:40010 → web 192.168.100.253:81: 0 bytes →, 0 bytes ←, refused by web",
        "TCP pc1 192.168.100.1:58108 → web 192.168.100.253:443: 746 bytes →, 922 bytes ←, closed by web, RST",
    ]
    assert [connection.time_wait_holder for connection in office.tcp] == ["pc1", "web", None, None, None]
    assert office.tcp[0].retransmits == []


def test_transactions(office: Timeline) -> None:
    assert lines(office.http) == [
        "HTTP pc1 → web: GET www.ark-inflearn.com/ → 200 OK, 39 bytes",
        "HTTP pc1 → web: GET www.ark-inflearn.com/ → 200 OK, 39 bytes",
        "HTTP pc1 → web: GET www.ark-inflearn.com/ → 200 OK, 0 bytes, truncated",
    ]
    assert [frame.number for frame in office.http[0].frames] == [55, 59]
    assert [transaction.is_complete for transaction in office.http] == [True, True, False]


def test_tls(office: Timeline) -> None:
    [session] = office.tls
    assert repr(session) == "TLS pc1 → web: www.ark-inflearn.com, TLS 1.3, 120 bytes →, 139 bytes ←"
    assert session.client_hello is not None
    assert session.server_hello is not None
    assert (session.client_hello.number, session.server_hello.number) == (117, 121)
    assert session.is_established
    assert session.has_data_both_ways


def test_each_frame_is_told_once_and_its_way_is_known(office: Timeline) -> None:
    assert (len(office.frames), len(office.first_sightings), len(office.deliveries)) == (146, 64, 82)
    discover, echo = office.frames[0], office.frames[26]
    first, *flooded = office.journey(discover)
    assert (first.port, first.direction) == ("s1:eth1", Direction.IN)
    assert sorted(step.to_device for step in flooded) == ["dhcp", "dns", "web"]
    assert [(step.from_device, step.to_device) for step in office.journey(echo)] == [("pc1", "s1"), ("s1", "web")]
    assert office.device_of("192.168.100.254") == "dns"
    assert office.device_of("02:00:00:00:00:04") == "web"


def test_a_window_sees_what_began_in_it(office: Timeline) -> None:
    window = office.since(48)
    assert (window.dhcp, window.dns, len(window.tcp)) == ([], [], 5)
    assert len(office.between(48, 70).tcp) == 1
    assert window.frames[0].number == 49
    assert office.since(office.mark()).frames == []
    assert office.since(60).tcp == office.tcp[1:], "a connection that goes on did not begin here"


def test_connections_are_found_by_what_is_known_of_them(office: Timeline) -> None:
    def ports(found: list[Connection]) -> list[int]:
        return [connection.client.port for connection in found]

    assert ports(office.connections(server_port=443)) == [58108]
    assert ports(office.connections(client="pc1", server_ip="192.168.100.253", server_port=80)) == [60958, 60970, 60982]
    assert ports(office.connections(client_port=40010, server="web")) == [40010]
    assert office.connections(client_ip="192.168.100.2") == []


def test_growing_a_timeline_frame_by_frame_gives_the_same() -> None:
    reader, timeline = Reader(), Timeline()
    seen = []
    for at in range(0, len(OFFICE), 100):
        timeline.feed(reader.feed(OFFICE[at : at + 100]))
        seen.append(len(timeline.tcp))
    assert seen == sorted(seen)
    whole = Timeline(switches=reader.switches)
    whole.feed(load(OFFICE))
    assert export.conversations(timeline) == export.conversations(whole)


def test_a_capture_without_directions_is_read_as_seen_once(office: Timeline) -> None:
    foreign = Timeline()
    with_one_port = [frame for frame in office.frames if frame.port == "s1:eth1"]
    head = b"\xd4\xc3\xb2\xa1" + bytes.fromhex("02000400000000000000000000000400" + "01000000")
    records = b"".join(
        b"".join(number.to_bytes(4, "little") for number in (1, 2, len(frame.data), len(frame.data))) + frame.data
        for frame in with_one_port
    )
    foreign.feed(load(head + records))
    assert [connection.close_kind for connection in foreign.tcp][:3] == ["four segments", "three segments", "RST"]
    assert foreign.tcp[0].closed_by == "192.168.100.1"


def test_the_table_has_a_line_a_frame(office: Timeline) -> None:
    rows = list(table.rows(office))
    assert len(rows) == 64
    assert len(list(table.rows(office, every_hop=True))) == 146
    assert str(rows[0]) == f"    1        0.000 ms  pc1         everyone  DHCP   {rows[0].info.removeprefix('DHCP ')}"
    syn = next(row for row in rows if row.number == 49)
    assert (syn.source, syn.destination, syn.protocol) == ("pc1", "web", "TCP")
    assert "[SYN]" in syn.info
    assert all("\n" not in str(row) for row in rows)


def test_the_ladder_shows_the_handshake_the_close_and_the_states(office: Timeline) -> None:
    drawn = ladder(office.tcp[0]).splitlines()
    assert drawn[1] == "    0.000 ms  │ SYN seq=0 ────────────────────────────────▶│  SYN-SENT / LISTEN"
    assert drawn[2] == "    0.048 ms  │◀────────────────────── SYN+ACK seq=0 ack=1 │  SYN-SENT / SYN-RECEIVED"
    assert drawn[-1] == "   50.704 ms  │ ACK seq=67 ack=124 ───────────────────────▶│  TIME-WAIT / CLOSED"
    assert len(drawn) == 1 + len(office.tcp[0].frames)


def test_exports_are_json_with_a_schema(office: Timeline) -> None:
    told = json.loads(json.dumps(export.conversations(office)))
    assert told["schema"] == 1
    assert told["tcp"][0]["close_kind"] == "four segments"
    assert told["http"][0]["status"] == 200
    shown = json.loads(json.dumps(export.table(office)))
    assert (shown["schema"], len(shown["frames"])) == (1, 64)
    pdu = json.loads(json.dumps(export.frame(office.frames[54], office)))
    assert pdu["journey"] == [55, 56]
    assert [layer["protocol"] for layer in pdu["layers"]] == ["Ethernet", "IPv4", "TCP", "HTTP"]


def test_a_dump_of_the_frames_is_the_same_capture(office: Timeline) -> None:
    assert load(dump(office.frames, switches=["s1"])) == office.frames
