"""Broken on purpose: link option."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        for number in range(1, 11):
            self.addHost(f"h{number}")
        self.addLink("h1", "s1", bw="10MB", delay=5)
        self.addLink("h2", "s1", dealy="5ms")
        self.addLink("h3", "s1", cls=object)
        self.addLink("h4", "s1", params1={"ip": "10.0.0.4/8", "mac": "02:00:00:00:00:04"}, params2="fast")
        self.addLink("h5", "s1", delay=None, port1="first")
        self.addLink("h6", "s1", bw=0, loss=101, max_queue_size=0)
        self.addLink("h7", "s1", jitter="5ms", reorder=10, max_queue_size=50)
        self.addLink("h8", "s1", rate="10mbit", queue=5, enable_red=True)
        self.addLink("h9", "s1", loss=1, params2={"loss": 5})
        self.addLink("h10", "s1", loss="gemodel 1", distribution="gauss", seed=-1)
