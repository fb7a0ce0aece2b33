"""What `lan show cache` prints: a cache's entries, and the file that holds them.

The proxy writes the file, faces read it; both sides are here so that the shape is in one place:
``{"schema": 1, "time_s", "name", "entries", "size_bytes", "most_bytes", "rows": [{"uri", "status",
"vary", "size_bytes", "age_s", "fresh_s", "why"}]}`` with the last used first and at most `MOST_ROWS`
of them.  `fresh_s` is below 0 for a stale one.
"""

import json
import os
from itertools import islice
from pathlib import Path
from typing import Any

from lan.errors import RunError
from lan.services.http.cache.cache import Cache
from lan.services.http.cache.entry import Entry
from lan.services.http.cache.freshness import lifetime
from lan.services.http.cache.settings import Settings

SCHEMA = 1
MOST_ROWS = 1000

COLUMNS = ("uri", "status", "varies on", "bytes", "age s", "fresh s", "by")


def write(path: Path, cache: Cache, now_s: float) -> None:
    """Replace the file whole: a reader sees the old rows or the new ones."""
    document = {
        "schema": SCHEMA,
        "time_s": now_s,
        "name": cache.settings.name,
        "entries": len(cache.store),
        "size_bytes": cache.store.size_bytes,
        "most_bytes": cache.store.most_bytes,
        "rows": [_row(entry, cache.settings, now_s) for entry in islice(cache.store.entries(), MOST_ROWS)],
    }
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.write_text(json.dumps(document), encoding="utf-8")
    draft.replace(path)


def _row(entry: Entry, settings: Settings, now_s: float) -> dict[str, Any]:
    life = lifetime(entry, settings)
    age_s = entry.current_age_s(now_s)
    varies = "; ".join(name if value is None else f"{name}: {value}" for name, value in entry.variant)
    return {
        "uri": entry.key.partition(" ")[2],
        "status": entry.response.status,
        "vary": varies,
        "size_bytes": entry.size_bytes,
        "age_s": round(age_s, 1),
        "fresh_s": -1.0 if entry.is_invalid else round(life.seconds - age_s, 1),
        "why": life.why.text,
    }


def read(path: Path, now_s: float) -> list[tuple[str, ...]]:
    """Rows under `COLUMNS` as text, their ages as of now; [] before the first is written.

    Raises RunError for a file that is not ours.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        passed_s = max(0.0, now_s - document["time_s"])
        return [_texts(row, passed_s) for row in document["rows"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise RunError("not a table of a cache", where=path, expected="a file of lan.services.http.cache") from fault


def _texts(row: dict[str, Any], passed_s: float) -> tuple[str, ...]:
    age_s, fresh_s = int(row["age_s"] + passed_s), int(row["fresh_s"] - passed_s)
    left = "stale" if row["fresh_s"] - passed_s <= 0 else str(fresh_s)
    return (row["uri"], str(row["status"]), row["vary"] or "—", str(row["size_bytes"]), str(age_s), left, row["why"])
