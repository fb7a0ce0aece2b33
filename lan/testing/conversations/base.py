"""What all conversations have in common: they belong to a kind, and their values are waited for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lan.testing.failing import NotSeen
from lan.testing.watch import Watch
from lan.testing.word import Word, end
from lan.trace.frame import Frame
from lan.trace.timeline import Conversation, Timeline, Window

T = TypeVar("T", bound=Conversation)
S = TypeVar("S")


class Seen(Generic[T]):
    """One conversation.  `told` is what its tracker says, as far as it was read."""

    def __init__(self, told: T, watch: Watch) -> None:
        self.told, self._watch = told, watch

    @property
    def frames(self) -> list[Frame]:
        """The frames that it consists of, until now."""
        return list(self._now().frames)

    def _now(self) -> T:
        """What is known of it now."""
        self._watch.notebook.note(repr(self.told), [self.told])
        self._watch.sync()
        return self.told

    def _counted(self, what: str) -> T:
        """The same, where frames that were lost would change the answer."""
        told = self._now()
        self._watch.be_certain(f"{what} of {told!r}")
        return told

    def _after(self, is_there: Callable[[], bool], lack: str) -> T:
        """What is known once something is there; raises NotSeen, which says what is lacking."""
        self._watch.notebook.note(repr(self.told), [self.told])
        if not is_there() and not self._watch.until(is_there):
            raise NotSeen(f"{self.told!r}: {lack} (waited {self._watch.patience_s:g} s)")
        return self.told

    def _end(self, device: str, ip: str, role: str) -> Word:
        return end(device, ip, role, self._watch.devices())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seen) and self.told is other.told

    def __hash__(self) -> int:
        return id(self.told)

    def __repr__(self) -> str:
        return repr(self.told)


Criterion = Callable[[T, Timeline], object]
"""What a word of a question is compared with; a tuple of strings where each of them will do."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T, S]):
    """A kind of conversation: where a timeline has them, what to choose them by, which events they hold.

    `name` is what a test writes; `noun` has a plural in -s.  `devices` are the criteria whose value
    is a device or its address.
    """

    name: str
    noun: str
    items: Callable[[Window], list[T]]
    seen: Callable[[T, Watch], S]
    criteria: Mapping[str, Criterion[T]]
    devices: frozenset[str] = frozenset()
    events: Mapping[str, Callable[[T], Iterable[Frame | None]]] = field(default_factory=dict)
