"""Tables of the past, from logs and frames made here: rows come, move, age and go at their instants."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from lan.errors import UsageError
from lan.trace.frame import Direction, Frame
from lan.trace.tables.history import SECOND_NS, History
from lan.trace.tables.rebuild import instant, rebuild
from lan.trace.timeline import Timeline
from lan.wire import arp, ethernet
from lan.wire.addresses import BROADCAST_MAC, NULL_MAC

from .talk import Talk

PC1, WEB = "02:00:00:00:00:01", "02:00:00:00:00:04"
IPS = {"pc1": "10.0.0.1", "web": "10.0.0.2"}
MACS = {"pc1": PC1, "web": WEB}
DESCRIBED = {
    "devices": [
        {"name": "s1", "kind": "switch", "options": {"ageing_s": 20}, "is_switch": True},
        {"name": "pc1", "kind": "pc", "options": {"ip": "10.0.0.1/24", "gateway": "10.0.0.254"}, "is_switch": False},
        {"name": "web", "kind": "web-server", "options": {"ip": "10.0.0.2/24"}, "is_switch": False},
    ],
    "links": [
        {
            "a": {"device": "pc1", "interface": "pc1-eth0", "mac": PC1},
            "b": {"device": "s1", "interface": "s1-eth1", "mac": "02:00:00:00:00:a1"},
            "options": {},
        },
        {
            "a": {"device": "web", "interface": "web-eth0", "mac": WEB},
            "b": {"device": "s1", "interface": "s1-eth2", "mac": "02:00:00:00:00:a2"},
            "options": {},
        },
    ],
}


def at(seconds: float) -> int:
    return round(seconds * SECOND_NS)


def asked(who: str, whom: str) -> bytes:
    """An ARP question."""
    question = arp.build(arp.REQUEST, MACS[who], IPS[who], NULL_MAC, IPS[whom])
    return ethernet.build(BROADCAST_MAC, MACS[who], ethernet.ARP, question)


def answered(who: str, whom: str) -> bytes:
    answer = arp.build(arp.REPLY, MACS[who], IPS[who], MACS[whom], IPS[whom])
    return ethernet.build(MACS[whom], MACS[who], ethernet.ARP, answer)


def through_s1(sent: Iterable[tuple[float, str, str, bytes]]) -> Timeline:
    """Frames (seconds, from, to, bytes), each seen as it comes in at s1 and as it leaves it."""
    ports = {"pc1": ("s1:eth1", "pc1:eth0"), "web": ("s1:eth2", "web:eth0")}
    timeline, number = Timeline({PC1: "pc1", WEB: "web"}, ["s1"]), 0
    for seconds, sender, receiver, data in sent:
        for device, direction in ((sender, Direction.IN), (receiver, Direction.OUT)):
            number += 1
            timeline.add(Frame(number, at(seconds) + number, *ports[device], direction, data))
    return timeline


def decision(seconds: float, service: str, what: str, **keys: Any) -> str:
    return json.dumps({"time_s": seconds, "service": service, "what": what, "reason": {}, **keys})


TALK = through_s1([(1, "pc1", "web", asked("pc1", "web")), (1.001, "web", "pc1", answered("web", "pc1"))])


def rows(history: History, table: str, device: str, seconds: float) -> list[list[str]]:
    return rebuild(history, table, device, at(seconds))[device].rows


def test_a_switch_s_own_log_tells_what_it_learned_moved_and_forgot() -> None:
    log = [
        decision(1, "switch", "learned", switch="s1", src=PC1, in_port=1),
        decision(2, "switch", "learned", switch="s1", src=WEB, in_port=2),
        decision(3, "switch", "moved", switch="s1", src=PC1, in_port=2),
        decision(4, "switch", "aged", switch="s1", src=WEB, in_port=2),
        decision(2, "switch", "learned", switch="s2", src=WEB, in_port=1),
        "damaged",
    ]
    history = History(TALK, log, described=DESCRIBED)
    assert [row[:3] for row in rows(history, "mac", "s1", 2.5)] == [
        [PC1, "s1-eth1", "learned"],
        [WEB, "s1-eth2", "learned"],
    ]
    assert [row[:2] for row in rows(history, "mac", "s1", 3.5)] == [[PC1, "s1-eth2"], [WEB, "s1-eth2"]]
    assert [row[0] for row in rows(history, "mac", "s1", 4.5)] == [PC1]
    assert rows(history, "mac", "s1", 0.5) == []
    assert not rebuild(history, "mac", "s1", at(3))["s1"].is_derived


def test_a_bridge_s_table_is_learned_from_frames_ages_and_goes_with_the_cable() -> None:
    log = [decision(5, "links", "pulled", cable="web:eth0 - s1:eth2")]
    history = History(TALK, log, described=DESCRIBED)
    assert rows(history, "mac", "s1", 4) == [[PC1, "s1-eth1", "learned", "3"], [WEB, "s1-eth2", "learned", "3"]]
    assert [row[0] for row in rows(history, "mac", "s1", 6)] == [PC1]
    assert rows(history, "mac", "s1", 22) == []
    assert rebuild(history, "mac", "s1", at(4))["s1"].is_derived


def test_an_arp_row_is_incomplete_reachable_and_stale_and_goes_with_the_address() -> None:
    log = [decision(50, "settings", "set", device="pc1", options={"ip": "10.0.0.9/24"})]
    history = History(TALK, log, described=DESCRIBED)
    question_ns = history.timeline.all_frames[0].time_ns
    assert rebuild(history, "arp", "pc1", question_ns)["pc1"].rows == [["10.0.0.2", "—", "pc1-eth0", "INCOMPLETE"]]
    assert rows(history, "arp", "pc1", 2) == [["10.0.0.2", WEB, "pc1-eth0", "REACHABLE"]]
    assert rows(history, "arp", "web", 2) == [["10.0.0.1", PC1, "web-eth0", "STALE"]]
    assert rows(history, "arp", "pc1", 40)[0][3] == "STALE"
    assert rows(history, "arp", "pc1", 51) == []


def test_a_question_without_answer_fails() -> None:
    history = History(through_s1([(1, "pc1", "web", asked("pc1", "web"))]), described=DESCRIBED)
    assert rows(history, "arp", "pc1", 5) == [["10.0.0.2", "—", "pc1-eth0", "FAILED"]]


def test_interfaces_and_routes_follow_settings_and_cables() -> None:
    log = [
        decision(3, "links", "pulled", cable="pc1:eth0 - s1:eth1"),
        decision(4, "links", "plugged", cable="pc1:eth0 - s1:eth1"),
        decision(5, "settings", "set", device="pc1", options={"ip": "10.9.0.1/16"}),
    ]
    history = History(TALK, log, described=DESCRIBED)
    assert rows(history, "interfaces", "pc1", 2) == [["pc1-eth0", "up", PC1, "10.0.0.1/24", "1500", "1", "1"]]
    assert rows(history, "interfaces", "pc1", 3.5)[0][1] == "down"
    assert rows(history, "interfaces", "pc1", 6)[0][1:4] == ["up", PC1, "10.9.0.1/16"]
    assert rows(history, "routes", "pc1", 2) == [
        ["default", "10.0.0.254", "pc1-eth0", "—"],
        ["10.0.0.0/24", "—", "pc1-eth0", "10.0.0.1"],
    ]
    assert rows(history, "routes", "pc1", 6) == [["10.9.0.0/16", "—", "pc1-eth0", "10.9.0.1"]]


def test_a_server_s_log_tells_its_leases_and_when_they_ran_out() -> None:
    described = {
        "devices": [{"name": "dhcp", "kind": "dhcp-server", "options": {}, "is_switch": False}],
        "links": [],
    }
    logs = {
        "dhcp": [
            decision(1, "dhcp", "bound", ip="10.0.0.7", client=PC1, until_s=11),
            decision(2, "dhcp", "bound", ip="10.0.0.8", client=WEB, until_s=100),
            decision(3, "dhcp", "released", ip="10.0.0.8", client=WEB, until_s=3),
        ]
    }
    history = History(TALK, logs=logs, described=described)
    assert rows(history, "leases", "dhcp", 2.5) == [
        ["10.0.0.7", PC1, "—", "BOUND", "8"],
        ["10.0.0.8", WEB, "—", "BOUND", "98"],
    ]
    assert [row[3] for row in rows(history, "leases", "dhcp", 12)] == ["EXPIRED", "RELEASED"]


def test_sockets_have_the_states_that_segments_show() -> None:
    talk = Talk()
    frames = [*talk.open(), talk.say("pc1", "FIN+ACK"), talk.say("web", "ACK"), talk.say("web", "FIN+ACK")]
    frames.append(talk.say("pc1", "ACK"))
    timeline = Timeline({PC1: "pc1", WEB: "web"})
    timeline.feed(frames)
    history = History(timeline)

    def state(device: str, number: int) -> str:
        table = rebuild(history, "sockets", device, instant(f"frame:{number}", history))[device]
        return " ".join(row[1] for row in table.rows)

    assert [state("pc1", number) for number in range(1, 8)] == [
        "SYN_SENT", "SYN_SENT", "ESTAB", "FIN_WAIT_1", "FIN_WAIT_2", "FIN_WAIT_2", "TIME_WAIT",
    ]  # fmt: skip
    assert [state("web", number) for number in range(1, 8)] == [
        "", "SYN_RECV", "ESTAB", "ESTAB", "CLOSE_WAIT", "LAST_ACK", "",
    ]  # fmt: skip
    ended_ns = frames[-1].time_ns
    [row] = rebuild(history, "sockets", "pc1", ended_ns + at(20))["pc1"].rows
    assert row[2:] == ["192.168.100.1:40000", "192.168.100.253:80", "timewait,40sec,0"]
    assert rebuild(history, "sockets", "pc1", ended_ns + at(61))["pc1"].rows == []


def test_a_proxy_s_log_tells_what_it_stored_renewed_and_dropped() -> None:
    described = {
        "devices": [{"name": "px", "kind": "proxy", "options": {"proxy": "cache"}, "is_switch": False}],
        "links": [],
    }
    one, why = {"client": "10.0.0.1:4000"}, {"reason": {"text": "it says how long"}}

    def said(seconds: float, what: str, **keys: Any) -> str:
        return json.dumps({"time_s": seconds, "service": "proxy", "what": what, **why, **one, **keys})

    log = [
        said(1, "request", method="GET", target="http://web/a"),
        said(1.1, "cache", cache_status="px; fwd=uri-miss; fwd-status=200; ttl=10; stored"),
        said(1.2, "stored"),
        said(20, "request", method="GET", target="http://web/a"),
        said(20.1, "cache", cache_status="px; fwd=stale; fwd-status=304; ttl=10"),
        said(30, "request", method="DELETE", target="http://web/a"),
        said(30.1, "response", status=204),
    ]
    history = History(TALK, logs={"px": log}, described=described)
    assert rows(history, "cache", "px", 1.15) == []
    assert rows(history, "cache", "px", 5.3) == [["http://web/a", "200", "—", "—", "4", "6", "it says how long"]]
    assert rows(history, "cache", "px", 15)[0][5] == "stale"
    assert rows(history, "cache", "px", 22)[0][4:6] == ["1", "9"]
    assert rows(history, "cache", "px", 31) == []


@pytest.mark.parametrize("target", ["http://web/a", "/a"])
def test_what_a_proxy_refreshes_in_the_background_is_the_entry_that_it_was_asked_for(target: str) -> None:
    """Nobody waits for it: its log has the cache's own end, and the whole URI where a gateway was asked by path."""
    described = {
        "devices": [{"name": "px", "kind": "proxy", "options": {"proxy": "cache"}, "is_switch": False}],
        "links": [],
    }
    asked, own = {"client": "10.0.0.1:4000"}, {"uri": "http://web/a", "local": "10.0.0.9:5000"}

    def said(seconds: float, what: str, why: str = "", **keys: Any) -> str:
        reason = {"reason": {"text": why}}
        return json.dumps({"time_s": seconds, "service": "proxy", "what": what, **reason, **keys})

    log = [
        said(1, "request", method="GET", target=target, **asked),
        said(1.1, "cache", cache_status="px; fwd=uri-miss; fwd-status=200; ttl=10; stored", **asked),
        said(1.2, "stored", "one", **asked),
        said(20, "refreshed", cache_status="px; fwd=stale; fwd-status=304; ttl=10", **own),
        said(40, "refreshed", cache_status="px; fwd=stale; fwd-status=203; ttl=20; stored", **own),
        said(40, "stored", "two", **own),
    ]
    history = History(TALK, logs={"px": log}, described=described)
    assert rows(history, "cache", "px", 22.5) == [[target, "200", "—", "—", "2", "8", "one"]]
    assert rows(history, "cache", "px", 41.5) == [[target, "203", "—", "—", "1", "19", "two"]]


