"""nftables' netlink: tables that have packets traced, and what the kernel then tells of each.

Pure.  linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h.  A packet whose `nftrace` mark is set is told of at
every rule that applied to it, with the rule's verdict, and at each base chain whose policy decided (nft(8), "meta
nftrace").  Numbers in attributes are big-endian.
"""

import struct
from dataclasses import dataclass

from lan.wire import netlink
from lan.wire.netlink import NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST, Message, attribute, build

CHANGES, TRACES = 7, 9
"""NFNLGRP_ numbers: of rule sets that change, and of packets that are traced."""
NETLINK_NETFILTER = 12
FAMILIES = {0: "unspec", 1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
VERDICTS = {0: "drop", 1: "accept", 2: "stolen", 3: "queue", -1: "continue", -3: "jump", -4: "goto", -5: "return"}
POLICY, RETURN, RULE = 1, 2, 3
"""Who decided: a base chain's policy, a chain's end, a rule."""

_SUBSYSTEM = 10
_NEWTABLE, _NEWCHAIN, _NEWRULE, _TRACE = 0, 3, 6, 17
_BATCH_BEGIN, _BATCH_END = 16, 17
_INET, _ARP = 1, 3
_OWNER = 2
"""NFT_TABLE_F_OWNER: the table goes when its socket closes, and nobody else can change it (Linux 5.12)."""
_FIRST = -(1 << 31)
"""A priority before all others'."""
_HOOKS = {_INET: (("prerouting", 0), ("output", 3)), _ARP: (("input", 0), ("output", 1))}
"""Where packets come in from a cable, and where those of the device's own begin."""
_META_NFTRACE, _REGISTER = 12, 1


@dataclass(frozen=True, slots=True)
class Trace:
    """What became of one packet at one rule (`handle`), or by a chain's policy (`handle` 0).

    `id` is the same for one packet on its way through a device.  `network` and `transport` are the first bytes of its
    headers, b"" where this message repeats none; `iif` and `oif` are indices of interfaces, 0 for none.
    """

    family: str
    table: str
    chain: str
    handle: int
    by: int
    verdict: str
    id: int
    network: bytes = b""
    transport: bytes = b""
    iif: int = 0
    oif: int = 0


def is_trace(message: Message) -> bool:
    """Whether a message tells of a traced packet."""
    return message.kind == _SUBSYSTEM << 8 | _TRACE


def is_change(message: Message) -> bool:
    """Whether a message tells that tables, chains or rules have changed."""
    return message.kind >> 8 == _SUBSYSTEM and not is_trace(message)


def trace(message: Message) -> Trace | None:
    """What a message tells of a packet; None where it lacks what it must have."""
    told = netlink.attributes(message.body[4:])
    try:
        by = _u32(told[4])
        verdict = _signed(told[16]) if by == POLICY else _signed(netlink.attributes(told[5])[1])
        return Trace(
            FAMILIES.get(_u32(told[15]) if 15 in told else message.body[0], "?"),
            _text(told[1]),
            _text(told[2]),
            int.from_bytes(told.get(3, b""), "big"),
            by,
            VERDICTS.get(verdict, str(verdict)),
            _u32(told[6]),
            told.get(8, b""),
            told.get(9, b""),
            _u32(told[10]) if 10 in told else 0,
            _u32(told[12]) if 12 in told else 0,
        )
    except (KeyError, struct.error, IndexError):
        return None


def tracing(table: str, *, per_second: int) -> bytes:
    """A batch that has up to so many packets a second traced, by tables that belong to the socket it is sent over.

    They are ``inet TABLE`` and ``arp TABLE``.  Only the end of the batch is acknowledged.
    """
    whole = struct.pack("!BBH", 0, 0, _SUBSYSTEM)
    parts = [build(_BATCH_BEGIN, NLM_F_REQUEST, 0, whole)]
    name = table.encode() + b"\0"
    for family, hooks in _HOOKS.items():
        here = bytes((family, 0, 0, 0))
        parts.append(_nft(_NEWTABLE, here + attribute(1, name) + _be32(2, _OWNER)))
        for chain, hook in hooks:
            chain_name = chain.encode() + b"\0"
            place = attribute(4, _be32(1, hook) + _be32(2, _FIRST & 0xFFFFFFFF))
            parts.append(_nft(_NEWCHAIN, here + attribute(1, name) + attribute(3, chain_name) + place
                              + attribute(7, b"filter\0")))  # fmt: skip
            parts.append(_nft(_NEWRULE, here + attribute(1, name) + attribute(2, chain_name)
                              + attribute(4, _marking(per_second))))  # fmt: skip
    parts.append(build(_BATCH_END, NLM_F_REQUEST | NLM_F_ACK, 0, whole))
    return b"".join(parts)


def _marking(per_second: int) -> bytes:
    """The rule ``limit rate N/second burst N packets meta nftrace set 1``."""
    limit = attribute(1, struct.pack("!Q", per_second)) + attribute(2, struct.pack("!Q", 1)) + _be32(3, per_second)
    one = _be32(1, _REGISTER) + attribute(2, attribute(1, b"\1"))
    mark = _be32(2, _META_NFTRACE) + _be32(3, _REGISTER)
    return b"".join(
        attribute(1, attribute(1, name) + attribute(2, data))
        for name, data in ((b"limit\0", limit), (b"immediate\0", one), (b"meta\0", mark))
    )


def _nft(kind: int, body: bytes) -> bytes:
    return build(_SUBSYSTEM << 8 | kind, NLM_F_REQUEST | NLM_F_CREATE, 0, body)


def _be32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("!I", value))


def _u32(value: bytes) -> int:
    return int(struct.unpack_from("!I", value)[0])


def _signed(value: bytes) -> int:
    return int(struct.unpack_from("!i", value)[0])


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")
