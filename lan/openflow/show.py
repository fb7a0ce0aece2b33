"""A switch's MAC address table, whoever keeps it, printed as JSON: what `lan show mac` runs.

Runs beside the switches.  ``{"columns": […], "rows": [[…]]}``.
"""

import json
import sys
import time
from pathlib import Path

from lan.openflow import bridge, rows


def main(arguments: list[str]) -> int:
    """``SWITCH [FILE]``: from the controller's file, or from the kernel's bridge of that name."""
    switch = arguments[0]
    if len(arguments) > 1:
        found = [row for row in rows.read(Path(arguments[1]), time.time()) if row.switch == switch]
    else:
        found = bridge.read(switch)
    table = [
        [
            row.mac,
            row.interface,
            "static" if row.static else "learned",
            "—" if row.age_s is None else f"{row.age_s:.0f}",
        ]
        for row in found
    ]
    json.dump({"columns": ["mac", "port", "type", "age_s"], "rows": table}, sys.stdout)
    return 0
