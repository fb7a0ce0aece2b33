"""Sizes, times and scales as people read them, for every drawing of the house.  It imports nothing of ours."""

ROUND_STEPS = tuple(mantissa * 10.0**power for power in range(-3, 9) for mantissa in (1, 2, 5))
"""1, 2 and 5 of each power of ten: the distances between the marks of a scale, the smallest first."""


def duration(ms: float) -> str:
    """``3.4 ms``, ``1.25 s``."""
    return f"{ms:.1f} ms" if ms < 1000 else f"{ms / 1000:.2f} s"


def size(count: int) -> str:
    """``999 B``, ``1.5 KiB``, ``12 MiB``."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
