"""Broken on purpose: option range."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost("dhcp", kind="dhcp-server", ip="10.0.0.1/24", pool="10.0.0.10-20", lease_s=1)
        self.addHost("dns", kind="dns-server", ip="10.0.0.2/24", ttl_s=2**31)
        self.addSwitch("s1", switch="cisco")
        self.addLink("dhcp", "s1")
        self.addLink("dns", "s1")
