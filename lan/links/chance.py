"""Chance that comes out the same each time: the value for frame n depends on the seed and on n alone.

So the same seed loses the same frames, whatever options were changed before them, and whatever was
drawn for other purposes.  Values are made in blocks, each from a generator of its own: the nth
costs no walk over those before it.
"""

from collections.abc import Callable

Generator = Callable[[], float]
Generators = Callable[[str], Generator]
"""A name → a generator of numbers in [0, 1), the same ones for the same name."""

_BITS = 8
_BLOCK = 1 << _BITS


class Stream:
    """The values of one purpose, by frame number."""

    __slots__ = ("_block", "_make", "_name", "_values")

    def __init__(self, name: str, make: Generators) -> None:
        self._name, self._make = name, make
        self._block, self._values = -1, list[float]()

    def at(self, frame: int) -> float:
        """The value for a frame, in [0, 1); cheap where frames come roughly in order."""
        block = frame >> _BITS
        if block != self._block:
            draw = self._make(f"{self._name}/{block}")
            self._block, self._values = block, [draw() for _ in range(_BLOCK)]
        return self._values[frame & (_BLOCK - 1)]

    def __repr__(self) -> str:
        return f"Stream({self._name!r})"
