"""The lines of benchmarks/trace.py."""

import statistics
from dataclasses import asdict, dataclass
from typing import Any

WIDTHS = (40, 26, 18)


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured; `holds` is whether it keeps the promise in `asked`, None where none was made."""

    what: str
    asked: str
    measured: str
    holds: bool | None
    beside: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def shown(row: Row) -> str:
    """``capture, ovs   no frame lost   0 of 123456   kept   61,000 frames/s``."""
    cells = (row.what, row.asked, row.measured)
    verdict = {True: "kept", False: "MISSED", None: ""}[row.holds]
    padded = "".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True))
    return f"{padded}{verdict:8}{row.beside}".rstrip()


def middle(values: list[float]) -> float:
    return statistics.median(values)
