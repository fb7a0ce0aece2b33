"""Broken on purpose: option of mininet."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1", cls=object, failMode="standalone", stp=True)
        self.addHost("h1", cls=object, cpu=0.5, inNamespace=False)
        self.addHost("h2", inNamespace=True)
        self.addLink("h1", "s1")
        self.addLink("h2", "s1")
