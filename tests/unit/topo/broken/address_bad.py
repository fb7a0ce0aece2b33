"""Broken on purpose: address bad."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        for number, ip in enumerate(["", "dhcp", "10.0.0.256/24", "10.0.0.1/255.255.255.0", "::1/64", "224.0.0.1/24"]):
            self.addLink(self.addHost(f"h{number}", ip=ip), "s1")
