"""Broken on purpose: option missing."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost("dhcp", kind="dhcp-server", ip="10.0.0.1/24")
        self.addLink("dhcp", self.addSwitch("s1"))
