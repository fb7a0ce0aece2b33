"""Broken on purpose: raises below."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        int("one")
