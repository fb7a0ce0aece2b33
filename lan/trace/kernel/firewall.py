"""What rules of nftables did with packets on devices, as their kernels told it (nft(8), "meta nftrace").  Pure.

A packet is known again by its headers, but for what the kernel fills in last: TTL and checksums.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lan.trace.kernel.ruleset import Place
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


class Firewall:
    """Of all devices; `take` records in the order in which they came."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, Key], list[tuple[int, dict[str, Any]]]] = {}
        self._rules: dict[str, list[tuple[int, dict[tuple[Place, int], str], dict[Place, str]]]] = {}

    def take(self, time_ns: int, device: str, record: dict[str, Any]) -> None:
        """A verdict, or the rules as they are from now on."""
        if record["what"] == "ruleset":
            rules = {(Place(*place), handle): words for *place, handle, words in record["rules"]}
            bases = {Place(*place): words for *place, words in record["bases"]}
            self._rules.setdefault(device, []).append((time_ns, rules, bases))
        elif record["what"] in ("rule", "policy"):
            headers = (bytes.fromhex(record["network"]), bytes.fromhex(record["transport"]))
            key = key_of(record["family"], *headers)
            self._told.setdefault((device, key), []).append((time_ns, record))

    def verdicts(self, device: str, keys: Iterable[Key], at_ns: int) -> list[Verdict]:
        """What rules did with the packet that a device got, or sent, then; in their order.

        `keys` are those of the frames that it was seen in there: translated addresses make it another.
        """
        found = [told for key in keys for told in self._told.get((device, key), ())]
        near = [(time_ns, record) for time_ns, record in found if abs(time_ns - at_ns) <= NEAR_NS]
        if not near:
            return []
        _, nearest = min(near, key=lambda told: abs(told[0] - at_ns))
        return [self._verdict(device, *told) for told in near if told[1]["id"] == nearest["id"]]

    def _verdict(self, device: str, time_ns: int, record: dict[str, Any]) -> Verdict:
        told = Place(record["family"], record["table"], record["chain"])
        place, words, base = self._words(device, time_ns, told, record["handle"])
        return Verdict(time_ns, place, record["handle"], record["verdict"], words, base, bool(record["oif"]))

    def _words(self, device: str, time_ns: int, told: Place, handle: int) -> tuple[Place, str, str]:
        """Where a rule stands, its words and its chain's: as last listed before, or first after.

        The kernel tells the packet's family, which a table of the family ``inet`` may have taken.
        """
        known = self._rules.get(device, [])
        at = bisect_left(known, time_ns, key=lambda one: one[0])
        for _, rules, bases in [*reversed(known[:at]), *known[at:]]:
            for place in (told, told._replace(family="inet")):
                if (place, handle) in rules or (not handle and place in bases):
                    return place, rules.get((place, handle), ""), bases.get(place, "")
        return told, "", ""


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
