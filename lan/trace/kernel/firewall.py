"""What rules of nftables did with packets on devices, as their kernels told it (nft(8), "meta nftrace").  Pure.

A packet is known again by its headers, but for what the kernel fills in last: TTL and checksums.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from lan.trace.kernel.ruleset import Place, Ruleset
from lan.wire.ipv4 import ICMP, ICMPV6, TCP, UDP

NEAR_NS = 2_000_000_000
"""How far from a frame's time what was told of it may have been heard."""
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule (or, `handle` 0, a chain's policy) did with a packet; `words` are the rule's, "" if not known."""

    time_ns: int
    place: Place
    handle: int
    verdict: str
    words: str
    base: str
    is_leaving: bool
    """Whether the way out was chosen already."""

    @property
    def name(self) -> str:
        """``inet wall input, rule 4``."""
        where = " ".join(self.place)
        return f"{where}, handle {self.handle}" if self.handle else where


class _Told(NamedTuple):
    """A verdict: when it was heard, and after how many words of the device's about its rules; by which rule, at which
    ports, about which packet."""

    time_ns: int
    at: int
    place: Place
    handle: int
    verdict: str
    id: int
    iif: int
    oif: int


class Firewall:
    """Of all devices; `take` records in the order in which they came."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, Key], list[_Told]] = {}
        self._places: dict[Place, Place] = {}
        """One of each, as many verdicts are of few chains."""
        self._rules: dict[str, list[Ruleset | None]] = {}
        """Of each device in their order; None is a change, after which those before hold no more."""

    def begin(self, device: str) -> None:
        """A device begins, and has no rules yet."""
        self._rules.setdefault(device, []).append(Ruleset({}, {}))

    def take(self, time_ns: int, device: str, record: dict[str, Any]) -> None:
        """A verdict, that rules change, or the rules as they are from now on."""
        known = self._rules.setdefault(device, [])
        if record["what"] == "rules change":
            known.append(None)
        elif record["what"] == "ruleset" and record.get("is_same"):
            known.append(_listed(reversed(known)))
        elif record["what"] == "ruleset":
            rules = {(Place(*place), handle): words for *place, handle, words in record["rules"]}
            bases = {Place(*place): words for *place, words in record["bases"]}
            known.append(Ruleset(rules, bases))
        elif record["what"] in ("rule", "policy"):
            headers = (bytes.fromhex(record["network"]), bytes.fromhex(record["transport"]))
            key = key_of(record["family"], *headers)
            place = Place(record["family"], record["table"], record["chain"])
            place = self._places.setdefault(place, place)
            verdict = sys.intern(str(record["verdict"]))
            told = _Told(
                time_ns, len(known), place, record["handle"], verdict, record["id"], record["iif"], record["oif"]
            )
            self._told.setdefault((device, key), []).append(told)

    def verdicts(self, device: str, keys: Iterable[Key], at_ns: int) -> list[Verdict]:
        """What rules did with the packet that a device got, or sent, then; in their order.

        `keys` are those of the frames that it was seen in there: translated addresses make it another.
        """
        found = [told for key in keys for told in self._told.get((device, key), ())]
        near = [told for told in found if abs(told.time_ns - at_ns) <= NEAR_NS]
        if not near:
            return []
        nearest = min(near, key=lambda told: abs(told.time_ns - at_ns))
        same = [told for told in near if told.id == nearest.id]
        return [self._verdict(device, told) for told in _way_of(nearest, same)]

    def _verdict(self, device: str, told: _Told) -> Verdict:
        place, words, base = self._words(device, told)
        return Verdict(told.time_ns, place, told.handle, told.verdict, words, base, bool(told.oif))

    def _words(self, device: str, told: _Told) -> tuple[Place, str, str]:
        """Where a rule stands, its words and its chain's: by the rules that were in force.

        Those are the last that were read before, unless rules have changed since; then those that were read next.
        Where these have changed too, words that both have are the rule's.
        The kernel tells the packet's family, which a table of the family ``inet`` may have taken.
        """
        known = self._rules[device]
        before, after = known[: told.at], known[told.at :]
        last, following = (one[0] if one else None for one in (before[::-1], after))
        former, later = _listed(reversed(before)), _listed(after)
        handle, place = told.handle, told.place
        for one in (place, place._replace(family="inet")):
            if last is not None or following is not None:
                words = _words_in(last, one, handle) or _words_in(following, one, handle)
            else:
                words = _words_in(later, one, handle)
                words = words if words == _words_in(former, one, handle) else None
            if words is not None:
                return one, *words
        return place, "", ""


def _listed(rules: Iterable[Ruleset | None]) -> Ruleset | None:
    """The first that were read."""
    return next((one for one in rules if one is not None), None)


def _words_in(rules: Ruleset | None, place: Place, handle: int) -> tuple[str, str] | None:
    """A rule's words and its chain's; None where these rules have it not."""
    if rules is None or ((place, handle) not in rules.rules and (handle or place not in rules.bases)):
        return None
    return rules.rules.get((place, handle), ""), rules.bases.get(place, "")


def _way_of(one: _Told, told: Iterable[_Told]) -> list[_Told]:
    """The verdicts about the packet that one is about, of packets alike to which the kernel gave one number.

    A packet meets a rule once at each pair of ports, so where it is met again another packet begins.
    """
    ways: list[list[_Told]] = [[]]
    met: set[object] = set()
    for each in sorted(told, key=lambda each: each.time_ns):
        rule = (each.place, each.handle, each.iif, each.oif)
        if rule in met:
            ways.append([])
            met.clear()
        met.add(rule)
        ways[-1].append(each)
    return next(way for way in ways if one in way)


def key_of(family: str, network: bytes, transport: bytes) -> Key:
    """What a packet is known by, of the bytes of its headers."""
    if family == "arp":
        return ("arp", network[6:28])
    if network[:1] and network[0] >> 4 == 6:
        return ("ip6", network[6:7], network[8:40], _steady(network[6], transport))
    return (
        "ip",
        network[9:10],
        network[4:6],
        network[12:20],
        _steady(network[9] if len(network) > 9 else 0, transport),
    )


def _steady(protocol: int, transport: bytes) -> bytes:
    """Of a transport header what stands before its checksum, or beside it."""
    if protocol in (ICMP, ICMPV6):
        return transport[:2] + transport[4:8]
    return transport[:14] if protocol == TCP else transport[:6] if protocol == UDP else b""
