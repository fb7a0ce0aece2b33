"""What `lan show mac` prints: rows of a switch's table, whoever keeps it, and the file that holds them.

The controller writes the file, faces read it; both sides are here so that the shape is in one place:
``{"schema": 1, "time_s", "switches": {NAME: {"age_s", "rows": [{"mac", "port", "interface",
"learned_s", "seen_s", "static"}]}}}`` with times in seconds since 1970.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lan.errors import RunError
from lan.openflow.switch import Switch

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One station: `age_s` is how long it has been silent, None where nobody counts (static rows)."""

    switch: str
    mac: str
    port: int
    interface: str
    age_s: float | None
    static: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "switch": self.switch,
            "mac": self.mac,
            "port": self.port,
            "interface": self.interface,
            "age_s": self.age_s,
            "static": self.static,
        }


def write(path: Path, switches: Iterable[Switch], now_s: float) -> None:
    """Replace the file whole: a reader sees the old rows or the new ones."""
    document = {"schema": SCHEMA, "time_s": now_s, "switches": {switch.name: _rows(switch) for switch in switches}}
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.write_text(json.dumps(document), encoding="utf-8")
    draft.replace(path)


def _rows(switch: Switch) -> dict[str, Any]:
    rows = [
        {
            "mac": entry.mac,
            "port": entry.port,
            "interface": switch.ports.get(entry.port, str(entry.port)),
            "learned_s": entry.learned_s,
            "seen_s": entry.seen_s,
            "static": entry.static,
        }
        for entry in switch.table
    ]
    return {"age_s": switch.table.age_s, "rows": rows}


def read(path: Path, now_s: float) -> list[Row]:
    """Rows of every switch in the file, by switch and port; [] before the first is written.

    Raises RunError for a file that is not ours.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return [_row(name, row, now_s) for name, one in document["switches"].items() for row in one["rows"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise RunError("not a table of MAC addresses", where=path, expected="a file of lan.openflow") from fault


def _row(switch: str, row: dict[str, Any], now_s: float) -> Row:
    age_s = None if row["static"] else max(0.0, round(now_s - row["seen_s"], 1))
    return Row(switch, row["mac"], row["port"], row["interface"], age_s, row["static"])
