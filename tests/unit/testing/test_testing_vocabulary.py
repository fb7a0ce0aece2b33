"""The words of tests, over a real capture of the office: what they choose, what they tell, what they wait for."""

from collections.abc import Callable

import pytest

from lan.errors import UsageError
from lan.testing import words
from lan.testing.conversations.http import dechunked
from lan.testing.events import KINDS, WORDS, Event
from lan.testing.failing import NotSeen
from lan.testing.trace import Trace
from lan.testing.watch import Watch
from lan.testing.words import arp_conflict, dns_answer, gap, tcp_rst, tcp_syn
from lan.trace.frame import Frame
from lan.trace.ledger import PortRange

from ..trace.dialogues import Talk, timeline, told
from . import played


@pytest.fixture(scope="module")
def trace() -> Trace:
    return played.trace_of(played.Played(played.office()))


def test_a_transaction_tells_its_request_and_its_response(trace: Trace) -> None:
    fetch = trace.http(path="/", client="pc1", server="web").first()
    assert fetch.status == 200
    assert (fetch.method, fetch.path, fetch.host) == ("GET", "/", "www.ark-inflearn.com")
    assert fetch.request.start_line == "GET / HTTP/1.1"
    assert fetch.response.header("content-length") == "39" and len(fetch.response.body) == 39
    assert fetch.position == 1
    assert fetch.is_complete and not fetch.is_truncated


def test_a_connection_tells_how_it_began_and_ended(trace: Trace) -> None:
    by_client, by_server, reset, refused, tls = trace.tcp(client="pc1").exactly(5)
    assert (by_client.syns, by_client.retransmits, by_client.out_of_order, by_client.segments) == (1, 0, 0, 11)
    assert (by_client.client_bytes, by_client.server_bytes) == (65, 122)
    assert by_client.closed_by == "client" and by_client.closed_by == "pc1" and by_client.closed_by != "server"
    assert by_client.time_wait_at == "pc1" and by_client.close_kind == "four segments" and by_client.reset_by is None
    assert by_server.closed_by == "server" and by_server.time_wait_at == "192.168.100.253"
    assert by_server.close_kind == "three segments"
    assert reset.reset_by == "web" and reset.time_wait_at is None and reset.close_kind == "RST"
    assert refused.is_refused and not refused.is_open and refused.server_port == 81
    assert by_client.connect_ms > 0 and by_client.is_closed
    assert tls.told is trace.tls.one().connection.told


def test_lookups_leases_pings_and_resolutions_tell_what_was_found(trace: Trace) -> None:
    assert trace.dns(name="www.ark-inflearn.com").one().answers == ["192.168.100.253"]
    missing = trace.dns(name="nix.lan.test", server="dns").one()
    assert (missing.rcode, missing.addresses, missing.asked) == ("NXDOMAIN", [], 1) and missing.is_answered
    lease = trace.dhcp(client="pc1").one()
    assert (lease.yiaddr, lease.lease_s, lease.types[-1]) == ("192.168.100.1", 3600, "ACK")
    assert lease.server == "dhcp" and lease.is_granted and not lease.is_refused
    assert [echo.sequence for echo in trace.icmp(target="web")] == [1, 2]
    assert trace.icmp(sequence=1).one().is_answered and trace.icmp(sequence=2).one().rtt_ms > 0
    assert trace.arp(target="web").one().mac == "02:00:00:00:00:04"
    assert not trace.arp(target="192.168.100.77").one().is_answered
    assert trace.arp(client="dhcp").one().kind == "question"
    session = trace.tls(server_name="www.ark-inflearn.com").one()
    assert session.version == "TLS 1.3" and session.is_established


def test_a_question_takes_values_addresses_and_functions(trace: Trace) -> None:
    assert trace.tcp(server_port=443).count == 1
    assert trace.tcp(server="192.168.100.253").count == len(trace.tcp) == 5
    assert trace.http(path=lambda path: path.startswith("/")).count == 3
    assert trace.http(status="200")[0] == trace.http.first()
    assert [fetch.told for fetch in trace.http(client="pc1")(status=200)[1:]] == [each.told for each in trace.http][1:]
    trace.http(path="/missing").none()
    trace.icmp(is_answered=False).none()


def test_events_are_found_by_word_by_name_by_filter_and_by_function(trace: Trace) -> None:
    assert len(trace.seen("tcp.syn")) == len(trace.seen(tcp_syn)) == 5
    assert [frame.number for frame in trace.seen(tcp_syn(server="web"))] == [49, 71, 91, 107, 111]
    assert trace.seen("tcp.flags.syn and not tcp.flags.ack") == trace.seen("tcp.syn")
    assert trace.seen(lambda frame: frame.packet.arp is not None) == trace.seen("arp")
    assert trace.seen("dhcp.ack")[0].packet.dhcp is not None
    trace.never(arp_conflict)
    trace.never("tcp.retransmit")
    assert {word: bool(trace.seen(word)) for word in WORDS if word.split(".")[0] == "tcp"} == {
        **dict.fromkeys(["tcp.syn", "tcp.syn_ack", "tcp.ack", "tcp.fin", "tcp.rst", "tcp.refused"], True),
        "tcp.retransmit": False,
    }


def test_every_word_has_a_name_to_import() -> None:
    from_words = {value.word for value in vars(words).values() if isinstance(value, Event)}
    assert from_words == set(WORDS) and len(KINDS) == 7


