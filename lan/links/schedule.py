"""What happens to a cable when: the option ``at`` of a topology file.

    self.addLink("pc1", "s1", delay="5ms", at={"3s": "down", "5s": "up", "6s-8s": {"loss": 10}})

Times count from the moment the LAN is up.  A value is ``'down'``, ``'up'``, ``'flap 200ms 5'`` (five
times down for 200 ms and up for 200 ms) or options as addLink takes them, params1 and params2 too.
Options at one time stay; those of a span are taken back at its end.  Stock Mininet passes `at` over.
Pure: a schedule is a list of events, whoever has the clock carries them out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from lan.links.options import Cable
from lan.links.words import FILE_NAMES, OptionError, read_file, read_time, time_text

ENDS = ("params1", "params2")
UP, DOWN, FLAP = "up", "down", "flap"
LATEST_S = 7 * 24 * 3600.0
FLAPS_MAX = 1000
FLAP_MIN_S, FLAP_MAX_S = 0.001, 3600.0

_EXPECTED = "'down', 'up', 'flap 200ms 5' or options such as {'loss': 10}"
_TIMES = "a time such as '3s', or a span such as '6s-8s'"


@dataclass(frozen=True, slots=True)
class Event:
    """At `at_s` the cable is pulled or plugged (`up`), or is what `cable` says; one of the two is None."""

    at_s: float
    up: bool | None = None
    cable: Cable | None = None

    def as_json(self) -> dict[str, Any]:
        """``{"at_s", "up"}`` or ``{"at_s", "cable"}``."""
        if self.cable is None:
            return {"at_s": self.at_s, "up": self.up}
        return {"at_s": self.at_s, "cable": self.cable.as_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """What `as_json` wrote."""
        cable = data.get("cable")
        return cls(data["at_s"], data.get("up"), None if cable is None else Cable.from_json(cable))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of `at`: a moment, or a span where `until_s` is given."""

    word: str
    at_s: float
    until_s: float | None
    value: object


def read(options: Mapping[str, object]) -> tuple[list[Event], list[OptionError]]:
    """The events that ``addLink(…, at={…})`` asks for, by time, and all that is wrong with them."""
    given = options.get("at")
    if given is None:
        return [], []
    if not isinstance(given, Mapping):
        what = f"at {given!r} is not a schedule"
        return [], [OptionError(what, expected="{TIME: what happens}", todo="at={'3s': 'down', '5s': 'up'}")]
    entries, faults = [], list[OptionError]()
    for word, value in given.items():
        try:
            entries.append(_entry(word, value))
        except OptionError as fault:
            faults.append(fault)
    entries.sort(key=lambda entry: entry.at_s)
    plugging, wrong = _plugging(entries)
    faults += wrong
    changes, wrong = _changes(options, entries)
    faults += wrong
    return sorted([*plugging, *changes], key=lambda event: event.at_s), faults


def read_flap(period: object, times: object, *, name: str = FLAP, in_file: bool = False) -> tuple[float, int]:
    """Seconds and count of ``flap 200ms 5``; raises OptionError."""
    period_s = read_time(name, period, in_file=in_file, low=FLAP_MIN_S, high=FLAP_MAX_S)
    text = str(times)
    if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= FLAPS_MAX:
        expected = f"how often, a whole number from 1 to {FLAPS_MAX}"
        raise OptionError(f"{name} {period} {text}", expected=expected, todo=f"flap {period} 5")
    return period_s, int(text)


def flap(at_s: float, period_s: float, times: int) -> list[Event]:
    """Down and up again, `times` times, `period_s` in each state; it ends up."""
    return [Event(round(at_s + n * period_s, 9), up=n % 2 == 1) for n in range(2 * times)]


def _entry(word: object, value: object) -> _Entry:
    if not isinstance(word, str) or len(parts := [part.strip() for part in re.split("[-–]", word)]) > 2:
        raise OptionError(f"at: {word!r} is not a time", expected=_TIMES)
    at_s, *rest = (read_time("at", part, in_file=True, high=LATEST_S) for part in parts)
    until_s = rest[0] if rest else None
    if until_s is not None and until_s <= at_s:
        raise OptionError(f"at: the span {word!r} ends before it begins", expected="an earlier time first")
    if not isinstance(value, str | Mapping):
        raise OptionError(f"at {word!r}: {value!r}", expected=_EXPECTED)
    return _Entry(word, at_s, until_s, value)


