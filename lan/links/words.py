"""A cable's options as people write them: in a topology file, on a command line, in a table.

Files have Mininet's names and meaning: ``bw=10`` (Mbit/s), ``delay='5ms'``, ``loss=1`` (per cent),
``max_queue_size=50`` (frames).  On a command line each value has its unit: ``bw=10mbit loss=1%``,
which files may write too.  A fault says what is wrong, what was expected and what to write; all
are collected, none is ignored.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lan.errors import UsageError, nearest
from lan.links import options as meaning
from lan.links.options import Cable, Direction, GilbertElliott

FORWARD, BACKWARD = "forward", "backward"
BOTH = (FORWARD, BACKWARD)
NONE = "none"
"""On a command line: no limit, for `bw` and `max_queue_size`."""

TIMES = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "usec": 1e-6, "µs": 1e-6, "ns": 1e-9}
RATES = {"bit": 1, "kbit": 1_000, "mbit": 1_000_000, "gbit": 1_000_000_000}
SIZES = {"b": 1, "byte": 1, "bytes": 1, "kb": 1000, "kib": 1024, "mb": 1_000_000, "mib": 1 << 20}
_LARGEST = 1e18
BYTES_A_SECOND = {"bps", "kbps", "mbps", "gbps"}
"""Bytes to tc and bits to others: refused."""

_AMOUNT = re.compile(r"((?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)\s*(\S*)", re.ASCII)
_DIGITS = re.compile(r"\d{1,19}", re.ASCII)
_RANGE_NAMES = {"params1": FORWARD, "params2": BACKWARD}


class OptionError(UsageError):
    """One wrong option."""


@dataclass(frozen=True, slots=True)
class _Where:
    """How the reader of a fault writes an option."""

    in_file: bool

    def write(self, name: str, value: str) -> str:
        if not self.in_file:
            return f"{name}='{value}'" if " " in value else f"{name}={value}"
        return f"{name}={value}" if _is_number(value) else f"{name}={value!r}"


Reader = Callable[[str, object, _Where], dict[str, Any]]
"""An option's name and value → the fields of a `Direction` that it sets; raises OptionError."""


def read_file(options: Mapping[str, object]) -> tuple[Cable, list[OptionError]]:
    """The cable that a file's ``addLink(a, b, …)`` asks for, and all that is wrong with it.

    `params1` says what its first device sends, `params2` its second.  Names of other things than
    frames (ports, addresses, `at`) are passed over: see `FILE_NAMES` for those that are read here.
    """
    faults = []
    common = {name: value for name, value in options.items() if name in FILE_NAMES - _RANGE_NAMES.keys()}
    cable, wrong = change(Cable(), common, in_file=True, combine=False)
    faults += wrong
    for end, direction in _RANGE_NAMES.items():
        given = options.get(end) or {}
        own = {name: value for name, value in given.items() if name != "ip"} if isinstance(given, Mapping) else {}
        for name in own.keys() & common.keys():
            what = f"{name} stands both for the cable and in {end}"
            faults.append(OptionError(what, expected="one value for each direction", todo=f"remove it from {end}"))
        cable, wrong = change(cable, own, directions=[direction], in_file=True, combine=False)
        faults += wrong
    if not faults:
        faults += _combined(cable, _Where(in_file=True))
    return cable, faults


