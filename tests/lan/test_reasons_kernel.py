"""Reasons that devices' kernels tell: rules of nftables, neighbours and routes, on a real LAN with a router.

pc1 ──┐                 ┌── web   10.2.0.2
pc2 ──┴── s1 ── r1 ── s2
 10.1.0.x
"""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from lan.scenario.recording import Recording
from lan.testing.factory import Factory
from lan.testing.net import Net
from lan.trace.frame import Frame
from lan.trace.why import Decisions, Explained, Explainer
from lan.wire import arp, ethernet
from lan.wire.tcp import TcpFlags

TOPOLOGY = """
from mininet.topo import Topo


class Routed(Topo):
    def build(self):
        for switch in ("s1", "s2"):
            self.addSwitch(switch)
        for number in (1, 2):
            self.addHost(f"pc{number}", ip=f"10.1.0.{number}/24", gateway="10.1.0.254")
            self.addLink(f"pc{number}", "s1")
        self.addHost("r1", ip="10.1.0.254/24", sysctls={"net.ipv4.ip_forward": 1, "net.ipv4.icmp_ratelimit": 0})
        self.addLink("r1", "s1")
        self.addLink("r1", "s2", params1={"ip": "10.2.0.254/24"})
        self.addHost("web", ip="10.2.0.2/24", gateway="10.2.0.254")
        self.addLink("web", "s2")


topos = {"routed": Routed}
"""
CURL = ("curl", "-s", "-o", "/dev/null")
ASK = (*CURL, "-m", "0.3")
SYN_AGAIN = 3 * 4
"""Sightings of SYNs to a port, one of them sent twice: each is seen on four cables."""
TALKS = """
import socket
held = socket.create_connection(("10.2.0.2", 85))
print("open", flush=True)
input()
held.close()
"""


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    file = tmp_path_factory.mktemp("reasons") / "routed.py"
    file.write_text(TOPOLOGY)
    with Factory(tmp_path_factory) as factory:
        yield factory.up(str(file), switch="bridge")


Told = list[tuple[str, Explained]]


def is_syn_to(frame: Frame, port: int) -> bool:
    tcp = frame.packet.tcp
    return tcp is not None and tcp.dst_port == port and tcp.flags & (TcpFlags.SYN | TcpFlags.ACK) == TcpFlags.SYN


def frames_until_now(net: Net) -> int:
    """How many frames have passed; all that kernels told until now is known."""
    recording = Recording(net.running)
    try:
        recording.sync()
        return len(recording.timeline.all_frames)
    finally:
        recording.close()


def reasons(net: Net, mark: int) -> Told:
    """(device, reason) of every stop of journeys since a mark."""
    recording, decisions = Recording(net.running), Decisions()
    try:
        recording.sync()
    finally:
        recording.close()
    decisions.read([net.state / "kernel.jsonl"])
    explainer = Explainer(recording.timeline, decisions)
    return [
        (stop.device, one)
        for journey in recording.timeline.journeys
        if journey.frames[0].number > mark
        for stop in journey.stops
        for one in explainer.explain(stop, journey)
    ]


def codes(told: Told) -> set[str]:
    """``r1 in filter.drops``, with ``~`` before what is derived."""
    return {f"{'~' if one.is_derived else ''}{device} {one.way} {one.code}" for device, one in told}


def the(told: Told, device: str, code: str) -> Explained:
    """The first of a device with that code."""
    return next(one for who, one in told if (who, one.code) == (device, code))


def rules(net: Net, device: str, text: str) -> int:
    """Give a device these rules alone; the mark after which they are in force and traced."""
    net.run(device, "nft", "flush", "ruleset")
    done = subprocess.CompletedProcess("nft", 0) if not text else net.run(device, "nft", "-f", "-", input=text)
    assert done.returncode == 0
    return frames_until_now(net)


def wall(hook: str, *lines: str, policy: str = "accept", kind: str = "filter", family: str = "inet") -> str:
    body = "\n".join(f"    {line}" for line in lines)
    base = f"type {kind} hook {hook} priority {'filter' if kind == 'filter' else '0'}; policy {policy};"
    return f"table {family} wall {{\n  chain guard {{\n    {base}\n{body}\n  }}\n}}\n"


