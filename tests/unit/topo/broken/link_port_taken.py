"""Broken on purpose: link port taken."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("h1")
        self.addHost("h2")
        self.addLink("h1", "s1", port2=2)
        self.addLink("h2", "s1", port2=2)
