"""The judges, on a real capture (`lan run office --pcap`, as hex): all is well, then one thing is missing.

Each case takes frames out of the capture, as if they had never passed, and says which step notices.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from lan.scenario import judging
from lan.scenario.judging import Site
from lan.scenario.verdict import Verdict
from lan.trace import pcapng
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline, Window
from lan.wire.tcp import TcpFlags

FRAMES = pcapng.load(bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text()))
NAME, PC1, WEB, DNS = "www.ark-inflearn.com", "192.168.100.1", "192.168.100.253", "192.168.100.254"
SITE = Site("pc1", "web", WEB, NAME)
SECURE = Site("pc1", "web", WEB, NAME, is_secure=True)


def timeline(keep: Callable[[Frame], bool] = lambda frame: True) -> Timeline:
    made = Timeline(switches=["s1"])
    made.feed(frame for frame in FRAMES if keep(frame))
    return made


def judge(window: Window) -> dict[str, Verdict]:
    connection = next(iter(window.connections(client="pc1", server_ip=WEB, server_port=80)), None)
    verdicts = [
        judging.lease(window, "pc1", "dhcp", PC1),
        judging.asks_for(window, SITE),
        judging.resolves(window, SITE, "dns", DNS),
        judging.connects(connection, SITE, window),
        judging.requests(window, connection, SITE),
        judging.responds(window, connection, SITE),
        judging.closes(connection, SITE, "pc1"),
        judging.pings(window, "pc1", "web", WEB, 4),
    ]
    return {verdict.name: verdict for verdict in verdicts}


def test_the_whole_capture_passes() -> None:
    found = judge(timeline())
    assert [name for name, verdict in found.items() if not verdict.ok] == []
    assert found["DHCP"].what == "DISCOVER OFFER REQUEST ACK" and found["DHCP"].detail == f"{PC1}, lease 1 h"
    assert found["Close"].what == "FIN  ACK  FIN  ACK"


def test_https_passes_by_what_shows_without_keys() -> None:
    whole = timeline()
    mark = next(frame.number for frame in whole.all_frames if b"https" in frame.data or frame.packet.tls) - 8
    assert judging.page(whole.since(mark), Site("pc1", "web", WEB, WEB, is_secure=True), "pc1").ok


def dhcp(kind: str) -> Callable[[Frame], bool]:
    return lambda frame: not (frame.packet.dhcp and frame.packet.dhcp.type and frame.packet.dhcp.type.name == kind)


def no_answers_of_dns(frame: Frame) -> bool:
    return not (frame.packet.dns and frame.packet.dns.is_response)


def no_dns(frame: Frame) -> bool:
    return frame.packet.dns is None


def no_segments_of_web(frame: Frame) -> bool:
    return not (frame.packet.tcp and frame.packet.ipv4 and frame.packet.ipv4.src == WEB)


def no_segments(frame: Frame) -> bool:
    return frame.packet.tcp is None


def no_requests(frame: Frame) -> bool:
    return not (frame.packet.http and frame.packet.http.kind == "request")


def no_responses(frame: Frame) -> bool:
    return not (frame.packet.http and frame.packet.http.kind == "response")


def no_fin_of_web(frame: Frame) -> bool:
    tcp, ip = frame.packet.tcp, frame.packet.ipv4
    return not (tcp and ip and ip.src == WEB and TcpFlags.FIN in tcp.flags)


def no_echo_replies(frame: Frame) -> bool:
    return not (frame.packet.icmp and frame.packet.icmp.type == 0)


@pytest.mark.parametrize(
    ("keep", "failing", "words"),
    [
        (dhcp("OFFER"), "DHCP", "DISCOVER REQUEST ACK"),
        (dhcp("ACK"), "DHCP", "seen instead: DISCOVER OFFER REQUEST"),
        (no_dns, "Browse", "seen instead: no question of its"),
        (no_answers_of_dns, "DNS", "no answer"),
        (no_segments, "Connect", "no SYN to 192.168.100.253:80"),
        (no_segments_of_web, "Connect", "[SYN]"),
        (no_requests, "Request", "no request on the connection"),
        (no_responses, "Response", "seen instead"),
        (no_fin_of_web, "Close", "seen instead: still"),
        (no_echo_replies, "ping web", "0 answered"),
    ],
)
def test_what_is_missing_fails_its_step(keep: Callable[[Frame], bool], failing: str, words: str) -> None:
    verdict = judge(timeline(keep))[failing]
    if failing == "DHCP" and "ACK" in words:
        assert verdict.what == words  # granted without an offer: named as it was seen
        return
    assert not verdict.ok and words in verdict.detail, verdict


def test_another_address_than_expected_fails() -> None:
    verdict = judging.lease(timeline(), "pc1", "dhcp", "192.168.100.7")
    assert (verdict.ok, verdict.detail) == (False, f"expected 192.168.100.7, leased {PC1}")


def test_another_answer_than_expected_fails() -> None:
    other = Site("pc1", "web", "192.168.100.99", NAME)
    assert not judging.resolves(timeline(), other, "dns", DNS).ok


def test_who_closes_first_is_judged() -> None:
    connection = timeline().connections(client="pc1", server_ip=WEB, server_port=80)[0]
    verdict = judging.closes(connection, SITE, "web")
    assert (verdict.ok, verdict.detail) == (False, "expected web to close first, pc1 did")
