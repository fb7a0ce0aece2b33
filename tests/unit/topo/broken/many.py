"""Broken on purpose: many."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        for number in range(1, 31):
            self.addLink(self.addHost(f"h{number}"), "s1", bw=-number)
