"""Broken on purpose: needs parameters."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self, hosts, floors):
        self.addSwitch("s1")
