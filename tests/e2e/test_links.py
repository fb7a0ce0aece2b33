"""Cables with options from the command line: lan link, show queues, inspect, status, graph, trace --why, run."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ..command import PATIENCE_S, Command

FILE = """
from mininet.topo import Topo


class Shaped(Topo):
    def build(self):
        self.addSwitch("s1")
        for number in (1, 2, 3):
            self.addHost(f"h{number}")
        self.addLink("h1", "s1", delay="30ms")
        self.addLink("h2", "s1")
        self.addLink("h3", "s1", bw=1, max_queue_size=20, seed=3)
"""


@pytest.fixture
def shaped(tmp_path: Path) -> str:
    file = tmp_path / "shaped.py"
    file.write_text(FILE)
    return str(file)


def test_a_cable_is_told_shown_and_reset(lan: Command, shaped: str) -> None:
    with lan.up(shaped, "--switch", "bridge", "--link", "userspace") as up:
        assert up.run("link", "h1", "s1", "down", check=0).out == "h1:eth0 – s1:eth1  down  delay=30ms\n"
        up.run("link", "h1", "s1", "up", check=0)
        told = up.run("link", "h1", "s1", "delay=5ms", "loss=1%", "--from", "s1", check=0).out.splitlines()
        assert told[0] == "h1:eth0 – s1:eth1  up  h1→s1 delay=30ms · s1→h1 delay=5ms loss=1%"
        assert told[1].startswith("until lan down; to keep it, ")
        shown = up.run("link", "h1", "s1", check=0).out.splitlines()
        assert shown[0] == "h1:eth0 – s1:eth1  up · carried by the userspace link"
        table = [line.split() for line in shown[1:]]
        assert [line[:2] for line in table[:3]] == [["from", "to"], ["h1", "s1"], ["s1", "h1"]]
        assert table[3] == ["frames", "h1", "→", "s1", "s1", "→", "h1"]
        assert {tuple(line[-2:]) for line in table[4:]} == {("0", "0")} and len(table) == 4 + 12
        answer = up.run("link", "h1", "s1", "reset", "--json", check=0).json
        [link] = answer["links"]
        assert (answer["ok"], answer["means"], link["up"]) == (True, "userspace", True)
        assert [way["in_force"] for way in link["ways"]] == [{}, {}]
        assert link["ways"][0]["counters"]["frames"] == 0


def test_a_plain_cable_says_for_how_long_it_was_out(lan: Command, shaped: str) -> None:
    with lan.up(shaped, "--switch", "bridge", "--link", "userspace") as up:
        assert "a plain cable" in up.run("link", "h2", "s1", check=0).out
        assert "laid anew for this: out for " in up.run("link", "h2", "s1", "loss=1%", check=0).out
        assert "laid anew" not in up.run("link", "h2", "s1", "loss=2%", check=0).out
        assert "laid anew while it was in use" in up.run("link", "h2", "s1", check=0).out


def test_inspect_status_and_queues_tell_of_shaped_cables(lan: Command, shaped: str) -> None:
    with lan.up(shaped, "--switch", "bridge", "--link", "userspace") as up:
        told = up.run("inspect", check=0).out
        assert "kernel bridge · userspace link" in told and "bw=1mbit max_queue_size=20" in told
        assert "kernel bridge · userspace link" in lan.run("status", check=0).out
        queues = up.run("show", "queues", "--json", check=0).json["queues"]
        assert [(one["from"], one["bw"], one["limit"], one["waiting"]) for one in queues] == [
            ("h3", "1mbit", "20", 0),
            ("s1", "1mbit", "20", 0),
        ]
        assert len(up.run("show", "queues", "h3", check=0).out.splitlines()) == 2
        assert up.run("inspect", "--json", check=0).json["cables"][2]["seed"] == 3


def test_a_full_queue_is_seen_while_it_is_full(lan: Command, shaped: str) -> None:
    with lan.up(shaped, "--switch", "bridge", "--link", "userspace") as up:
        flood = (
            "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('10.0.0.2', 99))\n"
            "while True:\n"
            "    try: s.send(bytes(1400))\n"
            "    except ConnectionRefusedError: pass\n"
            "    time.sleep(0.001)"
        )
        with up.start("exec", "h3", "--", "python3", "-c", flood) as flooding:
            while not (full := queue_of(up.run("show", "queues", "--json", check=0).json)):
                assert flooding.poll() is None, "the flood has ended"
            flooding.kill()
            flooding.communicate()
        assert 0 < full <= 20


def queue_of(answer: object) -> int:
    assert isinstance(answer, dict)
    return int(answer["queues"][0]["waiting"])


def test_a_lan_whose_carrier_is_killed_says_so(lan: Command, shaped: str) -> None:
    with lan.up(shaped, "--switch", "bridge", "--link", "userspace") as up:
        command = ["pgrep", "-P", str(up.agent), "-x", "links"]
        [carrier] = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        os.kill(int(carrier), signal.SIGKILL)
        while "broken" not in (told := lan.run("status", check=0).out):
            pass
        assert "broken: the process that carries frames on cables with options" in told
        assert up.run("link", "h1", "s1", check=0).out.startswith("h1:eth0 – s1:eth1  broken")
        refused = up.run("link", "h1", "s1", "up", check=1)
        assert "is down: the process that carried its frames is gone" in refused.err and "lan down" in refused.err
        assert up.run("link", "h2", "s1", check=0).out.startswith("h2:eth0 – s1:eth2  up")


def test_trace_tells_why_a_frame_is_gone(lan: Command, shaped: str) -> None:
    with lan.up(shaped, "--switch", "ovs", "--link", "userspace") as up:
        up.run("link", "h2", "s1", "loss=100%", "--from", "h2", check=0)
        up.exec("h2", "ping", "-c", "1", "-W", "0.3", "10.0.0.1")
        up.exec("h1", "ping", "-c", "1", "-W", "0.3", "10.0.0.2")
        wanted = (
            "h2 → s1            lost frame 0, 42 bytes: the cable loses 100% of its frames",
            "s1                 learned (mac ",
            "ARP    who has 10.0.0.2?",
        )
        limit = time.monotonic() + PATIENCE_S
        while lacking := [words for words in wanted if words not in (told := up.run("trace", "--why", check=0).out)]:
            assert time.monotonic() < limit, f"{lacking} not in {told}"  # who decided may write it down a moment later
        assert "lost" not in up.run("trace", check=0).out


def test_a_schedule_runs_under_lan_run_too(lan: Command, tmp_path: Path) -> None:
    file = tmp_path / "slow.py"
    file.write_text(FILE.replace('"h2", "s1"', '"h2", "s1", at={"0ms": {"delay": "40ms"}}'))
    told = lan.run("run", str(file), "--json", "--name", "scheduled", check=0).json
    log = (lan.folder("scheduled") / "decisions.jsonl").read_text()
    assert told["ok"] and '"what": "changed"' in log and "by its schedule" in log


def test_the_kernels_means_are_refused_where_they_are_not(lan: Command, shaped: str) -> None:
    doctor = lan.run("doctor", "--json").json
    [cables] = [check for check in doctor["checks"] if check["name"] == "cables"]
    ended = lan.run("up", shaped, "--link", "kernel", "--name", "kernel-shaped")
    if ended.code == 0:
        lan.run("down", "kernel-shaped")
        assert "netem" in cables["detail"]
        return
    assert ended.code == 3 and "this kernel can't shape cables" in ended.err and "--link userspace" in ended.err
    assert "userspace link" in cables["detail"]
    assert subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout.count("c1a") == 0
