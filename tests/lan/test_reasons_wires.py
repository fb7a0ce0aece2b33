"""Reasons of cables and switches, each made on a real LAN: layers 1 and 2.

pc1 ──┐
      ├── s1 ── s2 ── web
pc2 ──┘
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest

from lan.engine import openvswitch
from lan.language.catalogue import ENGLISH
from lan.scenario.recording import device_map
from lan.testing.factory import Factory
from lan.testing.net import Net
from lan.trace.opening import open_capture
from lan.trace.pcapng import load
from lan.trace.pcapng_writing import dump
from lan.trace.why import Decisions, Explainer
from lan.wire import ethernet, ipv4, udp

from .reasons_told import Told, demand, frames_until_now, reasons, send, the, timeline_of
from .shaped import decisions, know_each_other, wait_for

TOPOLOGY = """
from mininet.topo import Topo


class Wired(Topo):
    def build(self):
        for switch in ("s1", "s2"):
            self.addSwitch(switch)
        for number, (name, switch) in enumerate((("pc1", "s1"), ("pc2", "s1"), ("web", "s2")), 1):
            self.addHost(name, ip=f"10.0.0.{number}/24")
            self.addLink(name, switch)
        self.addLink("s1", "s2")


topos = {"wired": Wired}
"""
FORGETFUL = """
from mininet.topo import Topo


class Forgetful(Topo):
    def build(self):
        self.addSwitch("s1", ageing_s=AGEING)
        for number, name in enumerate(("pc1", "pc2", "web"), 1):
            self.addHost(name, ip=f"10.0.0.{number}/24")
            self.addLink(name, "s1")


topos = {"forgetful": Forgetful}
"""
PC1, WEB = "10.0.0.1", "10.0.0.3"
NOBODY, GROUP, RESERVED = "02:00:00:00:00:99", "01:00:5e:00:00:fb", "01:80:c2:00:00:0e"
ALL = "ff:ff:ff:ff:ff:ff"
needs_ovs = pytest.mark.skipif(not openvswitch.installed(), reason="decisions about frames are logged by its app")


def up(factory: Factory, folder: pytest.TempPathFactory, topology: str, switch: str) -> Net:
    file = folder.mktemp("wires") / "wires.py"
    file.write_text(topology)
    return factory.up(str(file), switch=switch, link="userspace")


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    with Factory(tmp_path_factory) as factory:
        net = up(factory, tmp_path_factory, TOPOLOGY, "ovs")
        know_each_other(net, "pc1", "pc2", "web")
        for name in ("pc1", "pc2", "web"):
            other = "pc2" if name == "pc1" else "pc1"
            wait_for(lambda name=name, other=other: net[name].ping(other).received == 1, f"{other} answers {name}")
        yield net


def forgetful(ageing_s: int) -> str:
    return FORGETFUL.replace("AGEING", str(ageing_s))


def mac(net: Net, device: str) -> str:
    return next(port.mac for port in net.running.spec.ports(device))


def datagram(net: Net, *, number: int = 0, src: str = "", dst: str = "", size: int = 10) -> bytes:
    """From pc1 to web, told apart by its number; with other hardware addresses where they are given."""
    packet = ipv4.build(PC1, WEB, ipv4.UDP, udp.build(PC1, WEB, 40000, 9, bytes(size)), identification=number)
    return ethernet.build(dst or mac(net, "web"), src or mac(net, "pc1"), ethernet.IPV4, packet)


def said_of(net: Net, *frames: bytes, device: str = "pc1") -> Told:
    """What is said of frames that a device sends."""
    mark = frames_until_now(net)
    send(net, device, frames)
    return reasons(net, mark)


def said_of_damage(net: Net, frames: list[bytes], what: str, **options: str) -> Told:
    """What is said of frames that pc1 sends while the last cable to web has options, once it has done `what`."""
    net.link("web", "s2").set(sender="s2", **options)
    mark, before = frames_until_now(net), len(decisions(net, what=what))
    send(net, "pc1", frames)
    own = {crc32(frame) for frame in frames}
    wait_for(lambda: any(one["crc"] in own for one in decisions(net, what=what)[before:]), f"a frame is {what}")
    told = reasons(net, mark)
    net.link("web", "s2").reset(sender="s2")
    return told


def has_gone(net: Net, frame: bytes, to: str) -> bool:
    """Whether a switch has put such a frame on a device's cable."""
    return any(one.data == frame and one.to_device == to for one in timeline_of(net).all_frames)


