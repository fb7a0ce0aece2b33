"""A filter's value, as it is written, and what it accepts of a frame's.  Pure."""

import re
from collections.abc import Callable, Collection
from ipaddress import ip_address, ip_network

from lan.errors import nearest
from lan.trace.filter_fields import EVERYONE, PROTOCOLS, Field, Kind
from lan.wire.addresses import mac_bytes
from lan.wire.malformed import Malformed

Wanted = Callable[[object], bool]

TEXT_KINDS = {Kind.TEXT, Kind.DEVICE, Kind.MAC}
UNITS_MS = {"s": 1e3, "ms": 1.0, "us": 1e-3, "µs": 1e-3, "ns": 1e-6}
BITS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
TYPES = [name for names in PROTOCOLS.values() for name in names]
LONGEST_PATTERN = 200


class MistakeError(Exception):
    """A value that can't be one of its field; the parser knows the place."""

    def __init__(self, what: str, expected: str | None = None) -> None:
        super().__init__(what)
        self.what, self.expected = what, expected


def read_value(field: Field, comparison: str, text: str, devices: Collection[str] | None) -> Wanted:
    """What accepts a value of the field (of `!=`: what does not).  Raises MistakeError."""
    if comparison == "contains":
        low = text.lower()
        return lambda value: low in str(value).lower()
    if comparison == "matches":
        return _pattern(text)
    if field.kind in (Kind.NUMBER, Kind.TIME):
        number = _time_ms(text) if field.kind is Kind.TIME else _number(field, text)
        return lambda value: isinstance(value, int | float) and _ordered(comparison, value, number)
    if field.kind is Kind.ADDRESS:
        return _network(field, text)
    if field.kind is Kind.BIT:
        return _bit(field, text)
    if field.kind is Kind.MAC:
        return _mac(field, text)
    if field.kind is Kind.DEVICE:
        _check_device(text, devices)
        if "/" in text:
            return _network(field, text)
    elif field.name == "type" and text.lower() not in (known := {name.lower() for name in TYPES} | {"data"}):
        near = nearest(text.lower(), known)
        hint = f"; did you mean {near!r}?" if near else ""
        raise MistakeError(f"no frame is of type {text!r}{hint}", ", ".join(TYPES))
    low = text.lower()
    return lambda value: str(value).lower() == low


def _ordered(comparison: str, value: float, wanted: float) -> bool:
    match comparison:
        case "<":
            return value < wanted
        case "<=":
            return value <= wanted
        case ">":
            return value > wanted
        case ">=":
            return value >= wanted
    return value == wanted


def _number(field: Field, text: str) -> float:
    try:
        return float(text) if re.fullmatch(r"-?\d+\.\d*", text, re.ASCII) else int(text, 0)
    except ValueError:
        raise MistakeError(f"{field.name} is a number, not {text!r}", "such as 80 or 0x50") from None


def _time_ms(text: str) -> float:
    found = re.fullmatch(r"(\d+\.?\d*|\.\d+)(s|ms|us|µs|ns)?", text, re.ASCII)
    if found is None:
        raise MistakeError(f"{text!r} is no time", "such as 3.2s, 15ms or 40us; a bare number is seconds")
    return float(found[1]) * UNITS_MS[found[2] or "s"]


def _network(field: Field, text: str) -> Wanted:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise MistakeError(f"{text!r} is no IP address", Kind.ADDRESS.value) from None

    def is_within(value: object) -> bool:
        try:
            address = ip_address(str(value))
        except ValueError:
            return False
        return address.version == network.version and address in network

    return is_within


def _mac(field: Field, text: str) -> Wanted:
    try:
        wanted = mac_bytes(text.replace("-", ":")).hex(":")
    except Malformed:
        raise MistakeError(f"{text!r} is no MAC address", "such as 02:00:00:00:00:01") from None
    return lambda value: value == wanted


def _bit(field: Field, text: str) -> Wanted:
    wanted = BITS.get(text.lower())
    if wanted is None:
        raise MistakeError(f"{field.name} is set or not, and never {text!r}", f"{field.name}, or not {field.name}")
    return lambda value: bool(value) is wanted


def _check_device(text: str, devices: Collection[str] | None) -> None:
    """Where the names are known, a word that is neither one of them nor an address is a mistake."""
    if devices is None or text.lower() in {EVERYONE, *(name.lower() for name in devices)}:
        return
    if re.fullmatch(r"[0-9a-fA-F.:/-]*[.:][0-9a-fA-F.:/-]*", text):
        return
    near = nearest(text, devices)
    hint = f"; did you mean {near!r}?" if near else ""
    raise MistakeError(f"no device is named {text!r}{hint}", ", ".join(sorted(devices)[:20]) + ", or an address")


def _pattern(text: str) -> Wanted:
    """A regular expression, somewhere in the value."""
    if len(text) > LONGEST_PATTERN:
        raise MistakeError(f"a pattern of {len(text)} characters", f"{LONGEST_PATTERN} at most")
    try:
        pattern = re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as fault:
        raise MistakeError(f"{text!r} is no regular expression: {fault}") from None
    return lambda value: pattern.search(str(value)) is not None