def test_an_order_holds_whatever_passed_between_and_counts_repetitions(trace: Trace) -> None:
    trace.order("dhcp.ack", "arp.reply", "icmp.reply", "dns.answer", "tcp.syn", "http.request", "http.response")
    trace.order("http.request", "http.response", "http.request")
    with pytest.raises(NotSeen, match="they passed in another order") as failed:
        trace.order("tcp.syn", "dhcp.ack", dns_answer(name="nix.lan.test"))
    assert "dhcp.ack" in str(failed.value) and "   17 " in str(failed.value)
    with pytest.raises(NotSeen, match=r"not all of them passed[^$]*not seen"):
        trace.order("dns.answer", *["icmp.reply"] * 3)


def test_a_window_sees_what_began_in_it() -> None:
    source = played.Played(played.office(), passed=48)
    trace = played.trace_of(source)
    with trace.recording() as first:
        source.pass_by(22)
        assert first.tcp.count == 1
    rest = trace.since_here()
    source.pass_by(200)
    assert (first.tcp.count, first.tcp.one().closed_by == "client", first.dns.count) == (1, True, 0)
    assert rest.tcp.count == 4 and trace.tcp.count == 5 and rest.whole.dns.count == 2
    assert len(first.frames) + len(rest.frames) < len(trace.frames)


def test_the_time_between_two_messages_has_a_cause(trace: Trace) -> None:
    fetch = trace.http.first()
    between = gap(fetch.request, fetch.response)
    assert between.cause == "server think time" and between.device == "web"
    assert between.length_ms > 0 and between.evidence and "web" in between.reason
    assert sum(part.told.length_ns for part in fetch.connection.gaps) > between.told.length_ns
    assert "TCP handshake" in [str(part.cause) for part in fetch.gaps]
    other = trace.http[1]
    with pytest.raises(UsageError, match="two connections"):
        gap(fetch.request, other.response)


def test_an_ack_that_was_held_back_is_the_cause_of_the_time_between() -> None:
    halves = "0.3 pc1 ACK half / 40.4 web ACK / 40.5 pc1 ACK end / 40.6 web ACK response"
    source = played.Played([])
    source.timeline = told(f"0 pc1 SYN / 0.1 web SYN+ACK / 0.2 pc1 ACK / {halves}")
    fetch = played.trace_of(source).http.one()
    assert gap(fetch.request, fetch.response).cause == "delayed ACK"
    assert gap(fetch.request, fetch.response).device == "web"


def test_a_client_without_a_port_waits_for_one() -> None:
    """The device's own range of ports is asked for; see tests/unit/trace/test_stalls.py."""
    answered = "pc1 SYN / 405.1 web SYN+ACK / 405.2 pc1 ACK / 405.3 pc1 ACK request / 405.4 web ACK response"
    held = Talk().frames("0 pc1 SYN / 0.1 web SYN+ACK / 0.2 pc1 ACK / 400 pc1 RST+ACK")
    source = played.Played([])
    source.timeline = timeline(list(held), list(Talk().frames(f"405 {answered}")))
    for ranges, is_there in (({"pc1": PortRange(40000, 40000)}, True), ({}, False)):
        watch = Watch(source, lambda: played.DEVICES, port_ranges=lambda ranges=ranges: ranges)
        causes = [str(gap.cause) for gap in Trace(watch).http.one().gaps]
        assert ("ports exhausted" in causes) is is_there


WAITS: dict[str, Callable[[Trace], object]] = {
    "one": lambda trace: trace.http.one(),
    "first": lambda trace: trace.http.first(),
    "exactly": lambda trace: trace.icmp.exactly(2),
    "status": lambda trace: trace.http.first().status,
    "closed_by": lambda trace: trace.tcp.first().closed_by,
    "close_kind": lambda trace: trace.tcp.first().close_kind,
    "connect_ms": lambda trace: trace.tcp.first().connect_ms,
    "answers": lambda trace: trace.dns.first().answers,
    "yiaddr": lambda trace: trace.dhcp.first().yiaddr,
    "rtt_ms": lambda trace: trace.icmp.first().rtt_ms,
    "mac": lambda trace: trace.arp(target="web").first().mac,
    "version": lambda trace: trace.tls.first().version,
    "order": lambda trace: trace.order("dhcp.ack", "tcp.fin"),
    "wait_for": lambda trace: trace.wait_for("tcp.flags.reset"),
}


@pytest.mark.parametrize("word", WAITS)
def test_what_is_still_to_come_is_waited_for_and_no_longer(word: str) -> None:
    source = played.Played(played.office(), passed=0)
    assert WAITS[word](played.trace_of(source)) is not False
    assert 0 < source.waited < 146


def test_what_is_looked_at_now_is_not_waited_for() -> None:
    source = played.Played(played.office(), passed=28)
    trace = played.trace_of(source)
    echo = trace.icmp.first()
    assert not echo.is_answered and trace.icmp.count == 1
    trace.tcp.none()
    trace.never(tcp_rst)
    assert source.waited == 0


def test_chunks_are_taken_off() -> None:
    assert dechunked(b"4\r\nmilk\r\n3;x=y\r\n, a\r\n0\r\n\r\n") == b"milk, a"
    assert dechunked(b"4\r\nmi") == b"mi" and dechunked(b"xyz\r\n") == b""


def test_a_frame_is_chosen_by_any_function(trace: Trace) -> None:
    def is_long(frame: Frame) -> bool:
        return frame.length > 100_000

    trace.never(is_long)
