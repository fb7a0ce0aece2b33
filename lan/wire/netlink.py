"""Netlink's messages and attributes, as every family of it writes them.  RFC 3549 §2.2; netlink(7).

Pure: bytes in, messages out, and back.  Numbers are in the machine's own order but where a family says otherwise.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x1, 0x4, 0x100, 0x200, 0x400
SOL_NETLINK = 270
ADD_MEMBERSHIP, DROP_MEMBERSHIP, LISTEN_ALL_NSID = 1, 2, 8
"""Options of netlink sockets (linux/netlink.h): groups joined and left, and hearing other namespaces' too."""

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_KIND_MASK = 0x3FFF
"""Above it lie the flags "nested" and "network byte order"."""


class Message(NamedTuple):
    """One message: its type, flags (NLM_F_), sequence number, and what follows the header."""

    kind: int
    flags: int
    seq: int
    body: bytes


def build(kind: int, flags: int, seq: int, body: bytes) -> bytes:
    """One message's bytes."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, seq, 0) + body + b"\0" * (-len(body) % 4)


def messages(data: bytes) -> Iterator[Message]:
    """Each message in a datagram, up to the first that is cut short."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, seq, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        yield Message(kind, flags, seq, data[offset + _HEADER.size : offset + length])
        offset += (length + 3) & ~3


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute's bytes, padded."""
    return _ATTRIBUTE.pack(4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def attributes(data: bytes) -> dict[int, bytes]:
    """The attributes by number, up to the first that is cut short; of a number that comes twice, the last."""
    found: dict[int, bytes] = {}
    offset = 0
    while offset + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < 4 or offset + length > len(data):
            break
        found[kind & _KIND_MASK] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found
