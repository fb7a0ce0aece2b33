"""IGMP: who wants which multicast group.  RFC 1112, RFC 2236, RFC 3376."""

from collections.abc import Iterator
from typing import ClassVar

from lan.wire import checksum as sums
from lan.wire.addresses import ipv4_text
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed

HEADER_BYTES, QUERY_3_BYTES, RECORD_BYTES = 8, 12, 8
QUERY, REPORT_1, REPORT_2, LEAVE, REPORT_3 = 0x11, 0x12, 0x16, 0x17, 0x22
TYPE_NAMES = {
    QUERY: "membership query",
    REPORT_1: "membership report, version 1",
    REPORT_2: "membership report, version 2",
    LEAVE: "leave group",
    REPORT_3: "membership report, version 3",
}
RECORD_NAMES = {
    1: "only from",
    2: "from all but",
    3: "now only from",
    4: "now from all but",
    5: "also from",
    6: "no longer from",
}


@frozen
class Igmp:
    """One message; `group` is None in a version 3 report, whose `groups` are those of its records."""

    type: int
    group: str | None
    checksum_ok: bool | None
    checksum: int = 0
    groups: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "IGMP"

    def summary(self) -> str:
        words = f"IGMP {TYPE_NAMES.get(self.type, f'type 0x{self.type:02x}')}"
        about = ", ".join(self.groups[:3]) if self.type == REPORT_3 else self.group
        return f"{words} for {about}" if about and about != "0.0.0.0" else words

    def title(self) -> str:
        return f"IGMP, {TYPE_NAMES.get(self.type, f'type 0x{self.type:02x}')}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        words = f"0x{self.type:02x} ({TYPE_NAMES.get(self.type, 'unknown')})"
        yield Field("type", self.type, words, start, start + 1)
        is_3 = self.type == QUERY and end - start >= QUERY_3_BYTES
        code = data[start + 1]
        if self.type != REPORT_3:
            longest = tenths(code_value(code, 7) if is_3 else code)
            yield Field("maximum response time", code, longest, start + 1, start + 2)
        yield Field("checksum", self.checksum, sums.words(self.checksum, self.checksum_ok), start + 2, start + 4)
        if self.type == REPORT_3:
            number = data[start + 6] << 8 | data[start + 7]
            yield Field("record count", number, str(number), start + 6, start + 8)
            for at, after, sources in _records(data, start, end, []):
                group = ipv4_text(data[at + 4 : at + 8])
                from_ = [ipv4_text(data[each : each + 4]) for each in range(at + 8, at + 8 + 4 * sources, 4)]
                value = (data[at], group, tuple(from_))
                yield Field("record", value, f"{group}, {varied(data[at], from_, RECORD_NAMES)}", at, after)
            return
        words = "every group" if self.group == "0.0.0.0" else str(self.group)
        yield Field("group", self.group, words, start + 4, start + 8)
        if is_3:
            bits = data[start + 8]
            yield Field("suppress", bool(bits & 8), "yes" if bits & 8 else "no", start + 8, start + 9)
            yield Field("robustness", bits & 7, str(bits & 7), start + 8, start + 9)
            interval_s = code_value(data[start + 9], 7)
            yield Field("query interval", interval_s, f"{interval_s} s", start + 9, start + 10)
            number = data[start + 10] << 8 | data[start + 11]
            yield Field("source count", number, str(number), start + 10, start + 12)
            for at in range(start + QUERY_3_BYTES, min(start + QUERY_3_BYTES + 4 * number, end - 3), 4):
                source = ipv4_text(data[at : at + 4])
                yield Field("source", source, source, at, at + 4)


def code_value(code: int, bits: int) -> int:
    """A number as it is, or, with its high bit set, as mantissa and exponent.  RFC 3376 §4.1.1, RFC 3810 §5.1.3."""
    if code < 1 << bits:
        return code
    mantissa_bits = bits - 3
    mantissa, exponent = code & (1 << mantissa_bits) - 1, code >> mantissa_bits & 7
    return (mantissa | 1 << mantissa_bits) << exponent + 3


def tenths(number: int) -> str:
    """``12.5 s``."""
    return f"{number / 10:g} s"


def varied(kind: int, sources: list[str], names: dict[int, str]) -> str:
    """``now from all but nobody``."""
    return f"{names.get(kind, f'record type {kind}')} {', '.join(sources) or 'nobody'}"


def _records(data: bytes, start: int, end: int, faults: list[str]) -> Iterator[tuple[int, int, int]]:
    """(start, end, number of sources) of each record of a version 3 report."""
    at = start + HEADER_BYTES
    for _ in range(data[start + 6] << 8 | data[start + 7]):
        sources = data[at + 2] << 8 | data[at + 3] if at + 4 <= end else 0
        after = at + RECORD_BYTES + 4 * sources + (data[at + 1] * 4 if at + 1 < end else 0)
        if after > end:
            faults.append("IGMP report's records run past the message")
            return
        yield at, after, sources
        at = after


def read(data: bytes, start: int, end: int, *, whole: bool = True) -> Igmp:
    """The message at `start`; raises Malformed where its header is not whole."""
    if end - start < HEADER_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, an IGMP message has at least {HEADER_BYTES}")
    kind, field = data[start], data[start + 2] << 8 | data[start + 3]
    good = sums.is_good(data[start:end]) if whole else None
    problems = ["IGMP checksum is wrong"] if good is False else []
    if kind not in TYPE_NAMES:
        problems.append(f"IGMP type 0x{kind:02x} is unknown")
    groups: tuple[str, ...] = ()
    if kind == REPORT_3:
        groups = tuple(ipv4_text(data[at + 4 : at + 8]) for at, _, _ in _records(data, start, end, problems))
    group = None if kind == REPORT_3 else ipv4_text(data[start + 4 : start + 8])
    return Igmp(kind, group, good, field, groups, tuple(problems) if whole else ())
