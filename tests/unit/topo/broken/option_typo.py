"""Broken on purpose: option typo."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost("dhcp", kind="dhcp-server", ip="10.0.0.1/24", pool="10.0.0.10-20", lease=60)
        self.addLink("dhcp", self.addSwitch("s1"))
