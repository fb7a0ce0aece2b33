"""Broken on purpose: kind of the other side."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost("s1", kind="switch")
        self.addSwitch("pc1", kind="pc")
        self.addLink("s1", "pc1")
