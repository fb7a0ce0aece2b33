"""lan ping: whoever leased an address is pinged like everybody else, and whoever has none is named."""

from itertools import permutations
from pathlib import Path

from ..command import Command

LEASED = """
from mininet.topo import Topo

class Leased(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("dhcp", kind="dhcp-server", ip="10.0.0.1/24", pool="10.0.0.10-10.0.0.20")
        self.addHost("pc1", dhcp=True)
        self.addHost("pc2", dhcp=True)
        for host in self.hosts():
            self.addLink(host, "s1")
"""


def test_a_leased_address_is_pinged_as_a_fixed_one_is(lan: Command, tmp_path: Path) -> None:
    (tmp_path / "leased.py").write_text(LEASED)
    with lan.up(str(tmp_path / "leased.py"), "--switch", "bridge") as up:
        assert up.run("ping", "-c", "1", "dhcp", "pc1").code == 0
        results = up.run("ping", "--json", check=0).json["results"]
        assert {(it["from"], it["to"]) for it in results} == set(permutations(["dhcp", "pc1", "pc2"], 2))
        assert all(it["rtt_ms"] == round(it["rtt_ms"], 3) for it in results)

        shown = up.run("inspect", check=0).out
        assert "10.0.0.10 by DHCP" in shown and "10.0.0.11 by DHCP" in shown
        ports = up.run("inspect", "s1", check=0).out.splitlines()
        assert [line.split()[:3] for line in ports if line.startswith("s1:")] == [
            [f"s1:s1-eth{at}", f"{host}:{host}-eth0", "up"] for at, host in enumerate(("dhcp", "pc1", "pc2"), 1)
        ]

        ended = up.run("ping", "pc1", "s1")
        assert ended.code == 2 and "s1 has no address" in ended.err

        up.exec("pc2", "ip", "address", "flush", "dev", "pc2-eth0")
        ended = up.run("ping")
        assert ended.code == 1
        assert "dhcp -> pc1 X\npc1 -> dhcp X\npc2 -> X X\n" in ended.out
        assert "(2/6 received)" in ended.out and "lan inspect pc2" in ended.out
        ended = up.run("ping", "dhcp", "pc2")
        assert ended.code == 2 and "pc2 has no address" in ended.err


def test_the_scenario_of_all_pairs_has_those_with_a_lease(lan: Command, tmp_path: Path) -> None:
    (tmp_path / "leased.py").write_text(LEASED)
    answer = lan.run("run", str(tmp_path / "leased.py"), "--switch", "bridge", "--json", check=0).json
    assert "ping pc2" in str(answer)
