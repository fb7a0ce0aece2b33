"""What can stand at a place of a command line: read from the verb's own parser, and from the LANs that are up."""

import argparse
from collections.abc import Callable, Iterable, Sequence

from lan.cli.dispatch import Parser, load, verbs
from lan.cli.verbs import link
from lan.cli.verbs.show import QUEUES
from lan.control import client
from lan.links.words import NAMES
from lan.topo.generators import GENERATORS
from lan.topo.load import topologies
from lan.whynot.chain import CHAINS


def candidates(words: Sequence[str]) -> list[str]:
    """The words that may stand where the last of `words` is being typed."""
    typed = words[-1]
    if len(words) == 1:
        return _starting(verbs(), typed)
    if words[0] not in verbs():
        return []
    parser = Parser(f"lan {words[0]}", add_help=False)
    load(words[0]).arguments(parser)
    if typed.startswith("-"):
        return _starting(parser._option_string_actions, typed)
    action = _action_at(parser, words[1:-1])
    if action is None:
        return []
    if action.choices:
        return _starting([str(choice) for choice in action.choices], typed)
    return _starting(WHAT_FITS.get(action.dest, _nothing)(), typed)


def _action_at(parser: argparse.ArgumentParser, before: Sequence[str]) -> argparse.Action | None:
    """The option whose value comes next, else the positional."""
    if before and (option := parser._option_string_actions.get(before[-1])) and option.nargs != 0:
        return option
    taken, skip = 0, False
    for word in before:
        if skip:
            skip = False
        elif word in parser._option_string_actions:
            skip = parser._option_string_actions[word].nargs != 0
        else:
            taken += 1
    positionals = [action for action in parser._actions if not action.option_strings]
    return positionals[min(taken, len(positionals) - 1)] if positionals else None


def _devices() -> Iterable[str]:
    return {device for lan in client.running() for device in lan.spec.devices}


def _tables() -> Iterable[str]:
    described = [device for lan in client.running() for device in lan.describe()["devices"].values()]
    return {table for device in described for table in device["tables"]} | {QUEUES}


def _lans() -> Iterable[str]:
    return [lan.name for lan in client.running()]


def _topologies() -> Iterable[str]:
    return [*topologies(), *(f"{name}:" for name in GENERATORS)]


def _nothing() -> Iterable[str]:
    return []


WHAT_FITS: dict[str, Callable[[], Iterable[str]]] = {
    "device": _devices,
    "to": _devices,
    "a": _devices,
    "b": _devices,
    "asked": lambda: CHAINS,
    "target": _devices,
    "table": _tables,
    "change": lambda: [*link.VERBS, *(f"{name}=" for name in NAMES)],
    "sender": _devices,
    "lan": _lans,
    "name": _lans,
    "what": _topologies,
    "service": lambda: ["dhcp", "dns", "http"],
}
"""By the name of the argument, which is the same in every verb."""


def _starting(words: Iterable[str], typed: str) -> list[str]:
    return sorted(word for word in words if word.startswith(typed))
