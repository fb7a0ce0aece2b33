"""Reasons that devices' kernels tell, with their facts: rules of nftables, neighbours, routes, sockets; on a real LAN.

pc1 ──┐                 ┌── web   10.2.0.2
pc2 ──┴── s1 ── r1 ── s2
 10.1.0.x
"""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from lan.testing.factory import Factory
from lan.testing.net import Net
from lan.trace.frame import Frame
from lan.wire.tcp import TcpFlags

from .reasons_told import demand, frames_until_now, has_connection, line, reasons, the
from .routed import routed
from .shaped import wait_for

CURL = ("curl", "-s", "-o", "/dev/null")
PIPES: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
SENDS_A_DATAGRAM = "import socket, sys; socket.socket(2, 2).sendto(b'?', ('10.2.0.2', int(sys.argv[1])))"
LISTENS = """
import socket, sys
held = socket.socket()
held.bind(("", 85))
held.listen(0)
print("listens", flush=True)
sys.stdin.read()
"""
TALKS = """
import socket
held = socket.create_connection(("10.2.0.2", 85))
print("open", flush=True)
input()
held.close()
"""
SIGHTINGS = 4
"""Of a segment from pc1 to web, on as many cables."""


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    file = tmp_path_factory.mktemp("reasons") / "routed.py"
    file.write_text(routed())
    with Factory(tmp_path_factory) as factory:
        yield factory.up(str(file), switch="bridge")


def rules(net: Net, device: str, text: str = "") -> int:
    """Give a device these rules alone; the mark after which they are in force and traced."""
    assert net.run(device, "nft", "flush", "ruleset").returncode == 0
    if text:
        assert net.run(device, "nft", "-f", "-", input=text).returncode == 0
    return frames_until_now(net)


def wall(hook: str, *lines: str, policy: str = "accept", kind: str = "filter", family: str = "inet") -> str:
    body = "\n".join(f"    {line}" for line in lines)
    base = f"type {kind} hook {hook} priority {'filter' if kind == 'filter' else '0'}; policy {policy};"
    return f"table {family} wall {{\n  chain guard {{\n    {base}\n{body}\n  }}\n}}\n"


def is_syn_to(frame: Frame, port: int) -> bool:
    tcp = frame.packet.tcp
    return tcp is not None and tcp.dst_port == port and tcp.flags & (TcpFlags.SYN | TcpFlags.ACK) == TcpFlags.SYN


def ask(net: Net, port: int, sightings: int) -> None:
    """Have pc1 ask web for a connection, until its SYNs have been seen so often."""
    asking = net["pc1"].popen(*CURL, "-m", "60", f"http://10.2.0.2:{port}/")
    assert net.wait(lambda timeline: sum(is_syn_to(frame, port) for frame in timeline.frames) >= sightings, 60)
    asking.kill()
    asking.wait()


def answers(net: Net, one: str, other: str) -> None:
    wait_for(lambda: net[one].ping(other).received == 1, f"{other} answers {one}")


def test_the_rule_that_drops_rejects_or_passes_a_packet_is_named_as_the_kernel_tells_it(net: Net) -> None:
    pc1 = net["pc1"]
    mark = rules(net, "web", wall("input", "tcp dport 81 drop", "tcp dport 82 reject with tcp reset",
                                  "udp dport 53 counter reject", "icmp type echo-request accept"))  # fmt: skip
    for port in (81, 82):
        ask(net, port, SIGHTINGS)
    pc1.run("python3", "-c", SENDS_A_DATAGRAM, "53")
    answers(net, "pc1", "web")
    told = reasons(net, mark)
    demand(told, "web in filter.drops", "web in filter.rejects", "web out filter.answers", "web in filter.accepts")
    dropped = the(told, "web in filter.drops")
    assert dropped.reason.text == "the rule inet wall guard, handle 2 drops it: tcp dport 81 drop"
    rejecting = {one.facts["words"] for _, one in told if one.code == "filter.rejects"}
    assert rejecting == {"tcp dport 82 reject with tcp reset", "udp dport 53 counter reject"}
    wrong = {"tcp.silent", "tcp.refused", "tcp.refuses", "udp.refused"}
    assert not wrong & {one.code for _, one in told}
    rules(net, "web")


def test_a_routers_policy_and_its_translation_are_named(net: Net) -> None:
    mark = rules(net, "r1", wall("forward", "tcp dport 80 accept", policy="drop"))
    assert net["pc1"].ping("web", timeout_s=0.1).received == 0
    assert net.wait(lambda trace: any(it.packet.icmp and it.to_device == "r1" for it in trace.frames[mark:]), 60)
    told = reasons(net, mark)
    demand(told, "r1 out filter.policy")
    assert the(told, "r1 out filter.policy").facts["rule"] == "inet wall guard"

    mark = rules(net, "r1", wall("postrouting", 'oifname "r1-eth1" masquerade', kind="nat", family="ip"))
    answers(net, "pc1", "web")
    told = reasons(net, mark)
    demand(told, "r1 out nat.rule", "r1 out nat.source")
    assert the(told, "r1 out nat.rule").facts["words"] == 'oifname "r1-eth1" masquerade'
    rules(net, "r1")


