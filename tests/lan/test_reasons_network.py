"""Reasons of hosts and routers, each made on a real LAN: layers 2 to 4.

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
from lan.wire import arp, ethernet, icmp, ipv4, tcp, udp
from lan.wire.tcp import TcpFlags

from .reasons_told import Told, demand, frames_until_now, reasons, send
from .routed import routed
from .shaped import wait_for

PC1, PC2, R1, WEB = "10.1.0.1", "10.1.0.2", "10.1.0.254", "10.2.0.2"
PIPES: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
PING = ("ping", "-c", "1", "-W", "1")
"""What answers it later is waited for by who demands it."""
TWICE = ("-c", "2", "-i", "1.2", "-W", "1")
"""Linux tells nobody twice within a second that there is no route (ip_error)."""
SENDS_A_DATAGRAM = "import socket, sys; socket.socket(2, 2).sendto(b'hello', (sys.argv[1], int(sys.argv[2])))"
TAKES_A_DATAGRAM = """
import socket
held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
held.bind(("", 9))
print("bound", flush=True)
held.recv(2000)
"""
RESETS = """
import socket, struct
held = socket.socket()
held.bind(("", 86))
held.listen(1)
print("listens", flush=True)
one, _ = held.accept()
one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
one.recv(5)
one.close()
"""


REWRITES = """
add table ip t
add chain ip t coming { type nat hook prerouting priority -100; }
add rule ip t coming tcp dport 8080 dnat to 10.2.0.2:86
add rule ip t coming tcp dport 80 redirect to :86
"""
DIRECT = """
from mininet.topo import Topo


class Direct(Topo):
    def build(self):
        self.addLink(self.addHost("pc1", ip="10.1.0.1/24"), self.addHost("pc2", ip="10.1.0.2/24"))


