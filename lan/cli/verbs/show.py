"""A table of one device or all:  lan show mac   (also arp, leases, dns, routes, sockets, interfaces)"""

import argparse
from typing import Any

from lan.cli.common import lan_word
from lan.cli.screen import Screen
from lan.control import client
from lan.errors import UsageError, nearest

GROUP = "Look"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", help="which table")
    parser.add_argument("device", nargs="?", help="of one device alone")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    lan = client.connect(options.lan)
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


def _having(described: dict[str, Any], table: str) -> list[str]:
    found = [name for name, device in described.items() if table in device["tables"]]
    if not found:
        known = sorted({name for device in described.values() for name in device["tables"]})
        near = nearest(table, known)
        raise UsageError(
            f"no device has a table {table!r}" + (f"; did you mean {near!r}?" if near else ""),
            expected="one of " + ", ".join(known),
        )
    return found
