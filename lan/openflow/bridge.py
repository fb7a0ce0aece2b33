"""The kernel bridge's forwarding database, as the same rows that our own switch gives.

Read through iproute2's JSON (`bridge fdb`, `ip link`); the caller is in the bridge's namespace.  The
kernel counts in whole seconds since a station was last heard (802.1D §7.9.2).
"""

import json
import subprocess
from typing import Any

from lan.errors import MachineError, RunError
from lan.openflow.rows import Row


def read(bridge: str) -> list[Row]:
    """The rows of one bridge; raises RunError where there is no such bridge."""
    stations = _ask(bridge, ["bridge", "-statistics", "-json", "fdb", "show", "br", bridge])
    links = _ask(bridge, ["ip", "-json", "-details", "link", "show", "master", bridge])
    return parse(bridge, stations, links)


def parse(bridge: str, stations: str, links: str) -> list[Row]:
    """What the two programs print → rows by port and address.

    "permanent" rows are the bridge's own addresses, rows without "master" those of the card: no
    station is behind them.
    """
    numbers = {link["ifname"]: _port_number(link) for link in json.loads(links or "[]")}
    found = [
        _row(bridge, station, numbers[station["ifname"]])
        for station in json.loads(stations or "[]")
        if station.get("master") == bridge and station["state"] != "permanent" and station["ifname"] in numbers
    ]
    return sorted(found, key=lambda row: (row.port, row.mac))


def _port_number(link: dict[str, Any]) -> int:
    return int(link["linkinfo"]["info_slave_data"]["no"], 16)


def _row(bridge: str, station: dict[str, Any], port: int) -> Row:
    static = station["state"] == "static"
    age_s = None if static else float(station.get("updated", 0))
    return Row(bridge, station["mac"], port, station["ifname"], age_s, static)


def _ask(bridge: str, command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as fault:
        raise MachineError(f"{command[0]} is not installed", todo="apt install iproute2") from fault
    if done.returncode != 0:
        raise RunError(done.stderr.strip() or f"{command[0]} failed", where=bridge, expected="the name of a bridge")
    return done.stdout
