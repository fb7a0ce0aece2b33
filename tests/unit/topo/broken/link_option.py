"""Broken on purpose: link option."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        for number in (1, 2, 3, 4, 5):
            self.addHost(f"h{number}")
        self.addLink("h1", "s1", bw=10, delay="5ms", loss=1)
        self.addLink("h2", "s1", dealy="5ms")
        self.addLink("h3", "s1", cls=object)
        self.addLink("h4", "s1", params1={"ip": "10.0.0.4/8", "mac": "02:00:00:00:00:04"})
        self.addLink("h5", "s1", delay=None, port1="first")
