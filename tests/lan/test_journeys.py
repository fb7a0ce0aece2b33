"""Journeys on a real LAN: two switches, a router between them that may do NAT, a proxy, a cable without a switch.

pc1 ──┐                            ┌── web   10.2.0.2
pc2 ──┴── s1 ── r1 ── s2 ──────────┤
 10.1.0.x         │                └── via   10.2.0.3 (proxy)
                 far  10.3.0.2
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from lan.testing.factory import Factory
from lan.testing.net import Net
from lan.trace.frame import Direction
from lan.trace.journey import Journey, StopKind

from .reasons_told import demand, has_connection, reasons, timeline_of
from .routed import routed
from .shaped import wait_for

MORE = (
    'self.addHost("via", kind="proxy", ip="10.2.0.3/24", gateway="10.2.0.254")',
    'self.addLink("via", "s2")',
    'self.addHost("far", ip="10.3.0.2/24", gateway="10.3.0.254")',
    'self.addLink("r1", "far", params1={"ip": "10.3.0.254/24"})',
)
NAT = """
add table ip nat
add chain ip nat leaving { type nat hook postrouting priority 100; }
add rule ip nat leaving oifname "r1-eth1" masquerade
"""
CURL = ("curl", "-s", "-o", "/dev/null")


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    file = tmp_path_factory.mktemp("journeys") / "routed.py"
    file.write_text(routed(*MORE, web="web-server"))
    with Factory(tmp_path_factory) as factory:
        yield factory.up(str(file))


def ways(net: Net, mark: int) -> list[str]:
    """Each journey since a mark that a router or proxy took part in: its devices, its copies by flooding left out."""
    timeline = timeline_of(net)
    since = [one for one in timeline.journeys if one.frames[0].number > mark]
    kinds = {StopKind.ROUTER, StopKind.NAT, StopKind.PROXY}
    return [way(one) for one in since if any(stop.kind in kinds for stop in one.stops)]


def way(journey: Journey) -> str:
    """``pc1 s1 r1:router far``"""
    names = {StopKind.ROUTER, StopKind.NAT, StopKind.PROXY}
    return " ".join(stop.device + (f":{stop.kind}" if stop.kind in names else "") for stop in journey.stops)


def test_frames_are_followed_through_routers_nat_and_proxies_and_none_is_missed(net: Net) -> None:
    pc1 = net["pc1"]
    mark = timeline_of(net).mark()
    assert pc1.ping("web").received == pc1.ping("far").received == 1
    assert ways(net, mark) == [
        "pc1 s1 r1:router s2 web",
        "web s2 r1:router s1 pc1",
        "pc1 s1 r1:router far",
        "far r1:router s1 pc1",
    ]

    mark = timeline_of(net).mark()
    pc1.run("ping", "-c", "1", "-W", "1", "10.9.9.9")
    pc1.run("ping", "-c", "1", "-W", "1", "-t", "1", "10.2.0.2")
    errors = wait_for(lambda: two_errors(net, mark), "both are told")
    assert [(one.origin.device, way(one.cause)) for one in errors if one.cause] == [("r1", "pc1 s1 r1")] * 2
    assert all(one.cause.ends[0].answer is one.origin.sent[0] for one in errors if one.cause)

    net.run("r1", "nft", "-f", "-", input=NAT)
    mark = timeline_of(net).mark()
    assert pc1.ping("web").received == 1
    assert ways(net, mark) == ["pc1 s1 r1:nat s2 web", "web s2 r1:nat s1 pc1"]

    mark = timeline_of(net).mark()
    pc1.run(*CURL, "-x", "http://10.2.0.3:3128", "http://10.2.0.2/")
    http = [one for one in timeline_of(net).journeys if one.frames[0].number > mark and one.frames[0].packet.http]
    assert [way(one) for one in http] == [
        "pc1 s1 r1:nat s2 via:proxy s2 web",
        "web s2 via:proxy s2 r1:nat s1 pc1",
    ]

    assert_counters_agree(net)


def two_errors(net: Net, mark: int) -> list[Journey]:
    """Those that were told since a mark, once there are two; they may come later than a ping waits for them."""
    found = [one for one in timeline_of(net).journeys if one.cause and one.frames[0].number > mark]
    return found if len(found) >= 2 else []


def test_two_that_ask_one_proxy_alike_at_once_are_told_apart_by_its_log(net: Net) -> None:
    """Which of the two the proxy asks for first is chance; the log ties each to the client whose name it carries."""
    mark = timeline_of(net).mark()
    words = (*CURL, "-x", "http://10.2.0.3:3128", "http://10.2.0.2/")
    asking = [net[name].popen(*words, "-H", f"X-Name: {name}") for name in ("pc1", "pc2")]
    assert [one.wait() for one in asking] == [0, 0]
    timeline = timeline_of(net)
    asked = [each for each in timeline.since(mark).http if each.connection.client.device == "via"]
    names = {each.request.head.get("X-Name") for each in asked}
    assert names == {"pc1", "pc2"}
    for each in asked:
        journey = timeline.journey_of(each.request.frames[0])
        stop = next(stop for stop in journey.stops if stop.kind is StopKind.PROXY)
        assert journey.origin.device == each.request.head.get("X-Name") and stop.is_logged
        assert each.is_logged and each.downstream is not None
        assert each.downstream.request.head.get("X-Name") == each.request.head.get("X-Name")


BACKLOG = """
import socket, sys
server = socket.create_server(("", 81), backlog=0)
print("listens", flush=True)
sys.stdin.read()
"""
MUTE = """
add table ip mute
add chain ip mute coming { type filter hook input priority 0; }
add rule ip mute coming tcp dport 82 drop
"""


def test_reasons_are_read_from_the_devices_own_logs_and_else_from_packets(net: Net) -> None:
    pc1, far = net["pc1"], net["far"]
    pc1.run(*CURL, "-x", "http://10.2.0.3:3128", "http://10.2.0.2/")
    pc1.run(*CURL, "http://10.2.0.2/nothing")
    told = reasons(net, 0)
    demand(told, "s1 in switch.learned", "s1 out switch.hit", "s2 in switch.known", "via in proxy.forwards")
    demand(told, "via out proxy.returns", "web in http.reads", "web out http.answers")
    demand(told, "pc1 out arp.miss", "pc1 out route.gateway", "r1 out route.on", "~web out tcp.state")

    mark = timeline_of(net).mark()
    net.link("r1", "s1").set(sender="s1", loss="100%")
    pc1.ping("far", timeout_s=0.1)
    demand(reasons(net, mark), "r1 in link.lost")
    net.link("r1", "s1").reset()

    mark = timeline_of(net).mark()
    net.run("r1", "nft", "-f", "-", input=MUTE)
    timeline_of(net)  # which is also when the rule is known, and traced
    with far.popen(sys.executable, "-c", BACKLOG, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stdout.readline() == "listens\n"
        asking = [pc1.popen(*CURL, "-m", "60", "http://10.3.0.2:81/")]
        wait_for(lambda: has_connection(net, "far", 81), "the queue's one place is taken")
        asking += [pc1.popen(*CURL, "-m", "60", url) for url in ("http://10.3.0.2:81/", "http://10.1.0.254:82/")]
        far.run(*CURL, "http://10.1.0.254:83/")
        told = reasons(net, mark)
        demand(told, "far in tcp.backlog", "r1 in filter.drops", "r1 in tcp.refused", "r1 out tcp.refuses")
        for one in asking:
            one.kill()
            one.wait()
        server.communicate()


def assert_counters_agree(net: Net) -> None:
    """Each sighting is in one journey, and every port's kernel counted as many frames as journeys have there."""
    wait_for(lambda: counted(net) == seen(net), "counters of kernel and journeys agree")
    timeline = timeline_of(net)
    numbers = sorted(frame.number for journey in timeline.journeys for frame in journey.frames)
    assert numbers == [frame.number for frame in timeline.frames]


def seen(net: Net) -> "Counter[tuple[str, str]]":
    """(port, way) → frames, by the journeys; of a cable that is seen at both ends each port has its own sighting."""
    found = Counter[tuple[str, str]]()
    for journey in timeline_of(net).journeys:
        for frame in journey.frames:
            found[frame.port, frame.direction.value] += 1
            if not is_seen_at(net, frame.peer):
                found[frame.peer, (Direction.IN if frame.direction is Direction.OUT else Direction.OUT).value] += 1
    return found


def is_seen_at(net: Net, port: str) -> bool:
    return net.running.spec.devices[port.partition(":")[0]].is_switch


def counted(net: Net) -> "Counter[tuple[str, str]]":
    """The same by the kernel's counters of all interfaces."""
    found = Counter[tuple[str, str]]()
    for device in net:
        for link in json.loads(net.run(device, "ip", "-s", "-json", "link").stdout):
            name, dash, port = link["ifname"].partition("-")
            if dash and name == device:
                for way, key in (("in", "rx"), ("out", "tx")):
                    found[f"{device}:{port}", way] += link["stats64"][key]["packets"]
    return +found
