"""A proxy's pair of connections is tied by its own log, for certain; where that tells nothing, by the packets."""

import json
from pathlib import Path

import pytest

from lan.language.catalogue import language
from lan.trace.proxy_log import ProxyLog, ProxyLogs
from lan.trace.timeline import Timeline
from lan.trace.trackers import http
from lan.trace.views import export, pdu, pdu_text

from .journey_wires import IPS, MACS, MS, Wires, frame, segment

PC1, PC2, WEB, PROXY = (IPS[name] for name in ("pc1", "pc2", "web", "proxy"))
GET = b"GET http://web/a?b HTTP/1.1\r\nHost: web\r\n\r\n"
ONWARD = b"GET /a?b HTTP/1.1\r\nHost: web\r\nVia: 1.1 proxy\r\n\r\n"
FOUND = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVia: 1.1 proxy\r\n\r\nok"


def paired(client: str, local: int, at_ns: int, what: str = "connection", server: str = f"{WEB}:80") -> str:
    """A line of the proxy's log: for which client it uses its own end of a connection."""
    keys = {"client": client, "proxy": f"{PROXY}:3128", "server": server, "local": f"{PROXY}:{local}"}
    return json.dumps({"time_s": at_ns / 1e9, "service": "proxy", "what": what, "reason": {}, **keys})


