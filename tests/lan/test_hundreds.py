"""What is done quickly for hundreds of hosts is done right for each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]

ALIKE = """
from lan.engine import netns, settings, syscalls
from lan.engine.fabric import Fabric

def refused():
    raise OSError("an old kernel")

if {old_kernel}:
    syscalls.new_proc = refused
fabric = Fabric()
names = [f"h{{n}}" for n in range(70)]  # more than twice as many as one procfs serves
fabric.add_hosts(names[:40])
fabric.add_hosts(names[40:])
lacking = set()
for name in names:
    with netns.inside(fabric.namespaces[name], fabric.home):
        lacking.add(tuple(settings.differing()))
        assert settings.path_of("net.ipv6.conf.all.disable_ipv6").read_text() == "1\\n", name
print(len(lacking))
"""

ENDED = """
import os, select, socket
from pathlib import Path
from lan.engine import closing

held, holds = os.pipe()
if (child := os.fork()) == 0:
    sockets = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) for _ in range(40)]
    os.write(holds, b"x")
    while True:
        select.select([], [], [])
os.read(held, 1)
closing.end(child, 2**22 - 1)
print(os.waitpid(child, os.WNOHANG)[0] == child, len(Path("/proc/net/packet").read_text().splitlines()) - 1)
"""

QUEUES = """
import json, subprocess
from lan.engine.fabric import Fabric
from lan.topo.spec import Link, Port

fabric = Fabric()
fabric.add_hosts(["h1", "h2"])
fabric.add_cables([Link(Port("h1", "eth0", "02:00:00:00:00:01"), Port("s1", "s1-eth1", "02:00:00:00:00:02"))])
[end] = json.loads(subprocess.run(["ip", "-j", "-d", "link", "show", "s1-eth1"], capture_output=True).stdout)
print(end["num_tx_queues"], end["num_rx_queues"], "PROMISC" in end["flags"])
"""

CARRIERS = """
import json, os, socket, subprocess
from lan.engine import fabric as fabric_module, netns
from lan.engine.fabric import Dress, Fabric
from lan.engine.netlink import LinkWatch
from lan.topo.spec import Link, Port
from lan.wire import rtnetlink

NLM_F_DUMP = 0x300

def told_of_all(index):  # before Linux 6.8 nothing happened to a link that was asked about, as still where all are
    return rtnetlink.Request(rtnetlink.RTM_GETLINK, NLM_F_DUMP, bytes(16), "all links")

fabric = Fabric()
fabric.add_hosts(["h1", "h2"])
if OLD_KERNEL:
    rtnetlink.get_link, fabric_module.MOST_WATCHED = told_of_all, 1
links = [Link(Port(f"h{n}", "eth0", f"02:00:00:00:01:0{n}"), Port("s1", f"s{n}", "02:00:00:00:00:02")) for n in (1, 2)]
links += [
    Link(Port("s1", f"t{n}", "02:00:00:00:00:03"), Port("s2", f"u{n}", "02:00:00:00:00:04")) for n in range(LINKS)
]
links += [Link(Port("h1", "eth1", "02:00:00:00:02:01"), Port("h2", "eth1", "02:00:00:00:02:02"))]
fabric.add_cables(links)
ports = [port for link in links for port in (link.a, link.b)]
for name in fabric.namespaces:
    fabric.dress(name, [port for port in ports if port.device == name], Dress())
fabric.wait_carrying(ports, {})
spaces = (fabric.home, *fabric.namespaces.values())
for space in spaces:
    with netns.inside(space, fabric.home):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as everywhere:
            for _, name in socket.if_nameindex():
                everywhere.sendto(bytes(12) + b"\\x88\\xb5" + bytes(46), (name, 0))
for space in spaces:
    with netns.inside(space, fabric.home):
        told = json.loads(subprocess.run(["ip", "-s", "-j", "link"], capture_output=True).stdout)
        print(len(told), [end["ifname"] for end in told if not end["stats64"]["rx"]["packets"]])
fabric.set_end(links[0], up=False)
with netns.inside(fabric.namespaces["h1"], fabric.home):
    watch, in_vain = LinkWatch([11]), LinkWatch([11])
print(in_vain.wait_carrying(0.1))
if os.fork() == 0:
    fabric.set_end(links[0], up=True)
    os._exit(0)
print(watch.wait_carrying(60), LinkWatch([4_000_000]).wait_carrying(0.1))
"""


def in_a_bubble(program: str) -> str:
    """What a program prints that runs as root of a bubble of its own."""
    words = [sys.executable, "-m", "lan.cli", "sandbox", "--", sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
    done = subprocess.run(words, cwd=HOUSE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("old_kernel", [False, True])
def test_all_hosts_have_the_settings_of_the_first(old_kernel: bool) -> None:
    assert in_a_bubble(ALIKE.format(old_kernel=old_kernel)) == "1"


def test_a_process_with_many_packet_sockets_is_gone_with_them_when_its_end_returns() -> None:
    assert in_a_bubble(ENDED) == "True 0"


def test_an_end_at_open_vswitch_has_one_queue_and_takes_all_frames_before_it_is_plugged_in() -> None:
    assert in_a_bubble(QUEUES) == "1 1 True"


@pytest.mark.parametrize("old_kernel", [False, True])
def test_what_is_sent_at_an_end_of_a_cable_goes_out_however_many_others_the_kernel_has_to_see_to(
    old_kernel: bool,
) -> None:
    links = 60 if old_kernel else 300
    given = f"OLD_KERNEL, LINKS = {old_kernel}, {links}\n"
    told = [f"{3 + 2 * links} []", "3 []", "3 []", "{11}", "set() {4000000}"]
    assert in_a_bubble(given + CARRIERS).splitlines() == told
