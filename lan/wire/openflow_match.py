"""What an OpenFlow flow is for and what becomes of its packets: matches, actions, instructions.

OpenFlow Switch Specification 1.0.0 §5.2, 1.3.5 §7.2.
"""

import struct
from collections.abc import Iterator

from lan.wire.addresses import ipv4_text, ipv6_text, mac_text
from lan.wire.layer import Field, count, preview

RESERVED_PORTS = {
    0xF8: "the port it came in by",
    0xF9: "the table",
    0xFA: "normal",
    0xFB: "flood",
    0xFC: "all ports",
    0xFD: "the controller",
    0xFE: "the switch itself",
    0xFF: "none",
}
BASIC = 0x8000
OXM_NAMES = (
    *("in port", "in physical port", "metadata", "eth dst", "eth src", "eth type", "VLAN id", "VLAN priority"),
    *("DSCP", "ECN", "IP protocol", "ipv4 src", "ipv4 dst", "TCP src", "TCP dst", "UDP src", "UDP dst"),
    *("SCTP src", "SCTP dst", "ICMP type", "ICMP code", "ARP operation", "ARP sender IP", "ARP target IP"),
    *("ARP sender MAC", "ARP target MAC", "ipv6 src", "ipv6 dst", "flow label", "ICMPv6 type", "ICMPv6 code"),
    *("ND target", "ND source MAC", "ND target MAC", "MPLS label", "MPLS class", "MPLS bottom", "PBB service"),
    *("tunnel id", "IPv6 extensions"),
)
ACTION_NAMES_1_0 = (
    *("output", "set VLAN", "set VLAN priority", "strip VLAN", "set eth src", "set eth dst", "set ipv4 src"),
    *("set ipv4 dst", "set TOS", "set port src", "set port dst", "enqueue"),
)
ACTION_NAMES_1_3 = {
    0: "output",
    11: "copy TTL out",
    12: "copy TTL in",
    15: "set MPLS TTL",
    16: "decrement MPLS TTL",
    17: "push VLAN",
    18: "pop VLAN",
    19: "push MPLS",
    20: "pop MPLS",
    21: "set queue",
    22: "group",
    23: "set TTL",
    24: "decrement TTL",
    25: "set field",
    26: "push PBB",
    27: "pop PBB",
}
VENDOR = 0xFFFF
INSTRUCTION_NAMES = {
    1: "go to table",
    2: "write metadata",
    3: "write actions",
    4: "apply actions",
    5: "clear actions",
    6: "meter",
}
GO_TO_TABLE, WRITE_ACTIONS, APPLY_ACTIONS = 1, 3, 4


def port_text(number: int, size: int) -> str:
    """A port of two bytes (1.0) or four (1.1 on); the highest numbers have meanings."""
    if number >> 8 == (0xFF if size == 2 else 0xFFFFFF):
        return RESERVED_PORTS.get(number & 0xFF) or str(number)
    return str(number)


WILDCARDS_1_0 = (
    *(("in port", 4, 2, 1), ("eth src", 6, 6, 4), ("eth dst", 12, 6, 8), ("VLAN id", 18, 2, 2)),
    *(("VLAN priority", 20, 1, 1 << 20), ("eth type", 22, 2, 16), ("TOS", 24, 1, 1 << 21), ("IP protocol", 25, 1, 32)),
    *(("port src", 36, 2, 64), ("port dst", 38, 2, 128)),
)
"""(name, offset, bytes, the bit that says it does not matter)."""


def match_1_0(data: bytes, at: int) -> Iterator[Field]:
    """The 40 bytes of `ofp_match`: only what is to be compared.  1.0.0 §5.2.3."""
    wildcards = int.from_bytes(data[at : at + 4], "big")
    yield Field("wildcards", wildcards, f"0x{wildcards:08x}", at, at + 4)
    for name, offset, size, bit in WILDCARDS_1_0:
        if not wildcards & bit:
            yield _matched(name, data, at + offset, size)
    for name, offset, shift in (("ipv4 src", 28, 8), ("ipv4 dst", 32, 14)):
        ignored = min(wildcards >> shift & 63, 32)
        if ignored < 32:
            start = at + offset
            address = ipv4_text(data[start : start + 4])
            words = address if not ignored else f"{address}/{32 - ignored}"
            yield Field(f"match {name}", address, words, start, start + 4)


def _matched(name: str, data: bytes, at: int, size: int) -> Field:
    value = data[at : at + size]
    if size == 6:
        return Field(f"match {name}", mac_text(value), mac_text(value), at, at + size)
    number = int.from_bytes(value, "big")
    words = port_text(number, 2) if name == "in port" else f"0x{number:04x}" if name == "eth type" else str(number)
    return Field(f"match {name}", number, words, at, at + size)


