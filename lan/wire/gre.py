"""GRE: packets of any protocol within IP.  RFC 2784, RFC 2890; version 1 is PPTP's, RFC 2637 §4.1."""

import struct
from collections.abc import Iterator
from typing import ClassVar

from lan.wire import checksum as sums
from lan.wire.ethernet import ethertype_text
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed

LEAST_BYTES = 4
CHECKSUM, ROUTING, KEY, SEQUENCE, ACKNOWLEDGMENT = 0x8000, 0x4000, 0x2000, 0x1000, 0x0080


@frozen
class Gre:
    """A header; `key`, `sequence` and `checksum_ok` are None where it has none."""

    ethertype: int
    flags: int
    key: int | None = None
    sequence: int | None = None
    checksum: int = 0
    checksum_ok: bool | None = None
    header_length: int = LEAST_BYTES
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "GRE"

    def summary(self) -> str:
        return f"GRE, {ethertype_text(self.ethertype)}" + (f", key {self.key}" if self.key is not None else "")

    def title(self) -> str:
        return self.summary()

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field("flags", self.flags, f"0x{self.flags:04x}", start, start + 2)
        yield Field("ethertype", self.ethertype, ethertype_text(self.ethertype), start + 2, start + 4)
        at = start + LEAST_BYTES
        if self.flags & CHECKSUM:
            yield Field("checksum", self.checksum, sums.words(self.checksum, self.checksum_ok), at, at + 2)
            at += 4
        if self.key is not None:
            yield Field("key", self.key, f"0x{self.key:08x}", at, at + 4)
            at += 4
        if self.sequence is not None:
            yield Field("sequence number", self.sequence, str(self.sequence), at, at + 4)


def read(data: bytes, start: int, end: int, *, whole: bool = True) -> Gre:
    """The header at `start`; raises Malformed where it is not whole, or of a version not read here."""
    if end - start < LEAST_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, a GRE header has at least {LEAST_BYTES}")
    flags, ethertype = struct.unpack_from("!HH", data, start)
    if flags & 7 or flags & ROUTING:
        raise Malformed(f"GRE version {flags & 7}" if flags & 7 else "GRE routing, which RFC 2784 took away")
    length = LEAST_BYTES + 4 * sum(bool(flags & bit) for bit in (CHECKSUM, KEY, SEQUENCE))
    if start + length > end:
        raise Malformed(f"{count(end - start, 'byte')}, its flags promise a header of {length}")
    at, field, good = start + LEAST_BYTES, 0, None
    problems: tuple[str, ...] = ()
    if flags & CHECKSUM:
        field = data[at] << 8 | data[at + 1]
        good = sums.is_good(data[start:end]) if whole else None
        problems = ("GRE checksum is wrong",) if good is False else ()
        at += 4
    key = sequence = None
    if flags & KEY:
        key = int.from_bytes(data[at : at + 4], "big")
        at += 4
    if flags & SEQUENCE:
        sequence = int.from_bytes(data[at : at + 4], "big")
    return Gre(ethertype, flags, key, sequence, field, good, length, problems)
