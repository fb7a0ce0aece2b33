"""What a device's kernel knows, as tables: neighbours, routes, sockets, interfaces, configuration.

Runs on the device (`lan show` starts it there) and prints ``{"columns": […], "rows": [[…]]}``.
"""

import ipaddress
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Rows = tuple[list[str], list[list[str]]]


def _ip(*words: str) -> list[dict[str, Any]]:
    done = subprocess.run(["ip", "-j", *words], capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return [item for item in found if item]


def arp() -> Rows:
    """The neighbour table: who has which address, and how sure the kernel is (RFC 826; RFC 4861's states)."""
    rows = [
        [item.get("dst", ""), item.get("lladdr", "—"), item.get("dev", ""), " ".join(item.get("state", []))]
        for item in _ip("neigh", "show")
    ]
    return ["address", "mac", "interface", "state"], rows


def routes() -> Rows:
    """The routing table."""
    rows = [
        [item.get("dst", ""), item.get("gateway", "—"), item.get("dev", ""), item.get("prefsrc", "—")]
        for item in _ip("route", "show")
    ]
    return ["destination", "gateway", "interface", "source"], rows


def sockets() -> Rows:
    """TCP and UDP sockets with their states; for TIME_WAIT, how long it still lasts."""
    done = subprocess.run(["ss", "-tuanoH"], capture_output=True, text=True, check=True)
    rows = []
    for line in done.stdout.splitlines():
        words = line.split()
        timer = next((word for word in words[6:] if word.startswith("timer:")), "")
        rows.append(
            [words[0], words[1].replace("-", "_"), words[4], words[5], timer.removeprefix("timer:").strip("()")]
        )
    return ["protocol", "state", "local", "peer", "timer"], rows


def interfaces() -> Rows:
    """Interfaces with addresses and counters."""
    rows = []
    for item in _ip("-s", "address", "show"):
        addresses = " ".join(f"{entry['local']}/{entry['prefixlen']}" for entry in item.get("addr_info", []))
        counted = item.get("stats64", {})
        received, sent = counted.get("rx", {}).get("packets", 0), counted.get("tx", {}).get("packets", 0)
        state = "up" if "LOWER_UP" in item.get("flags", []) else "down"
        name = item["ifname"]
        rows.append(
            [name, state, item.get("address", ""), addresses or "—", str(item["mtu"]), str(received), str(sent)]
        )
    return ["interface", "state", "mac", "addresses", "mtu", "received", "sent"], rows


def configuration() -> Rows:
    """What Packet Tracer's IP Configuration window shows."""
    lease = _lease()
    address = next(
        (
            (entry["local"], entry["prefixlen"])
            for item in _ip("address", "show", "scope", "global")
            for entry in item.get("addr_info", [])
            if entry["family"] == "inet"
        ),
        None,
    )
    gateway = next((item["gateway"] for item in _ip("route", "show", "default") if "gateway" in item), "—")
    mask = str(ipaddress.ip_network(f"0.0.0.0/{address[1]}").netmask) if address else "—"
    resolvers = [
        line.split()[1]
        for line in Path("/etc/resolv.conf").read_text().splitlines()
        if line.startswith("nameserver ") and len(line.split()) > 1
    ]
    by_dhcp = lease is not None and address is not None and str(lease.get("ip", "")).partition("/")[0] == address[0]
    rows = [
        ["IP configuration", "DHCP" if by_dhcp else "static" if address else "none"],
        ["IPv4 address", address[0] if address else "—"],
        ["subnet mask", mask],
        ["default gateway", gateway],
        ["DNS server", " ".join(resolvers) or "—"],
    ]
    return ["setting", "value"], rows


def _lease() -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(Path("/var/lib/lan/lease.json").read_text())
    except (OSError, ValueError):
        return None
    return found


TABLES: dict[str, Callable[[], Rows]] = {
    "arp": arp,
    "routes": routes,
    "sockets": sockets,
    "interfaces": interfaces,
    "configuration": configuration,
}


def main(arguments: list[str]) -> int:
    """Print one table, named by the first argument."""
    columns, rows = TABLES[arguments[0]]()
    json.dump({"columns": columns, "rows": rows}, sys.stdout)
    return 0
