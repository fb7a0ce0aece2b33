"""proxies: a client, a web server, and proxies to choose from: dumb, smart, caching, and a dumb one below the smart.

    pc1   .1 ──┐        ┌── dumb   .11
               ├── s1 ──┼── smart  .12
    web .253 ──┘        ├── cache  .13
                        └── below  .14   (asks smart)
"""

from mininet.topo import Topo

PC1, DUMB, SMART, CACHE, BELOW, WEB = (f"10.0.0.{n}" for n in (1, 11, 12, 13, 14, 253))


class Proxies(Topo):
    """pc1 asks web through the proxy that it names: ``lan exec pc1 -- curl -x http://smart:3128 http://web/``."""

    def build(self) -> None:
        self.addSwitch("s1")
        self.addHost("pc1", kind="pc", ip=f"{PC1}/24")
        self.addHost("dumb", kind="proxy", ip=f"{DUMB}/24", proxy="dumb")
        self.addHost("smart", kind="proxy", ip=f"{SMART}/24", proxy="smart")
        self.addHost("cache", kind="proxy", ip=f"{CACHE}/24", proxy="cache")
        self.addHost("below", kind="proxy", ip=f"{BELOW}/24", proxy="dumb", parent=f"http://{SMART}:3128")
        self.addHost("web", kind="web-server", ip=f"{WEB}/24")
        for host in self.hosts():
            self.addLink(host, "s1")


topos = {"proxies": Proxies}
