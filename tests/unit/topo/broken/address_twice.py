"""Broken on purpose: address twice."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("pc1", ip="10.0.0.1/24")
        self.addHost("pc2", ip="10.0.0.1/24")
        self.addLink("pc1", "s1")
        self.addLink("pc2", "s1")
