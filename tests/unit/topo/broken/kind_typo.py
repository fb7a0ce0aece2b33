"""Broken on purpose: kind typo."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost("web", kind="web-sever", ip="10.0.0.1/24")
        self.addLink("web", self.addSwitch("s1"))
