"""Broken on purpose: name twice."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("web", ip="10.0.0.1/24")
        self.addHost("web", ip="10.0.0.2/24")
        self.addLink("web", "s1")
