"""LANs whose cables have options, for the tests of links: a topology in a line each, and who counts frames."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lan.doctor.probe import probe
from lan.testing.factory import Factory
from lan.testing.net import Net

PATIENCE_S = 60.0
"""For what surely comes, on a machine however busy."""


MEANS = ["userspace", *(["kernel"] if (netem := probe().netem).tried and netem.fault is None else [])]
"""What may carry frames here: the same tests prove both where the kernel can."""


class Shaper:
    """Brings LANs up whose files are written here."""

    def __init__(self, factory: Factory, folder: Path, means: str = "userspace") -> None:
        self.factory, self.folder, self.means = factory, folder, means

    def up(self, lines: str, *, switch: str = "bridge", **how: Any) -> Net:
        """A LAN by the lines of its ``build``."""
        body = "\n".join(f"        {line.strip()}" for line in lines.strip().splitlines())
        file = self.folder / "shaped.py"
        file.write_text(f"from mininet.topo import Topo\n\n\nclass Shaped(Topo):\n    def build(self):\n{body}\n")
        return self.factory.up(str(file), switch=switch, link=self.means, **how)

    def star(self, *cables: str, **how: Any) -> Net:
        """h1, h2 … on s1; of each the options of its cable: ``delay='5ms'``."""
        lines = ["self.addSwitch('s1')"]
        for number, options in enumerate(cables, 1):
            lines.append(f"self.addLink(self.addHost('h{number}'), 's1', {options})")
        return self.up("\n".join(lines), **how)


def decisions(net: Net, *, service: str = "links", what: str | None = None) -> list[dict[str, Any]]:
    """The LAN's own decisions until now: those of its cables, or of its switches."""
    log = net.state / "decisions.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    found = [json.loads(line) for line in lines if line.endswith("}")]
    return [one for one in found if one["service"] == service and what in (None, one["what"])]


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """What the condition gives once it is true; fails by its name where that never comes."""
    limit_s = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < limit_s, f"in vain: {what}"
        time.sleep(0.02)
    return found


def know_each_other(net: Net, *names: str) -> None:
    """Tell hosts each other's hardware addresses, so that ARP sends nothing."""
    macs = {port.device: port.mac for link in net.running.spec.links for port in (link.a, link.b)}
    for name in names:
        for other in names:
            if other != name:
                device = net.running.spec.devices[other]
                ip = str(device.options["ip"]).partition("/")[0]
                net.run(name, "ip", "neigh", "replace", ip, "lladdr", macs[other], "dev", f"{name}-eth0")


def passed_by(net: Net, name: str) -> tuple[int, int]:
    """Frames that a host's first interface has (received, sent)."""
    table = net[name].table("interfaces")
    row = next(row for row in table if row.interface == f"{name}-eth0")
    return int(row.received), int(row.sent)


def assert_balanced(counters: dict[str, int]) -> None:
    """Every frame that came in is accounted for."""
    came = counters["frames"] + counters["duplicated"]
    gone = sum(counters[name] for name in ("passed", "lost", "dropped", "cut", "unsent"))
    assert came == gone + counters["waiting_frames"] + counters["flying"], counters
