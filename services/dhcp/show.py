"""A DHCP server's leases as a table: what `lan show leases` runs on the server."""

import json
import sys
import time
from typing import Any

from lan.services.dhcp.journal import read_leases


def main(arguments: list[str]) -> int:
    """``LEASES-FILE``: prints ``{"columns": […], "rows": [[…]]}``."""
    now_s = time.time()
    rows = [_row(lease, now_s) for lease in read_leases(arguments[0])]
    json.dump({"columns": ["address", "mac", "hostname", "state", "seconds left"], "rows": rows}, sys.stdout)
    return 0


def _row(lease: dict[str, Any], now_s: float) -> list[str]:
    until_s = lease["until_s"]
    left = "—" if until_s is None else str(max(0, round(until_s - now_s)))
    return [str(lease["ip"]), str(lease["mac"]), str(lease["hostname"] or "—"), str(lease["state"]), left]