def read_words(words: Sequence[str]) -> dict[str, str]:
    """``["delay=50ms", "bw=2mbit"]`` as a mapping; raises OptionError for a word without = and a name twice."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            what, expected = f"{word!r} is not NAME=VALUE", f"delay=50ms, loss=1%; the names are {_listed(NAMES)}"
            meant = nearest(word, NAMES)
            raise OptionError(what, expected=expected, todo=f"{meant}=…" if meant else None)
        if name in found:
            raise OptionError(f"{name} is given twice", expected="each option once")
        found[name] = value
    return found


def change(
    cable: Cable,
    options: Mapping[str, object],
    *,
    directions: Collection[str] = BOTH,
    in_file: bool = False,
    combine: bool = True,
) -> tuple[Cable, list[OptionError]]:
    """The cable with these options changed in these directions; others stay.

    What is wrong comes beside it, options that are wrong stay as they were.  `combine` also asks
    whether the options go together.
    """
    where, faults = _Where(in_file), []
    fields: dict[str, Any] = {}
    for name, value in options.items():
        if in_file and (value is None or name == "use_htb"):
            continue
        try:
            if name == "seed":
                cable = replace(cable, seed=_seed(value, where))
            elif name in READERS:
                fields |= READERS[name](name, value, where)
            else:
                raise _unknown(name)
        except OptionError as fault:
            faults.append(fault)
    for direction in directions:
        changed = replace(getattr(cable, direction), **fields)
        cable = replace(cable, **{direction: changed})
    if combine and not faults:
        faults += _combined(cable, where)
    return cable, faults


def render(direction: Direction) -> dict[str, str]:
    """A direction's options as the command line takes them, those that do something: ``{"delay": "50ms"}``."""
    shown: dict[str, str] = {}
    if direction.rate_bps is not None:
        shown["bw"] = rate_text(direction.rate_bps)
    if direction.delay_s:
        shown["delay"] = time_text(direction.delay_s)
    if direction.jitter_s:
        shown["jitter"] = time_text(direction.jitter_s)
    if direction.distribution != meaning.UNIFORM:
        shown["distribution"] = direction.distribution
    if direction.loss:
        shown["loss"] = loss_text(direction.loss)
    for name in ("duplicate", "corrupt", "reorder"):
        if share := getattr(direction, name):
            shown[name] = share_text(share)
    if direction.gap != 1:
        shown["gap"] = str(direction.gap)
    if direction.queue_frames is not None:
        shown["max_queue_size"] = str(direction.queue_frames)
    if direction.queue_bytes is not None:
        shown["max_queue_size"] = size_text(direction.queue_bytes)
    return shown


