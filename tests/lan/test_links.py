"""Cables that do what their file or `lan link` says, on LANs that are up."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lan.errors import LanError, RunError
from lan.testing.factory import Factory
from lan.testing.net import Net

from .shaped import MEANS, Shaper, decisions, passed_by, wait_for


@pytest.fixture(params=MEANS)
def shaper(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Shaper]:
    with Factory(tmp_path_factory) as factory:
        yield Shaper(factory, tmp_path, request.param)


userspace_only = pytest.mark.parametrize("shaper", ["userspace"], indirect=True)
"""For what the kernel's means do not have: a process that can be killed."""


def rtt_ms(net: Net, name: str, other: str) -> float:
    """The shortest of some pings."""
    done = net.run(name, "ping", "-c", "3", "-i", "0.2", "-W", "5", address(net, other))
    assert done.returncode == 0, done.stdout
    return float(done.stdout.rpartition("= ")[2].partition("/")[0])


def address(net: Net, name: str) -> str:
    return str(net.running.spec.devices[name].options["ip"]).partition("/")[0]


@pytest.mark.parametrize("switch", ["bridge", "ovs"])
def test_a_delay_in_the_file_is_there_both_ways(shaper: Shaper, switch: str) -> None:
    with shaper.star("delay='20ms'", "params2={'delay': '30ms'}", "", switch=switch) as net:
        assert rtt_ms(net, "h1", "h3") >= 40
        assert rtt_ms(net, "h3", "h1") >= 40
        assert rtt_ms(net, "h2", "h3") >= 30
        assert rtt_ms(net, "h1", "h2") >= 70
        if shaper.means == "userspace":  # the kernel does not count these
            assert net.link("h1", "s1").counters("h1")["delayed"] > 0


def test_plain_cables_have_no_carrier(shaper: Shaper) -> None:
    with shaper.star("", "seed=7", "port1=5") as net:
        assert net["h1"].ping("h2").received == 1
        assert net.running.links()["means"] == ""
        assert not any(link["shaped"] for link in net.running.links()["links"])


def test_one_direction_may_differ_from_the_other(shaper: Shaper) -> None:
    with shaper.star("params1={'loss': 100}", "") as net:
        assert net["h1"].ping("h2", timeout_s=0.2).received == 0
        out, back = (net.link("h1", "s1").counters(name) for name in ("h1", "s1"))
        assert out["lost"] == out["frames"] > 0
        net.run("h2", "ping", "-c", "1", "-W", "0.2", address(net, "h1"))
        back = net.link("h1", "s1").counters("s1")
        assert back["passed"] == back["frames"] > 0 == back["lost"]


@pytest.mark.parametrize("switch", ["bridge", "ovs"])
def test_a_plain_cable_is_laid_anew_under_its_names_and_number(shaper: Shaper, switch: str) -> None:
    with shaper.star("", "", switch=switch) as net:
        assert net["h1"].ping("h2").received == 1
        before = host_end(net, "h2"), switch_end(net, "s1-eth2")
        answer = net.running.change_link("h2", "s1", {"delay": "20ms"})
        assert len(answer["laid_anew_ms"]) == 1
        wait_for(lambda: (host_end(net, "h2"), switch_end(net, "s1-eth2")) == before, "ends as they were")
        assert rtt_ms(net, "h1", "h2") >= 40
        assert net["s1"].table("mac")[mac(net, "h2")].port == "s1-eth2"
        if switch == "ovs":
            ports = {one["in_port"] for one in decisions(net, service="switch") if one.get("src") == mac(net, "h2")}
            assert ports == {2}
        answer = net.running.change_link("h2", "s1", {"delay": "10ms"})
        assert answer["laid_anew_ms"] == [], "it is laid anew once"


def host_end(net: Net, name: str) -> object:
    return json.loads(net.run(name, "ip", "-j", "address", "show", "dev", f"{name}-eth0").stdout)[0][
        "addr_info"
    ], link_of(net, name, f"{name}-eth0")


def switch_end(net: Net, interface: str) -> object:
    return link_of(net, "s1", interface)


def link_of(net: Net, device: str, interface: str) -> object:
    link = json.loads(net.run(device, "ip", "-j", "link", "show", "dev", interface).stdout)[0]
    return {key: link[key] for key in ("ifindex", "ifname", "address", "mtu", "operstate")} | {
        "flags": set(link["flags"])
    }


