"""Broken on purpose: dhcp servers."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("dhcp1", kind="dhcp-server", ip="10.0.0.1/24", pool="10.0.0.10-20")
        self.addHost("dhcp2", kind="dhcp-server", ip="10.0.0.2/24", pool="10.0.0.30-40")
        self.addLink("dhcp1", "s1")
        self.addLink("dhcp2", "s1")
