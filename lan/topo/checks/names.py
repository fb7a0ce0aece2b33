"""Names and kinds of devices."""

import re
from collections.abc import Iterator

from lan.topo.checks.facts import Facts
from lan.topo.problem import Problem
from lan.topo.schema import shown, validate_options
from lan.topo.spec import INTERFACE_NAME_MAX, Device

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_INTERFACE = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*")


def characters(facts: Facts) -> Iterator[Problem]:
    """A name is also a host name, an interface's, a file's and a word of the command line."""
    for device in facts.lan.devices.values():
        if not _NAME.fullmatch(device.name):
            what = f"{device.name!r:.80} can't name a device"
            yield Problem(device.where, what, "letters, digits, _ . and -, the first a letter or digit")
    for link in facts.lan.links:
        for port in (link.a, link.b):
            derived = port.interface.startswith(port.device + "-eth")
            if not derived and not _INTERFACE.fullmatch(port.interface):
                what = f"{port.device}: {port.interface!r:.80} can't name an interface"
                yield Problem(link.where, what, "letters, digits, _ . and -")


def lengths(facts: Facts) -> Iterator[Problem]:
    """Linux cuts interface names at IFNAMSIZ; Mininet fails on them much later."""
    for device in facts.lan.devices.values():
        ends = facts.ends[device.name]
        interfaces = [port.interface for port, _ in ends] or [f"{device.name}-eth0"]
        longest = max([*interfaces, device.name] if device.is_switch else interfaces, key=len)
        if len(longest) > INTERFACE_NAME_MAX:
            room = INTERFACE_NAME_MAX - (len(longest) - len(device.name))
            what = f"{device.name[:80]}: its interface {longest[:80]!r} has {len(longest)} characters"
            expected = f"at most {INTERFACE_NAME_MAX}, Linux's limit"
            own = longest.startswith(device.name) and room > 0
            yield Problem(device.where, what, expected, f"a name of at most {room} characters" if own else None)


def kinds(facts: Facts) -> Iterator[Problem]:
    """Every kind is known, stands on the right side of switch and host, and takes its options."""
    for device in facts.lan.devices.values():
        schema = facts.kinds.get(device.kind) if isinstance(device.kind, str) else None
        if schema is None:
            fits = [name for name, each in facts.kinds.items() if each.is_switch == device.is_switch]
            guess = facts.speller.meant(device.kind, facts.kinds)
            what = f"{device.name}: unknown kind {shown(device.kind)}{guess}"
            yield Problem(device.where, what, "one of " + ", ".join(fits))
        elif schema.is_switch != device.is_switch:
            yield _misplaced(device, schema.name)
        else:
            yield from validate_options(device, schema, facts.speller)


def _misplaced(device: Device, kind: str) -> Problem:
    wrong, right = ("addSwitch", "addHost") if device.is_switch else ("addHost", "addSwitch")
    todo = f"self.{right}({device.name!r}, kind={kind!r})"
    return Problem(device.where, f"{device.name}: a {kind} is not made by {wrong}", todo=todo)