def test_rules_for_arp_are_named_too(net: Net) -> None:
    mark = rules(net, "pc2", wall("input", "arp operation request drop", family="arp"))
    net.run("r1", "ip", "neighbour", "flush", "all")
    assert net["r1"].ping("pc2", timeout_s=0.1).received == 0
    assert net.wait(lambda trace: any(it.packet.arp and it.to_device == "pc2" for it in trace.frames[mark:]), 60)
    assert the(reasons(net, mark), "pc2 in filter.drops").facts["words"] == "arp operation request drop"
    rules(net, "pc2")


def test_a_device_without_rules_has_no_table_of_ours(net: Net) -> None:
    rules(net, "pc1", wall("input", "tcp dport 9 drop"))
    assert "lan_trace" in net.run("pc1", "nft", "list", "ruleset").stdout
    rules(net, "pc1")
    assert net.run("pc1", "nft", "list", "ruleset").stdout == ""


def test_neighbours_and_routes_are_those_that_the_kernel_had(net: Net) -> None:
    for device in ("web", "r1", "pc1"):  # who asks whether its own row still holds is learned by that: pc1 is last
        net.run(device, "ip", "neighbour", "flush", "all")
    mark = frames_until_now(net)
    answers(net, "pc1", "web")
    told = reasons(net, mark)
    demand(told, "pc1 out arp.miss", "r1 out arp.answer", "pc1 in arp.learned", "pc1 out arp.hit", "pc2 in arp.other")
    demand(told, "pc1 out route.gateway", "r1 out route.on", "web in ip.mine", "web out route.gateway")
    assert the(told, "pc1 out route.gateway").facts["route"] == "default via 10.1.0.254 dev pc1-eth0"
    assert the(told, "r1 out route.on").facts["route"] == "10.2.0.0/24 dev r1-eth1"
    assert the(told, "pc1 out arp.hit").facts["state"] == "REACHABLE"


def test_sockets_that_do_not_listen_or_are_full_are_those_that_the_kernel_has(net: Net) -> None:
    pc1, web = net["pc1"], net["web"]
    mark = frames_until_now(net)
    pc1.run(*CURL, "-m", "5", "http://10.2.0.2:84/")
    pc1.run("python3", "-c", SENDS_A_DATAGRAM, "84")
    with web.popen("python3", "-c", LISTENS, **PIPES) as server:
        assert server.stdout is not None and server.stdout.readline() == "listens\n"
        asking = [pc1.popen(*CURL, "-m", "60", "http://10.2.0.2:85/")]
        wait_for(lambda: has_connection(net, "web", 85), "the queue's one place is taken")
        asking.append(pc1.popen(*CURL, "-m", "60", "http://10.2.0.2:85/"))
        assert net.wait(lambda timeline: sum(is_syn_to(frame, 85) for frame in timeline.frames) >= 3 * SIGHTINGS, 60)
        told = reasons(net, mark)
        for one in asking:
            one.kill()
            one.wait()
        server.communicate()
    demand(told, "web in tcp.refused", "web out tcp.refuses", "web in udp.refused", "web in tcp.backlog")
    full = the(told, "web in tcp.backlog")
    assert (full.facts["queued"], full.facts["most"]) == ("1", "1")


def test_the_states_that_last_are_those_that_the_kernel_has(net: Net) -> None:
    mark = frames_until_now(net)
    with net["web"].popen("python3", "-c", LISTENS, **PIPES) as server:
        assert server.stdout is not None and server.stdout.readline() == "listens\n"
        with net["pc1"].popen("python3", "-c", TALKS, **PIPES) as client:
            assert client.stdout is not None and client.stdout.readline() == "open\n"
            wait_for(lambda: has_connection(net, "web", 85), "web has it")
            frames_until_now(net)
            client.communicate("\n")
        wait_for(lambda: has_connection(net, "web", 85, "CLOSE_WAIT"), "web has got the FIN")
        wait_for(lambda: has_connection(net, "pc1", 85, "FIN_WAIT_2"), "pc1 has got its ACK")
        frames_until_now(net)
        server.communicate()
    told = reasons(net, mark)
    demand(told, "web in tcp.opens", "pc1 out tcp.state", "web in tcp.state")
    states = {f"{who} {one.facts['after']}" for who, one in told if line(who, one).endswith("tcp.state")
              and not one.is_derived}  # fmt: skip
    assert states >= {"pc1 ESTABLISHED", "web ESTABLISHED", "pc1 FIN-WAIT-2", "web CLOSE-WAIT"}, states
