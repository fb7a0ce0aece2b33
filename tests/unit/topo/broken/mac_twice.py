"""Broken on purpose: mac twice."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("h1", mac="02:00:00:00:00:01")
        self.addHost("h2", mac="02:00:00:00:00:01")
        self.addLink("h1", "s1")
        self.addLink("h2", "s1")
