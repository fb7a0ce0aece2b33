"""nftables' rules as ``nft --handle --stateless list ruleset`` prints them (nft(8)).  Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

_TABLE = re.compile(r"table (\S+) (\S+) \{")
_CHAIN = re.compile(r"\tchain (\S+) \{")
_BASE = re.compile(r"type (\S+) hook (\S+) (?:device .* )?priority [^;]*;(?: policy (\S+);)?")
_RULE = re.compile(r"(.*\S)\s+# handle (\d+)$", re.DOTALL)


class Place(NamedTuple):
    """A chain: of which table, of which family."""

    family: str
    table: str
    chain: str


@dataclass(frozen=True, slots=True)
class Ruleset:
    """All rules of a device: their words by chain and handle; and the base chains' words, such as ``hook input``."""

    rules: dict[tuple[Place, int], str]
    bases: dict[Place, str]


def parse(listing: str, *, without: Collection[str] = ()) -> Ruleset:
    """The rules of a listing but for tables with these names; lines that make no sense here are passed over."""
    rules: dict[tuple[Place, int], str] = {}
    bases: dict[Place, str] = {}
    family = table = chain = ""
    begun: list[str] = []
    for line in listing.splitlines():
        if found := _TABLE.match(line):
            family, table, chain = found[1], found[2], ""
        elif found := _CHAIN.match(line):
            chain, begun = found[1], []
        elif line in ("\t}", "}"):
            chain = ""
        elif chain and table not in without:
            place = Place(family, table, chain)
            begun.append(line.strip())
            words = " ".join(begun)
            if found := _BASE.match(words):
                bases[place], begun = words, []
            elif found := _RULE.match(words):
                rules[place, int(found[2])], begun = found[1], []
    return Ruleset(rules, bases)
