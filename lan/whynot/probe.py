"""A device's state, for `lan whynot`: links, addresses, routes, ARP, firewall, sockets, resolver.  Runs on the device.

Prints the fields of `facts.Device` that the device itself knows, as JSON.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_PROC = Path("/proc")
SYSCTLS = {
    "ip_forward": "net/ipv4/ip_forward",
    "icmp_echo_ignore_all": "net/ipv4/icmp_echo_ignore_all",
    "arp_ignore": "net/ipv4/conf/all/arp_ignore",
    "rp_filter": "net/ipv4/conf/all/rp_filter",
}
"""Settings that stop packets: our word → its file below /proc/sys."""


def main(arguments: list[str]) -> int:
    """``[ADDRESS…]``: prints the state, and which routes lead to the addresses.  ``--brief``: addresses alone."""
    is_brief = arguments[:1] == ["--brief"]
    targets = [] if is_brief else arguments
    asked = [line for address in targets for line in (f"route get {address}", f"route show match {address}")]
    answers = ip("address show", *(() if is_brief else ("neigh show",)), *asked)
    state: dict[str, Any] = {
        "interfaces": [interface(item) for item in answers[0][0] if item],
        "hosts": hosts(),
        "clock_s": time.time(),
        **resolver(_text(Path("/etc/resolv.conf"))),
    }
    if not is_brief:
        routes = zip(targets, answers[2::2], answers[3::2], strict=True)
        state |= {
            "neighbours": [neighbour(item) for item in answers[1][0] if item and ":" not in item["dst"]],
            "routes": {address: route(got, matching[0]) for address, got, matching in routes},
            "table": [line.strip() for line in _lines("ip", "route", "show")],
            "listeners": listeners(),
            "ruleset": ruleset(),
            "sysctls": {word: _text(_PROC / "sys" / path) for word, path in SYSCTLS.items()},
        }
    json.dump(state, sys.stdout)
    return 0


Answer = tuple[list[dict[str, Any]], str]


def ip(*lines: str) -> list[Answer]:
    """What ip(8) says to each line, and its refusal, by one process: the rows of a line, or ([], why not)."""
    command = ["ip", "-j", "-force", "-batch", "-"]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    faults: dict[int, str] = {}
    said = ""
    for line in done.stderr.splitlines():
        if found := re.fullmatch(r"Command failed -:(\d+)", line):
            faults[int(found[1])], said = said or line, ""
        else:
            said = line.removeprefix("RTNETLINK answers: ").removeprefix("Error: ")
    documents = iter(done.stdout.splitlines())
    return [
        ([], faults[number]) if number in faults else (json.loads(next(documents, "[]")), "")
        for number in range(1, len(lines) + 1)
    ]


def interface(item: dict[str, Any]) -> dict[str, Any]:
    """The fields of `facts.Interface`."""
    held = [f"{one['local']}/{one['prefixlen']}" for one in item.get("addr_info", []) if one["family"] == "inet"]
    return {
        "name": item["ifname"],
        "is_up": "UP" in item["flags"],
        "has_carrier": "LOWER_UP" in item["flags"],
        "mac": item.get("address", ""),
        "mtu": item["mtu"],
        "arp": "NOARP" not in item["flags"],
        "addresses": held,
    }


def route(got: Answer, matching: list[dict[str, Any]]) -> dict[str, Any]:
    """The fields of `facts.Route`, from the kernel's answer and the rows of the table that fit."""
    rows, fault = got
    if fault or not rows:
        refusing = [" ".join(filter(None, (row.get("type"), row.get("dst")))) for row in matching if row.get("type")]
        return {"fault": fault or "no answer", "row": refusing[-1] if refusing else ""}
    row = rows[0]
    return {
        "gateway": row.get("gateway", ""),
        "interface": row.get("dev", ""),
        "source": row.get("prefsrc", ""),
        "is_local": row.get("type") == "local",
    }


def neighbour(item: dict[str, Any]) -> dict[str, str]:
    """The fields of `facts.Neighbour`."""
    return {
        "address": item["dst"],
        "mac": item.get("lladdr", ""),
        "interface": item.get("dev", ""),
        "state": " ".join(item.get("state", [])),
    }


def listeners() -> list[dict[str, Any]]:
    """The fields of `facts.Listener`: TCP sockets that listen, UDP sockets that are not connected."""
    found = []
    for line in _lines("ss", "-tulnpH"):
        words = line.split()
        address, _, port = words[4].rpartition(":")
        holder = re.search(r'\("([^"]*)",pid=(\d+)', words[6]) if len(words) > 6 else None
        stopped = holder is not None and _text(_PROC / holder[2] / "stat").rpartition(") ")[2][:1] == "T"
        found.append(
            {
                "protocol": words[0],
                "address": address.partition("%")[0].strip("[]"),
                "port": int(port),
                "waiting": int(words[2]) if words[0] == "tcp" else 0,
                "backlog": int(words[3]) if words[0] == "tcp" else 0,
                "program": holder[1] if holder else "",
                "is_stopped": stopped,
            }
        )
    return found


def ruleset() -> list[dict[str, Any]]:
    """The firewall; [] where the machine has no nftables."""
    try:
        done = subprocess.run(["nft", "-j", "list", "ruleset"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return []
    said = json.loads(done.stdout or "{}").get("nftables", [])
    return [item for item in said if "metainfo" not in item]


def resolver(text: str) -> dict[str, list[str]]:
    """Whom it asks for names.  resolv.conf(5)"""
    lines = [line.split() for line in text.splitlines()]
    return {
        "resolvers": [words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1][:3],
        "search": [name for words in lines if words[:1] == ["search"] for name in words[1:]],
    }


def hosts() -> dict[str, str]:
    """Name → address of /etc/hosts."""
    lines = [line.partition("#")[0].split() for line in _text(Path("/etc/hosts")).splitlines()]
    return {name.lower(): words[0] for words in reversed(lines) if words for name in words[1:]}


def _lines(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
