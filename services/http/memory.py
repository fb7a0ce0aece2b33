"""Memory that nobody uses goes back to the kernel, now and then.  malloc_trim(3).

The C library keeps what is freed for the next that asks.  Under bodies of all sizes there are ever more holes
between what is in use: a proxy with 5 MB in use holds 8 MB after a minute, 15 MB after an hour, and so on.  Whole
pages in those holes can be given back at any time; they cost a page fault each when they are wanted again.
"""

import ctypes

EVERY_S = 10.0

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's: other C libraries have none


def give_back() -> bool:
    """Give it back now; whether there was any, or a way to do it."""
    return _trim is not None and bool(_trim(0))


class Thrift:
    """Gives memory back each EVERY_S, for a loop that says what time it is."""

    def __init__(self, now_s: float) -> None:
        self._due_s = now_s + EVERY_S

    def look(self, now_s: float) -> bool:
        """Whether it was time: it takes about a millisecond for 10 MB that go."""
        if now_s < self._due_s:
            return False
        self._due_s = now_s + EVERY_S
        give_back()
        return True