def two_at_once(*, is_opened: bool = False) -> tuple[Wires, list[str]]:
    """pc1 and pc2 ask one proxy for the same, and it asks for pc2 first; and the proxy's log."""
    wires, log = Wires(), list[str]()
    for name, address in (("pc1", PC1), ("pc2", PC2)) if is_opened else ():
        wires.path(f"{name} proxy", frame(name, "proxy", segment(address, PROXY, "SYN", ports=(40000, 3128), seq=0)))
        taken = segment(PROXY, address, "SYN+ACK", ports=(3128, 40000), seq=0, ack=1)
        wires.path(f"proxy {name}", frame("proxy", name, taken))
    for name, address in (("pc1", PC1), ("pc2", PC2)):
        wires.path(f"{name} proxy", frame(name, "proxy", segment(address, PROXY, "ACK", GET, ports=(40000, 3128))))
    for address, local in ((PC2, 50002), (PC1, 50001)):
        log.append(paired(f"{address}:40000", local, wires.now_ns + MS // 2))
        wires.path("proxy web", frame("proxy", "web", segment(PROXY, WEB, "ACK", ONWARD, ports=(local, 80))))
    for name, address, local in (("pc1", PC1, 50001), ("pc2", PC2, 50002)):
        wires.path("web proxy", frame("web", "proxy", segment(WEB, PROXY, "ACK", FOUND, ports=(80, local))))
        wires.path(f"proxy {name}", frame("proxy", name, segment(PROXY, address, "ACK", ANSWER, ports=(3128, 40000))))
    return wires, log


def told(wires: Wires, log: list[str]) -> tuple[list[str], Timeline]:
    timeline = wires.timeline()
    timeline.learn_proxies("proxy", log)
    return [str(journey).partition(": ")[2] for journey in timeline.journeys], timeline


def test_of_two_requests_alike_a_proxys_log_says_which_became_which() -> None:
    """Packets alone take the first that came for the first that went."""
    wires, log = two_at_once()
    assert wires.journeys()[:2] == ["pc1 origin –→1; proxy proxy 1→3; web end 3→–",
                                    "pc2 origin –→2; proxy proxy 2→4; web end 4→–"]  # fmt: skip
    journeys, timeline = told(wires, log)
    assert journeys == [
        "pc1 origin –→1; proxy proxy 1→4; web end 4→–",
        "pc2 origin –→2; proxy proxy 2→3; web end 3→–",
        "web origin –→5; proxy proxy 5→6; pc1 end 6→–",
        "web origin –→7; proxy proxy 7→8; pc2 end 8→–",
    ]
    assert all(journey.stops[1].is_logged for journey in timeline.journeys)
    assert not any(stop.is_logged for journey in wires.timeline().journeys for stop in journey.stops)


@pytest.mark.parametrize("is_late", [False, True])
def test_transactions_are_tied_by_the_log_whenever_it_comes(is_late: bool) -> None:
    wires, log = two_at_once(is_opened=True)
    timeline = Timeline({mac: name for name, mac in MACS.items()}, ["s1"])
    if not is_late:
        timeline.learn_proxies("proxy", log)
    timeline.feed(wires.frames)
    if is_late:
        pairs = [(each.connection.client.port, each.downstream) for each in timeline.http if each.downstream]
        assert [each.connection.client.device for _, each in pairs] == ["pc1", "pc2"], (
            "by packets, the first for the first"
        )
        timeline.learn_proxies("proxy", log)
    asked = {each.connection.client.port: each for each in timeline.http if each.connection.client.device == "proxy"}
    assert {port: each.downstream and each.downstream.connection.client.device for port, each in asked.items()} == {
        50001: "pc1", 50002: "pc2",
    }  # fmt: skip
    assert all(each.is_logged and each.downstream and each.downstream.upstream is each for each in asked.values())


def test_a_clients_request_that_is_read_later_is_tied_then() -> None:
    """Over TLS it is known when its secrets are, which may be after the proxy's own."""
    wires, lines = two_at_once(is_opened=True)
    log = ProxyLog()
    log.add("proxy", lines)
    every = wires.timeline().http
    tracker = http.Tracker(log)
    for each in sorted(every, key=lambda one: one.connection.client.device != "proxy"):
        each.upstream = each.downstream = None
        tracker.keep(each)
    pairs = {each.connection.client.port: each.downstream for each in every if each.connection.client.device == "proxy"}
    assert {port: each and each.connection.client.device for port, each in pairs.items()} == {
        50001: "pc1",
        50002: "pc2",
    }


def test_a_kept_connection_is_for_whom_the_log_said_last_before_the_frame() -> None:
    wires, log = Wires(), []
    for name, address in (("pc1", PC1), ("pc2", PC2)):
        wires.path(f"{name} proxy", frame(name, "proxy", segment(address, PROXY, "ACK", GET, ports=(40000, 3128))))
    for address in (PC2, PC1):
        log.append(paired(f"{address}:40000", 50000, wires.now_ns + MS // 2))
        wires.path(
            "proxy web", frame("proxy", "web", segment(PROXY, WEB, "ACK", ONWARD, ports=(50000, 80), seq=wires.now_ns))
        )
    journeys, _ = told(wires, log)
    assert journeys == ["pc1 origin –→1; proxy proxy 1→4; web end 4→–", "pc2 origin –→2; proxy proxy 2→3; web end 3→–"]


def test_bytes_in_two_tunnels_alike_are_followed_by_the_log() -> None:
    wires, log, hello = Wires(), [], b"the same hello, sixteen bytes and more"
    for name, address in (("pc1", PC1), ("pc2", PC2)):
        wires.path(f"{name} proxy", frame(name, "proxy", segment(address, PROXY, "ACK", hello, ports=(40000, 3128))))
    for address, local in ((PC2, 50002), (PC1, 50001)):
        log.append(paired(f"{address}:40000", local, wires.now_ns + MS // 2, "connected"))
        wires.path("proxy web", frame("proxy", "web", segment(PROXY, WEB, "ACK", hello, ports=(local, 443))))
    journeys, timeline = told(wires, log)
    assert journeys == ["pc1 origin –→1; proxy proxy 1→4; web end 4→–", "pc2 origin –→2; proxy proxy 2→3; web end 3→–"]
    assert all(journey.stops[1].is_logged for journey in timeline.journeys)


def test_a_log_without_the_proxys_own_end_leaves_it_to_the_packets() -> None:
    wires, log = two_at_once()
    old = [json.dumps({key: value for key, value in json.loads(line).items() if key != "local"}) for line in log]
    endless = json.dumps({**json.loads(log[0]), "time_s": float("inf")})
    assert told(wires, [*old, "no json", '{"local": 1}', '{"local"', endless])[0] == wires.journeys()


def test_views_say_whether_the_log_or_the_packets_tied_the_two() -> None:
    wires, log = two_at_once(is_opened=True)
    _, logged = told(wires, log)
    for timeline, by, words in (
        (logged, "log", "proxy · proxy, tied by its own log"),
        (wires.timeline(), "packets", "proxy · proxy, tied by packets"),
    ):
        found = pdu.windows(timeline.journeys[4], timeline, lambda stop, journey: [])
        assert [each["tied_by"] for each in pdu.as_json(found)] == [None, by, None]
        assert any(words in line for window in found for line in pdu_text.window(window, 80))
        transactions = [each for each in export.conversations(timeline)["http"] if each["upstream"]]
        assert [each["upstream_by"] for each in transactions] == [by, by]
    korean = [line for line in pdu_text.window(found[1], 80, language("ko")) if "──" in line]
    assert korean[0].startswith("── proxy · 프록시, 패킷으로 추정한 연결 ─")


def test_logs_are_read_as_they_grow_a_whole_line_at_a_time(tmp_path: Path) -> None:
    logs = ProxyLogs(tmp_path)
    folder = tmp_path / "devices/proxy"
    folder.mkdir(parents=True)
    assert list(logs.fresh()) == []
    lines = [paired(f"{PC1}:1", 50000, 10), paired(f"{PC2}:2", 50000, 20)]
    (folder / "decisions.jsonl").write_text(lines[0] + "\n" + lines[1][:9])
    assert list(logs.fresh()) == [("proxy", lines[:1])]
    assert list(logs.fresh()) == []
    (folder / "decisions.jsonl").write_text("\n".join(lines) + "\n")
    assert list(logs.fresh()) == [("proxy", lines[1:])]


def test_an_end_is_its_clients_from_its_line_on_until_the_next() -> None:
    log = ProxyLog()
    log.add("proxy", [paired(f"{client}:1", 50000, at * 10**9) for client, at in ((PC1, 10), (PC2, 20))])
    uses = [log.use_of("proxy", PROXY, 50000, seconds * 10**9) for seconds in (9, 10, 19, 20, 99)]
    assert [use and use.client for use in uses] == [None, f"{PC1}:1", f"{PC1}:1", f"{PC2}:1", f"{PC2}:1"]
    assert log.use_of("proxy", PROXY, 50001, 99) is log.use_of("web", PROXY, 50000, 99) is None