def _plugging(entries: list[_Entry]) -> tuple[list[Event], list[OptionError]]:
    events, faults, spans = list[Event](), list[OptionError](), list[tuple[float, float, str]]()
    for entry in entries:
        if not isinstance(entry.value, str):
            continue
        try:
            made = _plugged(entry)
        except OptionError as fault:
            faults.append(fault)
            continue
        begin, end = made[0].at_s, made[-1].at_s
        if other := next((word for low, high, word in spans if begin <= high and low <= end), None):
            what = f"at: {entry.word!r} pulls or plugs the cable within {other!r}"
            faults.append(OptionError(what, expected="one after the other"))
        spans.append((begin, end, entry.word))
        events += made
    return events, faults


def _plugged(entry: _Entry) -> list[Event]:
    words = str(entry.value).split()
    if words[:1] == [FLAP] and len(words) == 3 and entry.until_s is None:
        name = f"at {entry.word!r}: {FLAP}"
        period_s, times = read_flap(words[1], words[2], name=name, in_file=True)
        return flap(entry.at_s, period_s, times)
    if words not in ([UP], [DOWN]):
        raise OptionError(f"at {entry.word!r}: {entry.value!r}", expected=_EXPECTED)
    up = words == [UP]
    ends = [] if entry.until_s is None else [Event(entry.until_s, up=not up)]
    return [Event(entry.at_s, up=up), *ends]


def _changes(options: Mapping[str, object], entries: list[_Entry]) -> tuple[list[Event], list[OptionError]]:
    """The cable after each moment at which its options change: the file's, and over them every entry's in force."""
    changing = [entry for entry in entries if isinstance(entry.value, Mapping)]
    faults = list(_strange(changing))
    if faults or read_file(options)[1]:
        return [], faults  # what is wrong with the cable itself is told where it is read
    moments = {entry.at_s for entry in changing} | {entry.until_s for entry in changing if entry.until_s is not None}
    events, told = list[Event](), set[str]()
    for moment in sorted(moments):
        now = dict(options)
        for entry in changing:
            if entry.at_s <= moment and (entry.until_s is None or moment < entry.until_s):
                now = _over(now, entry.value)
        cable, wrong = read_file(now)
        for fault in wrong:
            if str(fault) not in told:
                told.add(str(fault))
                what = f"at {time_text(moment)}: {fault.what}"
                faults.append(OptionError(what, expected=fault.expected, todo=fault.todo))
        events.append(Event(moment, cable=cable))
    return events, faults


def _strange(entries: list[_Entry]) -> Iterator[OptionError]:
    """Options in a schedule that are none, and two spans that set the same option at one time."""
    spans = list[tuple[_Entry, set[str]]]()
    for entry in entries:
        assert isinstance(entry.value, Mapping)
        names = set(map(str, entry.value))
        if strange := names - (FILE_NAMES - {"seed"}):
            what = f"at {entry.word!r}: {min(strange)!r} is not an option that changes"
            yield OptionError(what, expected="one of " + ", ".join(sorted(FILE_NAMES - {"seed", "use_htb"})))
        for other, taken in spans:
            both = names & taken
            if entry.until_s and other.until_s and entry.at_s < other.until_s and both:
                yield OptionError(
                    f"at: {other.word!r} and {entry.word!r} both set {min(both)}", expected="spans that don't overlap"
                )
        spans.append((entry, names))


def _over(options: Mapping[str, object], value: object) -> dict[str, object]:
    """Options with a schedule's over them, said for each end: what it says for the cable goes for both."""
    assert isinstance(value, Mapping)
    merged: dict[str, object] = {"seed": options.get("seed")}
    for end in ENDS:
        merged[end] = {**_of_end(options, end), **_of_end(value, end)}
    return merged


def _of_end(options: Mapping[str, object], end: str) -> dict[str, object]:
    own = options.get(end) or {}
    assert isinstance(own, Mapping)
    common = {name: value for name, value in options.items() if name in FILE_NAMES and name not in (*ENDS, "seed")}
    return {**common, **own}