def last_of(net: Net, station: str) -> str:
    """What s1 did last with a station's row."""
    own = [one for one in decisions(net, service="switch") if (one["switch"], one.get("src")) == ("s1", station)]
    known = [one["what"] for one in own if not one.get("dst")]
    return str(known[-1]) if known else ""


@needs_ovs
def test_what_a_cable_does_to_a_frame(net: Net) -> None:
    one = [datagram(net)]
    many = [datagram(net, number=number, size=1000) for number in range(1, 20)]
    demand(said_of_damage(net, one, "lost", loss="100%"), "web in link.lost")
    demand(said_of_damage(net, one, "duplicated", duplicate="100%"), "web in link.duplicated")
    # a bit in one of many may be one of the destination, but not in all of them
    demand(said_of_damage(net, many, "corrupted", corrupt="100%"), "web in link.corrupted", "~web in nic.mine")
    demand(said_of_damage(net, many, "dropped", bw="0.5mbit", max_queue_size="1"), "web in link.dropped")
    overtaking = {"delay": "300ms", "reorder": "100%", "gap": "2"}
    demand(said_of_damage(net, many, "reordered", **overtaking), "web in link.reordered")


@needs_ovs
def test_what_a_cable_lost_is_missing_at_its_far_end_where_no_log_tells(net: Net, tmp_path: Path) -> None:
    """The LAN's own capture and that of web's port, as one file that is read elsewhere: both ends of one cable."""
    target, mark = tmp_path / "web.pcapng", frames_until_now(net)
    first, lost, last = (datagram(net, number=number) for number in (100, 101, 102))
    words = ("trace", "--port", "web:eth0", "--pcap", str(target), "--lan", net.running.name)
    with subprocess.Popen([sys.executable, "-m", "lan.cli", *words], stdout=subprocess.PIPE, text=True) as port:
        assert port.stdout is not None and "captured from now on" in port.stdout.readline()
        send(net, "pc1", [first])
        wait_for(lambda: has_gone(net, first, "web"), "the first is on web's cable")
        net.link("web", "s2").set(sender="s2", loss="100%")
        send(net, "pc1", [lost])
        wait_for(lambda: crc32(lost) in {one["crc"] for one in decisions(net, what="lost")}, "the second is lost")
        net.link("web", "s2").reset(sender="s2")
        send(net, "pc1", [last])
        assert net["pc1"].ping("web").received == 1
        port.send_signal(signal.SIGINT)
        assert "frames written" in port.communicate(timeout=60)[0]

    own = [frame for frame in timeline_of(net).all_frames if frame.number > mark]
    merged = sorted([*own, *load(target.read_bytes())], key=lambda frame: frame.time_ns)
    (tmp_path / "both.pcapng").write_bytes(dump(merged))
    timeline = open_capture(
        tmp_path / "both.pcapng", devices=device_map(net.running.spec), switches=("s1", "s2")
    ).timeline
    explainer = Explainer(timeline, Decisions(), ENGLISH)
    told = [
        (stop.device, one)
        for journey in timeline.journeys
        if journey.origin.device == "pc1"
        for stop in journey.stops
        for one in explainer.explain(stop, journey)
    ]
    demand(told, "~web in nic.mine")
    assert the(told, "~web in link.missing").facts == {"a": "s2", "b": "web"}
    assert [one.code for _, one in told].count("link.missing") == 1


@needs_ovs
def test_a_cable_that_is_pulled(net: Net) -> None:
    to_pc2 = datagram(net, dst=mac(net, "pc2"))
    net.link("pc2", "s1").unplug()
    wait_for(lambda: last_of(net, mac(net, "pc2")) == "forgotten", "s1 has heard of it")
    demand(said_of(net, to_pc2), "s1 out link.down")
    net.link("pc2", "s1").plug()

    send(net, "web", [datagram(net, src=mac(net, "web"), dst=mac(net, "pc1"))])
    net.link("web", "s2").set(delay="1ms")  # carried by a process: its cable is the switch's still, and has no carrier
    net.link("web", "s2").unplug()
    mark = frames_until_now(net)
    send(net, "pc1", [datagram(net)])
    wait_for(lambda: "link.down" in {one.code for _, one in reasons(net, mark)}, "a pulled cable is said to be why")
    net.link("web", "s2").plug()


