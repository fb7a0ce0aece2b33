"""Broken on purpose: dhcp pool holds fixed."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("dhcp", kind="dhcp-server", ip="10.0.0.1/24", pool="10.0.0.1-100", dns="10.0.0.53")
        self.addHost("dns", kind="dns-server", ip="10.0.0.53/24")
        self.addHost("printer", ip="10.0.0.60/24")
        for host in self.hosts():
            self.addLink(host, "s1")
