"""Broken on purpose: link to nobody."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("web")
        self.addLink("wbe", "s1")
        self.addLink("web", "s1")
