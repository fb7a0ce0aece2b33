"""Broken on purpose: option that is no data."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addHost("h1", env={"PATH": object}, sysctls={1: 2})
        self.addLink("h1", self.addSwitch("s1"))
