"""Broken on purpose: web name."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("dns", kind="dns-server", ip="10.0.0.1/24", zone={"WWW.lan.test.": "10.0.0.2"})
        self.addHost("web", kind="web-server", ip="10.0.0.2/24", names=["www.lan.test", "shop.lan.test"])
        self.addLink("dns", "s1")
        self.addLink("web", "s1")