def test_of_a_whole_uri_and_its_path_the_one_refreshed_is_renewed() -> None:
    """A proxy that is asked both as one and as a gateway has an entry of each."""
    described = {
        "devices": [{"name": "px", "kind": "proxy", "options": {"proxy": "cache"}, "is_switch": False}],
        "links": [],
    }
    answer, log = "px; fwd=uri-miss; fwd-status=200; ttl=10; stored", list[str]()
    for at, (client, target) in enumerate([("a", "/a"), ("b", "http://web/a")]):
        asked = {"device": "px", "client": client}
        log.append(decision(1 + at, "proxy", "request", method="GET", target=target, **asked))
        log.append(decision(1.1 + at, "proxy", "cache", cache_status=answer, **asked))
        log.append(decision(1.2 + at, "proxy", "stored", **asked))
    own = {"device": "px", "local": "c", "uri": "http://web/a"}
    log.append(decision(20, "proxy", "refreshed", cache_status="px; fwd=stale; fwd-status=304; ttl=10", **own))
    history = History(Timeline(), logs={"px": log}, described=described)
    assert {row[0]: row[4] for row in rows(history, "cache", "px", 22.5)} == {"/a": "21", "http://web/a": "2"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("3.214s", 3.214), ("250ms", 0.25), ("2", 2), ("frame:3", 0.001000002)]
)
def test_an_instant_counts_from_the_first_frame(text: str, seconds: float) -> None:
    history = History(TALK)
    assert instant(text, history) - history.begun_ns == at(seconds)


