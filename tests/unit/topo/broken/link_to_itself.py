"""Broken on purpose: link to itself."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("h1")
        self.addLink("h1", "h1")
        self.addLink("h1", "s1")
