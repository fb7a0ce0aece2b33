"""Every rule that a LAN is held to, before anything is made of it.

A rule is a function of `Facts` in lan/topo/checks; adding one is writing it and naming it below.
All mistakes are collected.  Every rule is linear in the size of the LAN.
"""

from collections.abc import Callable, Iterable, Mapping

from lan.topo.checks import addresses, cables, hardware, names, services
from lan.topo.checks.facts import Facts
from lan.topo.problem import Problem, raise_problems
from lan.topo.schema import KindSchema
from lan.topo.spec import Lan

RULES: tuple[Callable[[Facts], Iterable[Problem]], ...] = (
    names.characters,
    names.lengths,
    names.kinds,
    cables.options,
    cables.ends,
    cables.loops,
    hardware.macs,
    hardware.duplicate_macs,
    hardware.dpids,
    addresses.written,
    addresses.duplicates,
    addresses.neighbours,
    addresses.routers,
    addresses.resolvers,
    services.dhcp_servers,
    services.pools,
    services.zones,
    services.web_names,
)


def validate(lan: Lan, kinds: Mapping[str, KindSchema]) -> list[Problem]:
    """Every mistake and warning, in the order of the rules."""
    facts = Facts(lan, kinds)
    return [problem for rule in RULES for problem in rule(facts)]


__all__ = ["RULES", "Problem", "raise_problems", "validate"]
