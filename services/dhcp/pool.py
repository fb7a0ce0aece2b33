"""The addresses that a DHCP server may lease: one run of a subnet, minus those that are taken for good."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lan.errors import UsageError

EXPECTED = "FIRST-LAST, such as 192.168.100.1-192.168.100.100 or 192.168.100.1-100"


@dataclass(frozen=True, slots=True)
class Pool:
    """`first` to `last`, both included, without `excluded` (the server's own, reserved ones)."""

    first: IPv4Address
    last: IPv4Address
    excluded: frozenset[IPv4Address] = frozenset()

    def __contains__(self, address: IPv4Address) -> bool:
        return self.first <= address <= self.last and address not in self.excluded

    def __iter__(self) -> Iterator[IPv4Address]:
        for number in range(int(self.first), int(self.last) + 1):
            address = IPv4Address(number)
            if address not in self.excluded:
                yield address

    def __len__(self) -> int:
        taken = sum(self.first <= address <= self.last for address in self.excluded)
        return int(self.last) - int(self.first) + 1 - taken

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def parse_pool(text: str, subnet: IPv4Network, excluded: Iterable[IPv4Address] = ()) -> Pool:
    """``FIRST-LAST`` → Pool; `LAST` may be the last byte alone.  Raises UsageError.

    The subnet's network and broadcast addresses are excluded (RFC 1122 §3.2.1.3).
    """
    first_text, _, last_text = (part.strip() for part in text.partition("-"))
    if last_text.isdigit():
        last_text = f"{first_text.rpartition('.')[0]}.{last_text}"
    try:
        first, last = IPv4Address(first_text), IPv4Address(last_text)
    except ValueError as fault:
        raise UsageError(f"pool {text!r} is no run of addresses", expected=EXPECTED) from fault
    if first > last:
        raise UsageError(f"pool {text!r}: {first} comes after {last}", expected=EXPECTED)
    for address in (first, last):
        if address not in subnet:
            raise UsageError(f"pool {text!r}: {address} is not in {subnet}", expected=f"addresses of {subnet}")
    ends = {subnet.network_address, subnet.broadcast_address} if subnet.prefixlen < 31 else set()
    pool = Pool(first, last, frozenset({*ends, *excluded}))
    if not len(pool):
        raise UsageError(f"pool {text!r}: none of its addresses is free to lease", expected=EXPECTED)
    return pool
