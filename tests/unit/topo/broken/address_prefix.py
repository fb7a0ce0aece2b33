"""Broken on purpose: address prefix."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost("dns", kind="dns-server", ip="192.168.100.254/33")
        self.addLink("dns", self.addSwitch("s1"))