def mac(net: Net, name: str) -> str:
    return next(port.mac for link in net.running.spec.links for port in (link.a, link.b) if port.device == name)


def test_a_cable_between_hosts_is_laid_anew_with_addresses_and_routes(shaper: Shaper) -> None:
    lines = """
        self.addHost('h1')
        self.addHost('h2', gateway='10.0.0.1', sysctls={'net.ipv6.conf.all.disable_ipv6': 0})
        self.addLink('h1', 'h2')
    """

    def has(net: Net) -> object:
        return host_end(net, "h2"), [net.run("h2", "ip", family, "route").stdout for family in ("-4", "-6")]

    with shaper.up(lines) as net:
        net.run("h2", "ip", "address", "add", "10.9.0.2/16", "dev", "h2-eth0")
        net.run("h2", "ip", "address", "add", "fd00::2/64", "dev", "h2-eth0", "nodad")
        net.run("h2", "ip", "-6", "route", "add", "fd01::/16", "via", "fd00::1")
        wait_for(lambda: is_settled(net.run("h2", "ip", "address").stdout), "addresses that nobody else has")
        before = has(net)
        assert "fd01::/16 via fd00::1" in str(before)
        net.link("h1", "h2").set(delay="15ms")
        wait_for(lambda: has(net) == before, "addresses and routes as before, once nobody else is known to have them")
        assert rtt_ms(net, "h1", "h2") >= 30
        assert rtt_ms(net, "h2", "h1") >= 30


def is_settled(addresses: str) -> bool:
    """Whether the kernel has made the interface's own IPv6 address, and has no doubt of any."""
    return "inet6 fe80:" in addresses and "tentative" not in addresses


@pytest.mark.parametrize("switch", ["bridge", "ovs"])
def test_a_cable_between_switches_is_laid_anew(shaper: Shaper, switch: str) -> None:
    lines = """
        self.addLink(self.addSwitch('s1'), self.addSwitch('s2'))
        self.addLink(self.addHost('h1'), 's1')
        self.addLink(self.addHost('h2'), 's2')
    """
    with shaper.up(lines, switch=switch) as net:
        net.link("s1", "s2").set(delay="15ms", sender="s2")
        assert rtt_ms(net, "h1", "h2") >= 15
        if shaper.means == "userspace":
            counters = net.link("s1", "s2").counters
            assert counters("s1")["delayed"] == 0 < counters("s2")["delayed"]


def test_a_pulled_cable_stays_pulled_when_it_is_laid_anew(shaper: Shaper) -> None:
    with shaper.star("", "") as net:
        link = net.link("h1", "s1")
        link.unplug()
        link.set(delay="5ms")
        assert not link.is_up
        assert net["h1"].ping("h2", timeout_s=0.2).received == 0
        link.plug()
        assert net["h1"].ping("h2").received == 1


@pytest.mark.parametrize("options", ["", "delay='1ms'"])
def test_both_ends_of_a_pulled_cable_lose_their_carrier_or_the_host_does(shaper: Shaper, options: str) -> None:
    with shaper.star(options, "") as net:
        assert net["h1"].ping("h2").received == 1
        net.link("h1", "s1").unplug()
        wait_for(lambda: lacks_carrier(net, "h1"), "the loss of its carrier")
        assert net["h2"].ping("h1", timeout_s=0.2).received == 0
        net.link("h1", "s1").plug()
        assert net["h2"].ping("h1").received == 1


def lacks_carrier(net: Net, name: str) -> bool:
    """As its kernel tells, which may come to it a moment after the cable has been pulled."""
    return "NO-CARRIER" in net.run(name, "ip", "link", "show", "dev", f"{name}-eth0").stdout


def test_reset_makes_a_cable_perfect_and_leaves_it_counted(shaper: Shaper) -> None:
    with shaper.star("loss=100", "") as net:
        assert net["h1"].ping("h2", timeout_s=0.2).received == 0
        net.link("h1", "s1").reset()
        assert net["h1"].ping("h2").received == 1
        told = net.link("h1", "s1").told
        assert told["shaped"] and all(way["asked"] == way["in_force"] == {} for way in told["ways"])
        assert net.link("h1", "s1").counters("h1")["passed"] > 0


def test_a_flap_ends_up_and_is_told(shaper: Shaper) -> None:
    with shaper.star("delay='1ms'", "") as net:
        net.link("h1", "s1").flap("30ms", 3)
        assert net.link("h1", "s1").is_up
        assert [one["what"] for one in decisions(net)] == ["pulled", "plugged"] * 3
        assert net["h1"].ping("h2").received == 1


