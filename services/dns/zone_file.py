"""Zone files: JSON as people write it, or a master file as BIND reads it (RFC 1035 §5).

    {"www.lan.test": "10.0.0.2", "lan.test": {"A": "10.0.0.2", "MX": "10 mail.lan.test"},
     "old.lan.test": {"CNAME": "www.lan.test"}}

    [{"name": "www.lan.test", "type": "A", "ttl_s": 60, "data": "10.0.0.2"}]

Names in JSON are whole, with or without the last dot.  Every mistake is a UsageError with its place.
"""

import ipaddress
import json
from collections.abc import Iterator
from typing import Any

from dnslib import CLASS, QTYPE, RDMAP, RR, DNSError, DNSLabel, ZoneParser
from dnslib.bimap import BimapError

from lan.errors import UsageError, nearest
from lan.services.dns.zone import TTL_S, Zones, build

TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")
ADDRESS_TYPES = {"A": 4, "AAAA": 6}
LONGEST_TTL_S = 2**31 - 1
FAULTS = (ValueError, KeyError, IndexError, TypeError, AttributeError, DNSError, BimapError)
"""What dnslib raises for text that it can't read."""


def parse(text: str, *, where: str, ttl_s: int = TTL_S, serial: int = 1) -> Zones:
    """Zones from the text of a file named `where`; records without a TTL get `ttl_s`."""
    records = list(
        _from_json(text, where, ttl_s) if text.lstrip()[:1] in ("{", "[") else _from_master(text, where, ttl_s)
    )
    if not records:
        raise UsageError("no record in it", where=where, expected='{"www.lan.test": "10.0.0.2"}')
    for record in records:
        _check_ttl(record.ttl, where)
    try:
        return build(records, ttl_s=ttl_s, serial=serial)
    except UsageError as fault:
        raise UsageError(fault.what, where=where, expected=fault.expected) from fault


def _from_master(text: str, where: str, ttl_s: int) -> Iterator[RR]:
    record: RR | None = None
    try:
        for record in ZoneParser(text, ttl=ttl_s):
            if record.rclass != CLASS.IN:
                raise ValueError(f"class {CLASS.get(record.rclass)}, where only IN is served")
            _check_length(record.rname)
            yield record
    except FAULTS as fault:
        after = f"after {record.rname} {QTYPE.get(record.rtype)}: " if record else ""
        raise UsageError(
            f"{after}not a record: {fault}", where=where, expected="a master file (RFC 1035 §5), or JSON"
        ) from fault


def _from_json(text: str, where: str, ttl_s: int) -> Iterator[RR]:
    try:
        document = json.loads(text)
    except ValueError as fault:
        raise UsageError(f"not JSON: {fault}", where=where) from fault
    if isinstance(document, dict) and isinstance(document.get("records"), list):
        document = document["records"]
    if isinstance(document, dict):
        for name, value in document.items():
            yield from _from_value(name, value, f"{where}: {name}", ttl_s)
    else:
        for number, row in enumerate(document, 1):
            yield _from_row(row, f"{where}: record {number}", ttl_s)


def _from_row(row: Any, where: str, ttl_s: int) -> RR:
    """``{"name", "type", "ttl_s", "data"}``"""
    expected = '{"name": "www.lan.test", "type": "A", "ttl_s": 300, "data": "10.0.0.2"}'
    if not isinstance(row, dict) or not {"name", "data"} <= row.keys() <= {"name", "type", "ttl_s", "data"}:
        raise UsageError("not a record", where=where, expected=expected)
    return record(row["name"], row.get("type", "A"), row["data"], where, row.get("ttl_s", ttl_s))


def _from_value(name: str, value: Any, where: str, ttl_s: int) -> Iterator[RR]:
    """What stands beside a name: an address, ``{TYPE: data}``, or a list of these."""
    if isinstance(value, list):
        for one in value:
            yield from _from_value(name, one, where, ttl_s)
    elif isinstance(value, dict):
        own_ttl_s = value.get("ttl_s", ttl_s)
        for kind, data in value.items():
            for one in () if kind == "ttl_s" else data if isinstance(data, list) else [data]:
                yield record(name, kind, one, where, own_ttl_s)
    else:
        yield record(name, "AAAA" if ":" in str(value) else "A", value, where, ttl_s)


def record(name: Any, kind: Any, data: Any, where: str, ttl_s: Any) -> RR:
    """One record from its words; raises UsageError."""
    if kind not in TYPES:
        near = nearest(str(kind).upper(), TYPES)
        raise UsageError(f"record type {kind!r}", where=where, expected=near or f"one of {', '.join(TYPES)}")
    _check_ttl(ttl_s, where)
    owner = _label(name, where)
    try:
        return RR(owner, getattr(QTYPE, kind), CLASS.IN, ttl_s, RDMAP[kind].fromZone(_words(kind, data)))
    except FAULTS as fault:
        expected = {"A": "an IPv4 address", "AAAA": "an IPv6 address"}.get(kind, f"the data of a {kind} record")
        raise UsageError(f"{data!r}", where=where, expected=expected) from fault


def _words(kind: str, data: Any) -> list[str]:
    """The data as a master file's words; checks what dnslib takes unchecked."""
    if not isinstance(data, str):
        raise ValueError(f"{data!r} is not text")
    if kind in ADDRESS_TYPES and ipaddress.ip_address(data).version != ADDRESS_TYPES[kind]:
        raise ValueError(f"{data} is of the other family")
    if kind == "TXT":
        return [data]
    for word in data.split():
        _check_length(DNSLabel(word))
    return data.split()


def _label(name: Any, where: str) -> DNSLabel:
    try:
        label = DNSLabel(name) if isinstance(name, str) and name else None
        if label is None:
            raise ValueError("no name")
        _check_length(label)
    except ValueError as fault:  # UnicodeError too, which the IDNA codec raises
        raise UsageError(f"{name!r} is not a name", where=where, expected="labels of 1 to 63 characters") from fault
    return label


def _check_length(label: DNSLabel) -> None:
    if any(not 1 <= len(part) <= 63 for part in label.label) or sum(map(len, label.label)) + len(label.label) >= 255:
        raise ValueError("a label has 1 to 63 bytes, a name at most 255 (RFC 1035 §3.1)")


def _check_ttl(ttl_s: Any, where: str) -> None:
    if not isinstance(ttl_s, int) or isinstance(ttl_s, bool) or not 0 <= ttl_s <= LONGEST_TTL_S:
        raise UsageError(f"TTL {ttl_s!r}", where=where, expected=f"seconds from 0 to {LONGEST_TTL_S} (RFC 2181 §8)")
