"""Where the notes are tested.

pc1 ──┐
      ├── s1 ──┬── web
dns ──┘        └── pc2
"""

from mininet.topo import Topo


class NotesLan(Topo):
    def build(self) -> None:
        self.addSwitch("s1")
        self.addHost("web", kind="pc", ip="10.0.0.80/24", dns="10.0.0.53")
        self.addHost("pc1", kind="pc", ip="10.0.0.1/24", dns="10.0.0.53")
        self.addHost("pc2", kind="pc", ip="10.0.0.2/24", dns="10.0.0.53")
        self.addHost("dns", kind="dns-server", ip="10.0.0.53/24", zone={"notes.test": "10.0.0.80"})
        for host in self.hosts():
            self.addLink(host, "s1")