@needs_ovs
def test_what_a_switch_learns_and_what_it_refuses_to_learn(net: Net) -> None:
    demand(said_of(net, datagram(net, src=NOBODY)), "s1 in switch.learned", "s1 out switch.hit", "web in nic.mine")
    demand(said_of(net, datagram(net, src=NOBODY, number=1)), "s1 in switch.known")
    told = said_of(net, datagram(net), device="pc2")
    demand(told, "s1 in switch.moved")
    told = said_of(net, datagram(net, src="03:00:00:00:00:01"))
    demand(told, "~s1 in switch.refused", "~s1 in switch.dropped")
    told = said_of(net, datagram(net, src=NOBODY), datagram(net, dst=NOBODY))
    demand(told, "s1 in switch.filtered")


@needs_ovs
def test_where_a_switch_sends_what_is_for_nobody_known_or_for_many(net: Net) -> None:
    told = said_of(net, datagram(net, dst="02:00:00:00:00:77"))
    demand(told, "s1 out switch.flood", "pc2 in nic.other")
    told = said_of(net, datagram(net, dst=ALL), datagram(net, dst=GROUP))
    demand(told, "~s1 out switch.broadcast", "~web in nic.broadcast")
    demand(told, "~s1 out switch.multicast", "~pc2 in nic.multicast")
    demand(said_of(net, datagram(net, dst=RESERVED)), "~s1 in switch.reserved")


@needs_ovs
def test_a_station_that_was_silent_too_long_is_forgotten(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Factory(tmp_path_factory) as factory:
        net = up(factory, tmp_path_factory, forgetful(1), "ovs")
        know_each_other(net, "pc1", "web")
        wait_for(lambda: net["pc1"].ping("web").received == 1, "web answers")
        stations = (mac(net, "web"), mac(net, "pc1"))
        wait_for(lambda: all(last_of(net, each) == "aged" for each in stations), "both are forgotten")
        demand(said_of(net, datagram(net)), "s1 out switch.aged", "s1 out switch.flood")


def test_a_kernels_bridge_tells_of_its_table(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It forgets nobody before it is told to: what is done here one after the other may take any time."""
    with Factory(tmp_path_factory) as factory:
        net = up(factory, tmp_path_factory, forgetful(3600), "bridge")
        know_each_other(net, "pc1", "pc2", "web")
        from_web = datagram(net, src=mac(net, "web"), dst=mac(net, "pc1"))
        told = said_of(net, from_web, device="web")
        demand(told, "s1 in switch.learned", "s1 out switch.flood", "pc2 in nic.other")
        demand(said_of(net, datagram(net)), "s1 in switch.learned", "s1 out switch.hit")
        demand(said_of(net, datagram(net, number=1)), "s1 in switch.known")
        demand(said_of(net, datagram(net), device="pc2"), "s1 in switch.moved")
        said_of(net, datagram(net))
        demand(said_of(net, datagram(net, dst=mac(net, "pc1"))), "s1 in switch.filtered")
        net["s1"].set(ageing_s="1")
        wait_for(lambda: not [row for row in net["s1"].table("mac") if row.type == "learned"], "all are forgotten")
        demand(said_of(net, datagram(net)), "s1 out switch.aged", "s1 out switch.flood")


def test_what_a_bridge_says_itself_and_what_it_keeps(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Factory(tmp_path_factory) as factory:
        net = up(factory, tmp_path_factory, forgetful(1), "bridge")
        mark = frames_until_now(net)
        done = net.run("s1", "ip", "link", "set", "s1", "type", "bridge", "stp_state", "1", "hello_time", "100")
        assert done.returncode == 0, done.stderr
        assert net.wait(lambda timeline: any(is_bpdu(frame.data) for frame in timeline.frames), 60)
        demand(reasons(net, mark), "~s1 out switch.own")

        for name in ("pc2", "web"):
            net.link(name, "s1").unplug()
        demand(said_of(net, datagram(net)), "s1 in link.down", "~s1 in switch.kept")


def is_bpdu(frame: bytes) -> bool:
    return frame[:6].hex(":") == "01:80:c2:00:00:00"
