"""Broken on purpose: address without prefix."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost("dns", kind="dns-server", ip="192.168.100.254")
        self.addHost("h1", ip="192.168.100.1")
        self.addSwitch("s1")
        self.addLink("dns", "s1")
        self.addLink("h1", "s1")
