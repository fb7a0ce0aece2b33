"""What programs see of a cable with options, and that every frame of theirs is accounted for."""

import contextlib
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lan.testing.factory import Factory
from lan.testing.net import Net

from .shaped import Shaper, assert_balanced, decisions, know_each_other, passed_by, wait_for

NUMBERS = Path(__file__).with_name("udp_numbers.py")


@pytest.fixture
def shaper(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Shaper]:
    with Factory(tmp_path_factory) as factory:
        yield Shaper(factory, tmp_path)


@contextlib.contextmanager
def numbers(net: Net, name: str, *words: str) -> "Iterator[subprocess.Popen[str]]":
    """`udp_numbers.py` on a host, once it listens."""
    command = [sys.executable, "-c", NUMBERS.read_text(), *words]
    with net[name].popen(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            if words[0] in ("take", "echo"):
                assert process.stdout is not None and process.stdout.readline() == "listening\n"
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]", *, count: int | None = None) -> Any:
    """What it prints; `count` is how many datagrams `take` is to expect."""
    out, _ = process.communicate(None if count is None else f"{count}\n", timeout=100)
    return json.loads(out)


def test_ping_tcp_and_udp_see_the_same_delay(shaper: Shaper) -> None:
    with shaper.star("delay='40ms'", "params1={'delay': '20ms'}") as net:
        with numbers(net, "h2", "echo"), numbers(net, "h1", "rtt", "10.0.0.2") as asking:
            times = said(asking)
        pinged = net.run("h1", "ping", "-c", "2", "-i", "0.2", "10.0.0.2").stdout
        times["ping"] = float(pinged.rpartition("= ")[2].partition("/")[0])
        assert all(time_ms >= 100 for time_ms in times.values()), times
        assert net["h1"].table("arp")["10.0.0.2"].state == "REACHABLE"


def test_ping_tcp_and_udp_see_the_same_loss(shaper: Shaper) -> None:
    with shaper.star("params1={'loss': 100}", "") as net:
        know_each_other(net, "h1", "h2")
        counters = net.link("h1", "s1").counters
        assert net["h1"].ping("h2", timeout_s=0.2).received == 0
        pinged = counters("h1")["lost"]
        net.run("h1", sys.executable, "-c", NUMBERS.read_text(), "send", "10.0.0.2", "5", "1")
        assert counters("h1")["lost"] == pinged + 5
        with net["h1"].popen("bash", "-c", "exec 3<> /dev/tcp/10.0.0.2/99") as connecting:
            wait_for(lambda: counters("h1")["lost"] > pinged + 5, "a lost SYN")
            connecting.kill()
        wait_for(lambda: len(decisions(net, what="lost")) == counters("h1")["lost"], "a decision for each lost frame")
        assert {one["from"] for one in decisions(net, what="lost")} == {"h1"}
        assert counters("h1")["passed"] == 0


def test_arp_and_dhcp_work_over_300_ms_and_10_percent_loss(shaper: Shaper) -> None:
    lines = """
        self.addSwitch('s1')
        self.addHost('pc1', kind='pc', ip='192.168.100.1/24', dhcp=True)
        pool = '192.168.100.1-192.168.100.9'
        self.addHost('dhcp', kind='dhcp-server', ip='192.168.100.252/24', pool=pool)
        self.addLink('pc1', 's1', delay='300ms', loss=10)
        self.addLink('dhcp', 's1')
    """
    with shaper.up(lines) as net:
        wait_for(lambda: net["pc1"].address, "a lease")
        pinged = net.run("pc1", "ping", "-c", "10", "-i", "0.2", "-W", "5", "192.168.100.252")
        times = [float(line.partition("time=")[2].split()[0]) for line in pinged.stdout.splitlines() if "time=" in line]
        assert times and min(times) >= 600, pinged.stdout
        assert "REACHABLE" in net["pc1"].table("arp")["192.168.100.252"].state


def lost_twice(shaper: Shaper, seed: int) -> tuple[list[int], list[int]]:
    """400 datagrams over a lossy cable: which of them came, and which frames the cable says it lost."""
    with shaper.star(f"loss=10, seed={seed}", "") as net:
        know_each_other(net, "h1", "h2")
        with numbers(net, "h2", "take") as taking:
            net.run("h1", sys.executable, "-c", NUMBERS.read_text(), "send", "10.0.0.2", "400", "1")
            counters = wait_for(lambda: at_rest(dict(net.link("h1", "s1").counters("h1"))), "the last frame's arrival")
            came = said(taking, count=counters["passed"])
        lost = [one["frame"] for one in decisions(net, what="lost") if one["from"] == "h1"]
        assert sorted([*came, *lost]) == list(range(400)), "what did not come is what the cable says it lost"
    return came, lost


def test_the_same_seed_loses_the_same_frames_twice(shaper: Shaper) -> None:
    first, again, another = lost_twice(shaper, 5), lost_twice(shaper, 5), lost_twice(shaper, 6)
    assert first == again != another
    assert 15 <= len(first[1]) <= 70


