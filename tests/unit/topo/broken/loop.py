"""Broken on purpose: loop."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        for number in (1, 2, 3, 4):
            self.addSwitch(f"s{number}")
        self.addLink("s1", "s2")
        self.addLink("s2", "s3")
        self.addLink("s3", "s4")
        self.addLink("s4", "s1")
        self.addLink(self.addHost("h1"), "s1")
