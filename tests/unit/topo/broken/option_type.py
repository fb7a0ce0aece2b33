"""Broken on purpose: option type."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost("dhcp", kind="dhcp-server", ip="10.0.0.1/24", pool="10.0.0.10-20", lease_s="an hour")
        self.addHost("pc1", ip=["10.0.0.2/24"], dhcp="yes")
        self.addSwitch("s1")
        self.addLink("dhcp", "s1")
        self.addLink("pc1", "s1")
