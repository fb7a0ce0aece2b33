"""Our topologies are files for stock Mininet too, and plain ones of its users mean here what they mean there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mininet.util import buildTopo, ipAdd

from lan.topo.load import load, topologies
from lan.topo.schema import KindSchema


def custom(path: Path) -> dict[str, Any]:
    """What ``mn --custom FILE`` gets out of a file: its globals, nothing around them."""
    found: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), found, found)
    return found


@pytest.mark.parametrize("name", sorted(topologies()))
def test_mn_custom_builds_it_under_its_own_name(name: str, kinds: Mapping[str, KindSchema]) -> None:
    path = topologies()[name]
    topo, lan = buildTopo(custom(path)["topos"], name), load(name, kinds)
    assert set(topo.hosts()) == {host.name for host in lan.hosts}
    assert set(topo.switches()) == {switch.name for switch in lan.switches}
    for host in lan.hosts:
        assert topo.nodeInfo(host.name) == {"kind": host.kind, **host.options}
        assert topo.nodeInfo(host.name)["ip"].endswith("/24"), "stock Mininet has no DHCP client: it needs the address"
    ends = {
        frozenset((f"{a}-eth{each['port1']}", f"{b}-eth{each['port2']}")) for a, b, each in topo.links(withInfo=True)
    }
    assert ends == {frozenset((link.a.interface, link.b.interface)) for link in lan.links}


@pytest.mark.parametrize("name", sorted(topologies()))
def test_it_imports_mininet_alone_and_opens_with_its_drawing(name: str) -> None:
    text = topologies()[name].read_text()
    imports = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert imports == ["from mininet.topo import Topo"]
    assert text.startswith(f'"""{name}: ') and "──" in text.partition("import")[0]


def test_the_custom_topology_of_mininets_walkthrough(tmp_path: Path, kinds: Mapping[str, KindSchema]) -> None:
    path = tmp_path / "topo-2sw-2host.py"
    path.write_text(
        "from mininet.topo import Topo\n"
        "class MyTopo( Topo ):\n"
        "    def build( self ):\n"
        "        left, right = self.addHost( 'h1' ), self.addHost( 'h2' )\n"
        "        s3, s4 = self.addSwitch( 's3' ), self.addSwitch( 's4' )\n"
        "        self.addLink( left, s3 )\n"
        "        self.addLink( s3, s4 )\n"
        "        self.addLink( s4, right )\n"
        "topos = { 'mytopo': ( lambda: MyTopo() ) }\n"
    )
    lan = load(str(path), kinds)
    assert lan.name == "topo-2sw-2host" and lan.warnings == ()
    assert [str(port) for link in lan.links for port in (link.a, link.b)] == [
        "h1:eth0",
        "s3:eth1",
        "s3:eth2",
        "s4:eth1",
        "s4:eth2",
        "h2:eth0",
    ]
    assert {host.name: (host.kind, host.options["ip"]) for host in lan.hosts} == {
        "h1": ("pc", "10.0.0.1/8"),
        "h2": ("pc", "10.0.0.2/8"),
    }


def test_default_addresses_are_those_of_mininet(kinds: Mapping[str, KindSchema]) -> None:
    lan = load("single:600", kinds)
    for number in (1, 255, 256, 257, 600):
        assert lan.devices[f"h{number}"].options["ip"] == ipAdd(number) + "/8"
