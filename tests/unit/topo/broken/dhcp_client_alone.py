"""Broken on purpose: dhcp client alone."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addSwitch("s2")
        self.addHost("pc1", dhcp=True)
        self.addHost("dhcp", kind="dhcp-server", ip="10.0.0.1/24", pool="10.0.0.10-20")
        self.addLink("pc1", "s1")
        self.addLink("dhcp", "s2")
