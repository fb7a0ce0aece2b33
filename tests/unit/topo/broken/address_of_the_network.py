"""Broken on purpose: address of the network."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addLink(self.addHost("h1", ip="10.0.0.0/24"), "s1")
        self.addLink(self.addHost("h2", ip="10.0.0.255/24"), "s1")
