"""Broken on purpose: gateway."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("pc1", ip="10.0.0.1/24", gateway="10.0.1.254")
        self.addHost("pc2", ip="10.0.0.2/24", gateway="10.0.0.2")
        self.addHost("pc3", ip="10.0.0.3/24", gateway="router")
        self.addHost("pc4", ip="10.0.0.4/24", defaultRoute="via 10.0.0.254", dns="10.0.0.53")
        for host in self.hosts():
            self.addLink(host, "s1")
