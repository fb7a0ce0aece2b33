"""`ageing_s` of a switch is what its kernel's bridge, or the controller of its Open vSwitch, goes by."""

import json
from collections.abc import Callable

import pytest

from lan.engine import openvswitch
from lan.errors import LanError
from lan.testing.factory import Factory
from lan.testing.net import Net

TOPOLOGY = """
from mininet.topo import Topo


class Forgetful(Topo):
    def build(self):
        self.addSwitch("s1", ageing_s={})
        self.addSwitch("s2")
        self.addLink(self.addHost("pc1", ip="10.0.0.1/24"), "s1")
        self.addLink(self.addHost("pc2", ip="10.0.0.2/24"), "s2")
        self.addLink("s1", "s2")


topos = {{"forgetful": Forgetful}}
"""
Up = Callable[..., Net]
needs_ovs = pytest.mark.skipif(not openvswitch.installed(), reason="Open vSwitch is not installed")


@pytest.fixture
def up(tmp_path_factory: pytest.TempPathFactory) -> Up:
    def made(ageing_s: int, switch: str) -> Net:
        file = tmp_path_factory.mktemp("ageing") / "forgetful.py"
        file.write_text(TOPOLOGY.format(ageing_s))
        return factory.up(str(file), switch=switch)

    with Factory(tmp_path_factory) as factory:
        yield made  # type: ignore[misc]


def ageing_s(net: Net, bridge: str) -> float:
    """The kernel's word, in hundredths of a second."""
    [told] = json.loads(net.run(bridge, "ip", "-d", "-j", "link", "show", bridge).stdout)
    return float(told["linkinfo"]["info_data"]["ageing_time"]) / 100


def test_a_kernels_bridge_has_its_switchs_time_and_takes_another_live(up: Up) -> None:
    net = up(7, "bridge")
    assert [ageing_s(net, name) for name in ("s1", "s2")] == [7, 300]
    net["s1"].set(ageing_s="1000000")
    net["s2"].set(ageing_s="12")
    assert [ageing_s(net, name) for name in ("s1", "s2")] == [1_000_000, 12]
    with pytest.raises(LanError, match="ageing_s"):
        net["s1"].set(ageing_s="0")
    assert ageing_s(net, "s1") == 1_000_000


@needs_ovs
def test_an_open_vswitch_says_that_it_takes_no_other_time_live(up: Up) -> None:
    net = up(65535, "ovs")
    with pytest.raises(LanError, match="s1: Open vSwitch takes its ageing_s when the LAN comes up"):
        net["s1"].set(ageing_s="5")


@needs_ovs
def test_a_time_that_no_flow_can_have_is_refused_by_the_switchs_name(up: Up) -> None:
    with pytest.raises(LanError, match="s1: Open vSwitch can't remember a silent station for 65536 s"):
        up(65536, "ovs")