def test_a_flap_of_a_plain_cable_leaves_it_plain(shaper: Shaper) -> None:
    with shaper.star("", "") as net:
        net.link("h1", "s1").flap("30ms", 2)
        assert not net.link("h1", "s1").told["shaped"]
        assert net["h1"].ping("h2").received == 1


def test_a_schedule_comes_to_pass_in_its_order(shaper: Shaper) -> None:
    at = "at={'100ms': 'down', '200ms': 'up', '300ms-500ms': {'loss': 10}, '600ms': 'flap 20ms 2'}"
    with shaper.star(f"delay='1ms', {at}", "") as net:
        wait_for(lambda: len(decisions(net)) >= 8, "eight events of the schedule")
        told = decisions(net)
        assert [one["what"] for one in told] == ["pulled", "plugged", "changed", "changed", *["pulled", "plugged"] * 2]
        assert {one["reason"]["source"] for one in told} == {"the topology file"}
        changes = [one["reason"]["facts"]["forward"] for one in told if one["what"] == "changed"]
        assert changes == ["delay=1ms loss=10%", "delay=1ms"]
        assert net["h1"].ping("h2").received == 1


def test_a_schedule_that_only_pulls_leaves_its_cable_plain(shaper: Shaper) -> None:
    with shaper.star("at={'50ms-100ms': 'down'}", "") as net:
        wait_for(lambda: len(decisions(net)) == 2, "the cable's schedule")
        assert not net.link("h1", "s1").told["shaped"]
        assert net["h1"].ping("h2").received == 1


@userspace_only
def test_with_its_process_killed_a_shaped_cable_is_down_and_the_lan_says_so(shaper: Shaper) -> None:
    with shaper.star("delay='1ms'", "", "") as net:
        assert net["h1"].ping("h2").received == 1
        os.kill(carrier_of(net), signal.SIGKILL)
        wait_for(lambda: net.running.describe()["lost"], "word of the loss")
        assert net.running.describe()["lost"] == ["the process that carries frames on cables with options"]
        assert net.link("h1", "s1").told["broken"] and not net.link("h1", "s1").is_up
        wait_for(lambda: lacks_carrier(net, "h1"), "the loss of its carrier")
        assert net["h2"].ping("h3").received == 1, "plain cables go on"
        for attempt in (lambda: net.link("h1", "s1").plug(), lambda: net.link("h1", "s1").set(loss="1%")):
            with pytest.raises(LanError, match="the process that carried its frames is gone") as refused:
                attempt()
            assert refused.value.exit_code == RunError.exit_code


def carrier_of(net: Net) -> int:
    """The process that carries a LAN's frames: the agent's child of that name."""
    command = ["pgrep", "-P", str(net.running.pid), "-x", "links"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_a_cable_that_comes_later_may_have_options_and_one_that_goes_takes_them_along(shaper: Shaper) -> None:
    with shaper.star("delay='1ms'", "") as net:
        net.running.remove_link("h1", "s1")
        net.running.add_link("h1", "s1", options={"delay": "25ms"}, a_interface="h1-eth0")
        net.run("h1", "ip", "address", "replace", "10.0.0.1/8", "dev", "h1-eth0")
        assert rtt_ms(net, "h1", "h2") >= 50
        assert len(net.running.links()["links"]) == 2


@pytest.mark.parametrize("offload", [False, True])
def test_frames_have_their_true_size_on_a_shaped_cable(shaper: Shaper, offload: bool) -> None:
    with shaper.star("delay='1ms'", "", offload=offload) as net:
        send = "import socket; s = socket.create_connection(('10.0.0.2', 99)); s.sendall(bytes(200_000)); s.close()"
        take = (
            "import socket; s = socket.create_server(('', 99)); print('up', flush=True); c, _ = s.accept()\n"
            "while c.recv(65536): pass"
        )
        with net["h2"].popen("python3", "-c", take, stdout=-1) as server:
            assert server.stdout is not None and server.stdout.readline()
            assert net.run("h1", "python3", "-c", send).returncode == 0
            server.wait(30)
        counters = net.link("h1", "s1").counters
        wait_for(lambda: passed_by(net, "h1")[1] == counters("h1")["frames"], "as many frames as the host has sent")
        assert counters("h1")["passed"] > 200_000 / 1514, "no frame of 64 kB"
