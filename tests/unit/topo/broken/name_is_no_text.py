"""Broken on purpose: name is no text."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost(1)
        self.addLink(1, self.addSwitch("s1"))