def test_the_rule_that_drops_rejects_or_passes_a_packet_is_named_as_the_kernel_tells_it(net: Net) -> None:
    pc1 = net["pc1"]
    mark = rules(net, "web", wall("input", "tcp dport 81 drop", "tcp dport 82 reject with tcp reset",
                                  "udp dport 53 counter reject", "icmp type echo-request accept"))  # fmt: skip
    pc1.run(*ASK, "http://10.2.0.2:81/")
    pc1.run(*ASK, "http://10.2.0.2:82/")
    pc1.run("python3", "-c", "import socket as s; s.socket(2, 2).sendto(b'?', ('10.2.0.2', 53))")
    assert pc1.ping("web").received == 1
    told = reasons(net, mark)
    dropped = the(told, "web", "filter.drops")
    assert not dropped.is_derived
    assert dropped.reason.text == "the rule inet wall guard, handle 2 drops it: tcp dport 81 drop"
    assert {one.facts["words"] for who, one in told if one.code == "filter.rejects"} == {
        "tcp dport 82 reject with tcp reset",
        "udp dport 53 counter reject",
    }
    assert {"web out filter.answers", "web in filter.accepts"} <= codes(told), sorted(codes(told))
    wrong = {"~web in tcp.silent", "~web in tcp.refused", "~web out tcp.refuses", "~web in udp.refused"}
    assert not wrong & codes(told)


def test_a_router_s_policy_and_its_translation_are_named(net: Net) -> None:
    mark = rules(net, "r1", wall("forward", "tcp dport 80 accept", policy="drop"))
    assert net["pc1"].ping("web", timeout_s=0.1).received == 0
    told = reasons(net, mark)
    assert not the(told, "r1", "filter.policy").is_derived
    assert the(told, "r1", "filter.policy").facts["rule"] == "inet wall guard"

    mark = rules(net, "r1", wall("postrouting", 'oifname "r1-eth1" masquerade', kind="nat", family="ip"))
    assert net["pc1"].ping("web").received == 1
    told = reasons(net, mark)
    assert {"r1 out nat.rule", "r1 out nat.source"} <= codes(told), sorted(codes(told))
    assert the(told, "r1", "nat.rule").facts["words"] == 'oifname "r1-eth1" masquerade'
    rules(net, "r1", "")


def test_rules_for_arp_are_named_too(net: Net) -> None:
    mark = rules(net, "pc2", wall("input", "arp operation request drop", family="arp"))
    net.run("r1", "ip", "neighbour", "flush", "all")
    assert net["r1"].ping("pc2", timeout_s=0.1).received == 0
    told = reasons(net, mark)
    assert the(told, "pc2", "filter.drops").facts["words"] == "arp operation request drop"
    rules(net, "pc2", "")


def test_a_device_without_rules_has_no_table_of_ours(net: Net) -> None:
    rules(net, "pc1", wall("input", "tcp dport 9 drop"))
    assert "lan_trace" in net.run("pc1", "nft", "list", "ruleset").stdout
    rules(net, "pc1", "")
    assert net.run("pc1", "nft", "list", "ruleset").stdout == ""


def test_neighbours_and_routes_are_those_that_the_kernel_had(net: Net) -> None:
    for device in ("pc1", "r1", "web"):
        net.run(device, "ip", "neighbour", "flush", "all")
    mark = frames_until_now(net)
    assert net["pc1"].ping("web").received == 1
    told = reasons(net, mark)
    expected = {"pc1 out arp.miss", "r1 out arp.answer", "pc1 in arp.learned", "pc1 out arp.hit", "pc2 in arp.other"}
    expected |= {"pc1 out route.gateway", "r1 out route.on", "web in ip.mine", "web out route.gateway"}
    assert expected <= codes(told), sorted(codes(told))
    assert the(told, "pc1", "route.gateway").facts["route"] == "default via 10.1.0.254 dev pc1-eth0"
    assert the(told, "r1", "route.on").facts["route"] == "10.2.0.0/24 dev r1-eth1"
    assert the(told, "pc1", "arp.hit").facts["state"] == "REACHABLE"


