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