def match_1_3(data: bytes, at: int, end: int) -> Iterator[Field]:
    """`ofp_match` of 1.2 on: TLVs, padded to whole eights.  The last field ends where the padding does.  §7.2.3."""
    if at + 4 > end:
        return
    kind, length = struct.unpack_from("!HH", data, at)
    stop = at + max(length, 4)
    after = at + (max(length, 4) + 7) // 8 * 8
    if after > end:
        yield Field("match (cut)", data[at:end], preview(data[at:end]), at, end)
        return
    yield Field("match type", kind, "OXM" if kind == 1 else str(kind), at, at + 2)
    yield Field("match length", length, count(length, "byte"), at + 2, at + 4)
    yield from oxm(data, at + 4, stop)
    if stop < after:
        yield Field("match padding", data[stop:after], count(after - stop, "byte"), stop, after)


def oxm(data: bytes, at: int, end: int) -> Iterator[Field]:
    """The TLVs of a match or of a set-field action: class, field and mask bit, length, value.  §7.2.3.2."""
    while at + 4 <= end:
        oxm_class, bits, length = struct.unpack_from("!HBB", data, at)
        after = at + 4 + length
        if after > end:
            break
        number, has_mask = bits >> 1, bool(bits & 1)
        is_known = oxm_class == BASIC and number < len(OXM_NAMES)
        name = f"match {OXM_NAMES[number]}" if is_known else f"match 0x{oxm_class:04x} field {number}"
        size = length // 2 if has_mask else length
        text = _value_text(OXM_NAMES[number] if is_known else "", data[at + 4 : at + 4 + size])
        if has_mask:
            text += f" mask {data[at + 4 + size : after].hex()}"
        yield Field(name, data[at + 4 : after], text, at, after)
        at = after
    if at < end:
        yield Field("match (cut)", data[at:end], preview(data[at:end]), at, end)


def _value_text(name: str, value: bytes) -> str:
    if len(value) == 6:
        return mac_text(value)
    if name.startswith(("ipv4", "ARP sender IP", "ARP target IP")) and len(value) == 4:
        return ipv4_text(value)
    if len(value) == 16:
        return ipv6_text(value)
    number = int.from_bytes(value, "big")
    if name == "in port":
        return port_text(number, 4)
    if name == "VLAN id" and len(value) == 2:
        return str(number & 0xFFF) if number & 0x1000 else "no VLAN"
    return f"0x{number:0{2 * len(value)}x}" if name in ("eth type", "metadata", "") else str(number)


def actions(data: bytes, at: int, end: int, *, port_bytes: int) -> Iterator[Field]:
    """A list of actions; ports have two bytes in 1.0, four from 1.1 on."""
    while at + 4 <= end:
        kind, length = struct.unpack_from("!HH", data, at)
        after = at + length
        if length < 8 or after > end:
            break
        yield Field("action", kind, action_words(kind, data[at:after], port_bytes), at, after)
        at = after
    if at < end:
        yield Field("actions (cut)", data[at:end], preview(data[at:end]), at, end)


def action_words(kind: int, action: bytes, port_bytes: int) -> str:
    """``output to the controller``; never raises."""
    if port_bytes == 2:
        name = ACTION_NAMES_1_0[kind] if kind < len(ACTION_NAMES_1_0) else None
    else:
        name = ACTION_NAMES_1_3.get(kind)
    name = name or ("vendor's own" if kind == VENDOR else f"action {kind}")
    value = action[4:]
    if kind == 0:
        return f"output to {port_text(int.from_bytes(value[:port_bytes], 'big'), port_bytes)}"
    if name == "set field":
        return "set " + ", ".join(f"{field.name[6:]} to {field.text}" for field in list(oxm(value, 0, len(value)))[:1])
    if name in ("set eth src", "set eth dst") and len(value) >= 6:
        return f"{name} to {mac_text(value[:6])}"
    if name in ("set ipv4 src", "set ipv4 dst"):
        return f"{name} to {ipv4_text(value[:4])}"
    if name in ("push VLAN", "set VLAN", "set VLAN priority", "set port src", "set port dst", "set queue", "group"):
        size = 4 if name in ("set queue", "group") else 1 if name == "set VLAN priority" else 2
        number = int.from_bytes(value[:size], "big")
        return f"{name} {f'0x{number:04x}' if name == 'push VLAN' else number}"
    return name


def instructions(data: bytes, at: int, end: int) -> Iterator[Field]:
    """A list of instructions, the actions of those that have some behind them.  1.3.5 §7.2.4."""
    while at + 4 <= end:
        kind, length = struct.unpack_from("!HH", data, at)
        after = at + length
        if length < 8 or after > end:
            break
        name = INSTRUCTION_NAMES.get(kind) or f"instruction {kind}"
        has_actions = kind in (WRITE_ACTIONS, APPLY_ACTIONS)
        words = f"{name} {data[at + 4]}" if kind == GO_TO_TABLE else name
        yield Field("instruction", kind, words, at, at + 8 if has_actions else after)
        if has_actions:
            yield from actions(data, at + 8, after, port_bytes=4)
        at = after
    if at < end:
        yield Field("instructions (cut)", data[at:end], preview(data[at:end]), at, end)
