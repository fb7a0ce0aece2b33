"""Journeys: every sighting in exactly one, through switches, routers, NAT and proxies, to where the frame ended."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lan.trace.frame import Direction, Frame
from lan.trace.journey import StopKind
from lan.trace.timeline import Timeline
from lan.trace.why import Explainer
from lan.wire import arp, ethernet, icmp, ipv4, udp

from .journey_wires import IPS, MACS, Wires, datagram, frame, ip, segment

PC1, PC2, WEB, R1, PROXY = (IPS[name] for name in ("pc1", "pc2", "web", "r1", "proxy"))
FAR, PUBLIC = "172.16.0.9", "192.0.2.1"
NULL_MAC = "00:00:00:00:00:00"
ASK = frame("pc1", "all", arp.build(arp.REQUEST, MACS["pc1"], PC1, NULL_MAC, WEB), ethernet.ARP)


SAMPLES = [
    ("pc1 s1 web", ASK),
    ("pc1 s1 web", frame("pc1", "web", datagram(PC1, WEB))),
    ("pc1 r1", frame("pc1", "r1", segment(PC1, WEB, "SYN"))),
    ("r1 web", frame("r1", "web", segment(PC1, WEB, "SYN", ttl=63))),
    ("r1 pc1", frame("r1", "pc1", ip(icmp.build_error(11, 0, segment(PC1, WEB, "SYN")), R1, PC1, protocol=ipv4.ICMP))),
    ("pc1 proxy", frame("pc1", "proxy", segment(PC1, PROXY, "ACK", b"GET http://web/ HTTP/1.1\r\n\r\n"))),
]


def test_what_a_switch_floods_are_branches_of_one_journey() -> None:
    wires = Wires()
    wires.path("pc1 s1 web", ASK)
    wires.path("s1 pc2", ASK)
    assert wires.journeys() == ["pc1 origin –→1; s1 switch 1→2,3; web end 2→–; pc2 end 3→–"]


def test_two_switches_show_their_cable_twice_and_that_is_one_crossing() -> None:
    wires = Wires("s1", "s2")
    wires.path("pc1 s1 s2 web", frame("pc1", "web", datagram(PC1, WEB)))
    [text] = wires.journeys()
    assert text == "pc1 origin –→1; s1 switch 1→2; s2 switch 3→4; web end 4→–"
    [journey] = wires.timeline().journeys
    assert [f.number for f in journey.frames] == [1, 2, 3, 4]
    s1, s2 = journey.stops[1], journey.stops[2]
    assert [journey.leaving(f) for f in journey.frames] == [journey.origin, s1, s1, s2]
    assert [journey.arriving(f) for f in journey.frames[:3]] == [s1, s2, s2]


def test_what_is_lost_between_two_switches_ends_there() -> None:
    wires = Wires("s1", "s2")
    wires.cross("pc1", "s1", ASK)
    wires.cross("s1", "s2", ASK)
    del wires.frames[-1]
    assert wires.journeys() == ["pc1 origin –→1; s1 switch 1→2; s2 drop 2→–"]


def test_a_frame_that_the_switch_keeps_is_dropped_there() -> None:
    wires = Wires()
    wires.cross("pc1", "s1", frame("pc1", "web", datagram(PC1, WEB)))
    assert wires.journeys() == ["pc1 origin –→1; s1 drop 1→–"]


def test_the_same_bytes_again_are_another_journey_each_with_its_own_copies() -> None:
    wires = Wires()
    for hop in ("pc1 s1", "pc1 s1", "s1 web", "s1 pc2", "s1 web", "s1 pc2"):
        wires.path(hop, ASK)
    assert wires.journeys() == [
        "pc1 origin –→1; s1 switch 1→3,4; web end 3→–; pc2 end 4→–",
        "pc1 origin –→2; s1 switch 2→5,6; web end 5→–; pc2 end 6→–",
    ]


def test_a_flood_after_a_hit_of_the_same_bytes_is_the_later_frames() -> None:
    wires = Wires()
    for hop in ("pc1 s1", "pc1 s1", "s1 web", "s1 web", "s1 pc2"):
        wires.path(hop, ASK)
    assert wires.journeys()[1] == "pc1 origin –→2; s1 switch 2→4,5; web end 4→–; pc2 end 5→–"


@pytest.mark.parametrize("seconds", [5, -3600], ids=["long after", "after the clock was set back"])
def test_bytes_that_a_switch_got_at_another_time_are_not_those_it_sends(seconds: int) -> None:
    wires = Wires()
    wires.now_ns = 10_000_000_000_000
    wires.cross("pc1", "s1", ASK)
    wires.now_ns += seconds * 1_000_000_000
    wires.cross("s1", "web", ASK)
    assert wires.journeys() == ["pc1 origin –→1; s1 drop 1→–", "s1 origin –→2; web end 2→–"]


def test_a_switch_hands_nothing_back_by_the_port_it_came_from() -> None:
    wires = Wires()
    wires.path("pc1 s1 pc1", ASK)
    assert wires.journeys() == ["pc1 origin –→1; s1 drop 1→–", "s1 origin –→2; pc1 end 2→–"]


def test_a_frame_for_another_is_dropped_by_the_card() -> None:
    wires = Wires()
    to_web = frame("pc1", "web", datagram(PC1, WEB))
    for hop in ("pc1 s1", "s1 web", "s1 pc2"):
        wires.path(hop, to_web)
    assert wires.journeys() == ["pc1 origin –→1; s1 switch 1→2,3; web end 2→–; pc2 drop 3→–"]


def test_a_damaged_frame_is_dropped_where_it_is_checked() -> None:
    wires = Wires()
    sound = frame("pc1", "web", datagram(PC1, WEB))
    wires.path("pc1 s1 web", sound[:-1] + b"!")
    assert wires.journeys() == ["pc1 origin –→1; s1 switch 1→2; web drop 2→–"]


def test_a_router_sends_the_packet_on_in_another_frame() -> None:
    wires = Wires("s1", "s2")
    for ident in (1, 2):
        wires.path("pc1 s1 r1", frame("pc1", "r1", datagram(PC1, WEB, ident=ident)))
    for ident in (1, 2):
        wires.path("r1 s2 web", frame("r1", "web", datagram(PC1, WEB, ident=ident, ttl=63)))
    assert wires.journeys() == [
        "pc1 origin –→1; s1 switch 1→2; r1 router 2→5; s2 switch 5→6; web end 6→–",
        "pc1 origin –→3; s1 switch 3→4; r1 router 4→7; s2 switch 7→8; web end 8→–",
    ]


def test_packets_alike_pass_a_router_in_their_order() -> None:
    wires = Wires()
    for hop in ("pc1 r1", "pc1 r1"):
        wires.path(hop, frame("pc1", "r1", datagram(PC1, WEB, ident=0)))
    for hop in ("r1 web", "r1 web"):
        wires.path(hop, frame("r1", "web", datagram(PC1, WEB, ident=0, ttl=63)))
    assert wires.journeys() == [
        "pc1 origin –→1; r1 router 1→3; web end 3→–",
        "pc1 origin –→2; r1 router 2→4; web end 4→–",
    ]


def test_a_cable_without_a_switch_is_followed_too_and_a_router_that_keeps_a_packet_drops_it() -> None:
    wires = Wires()
    wires.cross("web", "r1", frame("web", "r1", arp.build(arp.REPLY, MACS["web"], WEB, MACS["r1"], R1), ethernet.ARP))
    wires.cross("pc1", "r1", frame("pc1", "r1", datagram(PC1, WEB)))
    assert wires.journeys() == ["web origin –→1; r1 end 1→–", "pc1 origin –→2; r1 drop 2→–"]


def test_a_router_that_cuts_a_packet_sends_its_fragments_in_one_journey() -> None:
    wires = Wires()
    body = udp.build(PC1, WEB, 40000, 9, bytes(range(200)) * 2)
    wires.cross("pc1", "r1", frame("pc1", "r1", ip(body, PC1, WEB)))
    wires.cross("r1", "web", frame("r1", "web", ip(body[:200], PC1, WEB, ttl=63, more=True)))
    wires.cross("r1", "web", frame("r1", "web", ip(body[200:], PC1, WEB, ttl=63, offset=200)))
    assert wires.journeys() == ["pc1 origin –→1; r1 router 1→2,3; web end 2→–; web end 3→–"]


@pytest.mark.parametrize("protocol", ["udp", "tcp", "icmp"])
def test_behind_nat_a_packet_is_known_by_all_but_addresses_and_ports(protocol: str) -> None:
    def packet(src: str, dst: str, own: int, *, ttl: int, ident: int = 7, back: bool = False) -> bytes:
        ports = (9, own) if back else (own, 9)
        if protocol == "udp":
            return datagram(src, dst, ports=ports, ttl=ttl, ident=ident)
        if protocol == "tcp":
            return segment(src, dst, "SYN", ports=ports, ttl=ttl, ident=ident)
        echo = icmp.build_echo(own, 1, b"abc", reply=back)
        return ip(echo, src, dst, protocol=ipv4.ICMP, ttl=ttl, ident=ident)

    wires = Wires()
    wires.cross("pc1", "r1", frame("pc1", "r1", packet(PC1, FAR, 40000, ttl=64)))
    wires.cross("r1", "web", frame("r1", "web", packet(PUBLIC, FAR, 1024, ttl=63)))
    wires.cross("web", "r1", frame("web", "r1", packet(FAR, PUBLIC, 1024, ttl=64, ident=8, back=True)))
    wires.cross("r1", "pc1", frame("r1", "pc1", packet(FAR, PC1, 40000, ttl=63, ident=8, back=True)))
    assert wires.journeys() == [
        "pc1 origin –→1; r1 nat 1→2; web end 2→–",
        "web origin –→3; r1 nat 3→4; pc1 end 4→–",
    ]


def test_an_answer_that_echoes_the_bytes_is_no_packet_sent_on() -> None:
    wires = Wires()
    wires.path("pc1 s1 web", frame("pc1", "web", datagram(PC1, WEB, ports=(9, 9))))
    wires.path("web s1 pc1", frame("web", "pc1", datagram(WEB, PC1, ports=(9, 9), ttl=63)))
    assert len(wires.journeys()) == 2


@pytest.mark.parametrize("kind", [icmp.TIME_EXCEEDED, icmp.UNREACHABLE])
def test_an_icmp_error_is_tied_to_the_packet_it_quotes_and_says_where_that_ended(kind: int) -> None:
    wires = Wires()
    packet = datagram(PC1, FAR, ttl=1)
    wires.path("pc1 s1 r1", frame("pc1", "r1", packet))
    error = ip(icmp.build_error(kind, 0, packet), R1, PC1, protocol=ipv4.ICMP)
    wires.path("r1 s1 pc1", frame("r1", "pc1", error))
    assert wires.journeys()[0] == "pc1 origin –→1; s1 switch 1→2; r1 drop 2→–"
    asked, told = wires.timeline().journeys
    assert told.cause is asked
    assert asked.stops[-1].answer is told.origin.sent[0]


def test_a_redirect_is_tied_but_the_packet_went_on() -> None:
    wires = Wires()
    packet = datagram(PC1, WEB)
    wires.path("pc1 s1 r1", frame("pc1", "r1", packet))
    wires.path("r1 s1 pc1", frame("r1", "pc1", ip(icmp.build_redirect(1, WEB, packet), R1, PC1, protocol=ipv4.ICMP)))
    wires.path("r1 s1 web", frame("r1", "web", datagram(PC1, WEB, ttl=63)))
    packet_way, redirect = wires.timeline().journeys
    assert redirect.cause is packet_way
    assert packet_way.stops[2].answer is None
    assert str(packet_way).endswith("r1 router 2→5; s1 switch 5→6; web end 6→–")


def test_a_syn_that_is_refused_ends_where_the_rst_comes_from() -> None:
    wires = Wires()
    wires.path("pc1 s1 web", frame("pc1", "web", segment(PC1, WEB, "SYN")))
    wires.path("web s1 pc1", frame("web", "pc1", segment(WEB, PC1, "RST+ACK", ports=(80, 40000), ack=2)))
    syn, rst = wires.timeline().journeys
    assert (syn.ends[0].device, syn.ends[0].kind, syn.ends[0].answer) == ("web", StopKind.DROP, wires.frames[2])
    assert rst.cause is syn


def test_a_syn_that_comes_again_was_passed_over_and_one_that_is_answered_was_not() -> None:
    wires = Wires()
    for ident in (1, 2):
        wires.path("pc1 s1 web", frame("pc1", "web", segment(PC1, WEB, "SYN", ident=ident)))
    wires.path("web s1 pc1", frame("web", "pc1", segment(WEB, PC1, "SYN+ACK", ports=(80, 40000), ack=2)))
    wires.path("pc1 s1 web", frame("pc1", "web", segment(PC1, WEB, "SYN", ident=3)))
    kinds = [journey.ends[0].kind for journey in wires.timeline().journeys if journey.ends[0].device == "web"]
    assert kinds == [StopKind.DROP, StopKind.END, StopKind.END]


GET = b"GET http://web/a?b HTTP/1.1\r\nHost: web\r\n\r\n"
ONWARD = b"GET /a?b HTTP/1.1\r\nHost: web\r\nVia: 1.1 proxy\r\n\r\n"
FOUND = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVia: 1.1 proxy\r\n\r\nok"


def test_a_proxy_sends_request_and_response_on_over_another_connection() -> None:
    wires = Wires()
    wires.path("pc1 s1 proxy", frame("pc1", "proxy", segment(PC1, PROXY, "ACK", GET, ports=(40000, 3128))))
    wires.path("proxy s1 web", frame("proxy", "web", segment(PROXY, WEB, "ACK", ONWARD, ports=(50000, 80))))
    wires.now_ns += 9_000_000_000  # the server thinks
    wires.path("web s1 proxy", frame("web", "proxy", segment(WEB, PROXY, "ACK", FOUND, ports=(80, 50000))))
    wires.path("proxy s1 pc1", frame("proxy", "pc1", segment(PROXY, PC1, "ACK", ANSWER, ports=(3128, 40000))))
    assert wires.journeys() == [
        "pc1 origin –→1; s1 switch 1→2; proxy proxy 2→3; s1 switch 3→4; web end 4→–",
        "web origin –→5; s1 switch 5→6; proxy proxy 6→7; s1 switch 7→8; pc1 end 8→–",
    ]


def test_a_request_whose_target_is_no_url_is_followed_too() -> None:
    wires = Wires("s1")
    get = b"GET http://[ HTTP/1.1\r\nHost: web\r\n\r\n"
    wires.path("pc1 proxy", frame("pc1", "proxy", segment(PC1, PROXY, "ACK", get, ports=(40000, 3128))))
    wires.path("proxy web", frame("proxy", "web", segment(PROXY, WEB, "ACK", get, ports=(50000, 80))))
    assert wires.journeys() == ["pc1 origin –→1; proxy proxy 1→2; web end 2→–"]


def test_a_gateway_asks_another_host_for_the_same_path() -> None:
    wires = Wires()
    get = b"GET /a?b HTTP/1.1\r\nHost: www.lan.test\r\n\r\n"
    wires.path("pc1 proxy", frame("pc1", "proxy", segment(PC1, PROXY, "ACK", get, ports=(40000, 80))))
    wires.path("proxy web", frame("proxy", "web", segment(PROXY, WEB, "ACK", ONWARD, ports=(50000, 80))))
    assert wires.journeys() == ["pc1 origin –→1; proxy proxy 1→2; web end 2→–"]


def test_a_proxy_on_the_path_ends_a_connection_that_is_for_another() -> None:
    wires = Wires()
    wires.path("web s1 proxy", frame("web", "proxy", arp.build(2, MACS["web"], WEB, MACS["proxy"], PROXY), 0x0806))
    for flags in ("SYN", "ACK"):
        wires.path("pc1 proxy", frame("pc1", "proxy", segment(PC1, WEB, flags)))
        wires.path("proxy pc1", frame("proxy", "pc1", segment(WEB, PC1, "SYN+ACK", ports=(80, 40000), ack=2)))
    assert [text.rpartition("; ")[2] for text in wires.journeys()[1::2]] == ["proxy end 3→–", "proxy end 5→–"]


def test_a_proxy_that_answers_by_itself_ends_the_request() -> None:
    wires = Wires()
    ask = frame("pc1", "proxy", segment(PC1, PROXY, "ACK", GET, ports=(40000, 3128)))
    wires.path("pc1 proxy", ask)
    wires.path("proxy pc1", frame("proxy", "pc1", segment(PROXY, PC1, "ACK", ANSWER, ports=(3128, 40000))))
    wires.path("proxy web", frame("proxy", "web", segment(PROXY, WEB, "ACK", ONWARD, ports=(50000, 80))))
    assert len(wires.journeys()) == 3


def test_what_a_tunnel_carries_is_known_by_its_bytes() -> None:
    wires = Wires()
    hello = b"\x16\x03\x01\x00\x20" + bytes(range(32))
    wires.path("pc1 proxy", frame("pc1", "proxy", segment(PC1, PROXY, "ACK", hello, ports=(40000, 3128))))
    wires.path("proxy web", frame("proxy", "web", segment(PROXY, WEB, "ACK", hello, ports=(50000, 443))))
    assert wires.journeys() == ["pc1 origin –→1; proxy proxy 1→2; web end 2→–"]


def test_a_capture_that_tells_no_direction_has_a_journey_a_frame_between_names_or_addresses() -> None:
    data = frame("pc1", "web", datagram(PC1, FAR))
    timeline = Timeline({MACS["pc1"]: "pc1"})
    timeline.feed(Frame(number, number, "eth0", "", Direction.UNKNOWN, data) for number in (1, 2))
    assert [str(journey) for journey in timeline.journeys] == [
        f"journey {number}: pc1 origin –→{number}; {FAR} end {number}→–" for number in (1, 2)
    ]


def test_journeys_go_on_as_frames_come() -> None:
    wires = Wires()
    wires.path("pc1 s1 web", ASK)
    timeline = Timeline(switches=["s1"])
    timeline.add(wires.frames[0])
    assert timeline.journeys[0].ends[0].device == "s1"
    timeline.add(wires.frames[1])
    assert timeline.journey_of(wires.frames[1]) is timeline.journeys[0]
    assert timeline.journeys[0].ends[0].device == "web"


@given(st.lists(st.tuples(st.sampled_from(SAMPLES), st.integers(0, 10**6), st.integers(0, 255)), max_size=8))
@settings(max_examples=60, deadline=None)
def test_damaged_frames_are_placed_and_explained_too(picked: list[tuple[tuple[str, bytes], int, int]]) -> None:
    wires = Wires()
    for (way, data), at, value in picked:
        changed = bytearray(data)
        changed[at % len(data)] = value
        wires.path(way, bytes(changed[: len(data) - at % 7]))
    wires.journeys()
    timeline = wires.timeline()
    explainer = Explainer(timeline)
    for journey in timeline.journeys:
        assert all(explainer.explain(stop, journey) is not None for stop in journey.stops)
