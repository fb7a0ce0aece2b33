"""What a DHCP client was given: address, settings and the times of its lease.  RFC 2131 §4.4.5.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

from lan.wire.dhcp import Message

FOREVER_S = 0xFFFFFFFF
CLASS_MASKS = ((128, 8), (192, 16), (256, 24))


@dataclass(frozen=True, slots=True)
class Binding:
    """A lease from its client's side; times are seconds of the client's clock, None where it never ends."""

    interface: IPv4Interface
    server: IPv4Address
    routers: tuple[IPv4Address, ...]
    dns: tuple[IPv4Address, ...]
    domain: str | None
    lease_s: int
    bound_s: float
    renew_s: float | None
    rebind_s: float | None
    until_s: float | None

    @property
    def ip(self) -> IPv4Address:
        return self.interface.ip

    def as_json(self) -> dict[str, Any]:
        """What ``lan inspect`` shows of a PC, and what its next start asks for again."""
        return {
            "ip": str(self.interface),
            "server": str(self.server),
            "routers": [str(router) for router in self.routers],
            "dns": [str(server) for server in self.dns],
            "domain": self.domain,
            "lease_s": self.lease_s,
            "bound_s": self.bound_s,
            "renew_s": self.renew_s,
            "rebind_s": self.rebind_s,
            "until_s": self.until_s,
        }


def binding_from_json(row: Mapping[str, Any]) -> Binding:
    """The inverse of `Binding.as_json`; raises ValueError, KeyError or TypeError for another shape."""
    return Binding(
        IPv4Interface(str(row["ip"])),
        IPv4Address(str(row["server"])),
        tuple(IPv4Address(str(router)) for router in row["routers"]),
        tuple(IPv4Address(str(server)) for server in row["dns"]),
        None if row["domain"] is None else str(row["domain"]),
        int(row["lease_s"]),
        float(row["bound_s"]),
        *(None if row[key] is None else float(row[key]) for key in ("renew_s", "rebind_s", "until_s")),
    )


def binding_of(ack: Message, asked_s: float) -> Binding | None:
    """The lease in an ACK, counted from when its REQUEST left; None where it lacks what a lease needs.

    T1 and T2 that are missing or out of order are half and 7/8 of the lease.
    """
    if ack.server_id is None or not ack.lease_s or not is_usable(ack.yiaddr):
        return None
    ends: tuple[float | None, ...] = (None, None, None)
    if ack.lease_s != FOREVER_S:
        t1_s, t2_s = ack.t1_s, ack.t2_s
        if t1_s is None or t2_s is None or not 0 < t1_s < t2_s < ack.lease_s:
            ends = asked_s + ack.lease_s / 2, asked_s + ack.lease_s * 7 / 8, asked_s + ack.lease_s
        else:
            ends = asked_s + t1_s, asked_s + t2_s, asked_s + ack.lease_s
    return Binding(
        IPv4Interface((ack.yiaddr, _prefix(ack))),
        ack.server_id,
        ack.routers,
        ack.dns_servers,
        _name(ack.domain_name),
        ack.lease_s,
        asked_s,
        *ends,
    )


def is_usable(address: IPv4Address) -> bool:
    """Whether a host can have the address at all.  RFC 1122 §3.2.1.3."""
    return 0 < int(address) >> 24 < 224 and not address.is_loopback


def _prefix(ack: Message) -> int:
    """The mask's length; without a (contiguous) mask, that of the address's class.  RFC 950."""
    mask = int(ack.subnet_mask or 0)
    length = mask.bit_count()
    if length and mask == (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF:
        return length
    first = ack.yiaddr.packed[0]
    return next(bits for below, bits in CLASS_MASKS if first < below or bits == 24)


def _name(text: str | None) -> str | None:
    """A domain name that may stand in resolv.conf: what came from the network must not add lines there."""
    fits = text is not None and text.isascii() and all(c.isalnum() or c in "-._" for c in text)
    return text if fits and text else None
