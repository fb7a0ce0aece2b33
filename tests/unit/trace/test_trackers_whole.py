"""Trackers read what fragments and segments make together, and tie conversations that belong together."""

import dataclasses
from itertools import count
from random import Random

import pytest
from dnslib import QTYPE, RR, A, DNSRecord

from benchmarks.wire_changes import fragments
from lan.trace.frame import Direction, Frame
from lan.trace.timeline import Timeline
from lan.wire import dhcp, ethernet, ipv4, tcp, udp
from lan.wire.dhcp_options import options
from lan.wire.tcp import TcpFlags

from .talk import MACS, Talk

NAMES = [f"{letter}.lan.test" for letter in "abc"]


def timeline_of(frames: list[Frame]) -> Timeline:
    timeline = Timeline(switches=["s1"])
    timeline.feed(frames)
    return timeline


def question(name: str, number: int) -> bytes:
    asked = DNSRecord.question(name)
    asked.header.id = number
    return bytes(asked.pack())


def answer(name: str, number: int, addresses: int = 1) -> bytes:
    told = DNSRecord.parse(question(name, number)).reply()
    for each in range(addresses):
        told.add_answer(RR(name, QTYPE.A, ttl=60, rdata=A(f"10.0.{each // 200}.{each % 200 + 1}")))
    return bytes(told.pack())


def prefixed(*messages: bytes) -> bytes:
    return b"".join(len(each).to_bytes(2, "big") + each for each in messages)


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_dns_over_tcp_is_read_in_whatever_segments_it_comes(size: int) -> None:
    talk = Talk(server_port=53)
    frames = talk.open()
    asked = prefixed(*(question(name, at) for at, name in enumerate(NAMES)))
    told = prefixed(*(answer(name, at, 60) for at, name in reversed(list(enumerate(NAMES)))))
    for who, data in (("pc1", asked), ("web", told)):
        frames += [talk.say(who, "ACK", data[at : at + size]) for at in range(0, len(data), size)]
    queries = timeline_of(frames).dns
    assert [query.name.rstrip(".") for query in queries] == NAMES
    assert [len(query.addresses) for query in queries] == [60, 60, 60]
    assert all(query.over_tcp for query in queries)
    assert queries[0].answer is frames[-1]


def in_pieces(frame: Frame, numbers: "count[int]", seed: int = 0) -> list[Frame]:
    pieces = fragments([frame.data], Random(seed))
    assert len(pieces) > 1
    return [Frame(next(numbers), frame.time_ns, frame.port, frame.peer, frame.direction, piece) for piece in pieces]


@pytest.mark.parametrize("seed", range(4))
def test_datagrams_in_fragments_are_conversations_too(seed: int) -> None:
    talk, numbers = Talk(), count(1)
    ask = dataclasses.replace(talk.datagram("pc1", 5000, 53, question("a.lan.test", 5)), number=next(numbers))
    told = in_pieces(talk.datagram("web", 53, 5000, answer("a.lan.test", 5, 50)), numbers, seed)
    offer = dhcp.build(dhcp.Message(dhcp.BOOTREPLY, 7, chaddr=MACS["pc1"], options=options(type=dhcp.OFFER)))
    lease = in_pieces(talk.datagram("web", 67, 68, offer), numbers, seed)
    timeline = timeline_of([ask, *told, *lease])
    [query] = timeline.dns
    assert len(query.addresses) == 50
    assert query.answer is not None
    assert query.answer.number == told[-1].number
    assert timeline.fragmented.sources_of(query.answer) == tuple(told)
    assert [exchange.types for exchange in timeline.dhcp] == [("OFFER",)]