topos = {"direct": Direct}
"""


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    file = tmp_path_factory.mktemp("reasons") / "routed.py"
    file.write_text(routed())
    with Factory(tmp_path_factory) as factory:
        net = factory.up(str(file), switch="bridge")
        for one, other in (("pc1", "web"), ("pc1", "pc2"), ("pc2", "r1")):
            know_each_other(net, one, other)
        yield net


def know_each_other(net: Net, one: str, other: str) -> None:
    wait_for(lambda: net[one].ping(other).received == 1, f"{other} answers {one}")


def after(net: Net, device: str, *command: str) -> Told:
    """What is said of all that passes while a program runs on a device."""
    mark = frames_until_now(net)
    net.run(device, *command)
    return reasons(net, mark)


def mac(net: Net, device: str) -> str:
    return next(port.mac for port in net.running.spec.ports(device))


def damaged(net: Net, protocol: int, content: bytes, at: int) -> bytes:
    """A packet from pc1 to pc2 with one bit turned, counted in bytes from the IP header."""
    packet = bytearray(ipv4.build(PC1, PC2, protocol, content))
    packet[at] ^= 1
    return ethernet.build(mac(net, "pc2"), mac(net, "pc1"), ethernet.IPV4, bytes(packet))


def test_pings_and_datagrams(net: Net) -> None:
    told = after(net, "pc1", "ping", "-c", "1", WEB)
    demand(told, "~pc1 out icmp.asks", "~web out icmp.answers", "~pc1 in icmp.answered")
    demand(told, "pc1 out route.gateway", "r1 out route.on", "web in ip.mine", "pc1 out arp.hit")
    with net["web"].popen("python3", "-c", TAKES_A_DATAGRAM, **PIPES) as server:
        assert server.stdout is not None and server.stdout.readline() == "bound\n"
        told = after(net, "pc1", "python3", "-c", SENDS_A_DATAGRAM, WEB, "9")
        server.wait()
    demand(told, "~pc1 out udp.sends", "~web in udp.takes")
    told = after(net, "pc1", "python3", "-c", SENDS_A_DATAGRAM, WEB, "10")
    demand(told, "web in udp.refused", "~web out icmp.tells", "~pc1 in icmp.told")
    told = after(net, "pc1", "python3", "-c", SENDS_A_DATAGRAM, PC2, "10")
    demand(told, "pc1 out route.link")


def test_packets_for_many(net: Net) -> None:
    told = after(net, "pc1", "ping", "-c", "1", "-W", "0.2", "-b", "10.1.0.255")
    demand(told, "~pc1 out route.all", "pc2 in ip.all")
    told = after(net, "pc1", "ping", "-c", "1", "-W", "0.2", "224.0.0.251")
    demand(told, "~pc1 out route.group", "~pc2 in ip.group")


def test_what_a_router_does_not_send_on_or_not_whole(net: Net) -> None:
    assert net.run("r1", "ip", "link", "set", "r1-eth1", "mtu", "600").returncode == 0
    told = after(net, "pc1", *PING, "-s", "1000", "-M", "dont", WEB)
    demand(told, "~r1 out route.cut")
    told = after(net, "pc1", *PING, "-s", "1000", "-M", "do", WEB)
    demand(told, "~r1 in route.large")
    assert net.run("r1", "ip", "link", "set", "r1-eth1", "mtu", "1500").returncode == 0
    demand(after(net, "pc1", *PING, "-t", "1", WEB), "~r1 in route.ttl")
    demand(after(net, "pc1", "ping", *TWICE, "10.9.9.9"), "r1 in route.none")
    net.run("r1", "ip", "route", "add", "prohibit", "10.8.0.0/16")
    demand(after(net, "pc1", "ping", *TWICE, "10.8.0.1"), "r1 in route.forbidden")
    demand(after(net, "pc1", *PING, "10.2.0.77"), "r1 in route.unreachable")


def test_a_shorter_way_and_a_host_that_is_no_router(net: Net) -> None:
    net.run("r1", "ip", "route", "add", "10.7.0.0/16", "via", PC2)
    told = after(net, "pc1", "ping", "-c", "1", "-W", "0.3", "10.7.0.1")
    demand(told, "~r1 out route.redirect")
    net.run("pc1", "ip", "route", "add", "10.2.0.0/24", "via", PC2)
    told = after(net, "pc1", "ping", "-c", "1", "-W", "0.3", WEB)
    net.run("pc1", "ip", "route", "delete", "10.2.0.0/24")
    demand(told, "~pc2 in route.kept")


def test_addresses_rewritten_and_taken_in_anothers_place(net: Net) -> None:
    assert net.run("r1", "nft", "-f", "-", input=REWRITES).returncode == 0
    told = after(net, "pc1", "curl", "-s", "-m", "10", f"http://{R1}:8080/")
    demand(told, "r1 in nat.rule", "r1 out nat.destination")
    with net["r1"].popen("python3", "-c", RESETS, **PIPES) as server:
        assert server.stdout is not None and server.stdout.readline() == "listens\n"
        told = after(net, "pc1", "curl", "-s", "-m", "10", f"http://{WEB}:80/")
        server.wait()
    net.run("r1", "nft", "flush", "ruleset")
    demand(told, "~r1 in ip.other")


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """Two hosts that have never heard of each other, on a cable without a switch."""
    file = tmp_path_factory.mktemp("direct") / "direct.py"
    file.write_text(DIRECT)
    with Factory(tmp_path_factory) as factory:
        yield factory.up(str(file))


def test_a_program_knows_where_an_address_is_and_its_device_does_not(direct: Net) -> None:
    """It writes the frame itself, past the ARP cache; once that has the row, the frame is as the kernel's."""
    packet = ipv4.build(PC1, PC2, ipv4.UDP, udp.build(PC1, PC2, 40000, 9, b"data"))
    frame = ethernet.build(mac(direct, "pc2"), mac(direct, "pc1"), ethernet.IPV4, packet)
    mark = frames_until_now(direct)
    send(direct, "pc1", [frame])
    demand(reasons(direct, mark), "~pc1 out arp.unseen")
    know_each_other(direct, "pc1", "pc2")
    mark = frames_until_now(direct)
    send(direct, "pc1", [frame])
    demand(reasons(direct, mark), "pc1 out arp.hit")


def test_damage_is_found_by_each_checksum(direct: Net) -> None:
    """On a cable without a switch: a bridge may check IP headers itself."""
    segment = tcp.build(PC1, PC2, 40000, 80, seq=1, ack=1, flags=TcpFlags.ACK, payload=b"data")
    mark = frames_until_now(direct)
    send(direct, "pc1", [
        damaged(direct, ipv4.UDP, udp.build(PC1, PC2, 40000, 9, b"data"), 5),
        damaged(direct, ipv4.UDP, udp.build(PC1, PC2, 40000, 9, b"data"), 28),
        damaged(direct, ipv4.TCP, segment, 40),
        damaged(direct, ipv4.ICMP, icmp.build_echo(5, 1, b"data"), 28),
    ])  # fmt: skip
    demand(reasons(direct, mark), "~pc2 in ip.checksum", "~pc2 in udp.checksum", "~pc2 in tcp.checksum",
           "~pc2 in icmp.checksum")  # fmt: skip


