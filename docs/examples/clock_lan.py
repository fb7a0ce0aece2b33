"""clock: a PC that can ask what time it is.

pc1 ── s1 ── clock
"""

from mininet.topo import Topo


class Clock(Topo):
    def build(self) -> None:
        self.addSwitch("s1")
        self.addHost("pc1", ip="10.0.0.1/24")
        self.addHost("clock", kind="daytime-server", ip="10.0.0.13/24", greeting="Good day! It is")
        for host in self.hosts():
            self.addLink(host, "s1")


topos = {"clock": Clock}