def test_a_fragment_that_is_missing_makes_no_conversation_and_is_told() -> None:
    talk, numbers = Talk(), count(2)
    ask = talk.datagram("pc1", 5000, 53, question("a.lan.test", 5))
    told = in_pieces(talk.datagram("web", 53, 5000, answer("a.lan.test", 5, 50)), numbers)
    late = [
        dataclasses.replace(each, time_ns=each.time_ns + 31 * 10**9)
        for each in in_pieces(talk.datagram("web", 53, 5000, answer("a.lan.test", 6, 50)), numbers)
    ]
    timeline = timeline_of([ask, *told[:-1], *late])
    assert timeline.dns[0].answer is None
    assert [lost.sources for lost in timeline.fragmented.lost] == [tuple(told[:-1])]


def test_bytes_that_the_capture_lost_are_told_and_what_is_behind_them_is_read() -> None:
    talk = Talk()
    frames = [*talk.open(), talk.say("pc1", "ACK", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    frames.append(talk.say("web", "ACK", b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n"))
    frames += [talk.say("web", "ACK", b"x" * 100) for _ in range(3)]
    del frames[-2]
    frames += [talk.say("pc1", "ACK"), talk.say("pc1", "ACK", b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")]
    frames.append(talk.say("web", "ACK", b"HTTP/1.1 204 No Content\r\n\r\n"))
    first, second = timeline_of(frames).http
    assert (first.status, first.is_complete, second.target, second.status) == (200, True, "/2", 204)
    assert first.response is not None
    assert (first.response.missing_bytes, first.response.body_bytes) == (100, 300)
    assert second.request.missing_bytes == 0


CHAIN_IPS = {"pc1": "10.0.0.1", "mid": "10.0.0.2", "end": "10.0.0.3"}


class Chain:
    """Frames between devices with addresses of their own: a client, what stands between, a server."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def send(self, who: str, to: str, packet: bytes) -> None:
        number = len(self.frames) + 1
        data = ethernet.build("02:00:00:00:00:02", "02:00:00:00:00:01", ethernet.IPV4, packet)
        self.frames.append(Frame(number, number * 10**6, f"s1:{who}", f"{who}:eth0", Direction.IN, data))

    def dns(self, who: str, to: str, ports: tuple[int, int], payload: bytes) -> None:
        ends = CHAIN_IPS[who], CHAIN_IPS[to]
        self.send(who, to, ipv4.build(*ends, ipv4.UDP, udp.build(*ends, *ports, payload)))

    def http(self, who: str, to: str, ports: tuple[int, int], seq: int, payload: bytes) -> None:
        ends = CHAIN_IPS[who], CHAIN_IPS[to]
        body = tcp.build(*ends, *ports, seq=seq, ack=1, flags=TcpFlags.ACK, payload=payload)
        self.send(who, to, ipv4.build(*ends, ipv4.TCP, body))


def test_a_resolvers_own_questions_stand_below_the_clients() -> None:
    chain = Chain()
    chain.dns("pc1", "mid", (4000, 53), question("a.lan.test", 1))
    chain.dns("pc1", "mid", (4001, 53), question("b.lan.test", 2))
    chain.dns("mid", "end", (5000, 53), question("A.lan.test", 3))
    chain.dns("end", "mid", (53, 5000), answer("A.lan.test", 3))
    chain.dns("mid", "end", (5001, 53), question("ns.other.test", 4))
    chain.dns("mid", "pc1", (53, 4000), answer("a.lan.test", 1))
    chain.dns("mid", "end", (5002, 53), question("a.lan.test", 5))
    a, b, first, other, late = timeline_of(chain.frames).dns
    assert (a.below, first.cause) == ([first], a)
    assert (b.below, other.cause) == ([other, late], b)
    assert late.cause is b
    assert a.cause is None


def test_a_question_long_forgotten_causes_nothing() -> None:
    chain = Chain()
    chain.dns("pc1", "mid", (4000, 53), question("a.lan.test", 1))
    chain.dns("mid", "end", (5000, 53), question("a.lan.test", 3))
    chain.frames[-1] = dataclasses.replace(chain.frames[-1], time_ns=60 * 10**9)
    assert timeline_of(chain.frames).dns[1].cause is None


@pytest.mark.parametrize(
    ("status", "is_hit"),
    [
        (b"proxy; hit", True),
        (b"near; fwd=miss, far; hit", True),
        (b"far; hit, near; fwd=miss", False),
        (b'far; fwd=miss, near; hit; detail="twice, as \\"it\\" was"', True),
        (b'near; fwd=stale; detail="was, hit"', False),
    ],
)
def test_the_cache_nearest_to_the_client_says_whether_it_was_a_hit(status: bytes, is_hit: bool) -> None:
    talk = Talk()
    frames = [*talk.open(), talk.say("pc1", "ACK", b"GET / HTTP/1.1\r\nHost: web\r\n\r\n")]
    frames.append(talk.say("web", "ACK", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nCache-Status: %b\r\n\r\n" % status))
    [transaction] = timeline_of(frames).http
    assert transaction.is_cache_hit == is_hit


def test_a_proxys_request_is_tied_to_the_clients_and_a_hit_has_none() -> None:
    chain = Chain()
    chain.http("mid", "pc1", (3128, 4000), 1, b"")
    chain.http("end", "mid", (80, 6000), 1, b"")
    absolute = b"GET http://www.lan.test/a?b HTTP/1.1\r\nHost: www.lan.test\r\n\r\n"
    chain.http("pc1", "mid", (4000, 3128), 1, absolute)
    chain.http("mid", "end", (6000, 80), 1, b"GET /a?b HTTP/1.1\r\nHost: www.lan.test\r\n\r\n")
    told = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nCache-Status: %b\r\n\r\n"
    chain.http("end", "mid", (80, 6000), 1, told.replace(b"Cache-Status: %b\r\n", b""))
    miss, hit = told % b"other;hit, proxy; fwd=miss; stored", told % b"proxy;hit;ttl=9"
    chain.http("mid", "pc1", (3128, 4000), 1, miss)
    chain.http("pc1", "mid", (4000, 3128), 1 + len(absolute), absolute)
    chain.http("mid", "pc1", (3128, 4000), 1 + len(miss), hit)
    sent = len(b"GET /a?b HTTP/1.1\r\nHost: www.lan.test\r\n\r\n")
    chain.http("mid", "end", (6000, 80), 1 + sent, b"GET /a?b HTTP/1.1\r\nHost: www.lan.test\r\n\r\n")
    outer, inner, again, own = timeline_of(chain.frames).http
    assert (outer.upstream, inner.downstream, inner.upstream) == (inner, outer, None)
    assert (outer.is_cache_hit, outer.cache_status) == (False, "other;hit, proxy; fwd=miss; stored")
    assert (again.upstream, again.is_cache_hit, again.position) == (None, True, 2)
    assert own.downstream is None  # both of the client's were answered before it
    assert inner.cache_status is None
    assert "GET http://www.lan.test/a?b → 200" in repr(outer)
    assert "GET www.lan.test/a?b → 200" in repr(inner)


def test_pipelined_requests_know_how_many_are_ahead() -> None:
    talk = Talk()
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    frames = [*talk.open(), talk.say("pc1", "ACK", request * 3)]
    frames.append(talk.say("web", "ACK", b"HTTP/1.1 204 No Content\r\n\r\n" * 3))
    frames.append(talk.say("pc1", "ACK", request))
    found = timeline_of(frames).http
    assert [(each.position, each.ahead, each.is_pipelined) for each in found] == [
        (1, 0, False),
        (2, 1, True),
        (3, 2, True),
        (4, 0, False),
    ]


def test_a_target_that_is_no_url_is_read_as_it_is() -> None:
    talk = Talk()
    frames = [*talk.open(), talk.say("pc1", "ACK", b"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n")]
    assert [each.target for each in timeline_of(frames).http] == ["http://["]
