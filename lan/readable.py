"""Sizes, times, scales and signals as people read them, and JSON for a terminal.  It imports nothing of ours."""

import json
import signal

ROUND_STEPS = tuple(mantissa * 10.0**power for power in range(-3, 9) for mantissa in (1, 2, 5))
"""1, 2 and 5 of each power of ten: the distances between the marks of a scale, the smallest first."""

_STEERING_IN_JSON = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def as_json(said: object) -> str:
    """One line of JSON; what steers a terminal is in it by its number, as JSON does with C0 by itself."""
    return json.dumps(said, ensure_ascii=False).translate(_STEERING_IN_JSON)


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


def signal_name(number: int) -> str:
    """``SIGKILL``; ``signal 40``, as most real-time signals have no name."""
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
