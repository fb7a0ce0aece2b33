"""Broken on purpose: raises."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHosts(3)
