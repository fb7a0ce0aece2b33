"""A table of one device or all:  lan show mac   (also arp, leases, dns, queues, routes, sockets …)"""

import argparse
from typing import Any

from lan.cli.common import lan_word
from lan.cli.screen import Screen
from lan.control import client
from lan.control.client import RunningLan
from lan.errors import UsageError, nearest
from lan.links.options import DEFAULT_QUEUE_FRAMES

GROUP = "Look"
QUEUES = "queues"
"""No device's table: what waits at the cables."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", help="which table")
    parser.add_argument("device", nargs="?", help="of one device alone")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    lan = client.connect(options.lan)
    if options.table == QUEUES:
        return _queues(lan, options.device, screen)
    described = lan.describe()["devices"]
    names = [options.device] if options.device else _having(described, options.table)
    if options.device:
        lan.device(options.device)
    if len(names) > 40:
        raise UsageError(f"{len(names)} devices have a table {options.table}", expected="one of them by name")
    tables: dict[str, dict[str, Any]] = {name: lan.table(name, options.table) for name in names}
    if screen.json:
        screen.data({"ok": True, "table": options.table, "devices": tables})
        return 0
    for name, table in tables.items():
        if table["rows"]:
            screen.table(table["columns"], table["rows"], name)
        else:
            screen.line(f"{name}: {options.table} is empty", "dim")
    return 0


def _queues(lan: RunningLan, device: str | None, screen: Screen) -> int:
    """What waits for a wire with a bandwidth, at the end that sends."""
    if device is not None:
        lan.device(device)
    rows = [
        [way["from"], way["to"], way["in_force"]["bw"], way["in_force"].get("max_queue_size", DEFAULT_QUEUE_FRAMES)]
        + [(way["counters"] or {}).get(name, "—") for name in ("waiting_frames", "waiting_bytes", "dropped")]
        for link in lan.links()["links"]
        for way in link["ways"]
        if "bw" in way["in_force"] and device in (None, way["from"])
    ]
    columns = ["from", "to", "bw", "limit", "waiting", "bytes", "dropped"]
    if screen.json:
        screen.data({"ok": True, "table": QUEUES, "queues": [dict(zip(columns, row, strict=True)) for row in rows]})
    elif rows:
        screen.table(columns, rows)
    else:
        screen.line("no cable has a bandwidth, so nothing waits; try  lan link A B bw=10mbit", "dim")
    return 0


def _having(described: dict[str, Any], table: str) -> list[str]:
    found = [name for name, device in described.items() if table in device["tables"]]
    if not found:
        known = sorted({name for device in described.values() for name in device["tables"]} | {QUEUES})
        near = nearest(table, known)
        raise UsageError(
            f"no device has a table {table!r}" + (f"; did you mean {near!r}?" if near else ""),
            expected="one of " + ", ".join(known),
        )
    return found
