"""What may be written on a device of a kind, and whether it was: options, their types and bounds.

The kinds come from the caller (lan/devices); Mininet's own node parameters are known here, since
any topology file may use them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lan.topo.problem import Problem, Speller
from lan.topo.spec import Device


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that can be set.  None always means "not given".

    `type` is what `isinstance` can ask for: str, int, float, bool, list, dict.  `check` gets a value
    of the right type and says what is wrong with it ("is not an address"), or None.
    """

    name: str
    type: type | tuple[type, ...] = str
    default: Any = None
    required: bool = False
    low: float | None = None
    high: float | None = None
    help: str = ""
    example: object = None
    check: Callable[[Any], str | None] | None = None
    choices: tuple[Any, ...] = ()

    @property
    def kinds_of_value(self) -> str:
        """Its type in words: ``a whole number``."""
        types = self.type if isinstance(self.type, tuple) else (self.type,)
        return " or ".join(_WORDS.get(each, each.__name__) for each in types)

    @property
    def expected(self) -> str:
        """What it takes, in words: ``a whole number from 0 to 100``."""
        if self.choices:
            return "one of " + ", ".join(repr(choice) for choice in self.choices)
        text = self.kinds_of_value
        if self.low is not None and self.high is not None:
            text += f" from {_number(self.low)} to {_number(self.high)}"
        elif self.low is not None:
            text += f", at least {_number(self.low)}"
        elif self.high is not None:
            text += f", at most {_number(self.high)}"
        return text if self.example is None else f"{text}, such as {self.example!r}"


_WORDS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    dict: "a mapping",
    list: "a list",
}


def _number(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


@dataclass(frozen=True, slots=True)
class KindSchema:
    """A kind of device: its name in files, its options by name, one sentence about it."""

    name: str
    is_switch: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)
    summary: str = ""


_HOST_MININET = {
    "ip": Option("ip", example="10.0.0.1/8"),
    "mac": Option("mac", example="02:00:00:00:00:01"),
    "defaultRoute": Option("defaultRoute", example="via 10.0.0.254"),
}
_SWITCH_MININET = {"dpid": Option("dpid", example="0000000000000001")}

_LEAVE = "leave it out"
_NO_SHARES = "leave it out: processor shares are not implemented"
_REFUSED_MININET = {
    "cls": "leave it out, and name the kind in words, such as kind='pc' (for a switch: switch='ovs' or 'bridge')",
    "cpu": _NO_SHARES,
    "cores": _NO_SHARES,
    "period_us": _NO_SHARES,
    "sched": _NO_SHARES,
    "privateDirs": "leave it out: /run, /tmp, /var and /root of every device are its own",
    "inNamespace": "leave it out: every device has namespaces of its own",
    "controller": "leave it out: lan brings the controller of all switches",
    "protocols": "leave it out: lan's controller and its switches agree by themselves",
    "failMode": "leave it out: lan's controller lives and dies with its switches",
    "datapath": "leave it out: lan takes the fastest datapath of this machine",
    "stp": "leave it out, and lay the cables without a loop: spanning tree is not implemented yet",
    "listenPort": _LEAVE,
    "inband": _LEAVE,
    "batch": _LEAVE,
}
"""Mininet's parameters that mean nothing here, or not yet; each with its remedy."""


def known_options(schema: KindSchema) -> dict[str, Option]:
    """The kind's options and those of Mininet's that mean the same here; the kind's own word wins."""
    return {**(_SWITCH_MININET if schema.is_switch else _HOST_MININET), **schema.options}


def validate_options(device: Device, schema: KindSchema, speller: Speller | None = None) -> list[Problem]:
    """Every option that is unknown, refused, missing, or of the wrong type or size."""
    known, speller = known_options(schema), speller or Speller()
    problems = []
    for name, value in device.options.items():
        if name in known:
            problems += _value(device, known[name], value)
        elif name == "inNamespace" and value is True:
            continue
        elif name in _REFUSED_MININET:
            what = f"{device.name}: Mininet's option {name!r} does not work here"
            problems.append(Problem(device.where, what, todo=_REFUSED_MININET[name]))
        else:
            what = f"{device.name}: a {schema.name} has no option {name!r}{speller.meant(name, known)}"
            problems.append(Problem(device.where, what, "one of " + ", ".join(sorted(known))))
    for option in known.values():
        if option.required and device.options.get(option.name) is None:
            what = f"{device.name}: a {schema.name} needs the option {option.name!r}"
            problems.append(Problem(device.where, what, option.expected))
    return problems


def _value(device: Device, option: Option, value: Any) -> list[Problem]:
    fault = _fault(option, value)
    if fault is None:
        return []
    return [Problem(device.where, f"{device.name}: {option.name} {shown(value)} {fault}", option.expected)]


def _fault(option: Option, value: Any) -> str | None:
    """What is wrong with a value, or None."""
    if value is None:
        return None
    if not _has_type(value, option.type):
        return f"is not {option.kinds_of_value}"
    if option.choices and value not in option.choices:
        return "is not one of its values"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if option.low is not None and not value >= option.low:
            return "is too small"
        if option.high is not None and not value <= option.high:
            return "is too big"
    if not _is_data(value):
        return "holds something else than text, numbers, lists and mappings"
    return option.check(value) if option.check else None


def _has_type(value: Any, wanted: type | tuple[type, ...]) -> bool:
    types = wanted if isinstance(wanted, tuple) else (wanted,)
    if isinstance(value, bool):  # a bool is an int to Python, and hardly ever to the writer
        return bool in types
    if isinstance(value, tuple) and list in types:
        return True
    return isinstance(value, (*types, int) if float in types else types)


def _is_data(value: Any, depth: int = 0) -> bool:
    """Whether JSON can carry it: a LAN travels to its agent."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return True
    if depth > 8:
        return False
    if isinstance(value, (list, tuple)):
        return all(_is_data(item, depth + 1) for item in value)
    return isinstance(value, dict) and all(isinstance(k, str) and _is_data(v, depth + 1) for k, v in value.items())


def shown(value: Any) -> str:
    """A value of the file for a message: short, and whatever its `__repr__` does."""
    try:
        text = repr(value)
    except Exception:  # a stranger's object
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 60 else text[:57] + "..."
