"""VXLAN: Ethernet frames within UDP.  RFC 7348 §5."""

from collections.abc import Iterator
from typing import ClassVar

from lan.wire.frozen import frozen
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed

HEADER_BYTES = 8
HAS_NETWORK = 0x08


@frozen
class Vxlan:
    """A header: which of the virtual networks the frame behind it belongs to."""

    network: int
    flags: int
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "VXLAN"

    def summary(self) -> str:
        return f"VXLAN network {self.network}"

    def title(self) -> str:
        return self.summary()

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        words = "network id is set" if self.flags & HAS_NETWORK else "no network id"
        yield Field("flags", self.flags, f"0x{self.flags:02x} ({words})", start, start + 1)
        yield Field("network", self.network, str(self.network), start + 4, start + 7)


def read(data: bytes, start: int, end: int) -> Vxlan:
    """The header at `start`; raises Malformed where it is not whole."""
    if end - start < HEADER_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, a VXLAN header has {HEADER_BYTES}")
    problems = () if data[start] & HAS_NETWORK else ("VXLAN header without its network flag",)
    return Vxlan(int.from_bytes(data[start + 4 : start + 7], "big"), data[start], problems)
