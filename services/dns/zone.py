"""A zone: the names below one apex, and what the tree of names says about any of them.

RFC 1034 §3 and §4.3.2, RFC 4592 for wildcards.  A name is a tuple of lower-case labels, leaf first;
records are dnslib's.  `zone_file.py` reads zones, `answer.py` answers from them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dnslib import CLASS, NS, QTYPE, RR, SOA, DNSLabel

from lan.errors import UsageError

Name = tuple[bytes, ...]
RRset = tuple[RR, ...]

TTL_S = 300
REFRESH_S, RETRY_S, EXPIRE_S = 3600, 600, 604800
"""What a secondary would keep to (RFC 1912 §2.2); there is none, but a SOA record states them."""


def name_of(label: DNSLabel) -> Name:
    return tuple(part.lower() for part in label.label)


def text_of(name: Name) -> str:
    return str(DNSLabel(name))


def is_within(name: Name, apex: Name) -> bool:
    return not apex or name[-len(apex) :] == apex


@dataclass(slots=True)
class Zone:
    """The records of one apex.  `nodes` maps a name to its RRsets by type number."""

    apex: Name
    nodes: dict[Name, dict[int, RRset]]
    names: frozenset[Name] = field(init=False)
    cuts: frozenset[Name] = field(init=False)

    def __post_init__(self) -> None:
        """`names` has the empty ones between a leaf and the apex too: they exist (RFC 4592 §2.2.2)."""
        self.names = frozenset(above for name in self.nodes for above in self._up_to_apex(name))
        self.cuts = frozenset(name for name, sets in self.nodes.items() if QTYPE.NS in sets and name != self.apex)

    def __repr__(self) -> str:
        return f"<Zone {text_of(self.apex)} {len(self.nodes)} names>"

    def _up_to_apex(self, name: Name) -> Iterator[Name]:
        for start in range(len(name) - len(self.apex) + 1):
            yield name[start:]

    def soa(self) -> RR:
        return self.nodes[self.apex][QTYPE.SOA][0]

    def cut_above(self, name: Name) -> Name | None:
        """The delegation that `name` lies at or below, the one nearest the apex; None without."""
        return next((above for above in reversed(list(self._up_to_apex(name))) if above in self.cuts), None)

    def closest_encloser(self, name: Name) -> Name:
        """The longest existing name at or above `name`.  RFC 4592 §3.3.1."""
        return next(above for above in self._up_to_apex(name) if above in self.names)

    def source_of_synthesis(self, name: Name) -> Name | None:
        """The wildcard that speaks for a name that does not exist; None without.  RFC 4592 §3.3.1."""
        wildcard = (b"*", *self.closest_encloser(name))
        return wildcard if wildcard in self.names else None


class Zones:
    """All zones of a server."""

    def __init__(self, zones: Iterable[Zone]) -> None:
        self._zones = {zone.apex: zone for zone in zones}

    def __iter__(self) -> Iterator[Zone]:
        return iter(self._zones.values())

    def __repr__(self) -> str:
        return f"<Zones {' '.join(text_of(apex) for apex in self._zones)}>"

    def find(self, name: Name) -> Zone | None:
        """The zone nearest above `name`.  RFC 1034 §4.3.2, step 2."""
        for start in range(len(name) + 1):
            if name[start:] in self._zones:
                return self._zones[name[start:]]
        return None


def build(records: Iterable[RR], *, ttl_s: int = TTL_S, serial: int = 1) -> Zones:
    """Sort records into zones, each with a SOA and an NS record.

    Raises UsageError for what a zone can't hold.
    """
    nodes: dict[Name, dict[int, RRset]] = {}
    for record in records:
        sets = nodes.setdefault(name_of(record.rname), {})
        if record not in sets.get(record.rtype, ()):
            sets[record.rtype] = (*sets.get(record.rtype, ()), record)
    for name, sets in nodes.items():
        _check_alias(name, sets)
    of_apex: dict[Name, dict[Name, dict[int, RRset]]] = {}
    for name, apex in find_apexes(nodes).items():
        of_apex.setdefault(apex, {})[name] = {number: one_ttl(rrset) for number, rrset in nodes[name].items()}
    for apex, inside in of_apex.items():
        _complete(apex, inside, ttl_s, serial)
    return Zones(Zone(apex, inside) for apex, inside in of_apex.items())


def _check_alias(name: Name, sets: Mapping[int, RRset]) -> None:
    if QTYPE.CNAME in sets and (len(sets) > 1 or len(sets[QTYPE.CNAME]) > 1):
        raise UsageError(
            f"{text_of(name)} is an alias and has other records too",
            expected="one CNAME alone at a name (RFC 1034 §3.6.2)",
        )


def find_apexes(nodes: Mapping[Name, Mapping[int, RRset]]) -> dict[Name, Name]:
    """The apex of each name's zone.

    Where a SOA record stands is an apex.  Names without one above them are gathered by their last two
    labels, as domains are registered; an alias can't be an apex (RFC 1034 §3.6.2), its parent is.
    """
    stated = {name for name, sets in nodes.items() if QTYPE.SOA in sets}
    return {name: _apex_of(name, stated, nodes) for name in nodes}


def _apex_of(name: Name, stated: set[Name], nodes: Mapping[Name, Mapping[int, RRset]]) -> Name:
    for start in range(len(name) + 1):
        if name[start:] in stated:
            return name[start:]
    apex = name[-2:]
    while apex and (apex[0] == b"*" or QTYPE.CNAME in nodes.get(apex, {})):
        apex = apex[1:]
    return apex


def one_ttl(rrset: RRset) -> RRset:
    """Records of one set share the lowest TTL.  RFC 2181 §5.2."""
    ttl_s = min(record.ttl for record in rrset)
    return tuple(RR(record.rname, record.rtype, record.rclass, ttl_s, record.rdata) for record in rrset)


def _complete(apex: Name, nodes: dict[Name, dict[int, RRset]], ttl_s: int, serial: int) -> None:
    """Give the apex the SOA and NS records that it lacks.  RFC 1034 §4.2.1."""
    owner, sets = DNSLabel(apex), nodes.setdefault(apex, {})
    server = sets[QTYPE.NS][0].rdata.label if QTYPE.NS in sets else DNSLabel((b"ns", *apex))
    if QTYPE.NS not in sets:
        sets[QTYPE.NS] = (RR(owner, QTYPE.NS, CLASS.IN, ttl_s, NS(server)),)
    if QTYPE.SOA not in sets:
        times = (serial, REFRESH_S, RETRY_S, EXPIRE_S, ttl_s)
        soa = SOA(server, DNSLabel((b"hostmaster", *apex)), times)
        sets[QTYPE.SOA] = (RR(owner, QTYPE.SOA, CLASS.IN, ttl_s, soa),)
