"""Broken on purpose: loop of two."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addSwitch("s2")
        self.addLink("s1", "s2")
        self.addLink("s1", "s2")
        self.addLink(self.addHost("h1"), "s1")
