"""Reasons of services, each made on a real LAN: layers 6 and 7.

pc1, pc2 ──┐        ┌── dhcp  .252 (a pool of one address)
           ├── s1 ──┼── dns   .254
   web ────┘        └── smart .12, dumb .11, cache .13
"""

import json
from collections.abc import Iterator

import pytest

from lan.testing.factory import Factory
from lan.testing.net import Net
from lan.trace.journey import StopKind

from .reasons_told import Told, demand, frames_until_now, reasons, timeline_of
from .shaped import wait_for

TOPOLOGY = """
from mininet.topo import Topo


class Served(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("pc1", kind="pc", ip="10.0.0.1/24", dns="10.0.0.254")
        self.addHost("pc2", kind="pc", ip="10.0.0.2/24")
        self.addHost("dhcp", kind="dhcp-server", ip="10.0.0.252/24", pool="10.0.0.100-10.0.0.100")
        self.addHost("dns", kind="dns-server", ip="10.0.0.254/24", zone={"www.lan.test": "10.0.0.253"})
        self.addHost("web", kind="web-server", ip="10.0.0.253/24", names=["www.lan.test"], https=True,
                     cache_control={"/": "max-age=0, stale-while-revalidate=600"})
        for number, kind in enumerate(("dumb", "smart", "cache"), 11):
            self.addHost(kind, kind="proxy", proxy=kind, ip=f"10.0.0.{number}/24", dns="10.0.0.254")
        for host in self.hosts():
            self.addLink(host, "s1")


topos = {"served": Served}
"""
ELSEWHERE = {
    "ip": "10.9.0.55/24", "server": "10.9.0.252", "routers": [], "dns": [], "domain": None, "lease_s": 3600,
    "bound_s": 0, "renew_s": None, "rebind_s": None, "until_s": 1 << 32,
}  # fmt: skip
"""A lease of another network, which its holder asks for again (RFC 2131 §4.3.2, INIT-REBOOT)."""
CURL = ("curl", "-s", "-o", "/dev/null", "-m", "10")
PAGE = "http://www.lan.test/"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    file = tmp_path_factory.mktemp("reasons") / "served.py"
    file.write_text(TOPOLOGY)
    with Factory(tmp_path_factory) as factory:
        yield factory.up(str(file))


def after(net: Net, device: str, *command: str) -> Told:
    """What is said of all that passes while a program runs on a device."""
    mark = frames_until_now(net)
    net.run(device, *command)
    return reasons(net, mark)


def test_names_that_are_there_that_are_not_and_that_are_anothers(net: Net) -> None:
    told = after(net, "pc1", "lan-nslookup", "www.lan.test")
    demand(told, "~pc1 out dns.asks", "dns out dns.answers", "~pc1 in dns.gets")
    demand(after(net, "pc1", "lan-nslookup", "nobody.lan.test"), "dns out dns.no-name")
    demand(after(net, "pc1", "lan-nslookup", "www.lan.test", "-type=AAAA"), "dns out dns.no-data")
    demand(after(net, "pc1", "lan-nslookup", "www.example.com"), "dns out dns.refuses")


def test_pages_asked_for_and_connections_kept_or_closed(net: Net) -> None:
    told = after(net, "pc1", *CURL, PAGE)
    demand(told, "~pc1 out http.asks", "web in http.reads", "web out http.answers", "~pc1 in http.gets")
    demand(told, "web out http.keeps")
    demand(after(net, "pc1", *CURL, "-H", "Connection: close", PAGE), "web out http.closes")
    demand(after(net, "pc1", *CURL, "https://www.lan.test/"), "~pc1 out tls.record", "~web in tls.record")


def test_what_proxies_do_with_requests_and_responses(net: Net) -> None:
    told = after(net, "pc1", *CURL, "-x", "http://10.0.0.12:3128", PAGE)
    demand(told, "smart in proxy.forwards", "smart in proxy.connects", "smart out proxy.returns")
    demand(after(net, "pc1", *CURL, "-x", "http://10.0.0.11:3128", PAGE), "dumb in proxy.relays")
    told = after(net, "pc1", *CURL, "-x", "http://10.0.0.13:3128", PAGE)
    demand(told, "cache in cache.miss", "cache out cache.stores")
    told = after(net, "pc1", *CURL, "-x", "http://10.0.0.13:3128", "-H", "Cache-Control: max-stale=3600", PAGE)
    demand(told, "cache in cache.hit")


def test_what_a_cache_asks_about_what_it_answered_with_is_the_clients_journey(net: Net) -> None:
    asking = (*CURL, "-x", "http://10.0.0.13:3128", PAGE)
    net.run("pc2", *asking, "-H", "Cache-Control: no-cache")
    wait_for(lambda: written(net, "refresh") == written(net, "refreshed"), "the cache asks for nothing of its own")
    mark, before = frames_until_now(net), written(net, "refreshed")
    net.run("pc2", *asking)
    wait_for(lambda: written(net, "refreshed") > before, "the cache has its answer")
    told = reasons(net, mark)
    demand(told, "cache in cache.hit", "cache in cache.refreshes", "cache out cache.hit", "cache in cache.stores")
    since = [one for one in timeline_of(net).journeys if one.frames[0].number > mark]
    [(asker, stop)] = [(one.origin.device, stop) for one in since for stop in one.stops if stop.kind is StopKind.PROXY]
    assert asker == "pc2" and stop.is_logged
    assert [frame.packet.http.method for frame in stop.sent if frame.packet.http] == ["GET"]


def written(net: Net, what: str) -> int:
    """How often the cache wrote that it asks, or has its answer, and no client waits for it."""
    log = (net.state / "devices/cache/decisions.jsonl").read_text()
    return sum(json.loads(each)["what"] == what for each in log.splitlines() if each.endswith("}"))


def test_addresses_granted_refused_and_not_left(net: Net) -> None:
    mark = frames_until_now(net)
    net["pc1"].set(ip="dhcp")
    told = reasons(net, mark)
    demand(told, "pc1 out dhcp.asks", "dhcp out dhcp.offers", "pc1 in dhcp.gets", "dhcp out dhcp.acknowledges")
    asking = ("lan-dhclient", "--interface", "pc2-eth0", "--once", "--timeout-s", "2")
    demand(after(net, "pc2", *asking), "dhcp in dhcp.ignores")
    assert net.run("pc2", "tee", "/tmp/lease.json", input=json.dumps(ELSEWHERE)).returncode == 0
    demand(after(net, "pc2", *asking, "--lease-file", "/tmp/lease.json"), "dhcp out dhcp.refuses")
