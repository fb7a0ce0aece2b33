"""Broken on purpose: two subnets."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        for number in (1, 2, 3):
            self.addLink(self.addHost(f"a{number}", ip=f"10.0.1.{number}/24"), "s1")
        for number in (1, 2):
            self.addLink(self.addHost(f"b{number}", ip=f"10.0.2.{number}/24"), "s1")
