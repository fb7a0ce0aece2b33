"""Frames that stand in an order and are read, or found, when one asks for their place."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

from lan.trace.frame import Frame


class Places(Sequence[Frame]):
    """A place, or several as a slice, in; frames out."""

    @abstractmethod
    def frame(self, at: int) -> Frame:
        """The frame at a place, counted from 0, or from the end where it is below."""

    @overload
    def __getitem__(self, at: int) -> Frame: ...
    @overload
    def __getitem__(self, at: slice) -> list[Frame]: ...
    def __getitem__(self, at: int | slice) -> Frame | list[Frame]:
        if isinstance(at, slice):
            return [self.frame(each) for each in range(*at.indices(len(self)))]
        return self.frame(at)
