"""Multicast listener discovery over ICMPv6: who wants which group.  RFC 2710, RFC 3810."""

from collections.abc import Iterator

from lan.wire.addresses import ipv6_text
from lan.wire.igmp import RECORD_NAMES, code_value, varied
from lan.wire.layer import Field, count

QUERY, REPORT, DONE, REPORT_2 = 130, 131, 132, 143
TYPES = {QUERY, REPORT, DONE, REPORT_2}
HEAD_BYTES, QUERY_2_BYTES, RECORD_BYTES = 24, 28, 20


def problems(kind: int, data: bytes, start: int, end: int) -> Iterator[str]:
    """What is wrong with a message's lengths."""
    if kind != REPORT_2:
        if end - start < HEAD_BYTES:
            yield f"multicast listener message has {count(end - start, 'byte')}, expected at least {HEAD_BYTES}"
        return
    faults: list[str] = []
    for _ in _records(data, start, end, faults):
        pass
    yield from faults


def _records(data: bytes, start: int, end: int, faults: list[str]) -> Iterator[tuple[int, int, int]]:
    """(start, end, number of sources) of each record of a version 2 report."""
    at = start + 8
    for _ in range(data[start + 6] << 8 | data[start + 7]):
        sources = data[at + 2] << 8 | data[at + 3] if at + 4 <= end else 0
        after = at + RECORD_BYTES + 16 * sources + (data[at + 1] * 4 if at + 1 < end else 0)
        if after > end:
            faults.append("multicast listener report's records run past the message")
            return
        yield at, after, sources
        at = after


def fields(kind: int, data: bytes, start: int, end: int) -> Iterator[Field]:
    """What follows a message's checksum, as far as it is here."""
    if kind == REPORT_2:
        number = data[start + 6] << 8 | data[start + 7]
        yield Field("record count", number, str(number), start + 6, start + 8)
        for at, after, sources in _records(data, start, end, []):
            group = ipv6_text(data[at + 4 : at + 20])
            from_ = [ipv6_text(data[each : each + 16]) for each in range(at + 20, at + 20 + 16 * sources, 16)]
            value = (data[at], group, tuple(from_))
            yield Field("record", value, f"{group}, {varied(data[at], from_, RECORD_NAMES)}", at, after)
        return
    if end - start < HEAD_BYTES:
        return
    delay_ms = data[start + 4] << 8 | data[start + 5]
    is_2 = kind == QUERY and end - start >= QUERY_2_BYTES
    longest_ms = code_value(delay_ms, 15) if is_2 else delay_ms
    yield Field("maximum response delay", longest_ms, f"{longest_ms} ms", start + 4, start + 6)
    group = ipv6_text(data[start + 8 : start + 24])
    yield Field("multicast address", group, "every group" if group == "::" else group, start + 8, start + 24)
    if is_2:
        yield from _query_2_fields(data, start, end)


def _query_2_fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    bits, interval_s = data[start + 24], code_value(data[start + 25], 7)
    sources = data[start + 26] << 8 | data[start + 27]
    yield Field("suppress", bool(bits & 8), "yes" if bits & 8 else "no", start + 24, start + 25)
    yield Field("robustness", bits & 7, str(bits & 7), start + 24, start + 25)
    yield Field("query interval", interval_s, f"{interval_s} s", start + 25, start + 26)
    yield Field("source count", sources, str(sources), start + 26, start + 28)
    for at in range(start + QUERY_2_BYTES, min(start + QUERY_2_BYTES + 16 * sources, end - 15), 16):
        source = ipv6_text(data[at : at + 16])
        yield Field("source", source, source, at, at + 16)
