"""Broken on purpose: kind is a class."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost("h1", kind=Topo)
        self.addLink("h1", self.addSwitch("s1"))
