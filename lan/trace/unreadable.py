"""The error of frames that were there, and can be read no more.  Pure."""

from lan.errors import RunError
from lan.reasons import Sentence
from lan.wire.malformed import Malformed


class Unreadable(RunError, Malformed):  # noqa: N818 - it says what the frame is
    """The file was changed, cut off or deleted while it was looked at; `what` says where, alone in a line of a view."""

    def __init__(self, what: str) -> None:
        super().__init__(what, todo=Sentence("look again when nobody changes the file"))

    def __str__(self) -> str:
        return self.what


def changed(at: int) -> Unreadable:
    """Of the block at a place of a file."""
    return Unreadable(Sentence("the block at byte {at} is damaged, or the file was changed meanwhile", at=at))


def deleted() -> Unreadable:
    """Of a frame in a file that the capture gave up."""
    return Unreadable(Sentence("the file that it stood in was deleted"))


def gone(number: int) -> Unreadable:
    """Of a frame by its number."""
    return Unreadable(Sentence("frame {number} is in none of the files that are left", number=number))
