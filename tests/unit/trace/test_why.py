"""Every code of the trace's reasons is made by a scenario, and seen at the device where it belongs."""

import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from lan.trace.frame import Direction, Frame
from lan.trace.journey import StopKind
from lan.trace.timeline import Timeline
from lan.trace.why import Explainer, codes
from lan.trace.why.codes import CODES

from . import why_kernel, why_network, why_services
from .why_wires import PC1, SCENARIOS, Told

assert why_services and why_kernel  # they fill the table, as `why_network` does


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_shows_its_reasons(name: str) -> None:
    play, expected = SCENARIOS[name]
    wires = Told()
    play(wires)
    found = wires.codes()
    assert not [one for one in expected if one not in found], "\n".join(found)


def test_every_code_has_a_scenario() -> None:
    shown = {line.rpartition(" ")[2] for _, expected in SCENARIOS.values() for line in expected}
    assert shown == set(CODES)


def test_the_page_has_the_table_of_the_registry() -> None:
    page = Path(__file__).parents[3] / "docs/trace-reasons.md"
    assert codes.table() in page.read_text()


def test_what_the_last_cable_lost_is_a_drop() -> None:
    wires = Told()
    why_network.a_cable_loses_a_frame(wires)
    timeline = wires.timeline()
    [journey] = timeline.journeys
    assert journey.ends[-1].kind is StopKind.END
    [lost] = Explainer(timeline, wires.decisions).explain(journey.ends[-1], journey)
    assert (lost.code, journey.ends[-1].kind) == ("link.lost", StopKind.DROP)


def test_a_cables_decision_is_its_frames_though_its_seconds_are_rounded() -> None:
    wires = Told()
    wires.now_ns = 1_700_000_000_123_456_950
    wires.path("pc1 s1 web", why_network.TO_WEB)
    assert round(wires.now_ns / 1e9 * 1e9) < wires.now_ns
    wires.now_ns -= 100_000  # `decide` adds as much
    crc = zlib.crc32(why_network.TO_WEB)
    wires.decide("", "links", "lost", "one in ten", **{"from": "s1", "to": "web", "crc": crc})
    assert "web in link.lost" in wires.codes()


def test_a_decision_belongs_to_the_last_record_before_it() -> None:
    wires = Told()
    record = b"\x17\x03\x03\x00\x10" + bytes(16)
    why_network.opened(wires)
    why_network.says(wires, "pc1", "ACK", record, seq=2, ack=101)
    wires.now_ns += 10_000_000
    why_network.says(wires, "pc1", "ACK", record, seq=23, ack=101)
    wires.decide("web", "http", "request", "a request is read", client=f"{PC1}:40000", method="GET", target="/")
    assert wires.codes().count("web in http.reads") == 1


def test_the_end_of_a_connection_does_not_take_the_line_of_the_next_from_its_port() -> None:
    """The client's last record says that it closes; nothing of it is in the log."""
    wires, record = Told(), b"\x17\x03\x03\x00\x10" + bytes(16)
    for _ in range(2):
        why_network.opened(wires)
        why_network.says(wires, "pc1", "ACK", record, seq=2, ack=101)
        wires.decide("web", "http", "request", "a request is read", client=f"{PC1}:40000", method="GET", target="/")
        why_network.says(wires, "web", "ACK", record, seq=101, ack=23)
        why_network.says(wires, "pc1", "ACK", record, seq=23, ack=122)
        why_network.says(wires, "pc1", "FIN+ACK", seq=44, ack=122)
        why_network.says(wires, "web", "FIN+ACK", seq=122, ack=45)
        why_network.says(wires, "pc1", "ACK", seq=45, ack=123)
        wires.now_ns += 100_000_000_000
    assert len(wires.timeline().tcp) == 2 and all(one.is_closed() for one in wires.timeline().tcp)
    assert wires.codes().count("web in http.reads") == 2


def test_in_a_foreign_capture_what_passed_is_known_though_not_to_whom() -> None:
    wires = Told()
    why_network.everyone_is_asked_for_an_address(wires)
    why_network.an_address_is_in_the_cache(wires)
    seen = [one for one in wires.frames if one.direction is Direction.IN]
    timeline = Timeline()
    timeline.feed(
        Frame(number, one.time_ns, "eth0", "", Direction.UNKNOWN, one.data) for number, one in enumerate(seen, 1)
    )
    explainer = Explainer(timeline)
    told = [[one.code for stop in each.stops for one in explainer.explain(stop, each)] for each in timeline.journeys]
    assert told[1] == ["arp.miss", "nic.broadcast"]
    assert told[3] == ["udp.sends", "route.link", "arp.hit", "nic.mine", "ip.mine", "udp.takes"]


def test_a_cache_is_not_said_to_have_hit_because_of_its_name() -> None:
    """``white; fwd=stale; fwd-status=304`` has "hit" in it; so may a detail."""
    for status, is_hit in (("white; fwd=stale", False), ('p; fwd=miss; detail="; hit"', False), ("p; hit", True)):
        wires, ends = Told(), {"client": f"{PC1}:40000", "proxy": f"{why_services.PROXY}:3128"}
        wires.path("pc1 s1 proxy", why_services.by_proxy("pc1", "proxy", why_services.GET, (40000, 3128)))
        wires.decide("proxy", "proxy", "request", "a request is read", **ends)
        wires.decide("proxy", "proxy", "cache", "so", cache_status=status, **ends)
        wires.decide("proxy", "proxy", "response", "so", **ends)
        wires.path("proxy s1 pc1", why_services.by_proxy("proxy", "pc1", why_services.ANSWER, (3128, 40000)))
        assert ("proxy out cache.hit" in wires.codes()) == is_hit
        assert ("proxy in cache.hit" in wires.codes()) == is_hit


@pytest.mark.parametrize("lacking", ["before", "after", "cut"])
def test_a_frame_is_missing_only_where_the_other_end_was_looked_at_then(lacking: str) -> None:
    """A capture that began later, or ended sooner, or was cut, does not show that the frame did not come."""
    wires = Told()
    wires.switches = ("s1", "s2")
    if lacking != "before":
        wires.path(
            "pc1 s1 s2 web", why_network.frame("pc1", "web", why_network.datagram(PC1, why_network.WEB, ident=8))
        )
    wires.path("pc1 s1 s2", why_network.TO_WEB)
    del wires.frames[-1]
    if lacking == "cut":
        wires.frames[-1] = replace(wires.frames[-1], length=2000)
    if lacking != "after":
        wires.path(
            "pc1 s1 s2 web", why_network.frame("pc1", "web", why_network.datagram(PC1, why_network.WEB, ident=9))
        )
    assert not [one for one in wires.codes() if "link.missing" in one]


def test_what_a_device_s_own_capture_lacks_of_the_lans_did_not_come() -> None:
    """Both ends of a host's cable, as where the two captures are merged: it is no end that kept the frame."""
    wires = Told()
    for ident, comes in ((7, True), (8, False), (9, True)):
        data = why_network.frame("pc1", "web", why_network.datagram(PC1, why_network.WEB, ident=ident))
        wires.path("pc1 s1 web", data)
        if comes:
            wires.now_ns += 1
            there = Frame(next(wires.numbers), wires.now_ns, "web:to-s1", "s1:to-web", Direction.IN, data)
            wires.frames.append(there)
    told = [(who, one.code) for who, one in wires.explained() if who == "web"]
    assert [code for _, code in told].count("link.missing") == 1
    assert [code for _, code in told].count("udp.takes") == 2
