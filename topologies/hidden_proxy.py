"""hidden_proxy: a client and a web server with a dumb proxy on the path between them, which neither knows of.

    pc1 .1 ── s1 ── .254 hidden .254 ── s2 ── .253 web
       10.0.1.0/24                 10.0.2.0/24
"""

from mininet.topo import Topo

PC1, WEB, NEAR, FAR = "10.0.1.1", "10.0.2.253", "10.0.1.254", "10.0.2.254"


class HiddenProxy(Topo):
    """hidden routes between the two subnets, and takes connections to port 80 for itself."""

    def build(self) -> None:
        self.addSwitch("s1")
        self.addSwitch("s2")
        self.addHost("pc1", kind="pc", ip=f"{PC1}/24", gateway=NEAR)
        self.addHost("hidden", kind="proxy", ip=f"{NEAR}/24", proxy="dumb", mode="intercept")
        self.addHost("web", kind="web-server", ip=f"{WEB}/24", gateway=FAR)
        self.addLink("pc1", "s1")
        self.addLink("hidden", "s1")
        self.addLink("hidden", "s2", params1={"ip": f"{FAR}/24"})
        self.addLink("web", "s2")


topos = {"hidden_proxy": HiddenProxy}