def test_an_instant_of_a_part_counts_from_where_the_recording_began() -> None:
    part = Timeline(switches=["s1"])
    part.leave_out(TALK.begun_ns)
    part.feed(TALK.all_frames[2:])
    assert instant("3.214s", History(part)) == instant("3.214s", History(TALK))


def test_frames_of_a_capture_in_several_files_have_the_numbers_that_they_had() -> None:
    """The first two thousand went with an older file."""
    later = Timeline(switches=["s1"])
    later.feed(replace(frame, number=2000 + frame.number) for frame in TALK.all_frames)
    assert instant("frame:2003", History(later)) == TALK.all_frames[2].time_ns
    with pytest.raises(UsageError, match="no such frame") as refused:
        instant("frame:3", History(later))
    assert refused.value.expected == f"frame:2001 to frame:{2000 + len(TALK.all_frames)}"


@pytest.mark.parametrize("text", ["", "noon", "-1s", "frame:0", "frame:5", "frame:x", "1h"])
def test_what_is_no_instant_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        instant(text, History(TALK))
    assert refused.value.expected


@pytest.mark.parametrize(("table", "word"), [("queues", "counted"), ("macs", "'mac'")])
def test_a_table_that_can_t_be_rebuilt_says_so(table: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        rebuild(History(TALK, described=DESCRIBED), table, None, at(2))


def test_a_foreign_capture_has_tables_too_but_no_settings() -> None:
    history = History(TALK)
    assert [row[:2] for row in rows(history, "mac", "s1", 2)] == [[PC1, "s1-eth1"], [WEB, "s1-eth2"]]
    assert rows(history, "arp", "pc1", 2) == [["10.0.0.2", WEB, "pc1-eth0", "REACHABLE"]]
    unnamed = Timeline()
    unnamed.add(Frame(1, at(1), "if0", "", Direction.UNKNOWN, asked("pc1", "web")))
    for table in ("mac", "arp", "leases", "cache"):
        with pytest.raises(UsageError, match="no device of this capture"):
            rebuild(History(unnamed), table, None, at(2))
    with pytest.raises(UsageError, match="nothing tells"):
        rebuild(history, "routes", "pc1", at(2))
