"""The state of switch ports and of flows that drop, for `lan whynot`.  Runs beside the switches.

Prints ``{SWITCH: {"ports": {interface: state}, "drops": [flow], "trouble": text}}``.
"""

import json
import subprocess
import sys
from typing import Any

from lan.engine.openvswitch import FOLDER

PORT_STATES = ("disabled", "listening", "learning", "forwarding", "blocking")
"""Of the kernel's bridge, by their numbers (802.1D §7.4)."""


def main(arguments: list[str]) -> int:
    """``ovs:NAME=PORT,PORT…`` or ``bridge:NAME=PORT,PORT…``, one for each switch."""
    links = {item["ifname"]: item for item in json.loads(_said("ip", "-j", "-d", "link", "show") or "[]") if item}
    found = {}
    for word in arguments:
        kind, _, rest = word.partition(":")
        name, _, ports = rest.partition("=")
        found[name] = {"ports": {port: _port(links.get(port)) for port in ports.split(",") if port}}
        found[name] |= _flows(name) if kind == "ovs" else _bridge(name, links)
    json.dump(found, sys.stdout)
    return 0


def _port(link: dict[str, Any] | None) -> str:
    if link is None:
        return "gone"
    if "UP" not in link["flags"]:
        return "down"
    if "LOWER_UP" not in link["flags"]:
        return "no carrier"
    info = link.get("linkinfo", {})
    if info.get("info_slave_kind") == "bridge":
        state = info["info_slave_data"]["state"]
        return str(state if isinstance(state, str) else PORT_STATES[state])
    return "up"


def _bridge(name: str, links: dict[str, Any]) -> dict[str, Any]:
    if name not in links:
        return {"trouble": f"there is no bridge {name}"}
    return {} if "UP" in links[name]["flags"] else {"trouble": f"the bridge {name} is set down"}


def _flows(name: str) -> dict[str, Any]:
    """Flows that drop and are none of ours: those carry what 802.1D says, in tables 0 and 1, by fixed priority."""
    target = f"unix:{FOLDER}/{name}.mgmt"
    command = ["ovs-ofctl", "-O", "OpenFlow13", "--no-stats", "--names", "dump-flows", target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"trouble": f"Open vSwitch does not answer: {done.stderr.strip()}"}
    lines = [line.strip() for line in done.stdout.splitlines()]
    own = ("dl_dst=01:80:c2:00:00:00/ff:ff:ff:ff:ff:f0", "dl_src=01:00:00:00:00:00/01:00:00:00:00:00")
    drops = [line for line in lines if line.endswith("actions=drop") and not any(mark in line for mark in own)]
    return {"drops": drops} if lines else {"trouble": f"{name} has no flows: its controller has not spoken to it"}


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
