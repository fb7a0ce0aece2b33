"""A routed LAN, for tests of what routers do: two networks, a router between them that any test may teach more.

pc1 ──┐                 ┌── web   10.2.0.2
pc2 ──┴── s1 ── r1 ── s2
 10.1.0.x
"""

TOPOLOGY = """
from mininet.topo import Topo


class Routed(Topo):
    def build(self):
        for switch in ("s1", "s2"):
            self.addSwitch(switch)
        for number in (1, 2):
            self.addHost(f"pc{number}", ip=f"10.1.0.{number}/24", gateway="10.1.0.254")
            self.addLink(f"pc{number}", "s1")
        self.addHost("r1", ip="10.1.0.254/24", sysctls={"net.ipv4.ip_forward": 1, "net.ipv4.icmp_ratelimit": 0})
        self.addLink("r1", "s1")
        self.addLink("r1", "s2", params1={"ip": "10.2.0.254/24"})
        self.addHost("web", KINDip="10.2.0.2/24", gateway="10.2.0.254")
        self.addLink("web", "s2")
MORE

topos = {"routed": Routed}
"""


def routed(*more: str, web: str = "") -> str:
    """The topology's file: `web` is of that kind (a plain host by default), and `more` are lines of its ``build``."""
    lines = "".join(f"        {line}\n" for line in more)
    return TOPOLOGY.replace("KIND", f'kind="{web}", ' if web else "").replace("MORE\n", lines)
