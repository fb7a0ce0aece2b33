"""Broken on purpose: mac bad."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1", dpid="switch one")
        self.addHost("h1", mac="02-00-00-00-00-01")
        self.addHost("h2", mac="01:00:5e:00:00:01")
        self.addLink("h1", "s1")
        self.addLink("h2", "s1", addr1="00:00:00:00:00:00")
