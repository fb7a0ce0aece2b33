"""Broken on purpose: no cable."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("h1")
        self.addHost("h2")
        self.addLink("h1", "s1")
