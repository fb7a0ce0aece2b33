"""What of a capture can't be seen, in words: damage, a cut-off end, other links, frames that were cut.  Pure."""

from collections.abc import Collection, Iterable

from lan.reasons import Sentence
from lan.trace.frame import Frame


def cut_to_bytes(frames: Iterable[Frame]) -> int:
    """How many bytes were kept of those frames that the capture cut (snaplen), at most; 0 where all are whole."""
    return max((len(frame.data) for frame in frames if len(frame.data) < frame.length), default=0)


def of_cut(size_bytes: int) -> list[Sentence]:
    """Why layers are missing where frames are cut to so many bytes."""
    if not size_bytes:
        return []
    return [
        Sentence(
            "the capture kept {size} bytes of each frame at most: what lies behind them, such as HTTP, is not seen",
            size=size_bytes,
        )
    ]


def of_drops(count: int) -> list[Sentence]:
    """Frames of a LAN that passed, and that its capture has not."""
    return [Sentence("{count} frames were lost by the capture", count=count)] if count else []


def of_links(linktypes: Collection[int]) -> list[Sentence]:
    """Of interfaces whose link can't be read."""
    if not linktypes:
        return []
    told = ", ".join(map(str, sorted(linktypes)))
    return [Sentence("frames of link type {types} are not read; Ethernet, raw IP and cooked are", types=told)]


def of_end(damage: str, pending_bytes: int, last_number: int) -> list[Sentence]:
    """Why a file ends before its end: it makes no sense from there on, or the last block is not whole."""
    if damage:
        return [Sentence("the file is damaged: {damage}", damage=damage)]
    if not pending_bytes:
        return []
    return [
        Sentence(
            "the file is cut off after frame {number}: {count} bytes of the next are there",
            number=last_number,
            count=pending_bytes,
        )
    ]
