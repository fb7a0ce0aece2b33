"""The lease table: which client holds which address, and until when.  RFC 2131 §2.2, §4.3.1.

Pure: times are arguments, in seconds of the server's clock.  An address has at most one lease and a
client at most one that is bound, which is why two clients never hold one address.  A binding that
ended stays known, so that its client gets the address back.  Offers live beside the bindings and
are forgotten when their time is over.  `journal.py` keeps the bindings on disk.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import IPv4Address
from typing import Any

from lan.services.dhcp.pool import Pool

NOBODY = ""
"""The `client_id` of an address that a client declined: whose it is can't be known."""


class State(Enum):
    """Where a lease stands."""

    OFFERED = "OFFERED"
    BOUND = "BOUND"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    DECLINED = "DECLINED"


SLACK_ENDS = 1000
"""Moments of leases that were renewed or answered since: so many may wait to be forgotten, beside one a lease."""
HOLDING = (State.OFFERED, State.BOUND, State.DECLINED)
"""The states in which nobody else may have the address, until `until_s`."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One address and its client; `client_id` is option 61 in hex, or type and MAC where there was none.

    `until_s` is when it ends, or ended.
    """

    ip: IPv4Address
    client_id: str
    mac: str
    state: State
    until_s: float
    hostname: str | None = None

    def is_holding(self, now_s: float) -> bool:
        """Whether nobody else may have the address at that moment."""
        return self.state in HOLDING and now_s < self.until_s

    def as_json(self) -> dict[str, Any]:
        """A line of the journal, a row of ``lan show leases``."""
        return {
            "mac": self.mac,
            "client_id": self.client_id,
            "ip": str(self.ip),
            "hostname": self.hostname,
            "state": self.state.value,
            "until_s": self.until_s,
        }


def lease_from_json(row: dict[str, Any]) -> Lease:
    """The inverse of `Lease.as_json`; raises ValueError, KeyError or TypeError for another shape."""
    hostname = row["hostname"]
    return Lease(
        IPv4Address(str(row["ip"])),
        str(row["client_id"]),
        str(row["mac"]),
        State(row["state"]),
        float(row["until_s"]),
        None if hostname is None else str(hostname),
    )


class Leases:
    """Bindings and offers, by address and by client, and the order in which addresses are taken anew."""

    def __init__(self, leases: Iterable[Lease] = ()) -> None:
        self._by_ip: dict[IPv4Address, Lease] = {}
        self._by_client: dict[str, Lease] = {}
        self._idle: dict[IPv4Address, None] = {}                # ended bindings, the longest idle first
        self._offers: dict[IPv4Address, Lease] = {}
        self._offer_to: dict[str, Lease] = {}
        self._ends: list[tuple[float, IPv4Address, bool]] = []  # a heap; the last says: an offer's
        self._pool: Pool | None = None
        self._cursor = 0                                        # in `_pool`, all before it are known
        for lease in sorted(leases, key=lambda lease: (lease.state in HOLDING, lease.until_s)):
            self.put(lease)

    def __iter__(self) -> Iterator[Lease]:
        return iter(self._by_ip.values())

    def __len__(self) -> int:
        return len(self._by_ip)

    def at(self, ip: IPv4Address) -> Lease | None:
        """The binding of an address, whatever its state."""
        return self._by_ip.get(ip)

    def of(self, client_id: str) -> Lease | None:
        """The client's latest binding, whatever its state."""
        return self._by_client.get(client_id)

    def offer_to(self, client_id: str) -> Lease | None:
        """What the client was offered and has not yet answered."""
        return self._offer_to.get(client_id)

    def is_free(self, ip: IPv4Address, client_id: str, now_s: float) -> bool:
        """Whether this client may have the address now."""
        holders = (self._by_ip.get(ip), self._offers.get(ip))
        return all(lease is None or not lease.is_holding(now_s) or lease.client_id == client_id for lease in holders)

    def put(self, lease: Lease) -> None:
        """Record a binding in place of what its address and its client had; offers stay."""
        before = self._by_ip.get(lease.ip)
        if before is not None and self._by_client.get(before.client_id) is before:
            del self._by_client[before.client_id]
        self._by_ip[lease.ip] = lease
        if lease.client_id != NOBODY:
            self._by_client[lease.client_id] = lease
        self._idle.pop(lease.ip, None)
        if lease.state in HOLDING:
            self._will_end(lease, is_offer=False)
        else:
            self._idle[lease.ip] = None

    def offer(self, lease: Lease) -> None:
        """Hold an address for the client that was offered it, in place of its earlier offer."""
        self.withdraw(self._offer_to.get(lease.client_id))
        self.withdraw(self._offers.get(lease.ip))
        self._offers[lease.ip] = self._offer_to[lease.client_id] = lease
        self._will_end(lease, is_offer=True)

    def _will_end(self, lease: Lease, *, is_offer: bool) -> None:
        heapq.heappush(self._ends, (lease.until_s, lease.ip, is_offer))
        if len(self._ends) > 2 * (len(self._by_ip) + len(self._offers)) + SLACK_ENDS:
            known = ((self._by_ip, False), (self._offers, True))
            self._ends = [
                (one.until_s, one.ip, of_offer)
                for table, of_offer in known
                for one in table.values()
                if one.state in HOLDING
            ]
            heapq.heapify(self._ends)

    def withdraw(self, offer: Lease | None) -> None:
        """Forget an offer."""
        if offer is not None:
            del self._offers[offer.ip], self._offer_to[offer.client_id]
            self._cursor = min(self._cursor, int(offer.ip))

    def superseded_by(self, lease: Lease, now_s: float) -> Lease | None:
        """The client's other binding, which `lease` ends: a client has one address in a subnet."""
        other = self._by_client.get(lease.client_id)
        if other is None or other.ip == lease.ip or not other.is_holding(now_s):
            return None
        return replace(other, state=State.RELEASED, until_s=now_s)

    def expire(self, now_s: float) -> list[Lease]:
        """End all whose time is over; the bindings that ended, as they are now."""
        ended = []
        while (first := self.next_expiry_s()) is not None and first <= now_s:
            _, ip, is_offer = heapq.heappop(self._ends)
            if is_offer:
                self.withdraw(self._offers[ip])
            else:
                ended.append(replace(self._by_ip[ip], state=State.EXPIRED))
                self.put(ended[-1])
        return ended

    def next_expiry_s(self) -> float | None:
        """When `expire` has work to do; None while no lease runs."""
        while self._ends:
            until_s, ip, is_offer = self._ends[0]
            lease = (self._offers if is_offer else self._by_ip).get(ip)
            if lease is not None and lease.until_s == until_s and lease.state in HOLDING:
                return until_s
            heapq.heappop(self._ends)                           # renewed, released or answered since
        return None

    def next_new(self, pool: Pool) -> IPv4Address | None:
        """An address for a client without history: one never leased, else the one idle longest."""
        if self._pool != pool:
            self._pool, self._cursor = pool, int(pool.first)
        while self._cursor <= int(pool.last):
            address = IPv4Address(self._cursor)
            if address in pool and address not in self._by_ip and address not in self._offers:
                return address
            self._cursor += 1
        return next((ip for ip in self._idle if ip in pool and ip not in self._offers), None)