CHANGES = [
    {"delay": "20ms"},
    {"delay": "5ms", "jitter": "2ms"},
    {"delay": "0ms", "jitter": "0ms", "bw": "8mbit", "max_queue_size": "2000"},
    {"bw": "20mbit"},
    {"bw": "none", "max_queue_size": "none"},
    {"delay": "10ms", "reorder": "20%"},
    {"delay": "30ms", "reorder": "0%"},
    {"delay": "0ms"},
]
"""None of these takes a frame away."""


def test_changes_under_a_stream_lose_no_frame(shaper: Shaper) -> None:
    count = 4000
    with shaper.star("delay='1ms'", "") as net:
        know_each_other(net, "h1", "h2")
        link = net.link("h1", "s1")
        with numbers(net, "h2", "take") as taking:
            with numbers(net, "h1", "send", "10.0.0.2", str(count), "0.5") as sending:
                for _ in range(3):
                    for change in CHANGES:
                        link.set(**change)
                assert sending.wait(60) == 0
            came = said(taking, count=count)
        counters = link.counters("h1")
        assert net.running.links()["missed"] == 0, "this machine was too busy to tell"
        assert sorted(came) == list(range(count)), f"{count - len(came)} are missing"
        assert counters["frames"] == counters["passed"] == passed_by(net, "h1")[1]
        assert_balanced(dict(counters))


def test_what_a_lossy_narrow_cable_takes_from_a_stream_is_counted_to_the_frame(shaper: Shaper) -> None:
    count = 3000
    harsh = {"loss": "5%", "duplicate": "3%", "corrupt": "2%", "bw": "1mbit", "max_queue_size": "20", "delay": "5ms"}
    with shaper.star("delay='1ms'", "") as net:
        know_each_other(net, "h1", "h2")
        link = net.link("h1", "s1")
        link.set(**harsh)
        with numbers(net, "h1", "send", "10.0.0.2", str(count), "0.5") as sending:
            wait_for(lambda: all(map(link.counters("h1").__getitem__, TAKEN)), "one frame of each that the cable takes")
            for options in ({"loss": "gemodel 2% 20%"}, {"bw": "500kbit"}):
                link.set(**options)
            link.unplug()
            link.plug()
            assert sending.wait(60) == 0
        counters = wait_for(lambda: at_rest(dict(link.counters("h1"))), "the last frame's arrival")
        assert_balanced(counters)
        assert counters["frames"] + net.running.links()["missed"] <= passed_by(net, "h1")[1]
        counted = {what: counters[what] for what in TAKEN}
        wait_for(lambda: told_of(net, "h1") == counted, f"{counted} in the log")
        lost = decisions(net, what="lost")
        assert lost and all(one["reason"]["text"] and ("crc" in one or one["count"] > 1) for one in lost)


TAKEN = ("lost", "duplicated", "corrupted", "dropped")


def told_of(net: Net, sender: str) -> dict[str, int]:
    """How many frames of a sender the log tells of; in a flood one line is about several, and comes a second later."""
    told = [one for one in decisions(net) if one["from"] == sender]
    return {what: sum(one.get("count", 1) for one in told if one["what"] == what) for what in TAKEN}


def at_rest(counters: dict[str, int]) -> dict[str, int] | None:
    return None if counters["waiting_frames"] or counters["flying"] else counters


def test_a_tcp_transfer_survives_every_change(shaper: Shaper) -> None:
    data = bytes(range(256)) * 8000
    serve = (
        "import hashlib, socket; s = socket.create_server(('', 99)); print('listening', flush=True)\n"
        "c, _ = s.accept(); h = hashlib.sha256()\n"
        "while d := c.recv(1 << 16): h.update(d)\n"
        "print(h.hexdigest())"
    )
    push = (
        "import socket; s = socket.create_connection(('10.0.0.2', 99))\n"
        "s.sendall(bytes(range(256)) * 8000); s.close(); print('sent')"
    )
    with shaper.star("bw=20, delay='5ms', max_queue_size=50", "") as net:
        know_each_other(net, "h1", "h2")  # a damaged ARP question would lead the answers astray for half a minute
        link = net.link("h1", "s1")
        with net["h2"].popen(sys.executable, "-c", serve, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None and server.stdout.readline() == "listening\n"
            with net["h1"].popen(sys.executable, "-c", push, stdout=subprocess.PIPE, text=True) as client:
                for change in (*CHANGES, {"loss": "2%"}, {"corrupt": "1%"}, {"loss": "0%", "corrupt": "0%"}):
                    link.set(**change)
                assert client.communicate(timeout=100)[0] == "sent\n"
            assert server.communicate(timeout=100)[0].strip() == hashlib.sha256(data).hexdigest()
        for name in ("h1", "s1"):
            counters = wait_for(lambda name=name: at_rest(dict(link.counters(name))), "the last frame's arrival")
            assert_balanced(counters)
        assert link.counters("h1")["passed"] > len(data) / 1460
