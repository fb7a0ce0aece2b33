"""long_cables: a PC behind a slow line, a server, and a link between the switches that fails by plan.

pc1 ──(10 Mbit/s, 20 ms)── s1 ──(fails at 120 s)── s2 ──(loses in bursts)── web
"""

from mininet.topo import Topo


class LongCables(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addSwitch("s2")
        self.addHost("pc1", ip="10.0.0.1/24")
        self.addHost("web", kind="web-server", ip="10.0.0.2/24")
        self.addLink("pc1", "s1", bw=10, delay="20ms", max_queue_size=50)
        self.addLink("s1", "s2", at={"120s": "down", "122s": "up", "130s-140s": {"loss": 10}})
        self.addLink("web", "s2", seed=7, params1={"loss": "gemodel 0.1% 25%"}, params2={"delay": "2ms"})


topos = {"long_cables": LongCables}
