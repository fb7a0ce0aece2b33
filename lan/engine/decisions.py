"""What the LAN itself decides, in the log of its switches and cables: ``decisions.jsonl`` of its state folder.

One JSON object a line, in the shape that services write: ``{"time_s", "service", "what", "reason", …keys}``.
"""

import json
import time
from pathlib import Path
from typing import Any

from lan.reasons import Reason

FILE = "decisions.jsonl"


def append(log: Path, service: str, what: str, reason: Reason, **keys: Any) -> None:
    """Record one decision; it is with the kernel when this returns, whole, whoever else writes there."""
    record = {"time_s": time.time(), "service": service, "what": what, "reason": reason.as_json(), **keys}
    with log.open("ab", buffering=0) as file:
        file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
