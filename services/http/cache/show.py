"""A caching proxy's entries as a table: what `lan show cache` runs on the proxy."""

import json
import sys
import time
from pathlib import Path

from lan.services.http.cache import rows


def main(arguments: list[str]) -> int:
    """``TABLE-FILE``: prints ``{"columns": […], "rows": [[…]]}``."""
    found = rows.read(Path(arguments[0]), time.time())
    json.dump({"columns": list(rows.COLUMNS), "rows": [list(row) for row in found]}, sys.stdout)
    return 0
