"""Up and down of one switch with N hosts: lan, stock Mininet, and two raw `ip -batch` runs, in one go.

    bin/lan python benchmarks/boot.py [--hosts 10,100,400] [--rounds 3] [--switches bridge,ovs] [--big 4000]

All three make the same things inside a bubble of their own: namespaces, veth pairs, addresses, switch
ports.  lan's figures are `up` until all answers and `down` until the last process is gone, Mininet's
`Mininet(topo)` with `start()`, and `stop()`, both in a Python that has imported what it needs; raw is
the two batches, without addresses and without any switch daemon.  Rounds are interleaved, and each
begins when the kernel has buried the namespaces of the one before, which goes on for a second after
the last process is gone; medians and their spread are shown, and ratios are what counts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.in_order import end_in_order

HOUSE = Path(__file__).resolve().parents[1]
LAN = [sys.executable, "-m", "lan.cli"]

MININET = """
import json, sys, time
from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import OVSSwitch
from mininet.nodelib import LinuxBridge
from mininet.topo import SingleSwitchTopo
from functools import partial
setLogLevel("error")
hosts, kind = int(sys.argv[1]), sys.argv[2]
switch = LinuxBridge if kind == "bridge" else partial(OVSSwitch, datapath="user", failMode="standalone")
began = time.monotonic()
net = Mininet(topo=SingleSwitchTopo(hosts), switch=switch, controller=None)
net.start()
up = time.monotonic()
answered = net.ping([net["h1"], net["h2"]], timeout="5") == 0
stopping = time.monotonic()
net.stop()
print(json.dumps({"up_s": up - began, "down_s": time.monotonic() - stopping, "answered": answered}))
"""

LAN_SCRIPT = """
import json, sys, time
from pathlib import Path
from lan.control.launch import Launch, up
from lan.devices.kinds import schemas
from lan.topo.load import load
hosts, kind, state = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
began = time.monotonic()
launched = up(load(f"single:{hosts}", schemas(), name=f"boot{hosts}"), Launch(switch=kind, state=state))
made = time.monotonic()
results = launched.lan.ping_all([("h1", f"h{n}") for n in range(2, hosts + 1)])
stopping = time.monotonic()
launched.lan.down()
ended = time.monotonic()
answered = sum(rtt is not None for _, _, rtt in results)
print(json.dumps({"up_s": made - began, "down_s": ended - stopping, "answered": answered, "asked": len(results)}))
"""

RAW = """
import subprocess, sys, time
first, second, third = sys.argv[1:4]
subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
began = time.monotonic()
subprocess.run(["ip", "-batch", first], check=True)
subprocess.run(["ip", "-batch", second], check=True)
up = time.monotonic()
subprocess.run(["ip", "-batch", third], check=True)
print('{"up_s": %f, "down_s": %f, "answered": true}' % (up - began, time.monotonic() - up))
"""

BURIED = """
import os, socket
from lan.engine import netns
from lan.engine.netlink import Netlink
from lan.wire import rtnetlink
from lan.wire.rtnetlink import End
home = netns.current()
grave = netns.new()
netns.enter(home)
links = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
links.bind((0, rtnetlink.RTMGRP_LINK))
ends = End("here", "02:00:00:00:00:01", 10), End("there", "02:00:00:00:00:02", 11, netns=grave)
with Netlink() as there:
    there.do([rtnetlink.new_veth(*ends)])
os.close(grave)
while any(name == "here" for _, name in socket.if_nameindex()):
    links.recv(1 << 16)
"""
"""Waits for its turn: the kernel buries namespaces one lot after the other, and a veth goes with its peer's."""


def buried() -> None:
    """Returns when all namespaces that were given up until now are gone."""
    run([*LAN, "sandbox", "--", sys.executable, "-c", BURIED])


def lan(hosts: int, kind: str) -> dict[str, float]:
    """One LAN of ours; all its hosts must answer a ping of the first."""
    with tempfile.TemporaryDirectory(prefix="lan-boot-") as state:
        found: dict[str, float] = json.loads(run([sys.executable, "-c", LAN_SCRIPT, str(hosts), kind, state]))
    return found


def mininet(hosts: int, kind: str) -> dict[str, float]:
    """Stock Mininet in a bubble, with an Open vSwitch of its own where it needs one."""
    words = [
        *LAN,
        "sandbox",
        *(["--ovs"] if kind == "ovs" else []),
        "--",
        sys.executable,
        "-c",
        MININET,
        str(hosts),
        kind,
    ]
    return json.loads(run(words).splitlines()[-1])


