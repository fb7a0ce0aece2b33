"""Broken on purpose: name bad."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost("pc 1")
        self.addHost("-pc2")
        self.addHost("피씨3")
        self.addSwitch("s/1")
        for host in self.hosts():
            self.addLink(host, "s/1")
