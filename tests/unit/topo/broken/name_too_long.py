"""Broken on purpose: name too long."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost("reception-desk-1")
        self.addSwitch("main-building-switch")
        self.addLink("reception-desk-1", "main-building-switch")
