"""Broken on purpose: address twice apart."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        for number in (1, 2):
            host = self.addHost(f"pc{number}", ip="10.0.0.1/24")
            self.addLink(host, self.addSwitch(f"s{number}"))