def test_addresses_are_asked_for_probed_announced_and_confirmed(net: Net) -> None:
    for name in ("pc2", "pc1"):  # pc2 first: should it ask whether its own row still holds, pc1 would learn by that
        net.run(name, "ip", "neighbour", "flush", "all")
    told = after(net, "pc1", "ping", "-c", "1", PC2)
    demand(told, "pc1 out arp.miss", "pc2 out arp.answer", "pc1 in arp.learned", "r1 in arp.other")
    nobody = "00:00:00:00:00:00"
    mark = frames_until_now(net)
    send(net, "pc2", [
        ethernet.build("ff:ff:ff:ff:ff:ff", mac(net, "pc2"), ethernet.ARP,
                       arp.build(arp.REQUEST, mac(net, "pc2"), sender, nobody, "10.1.0.77"))
        for sender in ("0.0.0.0", "10.1.0.77")
    ])  # fmt: skip
    demand(reasons(net, mark), "~pc2 out arp.probe", "~pc2 out arp.announce", "pc1 in arp.unasked")
    net.run("pc1", "sysctl", "-w", "net.ipv4.neigh.pc1-eth0.delay_first_probe_time=1")
    net.run("pc1", "ip", "neighbour", "change", PC2, "lladdr", mac(net, "pc2"), "dev", "pc1-eth0", "nud", "stale")
    mark = frames_until_now(net)
    net.run("pc1", "python3", "-c", SENDS_A_DATAGRAM, "10.1.0.2", "9")
    assert net.wait(lambda timeline: any(is_unicast_question(net, frame) for frame in timeline.frames[mark:]), 60)
    demand(reasons(net, mark), "pc1 out arp.confirm")


def is_unicast_question(net: Net, frame: Frame) -> bool:
    """To pc2, whose own questions are answered at the same address."""
    ethernet, message = frame.packet.ethernet, frame.packet.arp
    is_question = message is not None and message.operation == arp.REQUEST
    return is_question and ethernet is not None and ethernet.dst == mac(net, "pc2")


def test_neighbours_and_routers_of_ipv6(net: Net) -> None:
    mark = frames_until_now(net)
    for name in ("pc1", "pc2"):
        net.run(name, "sysctl", "-w", f"net.ipv6.conf.{name}-eth0.disable_ipv6=0")
        net.run(name, "ip", "address", "add", f"fd00::{name[-1]}/64", "dev", f"{name}-eth0")
    wait_for(lambda: net.run("pc1", "ping", "-6", "-c", "1", "-W", "1", "fd00::2").returncode == 0, "pc2 answers pc1")
    asks = bytes.fromhex("333300000002" + mac(net, "pc1").replace(":", ""))
    assert net.wait(lambda timeline: any(frame.data.startswith(asks) for frame in timeline.frames[mark:]), 60)
    told = reasons(net, mark)
    demand(told, "~pc1 out nd.probe", "~pc1 out nd.routers")
    demand(told, "pc1 out nd.miss", "pc2 out nd.answer", "pc1 in nd.learned")


def test_connections_that_carry_bytes_are_reset_or_not_answered(net: Net) -> None:
    with net["web"].popen("python3", "-c", RESETS, **PIPES) as server:
        assert server.stdout is not None and server.stdout.readline() == "listens\n"
        told = after(net, "pc1", "curl", "-s", "-m", "10", f"http://{WEB}:86/")
        server.wait()
    demand(told, "~web out tcp.reset", "~pc1 in tcp.was-reset", "~pc1 out tcp.sends", "~web in tcp.takes")
    demand(told, "~web out tcp.state", "~web out tcp.acks", "~pc1 in tcp.acked")
    demand(
        after(net, "pc1", "curl", "-s", "-m", "10", f"http://{WEB}:87/"), "web in tcp.refused", "web out tcp.refuses"
    )
    net.run("web", "ip", "route", "replace", "blackhole", "10.1.0.0/24")
    mark = frames_until_now(net)
    asking = net["pc1"].popen("curl", "-s", "-m", "60", f"http://{WEB}:86/")
    demand(reasons(net, mark), "~web in tcp.silent", "~pc1 out tcp.event")  # the latter once it asks again
    asking.kill()
    asking.wait()
    net.run("web", "ip", "route", "delete", "blackhole", "10.1.0.0/24")