def time_text(seconds: float) -> str:
    """``50ms``, ``1.5s``, ``200us``."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= factor:
            return f"{seconds / factor:.6g}{unit}"
    return f"{seconds / 1e-9:.6g}ns" if seconds else "0ms"


def rate_text(bits_a_second: float) -> str:
    """``2mbit``."""
    for unit, factor in (("gbit", 1e9), ("mbit", 1e6), ("kbit", 1e3)):
        if bits_a_second >= factor:
            return f"{bits_a_second / factor:.9g}{unit}"
    return f"{bits_a_second:.9g}bit"


def share_text(share: float) -> str:
    """A probability as ``1%``."""
    return f"{share * 100:.6g}%"


def loss_text(loss: float | GilbertElliott) -> str:
    """``1%``, or ``gemodel 1% 10% 100% 0%``."""
    if isinstance(loss, GilbertElliott):
        return " ".join(["gemodel", *map(share_text, (loss.p, loss.r, loss.bad_loss, loss.good_loss))])
    return share_text(loss)


def size_text(size_bytes: int) -> str:
    """``64kB``, ``1500B``: thousands are 1000."""
    for unit, factor in (("MB", 1_000_000), ("kB", 1000)):
        if size_bytes >= factor and size_bytes % factor == 0:
            return f"{size_bytes // factor}{unit}"
    return f"{size_bytes}B"


def read_time(name: str, value: object, *, in_file: bool = False, low: float = 0.0, high: float = 3600.0) -> float:
    """Seconds of a time with its unit (``200ms``); raises OptionError, which calls it `name`."""
    return _time(name, value, _Where(in_file), low, high)


def _delay(name: str, value: object, where: _Where) -> dict[str, Any]:
    return {f"{name}_s": _time(name, value, where, 0.0, meaning.DELAY_MAX_S)}


def _time(name: str, value: object, where: _Where, low: float, high: float) -> float:
    amount, unit = _amount(name, value, "a time with its unit, such as 5ms, 200us or 1.5s", where.write(name, "5ms"))
    if not unit and amount == 0:
        return 0.0
    if not unit:
        text = f"{name} {_shown(value)} has no unit"
        raise OptionError(text, expected="s, ms or us", todo=where.write(name, f"{amount:g}ms"))
    if unit.lower() not in TIMES:
        text = f"{name} {_shown(value)}: {unit} is not a unit of time"
        raise OptionError(text, expected="s, ms or us", todo=where.write(name, f"{amount:g}ms"))
    seconds = amount * TIMES[unit.lower()]
    if not low <= seconds <= high:
        raise OptionError(f"{name} {_shown(value)}", expected=f"from {time_text(low)} to {time_text(high)}")
    return round(seconds, 9)


def _rate(name: str, value: object, where: _Where) -> dict[str, Any]:
    if value == NONE:
        return {"rate_bps": None}
    example = where.write(name, "10" if where.in_file else "10mbit")
    expected = "a number of Mbit/s, such as 10" if where.in_file else "a rate with its unit, such as 10mbit or 500kbit"
    amount, unit = _amount(name, value, expected, example)
    if not unit and not where.in_file:
        todo = where.write(name, f"{amount:g}mbit")
        raise OptionError(f"{name} {_shown(value)} has no unit", expected="kbit, mbit or gbit", todo=todo)
    unit = unit.lower().removesuffix("/s") or "mbit"
    if unit in BYTES_A_SECOND:
        text = f"{name} {_shown(value)}: {unit} is bytes a second to tc and bits to others"
        raise OptionError(text, expected="kbit, mbit or gbit", todo=where.write(name, f"{amount:g}{unit[:-3]}bit"))
    if unit not in RATES:
        text = f"{name} {_shown(value)}: {unit} is not a unit of rate"
        raise OptionError(text, expected="kbit, mbit or gbit", todo=example)
    rate_bps = round(amount * RATES[unit])
    if not meaning.RATE_MIN_BPS <= rate_bps <= meaning.RATE_MAX_BPS:
        limits = f"from {rate_text(meaning.RATE_MIN_BPS)} to {rate_text(meaning.RATE_MAX_BPS)}"
        todo = f"leave {name} out for a cable without limit" if where.in_file else f"{name}={NONE} for no limit"
        raise OptionError(f"{name} {_shown(value)}", expected=limits, todo=todo)
    return {"rate_bps": rate_bps}


def _share(name: str, value: object, where: _Where) -> dict[str, Any]:
    return {name: _probability(name, value, where)}


def _probability(name: str, value: object, where: _Where, part: str | None = None) -> float:
    """`part` is the word of a longer value that is read."""
    expected = "per cent of the frames, from 0 to 100"
    amount, unit = _amount(name, value if part is None else part, expected, where.write(name, "1%"))
    if unit not in ("%", ""):
        text = f"{name} {_shown(value)}: {unit} is not per cent"
        raise OptionError(text, expected=expected, todo=where.write(name, "1%"))
    if not unit and (part is not None or not where.in_file):
        told = where.write(name, f"{amount:g}%") if part is None else f"{amount:g}% in place of {part}"
        raise OptionError(f"{name} {_shown(value)} has no %", expected=expected, todo=told)
    if amount > 100:
        raise OptionError(f"{name} {_shown(value)}", expected=expected, todo=where.write(name, "1%"))
    return round(amount / 100, 12)


def _loss(name: str, value: object, where: _Where) -> dict[str, Any]:
    if not isinstance(value, str) or not value.strip().lower().startswith("g"):
        return {"loss": _probability(name, value, where)}
    model, *parts = value.split()
    if model.lower() != "gemodel" or not 1 <= len(parts) <= 4:
        expected = "gemodel P [R [1-H [1-K]]]: into the bad state, back, loss in the bad, loss in the good"
        raise OptionError(f"{name} {_shown(value)}", expected=expected, todo=where.write(name, "gemodel 1% 10%"))
    shares = [_probability(name, value, where, part) for part in parts]
    return {"loss": GilbertElliott(shares[0], *(shares[1:] or [round(1 - shares[0], 12)]))}


def _distribution(name: str, value: object, where: _Where) -> dict[str, Any]:
    if value not in meaning.DISTRIBUTIONS:
        meant = nearest(value, meaning.DISTRIBUTIONS) if isinstance(value, str) else None
        todo = where.write(name, meant or meaning.NORMAL)
        text = f"{name} {_shown(value)} is not one that jitter has"
        raise OptionError(text, expected=f"one of {_listed(meaning.DISTRIBUTIONS)}", todo=todo)
    return {"distribution": value}


def _gap(name: str, value: object, where: _Where) -> dict[str, Any]:
    return {"gap": _count(name, value, where, 1, meaning.GAP_MAX)}


def _queue(name: str, value: object, where: _Where) -> dict[str, Any]:
    if value == NONE:
        return {"queue_frames": None, "queue_bytes": None}
    expected = "a number of frames, such as 50, or a size with its unit, such as 64kB"
    amount, unit = _amount(name, value, expected, where.write(name, "50"))
    if unit.lower() in ("", "frame", "frames", "packets"):
        frames = _count(name, f"{amount:g}", where, 1, meaning.QUEUE_MAX_FRAMES)
        return {"queue_frames": frames, "queue_bytes": None}
    if unit.lower() not in SIZES:
        text = f"{name} {_shown(value)}: {unit} is not a unit of size"
        units = "frames (no unit), B, kB (1000), KiB (1024), MB or MiB"
        raise OptionError(text, expected=units, todo=where.write(name, "64kB"))
    size = round(amount * SIZES[unit.lower()])
    if not meaning.SHORTEST_BYTES <= size <= meaning.QUEUE_MAX_BYTES:
        limits = f"from {meaning.SHORTEST_BYTES}B to {meaning.QUEUE_MAX_BYTES >> 20}MiB"
        raise OptionError(f"{name} {_shown(value)}", expected=limits, todo=where.write(name, "64kB"))
    return {"queue_frames": None, "queue_bytes": size}


def _seed(value: object, where: _Where) -> int:
    return _count("seed", value, where, 0, meaning.SEED_MAX)


def _count(name: str, value: object, where: _Where, low: int, high: int) -> int:
    text = str(value)
    if isinstance(value, bool) or not _DIGITS.fullmatch(text) or not low <= int(text) <= high:
        raise OptionError(
            f"{name} {_shown(value)}", expected=f"a whole number from {low} to {high}", todo=where.write(name, "5")
        )
    return int(text)


def _amount(name: str, value: object, expected: str, todo: str) -> tuple[float, str]:
    """A number and the unit behind it, if any."""
    text = str(value).strip() if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    if not (found := _AMOUNT.fullmatch(text)) or float(found[1]) > _LARGEST:
        raise OptionError(f"{name} {_shown(value)} is not {expected.split(',')[0]}", expected=expected, todo=todo)
    return float(found[1]), found[2]


def _combined(cable: Cable, where: _Where) -> list[OptionError]:
    """What is wrong with options that are right each alone; told once where both directions have it."""
    faults: dict[str, OptionError] = {}
    for direction in (cable.forward, cable.backward):
        for fault in _pairs(direction, where):
            faults.setdefault(str(fault), fault)
    return list(faults.values())


def _pairs(way: Direction, where: _Where) -> list[OptionError]:
    delay, jitter = time_text(way.delay_s), time_text(way.jitter_s)
    faults = []
    if way.jitter_s > way.delay_s:
        what = f"jitter {jitter} is more than " + (f"delay {delay}" if way.delay_s else "the delay, which is none")
        expected = "jitter up to the delay: no frame arrives before it was sent"
        faults.append(OptionError(what, expected=expected, todo=f"{where.write('delay', jitter)}, or more"))
    if way.distribution != meaning.UNIFORM and not way.jitter_s:
        what = f"distribution {way.distribution} has no jitter to shape"
        faults.append(OptionError(what, expected="distribution with jitter", todo=where.write("jitter", "1ms")))
    if way.reorder and not way.delay_s:
        what = f"reorder {share_text(way.reorder)} without delay: there is nothing to overtake"
        faults.append(OptionError(what, expected="reorder with delay", todo=where.write("delay", "10ms")))
    if way.gap != 1 and not way.reorder:
        what = f"gap {way.gap} without reorder"
        faults.append(OptionError(what, expected="gap with reorder", todo=where.write("reorder", "25%")))
    if way.rate_bps is None and (way.queue_frames or way.queue_bytes):
        what = "max_queue_size without bw: nothing waits for a wire that has no rate"
        todo = where.write("bw", "10" if where.in_file else "10mbit") + ", or leave max_queue_size out"
        faults.append(OptionError(what, expected="max_queue_size with bw", todo=todo))
    return faults


def _unknown(name: str) -> OptionError:
    meant = nearest(name, NAMES)
    guess = f"; did you mean {meant!r}?" if meant else ""
    return OptionError(f"a cable has no option {name!r}{guess}", expected=f"one of {_listed(NAMES)}")


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text) is not None


READERS: dict[str, Reader] = {
    "bw": _rate,
    "delay": _delay,
    "jitter": _delay,
    "distribution": _distribution,
    "loss": _loss,
    "duplicate": _share,
    "corrupt": _share,
    "reorder": _share,
    "gap": _gap,
    "max_queue_size": _queue,
}
NAMES = (*READERS, "seed")
"""The options that a command line takes, in the order they are told."""
FILE_NAMES = frozenset({*NAMES, "use_htb", *_RANGE_NAMES})
"""What `read_file` reads of an addLink.  `use_htb`, of Mininet's examples, names a means and changes nothing."""
