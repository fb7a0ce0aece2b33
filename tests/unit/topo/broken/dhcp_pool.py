"""Broken on purpose: dhcp pool."""

from mininet.topo import Topo


class Broken(Topo):
    def build(self):
        self.addSwitch("s1")
        pools = ["all", "10.0.0.20-10", "10.0.1.10-20", "10.0.0.250-10.0.1.10"]
        for number, pool in enumerate(pools, 1):
            self.addSwitch(f"s{number}") if number > 1 else None
            host = self.addHost(f"d{number}", kind="dhcp-server", ip="10.0.0.1/24", pool=pool)
            self.addLink(host, f"s{number}")
        self.addLink(self.addHost("d5", kind="dhcp-server", ip=None, pool="10.0.0.1-9"), self.addSwitch("s5"))
