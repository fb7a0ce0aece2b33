"""Conversations of one kind that a test asks for: ``trace.http(path="/").one()``."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Generic, NoReturn, TypeVar, overload

from lan.errors import UsageError, nearest
from lan.testing.conversations.base import Kind, T
from lan.testing.failing import NotSeen
from lan.testing.watch import Watch
from lan.testing.word import is_address
from lan.trace.timeline import Timeline, Window

S = TypeVar("S")
LONGEST_LIST = 8
WIDEST = 112


class Found(Generic[T, S]):
    """What a window of a timeline holds of one kind, as far as it fits the question.

    It may be walked through, counted and indexed: then all that is there now is meant.  `one`, `first` and
    `exactly` wait for what is still to come.
    """

    def __init__(self, kind: Kind[T, S], window: Window, watch: Watch, criteria: Mapping[str, object]) -> None:
        self._kind, self._window, self._watch, self._criteria = kind, window, watch, dict(criteria)

    def __call__(self, **criteria: object) -> "Found[T, S]":
        """Those of which all that is given is true: a value, or a function that says whether a value will do."""
        check(self._kind, criteria, self._watch.devices())
        return Found(self._kind, self._window, self._watch, {**self._criteria, **criteria})

    def one(self) -> S:
        """The one that there is; waits for it.  Raises NotSeen for none and for several."""
        [found] = self._exactly(1, "one()")
        return found

    def first(self) -> S:
        """The first of them; waits for it.  Raises NotSeen."""
        if not self._watch.until(lambda: bool(self._matches())):
            self._fail(".first()", f"none of {self._those()} fits", self._others())
        return self._see("first()", self._matches()[:1])[0]

    def exactly(self, number: int) -> list[S]:
        """All of them, which are so many; waits for the last.  Raises NotSeen."""
        return self._exactly(number, f"exactly({number})")

    def all(self) -> list[S]:
        """All that there are until now."""
        self._watch.sync()
        self._watch.be_certain(f"{self}.all()")
        return self._see("all()", self._matches())

    @property
    def count(self) -> int:
        """How many there are until now."""
        return len(self.all())

    def none(self) -> None:
        """Raises NotSeen where there is one, until now."""
        self._watch.sync()
        found = self._matches()
        if found:
            self._fail(".none()", f"{len(found)} of {self._those()} fit{'s' if len(found) == 1 else ''}", found)
        self._watch.be_certain(f"{self}.none()")

    @overload
    def __getitem__(self, index: int) -> S: ...
    @overload
    def __getitem__(self, index: slice) -> list[S]: ...
    def __getitem__(self, index: int | slice) -> S | list[S]:
        found = self.all()
        try:
            return found[index]
        except IndexError:
            fit = f"{len(found) or 'none'} of {self._those()} fit{'s' if len(found) < 2 else ''}"
            self._fail(f"[{index}]", fit, self._matches() or self._others())

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[S]:
        return iter(self.all())

    def __str__(self) -> str:
        """The question as the test wrote it."""
        asked = ", ".join(f"{name}={_shown(value)}" for name, value in self._criteria.items())
        return f"trace.{self._kind.name}" + (f"({asked})" if asked else "")

    def __repr__(self) -> str:
        return f"<{self}: {len(self._matches())} of {self._those()}>"

    def _exactly(self, number: int, method: str) -> list[S]:
        self._watch.until(lambda: len(self._matches()) >= number)
        self._watch.sync()
        found = self._matches()
        if len(found) < number:
            fit = f"{len(found) or 'none'} of {self._those()} fit{'s' if len(found) < 2 else ''}"
            self._fail(f".{method}", fit, found or self._others())
        if len(found) > number:
            self._fail(f".{method}", f"{len(found)} of {self._those()} fit, not {number}", found)
        self._watch.be_certain(f"{self}.{method}")
        return self._see(method, found)

    def _matches(self) -> list[T]:
        timeline = self._watch.timeline
        return [item for item in self._kind.items(self._window) if fits(self._kind, item, timeline, self._criteria)]

    def _others(self) -> list[T]:
        return list(self._kind.items(self._window))

    def _those(self) -> str:
        number = len(self._others())
        return f"{number} {self._kind.noun}{'' if number == 1 else 's'}"

    def _see(self, method: str, found: Sequence[T]) -> list[S]:
        self._watch.notebook.note(f"{self}.{method}", found)
        return [self._kind.seen(item, self._watch) for item in found]

    def _fail(self, asked: str, what: str, shown: Sequence[T]) -> NoReturn:
        question = f"{self}{asked}"
        self._watch.notebook.note(question, shown or self._window.first_sightings[-LONGEST_LIST:])
        lines = listed(repr(item) for item in shown) or [passed(self._window)]
        raise NotSeen("\n".join([f"{question}: {what}", *lines]))


def check(kind: Kind[T, S], criteria: Mapping[str, object], devices: Collection[str]) -> None:
    """Raise UsageError for a criterion that the kind has not, or a device that the LAN has not."""
    for name, value in criteria.items():
        if name not in kind.criteria:
            near = nearest(name, kind.criteria)
            raise UsageError(
                f"trace.{kind.name} can't be asked for {name!r}" + (f"; did you mean {near!r}?" if near else ""),
                expected="one of " + ", ".join(kind.criteria),
            )
        if name in kind.devices and isinstance(value, str) and value not in devices and not is_address(value):
            near = nearest(value, devices)
            raise UsageError(
                f"trace.{kind.name}({name}={value!r}): the LAN has no such device"
                + (f"; did you mean {near!r}?" if near else ""),
                expected="an address, or one of " + ", ".join(list(devices)[:20]),
            )


def fits(kind: Kind[T, S], item: T, timeline: Timeline, criteria: Mapping[str, object]) -> bool:
    """Whether all that was asked for is true of a conversation."""
    return all(_is(kind.criteria[name](item, timeline), wanted) for name, wanted in criteria.items())


def listed(lines: Iterable[str], *, most: int = LONGEST_LIST) -> list[str]:
    """Lines for a message, set in; the last of many, as they are the nearest to what went wrong."""
    found = [f"    {line if len(line) <= WIDEST else line[: WIDEST - 1] + '…'}" for line in lines]
    if len(found) <= most:
        return found
    return [f"    … {len(found) - most} more before", *found[-most:]]


def _is(value: object, wanted: object) -> bool:
    if callable(wanted):
        return any(bool(wanted(each)) for each in value) if isinstance(value, tuple) else bool(wanted(value))
    if isinstance(value, tuple):
        return str(wanted) in value
    return value == wanted or (isinstance(value, int) and str(value) == wanted)


def _shown(value: object) -> str:
    return getattr(value, "__name__", "…") if callable(value) else repr(value)


def passed(window: Window) -> str:
    """What passed instead, by protocol."""
    counts: dict[str, int] = {}
    for frame in window.first_sightings:
        counts[frame.packet.protocol] = counts.get(frame.packet.protocol, 0) + 1
    told = ", ".join(f"{number} of {protocol}" for protocol, number in sorted(counts.items()))
    return f"    what passed instead: {told}" if told else "    nothing passed at all"
