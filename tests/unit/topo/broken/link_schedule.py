"""Broken on purpose: link schedule."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        for number in range(1, 7):
            self.addHost(f"h{number}")
        self.addLink("h1", "s1", at="3s down")
        self.addLink("h2", "s1", at={"3": "down", 5: "up", "5s-4s": "up"})
        self.addLink("h3", "s1", at={"6s": "sideways", "7s": "flap 200ms", "8s": ["loss", 10]})
        self.addLink("h4", "s1", at={"1s-2s": {"loss": "x"}, "3s": {"lose": 10}})
        self.addLink("h5", "s1", at={"1s-3s": "down", "2s": "up"})
        self.addLink("h6", "s1", delay="5ms", at={"1s-3s": {"jitter": "9ms"}, "2s-4s": {"jitter": "1ms"}})