def test_why_a_router_tells_that_it_can_not_send_on(net: Net) -> None:
    mark = frames_until_now(net)
    net["pc1"].run("ping", "-c", "1", "-W", "1", "10.9.9.9")
    net.run("r1", "ip", "route", "add", "prohibit", "10.8.0.0/16")
    net["pc1"].run("ping", "-c", "1", "-W", "1", "10.8.0.1")
    net["pc1"].run("ping", "-c", "1", "-W", "5", "10.2.0.77")
    told = codes(reasons(net, mark))
    assert {"r1 in route.none", "r1 in route.forbidden", "r1 in route.unreachable"} <= told, sorted(told)


ANNOUNCE = """
import socket, sys
port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
port.bind(("pc2-eth0", 0))
port.send(bytes.fromhex(sys.argv[1]))
"""


def test_an_address_that_nobody_asked_for_is_not_kept(net: Net) -> None:
    mark = frames_until_now(net)
    mac = next(port.mac for port in net.running.spec.ports("pc2"))
    said = arp.build(arp.REQUEST, mac, "10.1.0.77", "00:00:00:00:00:00", "10.1.0.77")
    frame = ethernet.build("ff:ff:ff:ff:ff:ff", mac, ethernet.ARP, said)
    net.run("pc2", "python3", "-c", ANNOUNCE, frame.hex())
    told = codes(reasons(net, mark))
    assert {"~pc2 out arp.announce", "pc1 in arp.unasked"} <= told, sorted(told)


PIPES: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
LISTENS = """
import socket, sys
held = socket.socket()
held.bind(("", 85))
held.listen(0)
print("listens", flush=True)
sys.stdin.read()
"""


def test_sockets_that_do_not_listen_or_are_full_are_those_that_the_kernel_has(net: Net) -> None:
    pc1, web = net["pc1"], net["web"]
    mark = frames_until_now(net)
    pc1.run(*ASK, "http://10.2.0.2:84/")
    pc1.run("python3", "-c", "import socket as s; s.socket(2, 2).sendto(b'?', ('10.2.0.2', 84))")
    with web.popen("python3", "-c", LISTENS, **PIPES) as server:
        assert server.stdout is not None and server.stdout.readline() == "listens\n"
        asking = [pc1.popen(*CURL, "-m", "9", "http://10.2.0.2:85/")]
        assert net.wait(lambda timeline: any(each.syn_ack for each in timeline.connections(server_port=85)))
        asking.append(pc1.popen(*CURL, "-m", "4", "http://10.2.0.2:85/"))
        assert net.wait(lambda timeline: sum(is_syn_to(frame, 85) for frame in timeline.frames) >= SYN_AGAIN)
        told = reasons(net, mark)
        for one in asking:
            one.kill()
        server.communicate()
    expected = {"web in tcp.refused", "web out tcp.refuses", "web in udp.refused", "web in tcp.backlog"}
    assert expected <= codes(told), sorted(codes(told))
    assert the(told, "web", "tcp.backlog").facts | {"most": "1", "queued": "1"} == the(told, "web", "tcp.backlog").facts


def test_the_states_that_last_are_those_that_the_kernel_has(net: Net) -> None:
    mark = frames_until_now(net)
    with net["web"].popen("python3", "-c", LISTENS, **PIPES) as server:
        assert server.stdout is not None and server.stdout.readline() == "listens\n"
        with net["pc1"].popen("python3", "-c", TALKS, **PIPES) as client:
            assert client.stdout is not None and client.stdout.readline() == "open\n"
            frames_until_now(net)
            client.communicate("\n")
        frames_until_now(net)
        server.communicate()
    told = reasons(net, mark)
    states = {f"{who} {one.facts['after']}" for who, one in told if one.code == "tcp.state" and not one.is_derived}
    assert states >= {"pc1 ESTABLISHED", "web ESTABLISHED", "pc1 FIN-WAIT-2", "web CLOSE-WAIT"}, states
