"""Broken on purpose: address outside."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("pc1", ip="192.168.100.1/24")
        self.addHost("pc2", ip="192.168.100.2/24")
        self.addHost("pc3", ip="192.168.10.3/24")
        self.addHost("pc4", ip="192.168.100.4/25")
        for host in self.hosts():
            self.addLink(host, "s1")
