"""Answers that are at hand: the same bytes as the plain path makes, kept for the second in which they were made.

Pure.  The engine gives the same `Request` object for the same head, so an answer is found by that
object, without a look at its fields.  An answer is used as long as its Date is right and each file it
was made of is still the same, which the site sees by one `stat`.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from lan.services.http import messages
from lan.services.http.answer import Answer, Ready
from lan.services.http.messages import Request
from lan.services.http.resource import Place

MOST_ANSWERS = 512
MOST_BYTES = 16 * 1024 * 1024
SMALL_BYTES = 64 * 1024
SETTLED_S = 2.0
"""A file changed more recently than this may change again without a new time stamp: it is read each time."""


@dataclass(frozen=True, slots=True)
class _Kept:
    request: Request
    second: int
    answer: Answer
    places: tuple[Place, ...]
    is_current: Callable[[Place], bool]
    size_bytes: int


class Prepared:
    """The most recently made answers, bounded in number and bytes."""

    def __init__(self, *, most_answers: int = MOST_ANSWERS, most_bytes: int = MOST_BYTES) -> None:
        self.most_answers, self.most_bytes = most_answers, most_bytes
        self.size_bytes = 0
        self._kept: OrderedDict[int, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, request: Request, now_s: float) -> Answer | None:
        """The answer to this very request, where it is still right."""
        kept = self._kept.get(id(request))
        if kept is None:
            return None
        if kept.second == int(now_s):
            for place in kept.places:
                if not kept.is_current(place):
                    break
            else:
                return kept.answer
        self._drop(id(request))
        return None

    def keep(
        self,
        request: Request,
        answer: Answer,
        places: tuple[Place, ...],
        is_current: Callable[[Place], bool],
        now_s: float,
    ) -> Answer:
        """The answer with its bytes ready, kept for the next such request; as it is where that can't be."""
        if answer.is_planned or answer.upgrade is not None or not all(is_settled(place, now_s) for place in places):
            return answer
        length = answer.length_bytes
        if (
            length is None
            or length > SMALL_BYTES
            or (answer.content is not None and answer.content.descriptor is not None)
        ):
            return answer
        body = answer.content.read(0, length) if answer.content is not None else b""
        made = replace(answer, ready=Ready(messages.build(answer.response)[:-2], body))
        self._drop(id(request))
        self._kept[id(request)] = _Kept(request, int(now_s), made, places, is_current, len(body))
        self.size_bytes += len(body)
        while len(self._kept) > self.most_answers or self.size_bytes > self.most_bytes:
            self._drop(next(iter(self._kept)))
        return made

    def _drop(self, key: int) -> None:
        if (gone := self._kept.pop(key, None)) is not None:
            self.size_bytes -= gone.size_bytes


def is_settled(place: Place, now_s: float) -> bool:
    """Whether another change of the file would show in its signature (device, inode, size, mtime_ns, ctime_ns)."""
    return not place.signature or now_s - max(place.signature[3:]) / 1e9 >= SETTLED_S
