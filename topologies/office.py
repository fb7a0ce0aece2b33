"""office: one client, its three servers, one switch.

    pc1 ──┐        ┌── dhcp  .252
          ├── s1 ──┼── dns   .254
                   └── web   .253
"""

from mininet.topo import Topo

PC1, DHCP, WEB, DNS = (f"192.168.100.{n}" for n in (1, 252, 253, 254))
NAMES = ["www.ark-inflearn.com", "ark-inflearn.com"]


class Office(Topo):
    """pc1 asks for its address, finds the web server by name, and gets its page."""

    def build(self) -> None:
        self.addSwitch("s1")
        self.addHost("pc1", kind="pc", ip=f"{PC1}/24", dhcp=True)  # stock Mininet takes the ip, lan asks
        self.addHost("dhcp", kind="dhcp-server", ip=f"{DHCP}/24", pool="192.168.100.1-100", dns=DNS)
        self.addHost("dns", kind="dns-server", ip=f"{DNS}/24", zone=dict.fromkeys(NAMES, WEB))
        self.addHost("web", kind="web-server", ip=f"{WEB}/24", names=NAMES, https=True)
        for host in self.hosts():
            self.addLink(host, "s1")


topos = {"office": Office}
