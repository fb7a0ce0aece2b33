"""Broken on purpose: zone record."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        zone = {"www.lan.test": "10.0.0.300", "ok.lan.test": ["10.0.0.2", {"MX": "10 www.lan.test"}], "a..b": "10.0.0.1"}
        self.addHost("dns", kind="dns-server", ip="10.0.0.1/24", zone=zone)
        self.addLink("dns", self.addSwitch("s1"))
