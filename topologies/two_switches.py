"""two_switches: two clients upstairs, the servers downstairs, one cable between the floors.

    pc1 ──┐                  ┌── dhcp  .252
          ├── s1 ────── s2 ──┼── dns   .254
    pc2 ──┘                  └── web   .253
"""

from mininet.topo import Topo

PC1, PC2, DHCP, WEB, DNS = (f"192.168.100.{n}" for n in (1, 2, 252, 253, 254))
NAME = "www.lan.test"


class TwoSwitches(Topo):
    """A frame from pc1 to web is learned, and forwarded, by two switches."""

    def build(self) -> None:
        self.addSwitch("s1")
        self.addSwitch("s2")
        self.addLink("s1", "s2")
        self.addHost("pc1", kind="pc", ip=f"{PC1}/24", dhcp=True)  # stock Mininet takes the ip, lan asks
        self.addHost("pc2", kind="pc", ip=f"{PC2}/24", dhcp=True)
        for client in ("pc1", "pc2"):
            self.addLink(client, "s1")
        self.addHost("dhcp", kind="dhcp-server", ip=f"{DHCP}/24", pool="192.168.100.1-100", dns=DNS)
        self.addHost("dns", kind="dns-server", ip=f"{DNS}/24", zone={NAME: WEB})
        self.addHost("web", kind="web-server", ip=f"{WEB}/24", names=[NAME], https=True)
        for server in ("dhcp", "dns", "web"):
            self.addLink(server, "s2")


topos = {"two_switches": TwoSwitches}
