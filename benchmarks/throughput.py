"""One TCP stream through a switch of ours, beside the same switch made by hand with the same offload settings.

    bin/lan python benchmarks/throughput.py [--switches bridge,ovs] [--seconds 5] [--rounds 3]

By hand: two namespaces, two veth pairs, and a Linux bridge, or an Open vSwitch that forwards as it does without a
controller (`fail_mode=standalone`), in a bubble as ours.  Ours has its controller, and no capture (`--no-trace`):
what that costs is in `trace.py`.  iperf3 between the hosts; rounds take turns; medians and their spread are shown,
and the ratio is what counts.  Exit code 1 where ours is below 0.9 of the other.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import iperf3
from benchmarks.in_order import end_in_order
from benchmarks.trace_capturing import load_of
from lan.engine import offloads

HOUSE = Path(__file__).resolve().parents[1]
LAN = [sys.executable, "-m", "lan.cli"]
ASKED = 0.9
ADDRESSES = {"h1": "10.0.0.1/8", "h2": "10.0.0.2/8"}


def by_hand(kind: str, seconds: int) -> float:
    """Mbit/s between two hosts on a switch that is made here, in the bubble that we are in."""
    if kind == "bridge":
        _ip("link", "add", "s1", "type", "bridge")
        _ip("link", "set", "s1", "up")
    else:
        made = ["add-br", "s1", "--", "set", "bridge", "s1", "datapath_type=netdev", "fail_mode=standalone"]
        subprocess.run(["ovs-vsctl", *made], check=True)
    for number, (host, address) in enumerate(ADDRESSES.items(), 1):
        port = f"s1-eth{number}"
        _ip("netns", "add", host)
        _ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host)
        for where in (["-n", host], []):
            _ip(*where, "link", "set", "eth0" if where else port, "up")
        _ip("-n", host, "address", "add", address, "dev", "eth0")
        trim(port)
        _inside(host, sys.executable, "-m", "benchmarks.throughput", "--trim", "eth0")
        if kind == "bridge":
            _ip("link", "set", port, "master", "s1")
        else:
            subprocess.run(["ovs-vsctl", "add-port", "s1", port], check=True)
    words = ["ip", "netns", "exec", "h2", *iperf3.SERVER]
    listening = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    return iperf3.mbit_s(listening, lambda: _inside("h1", "iperf3", "-c", "10.0.0.2", "-t", str(seconds), "-J"))


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _inside(host: str, *words: str) -> str:
    done = subprocess.run(["ip", "netns", "exec", host, *words], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def trim(interface: str) -> None:
    """The settings that ports of a LAN have."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        offloads.switch_off(sock, interface)


def in_bubble(kind: str, seconds: int) -> float:
    words = [*LAN, "sandbox", *(["--ovs"] if kind == "ovs" else []), "--"]
    words += [sys.executable, "-m", "benchmarks.throughput", "--by-hand", kind, "--seconds", str(seconds)]
    done = subprocess.run(words, cwd=HOUSE, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit("the switch by hand failed (above)")
    return float(done.stdout.splitlines()[-1])


def compare(kind: str, seconds: int, rounds: int) -> bool:
    """Two rows and a ratio; whether it is as promised."""
    found: dict[str, list[float]] = {"by hand": [], "lan": []}
    for _ in range(rounds):
        found["by hand"].append(in_bubble(kind, seconds))
        with tempfile.TemporaryDirectory(prefix="lan-throughput-") as folder:
            found["lan"].append(load_of(Path(folder), kind, None, seconds, is_captured=False).mbit_s)
    print(f"\n{kind}: Mbit/s, median (least–most) of {rounds}")
    for who, rates in found.items():
        print(f"  {who:8} {statistics.median(rates):8.0f} ({min(rates):.0f}–{max(rates):.0f})")
    ratio = statistics.median(found["lan"]) / statistics.median(found["by hand"])
    print(f"  lan has {ratio:.2f} of the switch by hand ({ASKED} asked)", flush=True)
    return ratio >= ASKED


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--switches", default="bridge,ovs")
    parser.add_argument("--seconds", type=int, default=5, help="of each iperf3 (5)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--by-hand", help=argparse.SUPPRESS)
    parser.add_argument("--trim", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trim:
        trim(options.trim)
        return 0
    if options.by_hand:
        print(by_hand(options.by_hand, options.seconds))
        return 0
    end_in_order()
    os.environ["PYTHONPATH"] = str(HOUSE)
    holds = [compare(kind, options.seconds, options.rounds) for kind in options.switches.split(",")]
    return 0 if all(holds) else 1


if __name__ == "__main__":
    sys.exit(main())
