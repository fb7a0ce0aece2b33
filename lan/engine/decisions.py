"""What the LAN itself decides, in the log of its switches and cables: ``decisions.jsonl`` of its state folder.

One JSON object a line, in the shape that services write: ``{"time_s", "service", "what", "reason", …keys}``.
"""

import json
import time
from pathlib import Path
from typing import Any

from lan.reasons import Reason

FILE = "decisions.jsonl"
DESCRIPTION = "lan.json"
"""Beside it: the LAN as it was when it came up; what `set` changed since stands in the log."""


def describe(folder: Path, lan: dict[str, Any]) -> None:
    """Keep what the LAN is, so that its capture can be read without it."""
    (folder / DESCRIPTION).write_text(json.dumps(lan, ensure_ascii=False))


def append(log: Path, service: str, what: str, reason: Reason, **keys: Any) -> None:
    """Record one decision; it is with the kernel when this returns, whole, whoever else writes there."""
    record = {"time_s": time.time(), "service": service, "what": what, "reason": reason.as_json(), **keys}
    with log.open("ab", buffering=0) as file:
        file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