def raw(hosts: int) -> dict[str, float]:
    """The floor: two batches up, one down."""
    with tempfile.TemporaryDirectory(prefix="lan-boot-") as folder:
        numbers = range(1, hosts + 1)
        first = [f"netns add h{n}" for n in numbers]
        first += [f"link add s1-eth{n} type veth peer name eth0 netns h{n}" for n in numbers]
        second = ["link add s1 type bridge", "link set s1 up"] + [f"link set s1-eth{n} master s1 up" for n in numbers]
        third = [f"netns del h{n}" for n in numbers] + ["link del s1"]
        files = []
        for at, lines in enumerate((first, second, third)):
            files.append(f"{folder}/{at}")
            Path(files[-1]).write_text("\n".join(lines) + "\n")
        return json.loads(run([*LAN, "sandbox", "--", sys.executable, "-c", RAW, *files]).splitlines()[-1])


def run(words: list[str], env: dict[str, str] | None = None) -> str:
    """A program's output; its failure ends the benchmark with its words."""
    done = subprocess.run(words, cwd=HOUSE, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(words[:6])} …: {done.stderr.strip()[-800:]}")
    return done.stdout


def shown(values: list[float]) -> str:
    return f"{statistics.median(values):6.2f} ({min(values):.2f}–{max(values):.2f})"


def compare(hosts: int, kind: str, rounds: int) -> None:
    """One table: N hosts on one kind of switch."""
    found: dict[str, list[dict[str, float]]] = {"raw": [], "lan": [], "mininet": []}
    for _ in range(rounds):
        buried()
        found["raw"].append(raw(hosts))
        buried()
        found["lan"].append(lan(hosts, kind))
        buried()
        found["mininet"].append(mininet(hosts, kind))
    print(f"\n{hosts} hosts on one switch, {kind}: seconds, median (least–most) of {rounds}")
    print(f"  {'':8} {'up':>22} {'down':>22}")
    for who, results in found.items():
        print(f"  {who:8} {shown([it['up_s'] for it in results]):>22} {shown([it['down_s'] for it in results]):>22}")
    for direction in ("up_s", "down_s"):
        ours = statistics.median(it[direction] for it in found["lan"])
        floor = statistics.median(it[direction] for it in found["raw"])
        theirs = statistics.median(it[direction] for it in found["mininet"])
        print(
            f"  {direction[:-2]}: {theirs / ours:.1f} times faster than Mininet, {ours / floor:.1f} times the raw floor"
        )
    last = found["lan"][-1]
    print(f"  {last['answered']}/{last['asked']} hosts answered")


def memory_mb() -> float:
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return (int(fields["MemTotal"].split()[0]) - int(fields["MemAvailable"].split()[0])) / 1024


def big(hosts: int) -> None:
    """Many hosts, 500 on each bridge: how long, and the memory that each idle one takes of the machine's.

    They are not all pinged: the kernel keeps 1024 neighbours for all namespaces of a machine together.
    """
    buried()
    before = memory_mb()
    name = f"big{os.getpid()}"
    what = f"linear:{hosts // 500},500"
    with tempfile.TemporaryDirectory(prefix="lan-boot-") as state:
        env = {**os.environ, "XDG_STATE_HOME": state}
        began = time.monotonic()
        run([*LAN, "up", what, "--switch", "bridge", "--name", name, "--json"], env)
        up_s, used = time.monotonic() - began, memory_mb() - before
        stopping = time.monotonic()
        run([*LAN, "down", name], env)
        down_s = time.monotonic() - stopping
    print(f"\n{what}: up {up_s:.1f} s, down {down_s:.1f} s, {used * 1024 / hosts:.0f} KiB an idle host")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", default="10,100,400")
    parser.add_argument("--switches", default="bridge,ovs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--big", type=int, default=0, metavar="N", help="also N hosts once, by 500 on a bridge, with memory"
    )
    options = parser.parse_args()
    end_in_order()
    os.environ["PYTHONPATH"] = str(HOUSE)
    for kind in options.switches.split(","):
        for hosts in options.hosts.split(","):
            compare(int(hosts), kind, options.rounds)
    if options.big:
        big(options.big)


if __name__ == "__main__":
    main()
