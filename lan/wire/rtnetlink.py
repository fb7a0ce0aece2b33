"""rtnetlink: the messages that make links, addresses and routes.  RFC 3549; linux/rtnetlink.h.

Pure: values in, request bytes out; reply bytes in, errors out.  Nothing here opens a socket.
A request's sequence number is filled in by `batch`, which also asks the last one for an ACK.
"""

import errno
import ipaddress
import os
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lan.wire import netlink
from lan.wire.netlink import NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NLMSG_ERROR
from lan.wire.netlink import attribute as _attribute

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR = 20, 21
RTM_NEWROUTE, RTM_DELROUTE = 24, 25
RTM_NEWNSID = 88
IFF_UP, IFF_PROMISC, _IFF_LOWER_UP = 0x1, 0x100, 0x10000
RTMGRP_LINK = 0x1
"""The multicast group that hears of every change of a link."""

_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 1, 3, 4, 10, 18, 28
_IFLA_TXQLEN, _IFLA_OPERSTATE, _IFLA_EXT_MASK = 13, 16, 29
_OPERATIONAL, _SKIP_STATISTICS = b"\x06", 1 << 3
_IFLA_INFO_KIND, _IFLA_INFO_DATA = 1, 2
_IFLA_NUM_TX_QUEUES, _IFLA_NUM_RX_QUEUES = 31, 32
_VETH_INFO_PEER = 1
_IFLA_BR_FORWARD_DELAY, _IFLA_BR_AGEING_TIME, _IFLA_BR_STP_STATE, _IFLA_BR_MCAST_SNOOPING = 1, 4, 5, 23
_USER_HZ = 100
"""The ticks a second of the kernel's clock as it is told to programs (clock_t)."""
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_NETNSA_NSID, _NETNSA_FD = 1, 3
_ASKED = NLM_F_REQUEST | NLM_F_ACK
_HEADER_BYTES = 16
_IFINFO = struct.Struct("=BxHiII")


@dataclass(frozen=True, slots=True)
class Request:
    """One message without its sequence number; `what` names it in an error."""

    type: int
    flags: int
    body: bytes
    what: str


@dataclass(frozen=True, slots=True)
class End:
    """One end of a veth pair to be made.

    `netns` is a descriptor of the namespace it is born in (None: the socket's own), `index` the
    interface index it gets, `master` the index of the bridge it joins.
    """

    name: str
    mac: str
    index: int
    netns: int | None = None
    master: int | None = None
    mtu: int | None = None


def _u32(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack("=I", value))


def _end_attributes(end: End) -> bytes:
    parts = [
        _attribute(_IFLA_IFNAME, end.name.encode() + b"\0"),
        _attribute(_IFLA_ADDRESS, bytes.fromhex(end.mac.replace(":", ""))),
    ]
    if end.mtu is not None:
        parts.append(_u32(_IFLA_MTU, end.mtu))
    if end.netns is not None:
        parts.append(_u32(_IFLA_NET_NS_FD, end.netns))
    if end.master is not None:
        parts.append(_u32(_IFLA_MASTER, end.master))
    return b"".join(parts)


def _ifinfo(index: int, *, up: bool | None = None) -> bytes:
    flags, change = (IFF_UP if up else 0, IFF_UP) if up is not None else (0, 0)
    return _IFINFO.pack(0, 0, index, flags, change)


def new_veth(near: End, far: End) -> Request:
    """A veth pair in one message: both ends named, addressed and placed, the near one up.

    The far one can't be: at that moment the kernel has not yet joined them (ENOTCONN).  Each has one
    queue each way, which is all that the kernel uses unless told otherwise; but then it makes one for
    every processor, and waits a grace period for putting the others away.
    """
    queues = _u32(_IFLA_NUM_TX_QUEUES, 1) + _u32(_IFLA_NUM_RX_QUEUES, 1)
    peer = _ifinfo(far.index) + _end_attributes(far) + queues
    data = _attribute(_VETH_INFO_PEER, peer)
    info = _attribute(_IFLA_INFO_KIND, b"veth") + _attribute(_IFLA_INFO_DATA, data)
    body = _ifinfo(near.index, up=True) + _end_attributes(near) + queues + _attribute(_IFLA_LINKINFO, info)
    return Request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body, f"veth {near.name} - {far.name}")


def new_bridge(name: str, mac: str, index: int, *, ageing_s: int = 300, stp: bool = False) -> Request:
    """A kernel bridge, up, forwarding at once (no spanning tree unless asked)."""
    options = _u32(_IFLA_BR_FORWARD_DELAY, 200 if stp else 0) + _ageing(ageing_s)
    options += _u32(_IFLA_BR_STP_STATE, int(stp)) + _attribute(_IFLA_BR_MCAST_SNOOPING, b"\0")
    info = _attribute(_IFLA_INFO_KIND, b"bridge") + _attribute(_IFLA_INFO_DATA, options)
    body = _ifinfo(index, up=True) + _end_attributes(End(name, mac, index)) + _attribute(_IFLA_LINKINFO, info)
    return Request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body, f"bridge {name}")


def set_bridge(name: str, index: int, *, ageing_s: int) -> Request:
    """A kernel bridge's ageing time, while it forwards."""
    info = _attribute(_IFLA_INFO_KIND, b"bridge") + _attribute(_IFLA_INFO_DATA, _ageing(ageing_s))
    return Request(RTM_NEWLINK, 0, _ifinfo(index) + _attribute(_IFLA_LINKINFO, info), f"ageing time of bridge {name}")


def _ageing(ageing_s: int) -> bytes:
    return _u32(_IFLA_BR_AGEING_TIME, ageing_s * _USER_HZ)


def set_link(index: int, *, up: bool | None = None, master: int | None = None) -> Request:
    """A link set up or down, or joined to a bridge (master 0 leaves it)."""
    body = _ifinfo(index, up=up) + (b"" if master is None else _u32(_IFLA_MASTER, master))
    return Request(RTM_NEWLINK, 0, body, f"link {index}")


def listen_up(index: int) -> Request:
    """A link set up, and to take frames whoever they are for."""
    both = IFF_UP | IFF_PROMISC
    return Request(RTM_NEWLINK, 0, _IFINFO.pack(0, 0, index, both, both), f"link {index}")


def move_link(index: int, netns: int, name: str, mac: str) -> Request:
    """A link put into the namespace of a descriptor under another name, down and out of its bridge.

    It keeps its index there unless another link has it.
    """
    body = _ifinfo(index, up=False) + _u32(_IFLA_NET_NS_FD, netns) + _attribute(_IFLA_IFNAME, name.encode() + b"\0")
    body += _attribute(_IFLA_ADDRESS, bytes.fromhex(mac.replace(":", "")))
    return Request(RTM_NEWLINK, 0, body, f"link {index} moved to be {name}")


def get_link(index: int) -> Request:
    """The link asked for, without its statistics; `link_states` reads the answer.

    Since Linux 6.8 a link that has a carrier gets its queue by being asked about.
    """
    return Request(RTM_GETLINK, 0, _ifinfo(index) + _u32(_IFLA_EXT_MASK, _SKIP_STATISTICS), f"link {index}")


def set_queue(index: int, frames: int) -> Request:
    """A link's queue of so many frames: with another length the kernel puts it into operation anew, if it can."""
    return Request(RTM_NEWLINK, 0, _ifinfo(index) + _u32(_IFLA_TXQLEN, frames), f"queue of link {index}")


def delete_link(index: int) -> Request:
    """A link removed, with its peer if it is a veth."""
    return Request(RTM_DELLINK, 0, _ifinfo(index), f"link {index}")


def _address_body(index: int, interface: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> bytes:
    family = 2 if interface.version == 4 else 10
    packed = interface.ip.packed
    body = struct.pack("=BBBBI", family, interface.network.prefixlen, 0, 0, index)
    body += _attribute(_IFA_LOCAL, packed) + _attribute(_IFA_ADDRESS, packed)
    if interface.version == 4 and interface.network.prefixlen < 31:
        body += _attribute(_IFA_BROADCAST, interface.network.broadcast_address.packed)
    return body


def new_address(index: int, interface: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> Request:
    """An address with its prefix on an interface."""
    body = _address_body(index, interface)
    return Request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body, f"address {interface} on {index}")


def delete_address(index: int, interface: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> Request:
    """An address taken off an interface."""
    return Request(RTM_DELADDR, 0, _address_body(index, interface), f"address {interface} on {index}")


def new_default_route(gateway: ipaddress.IPv4Address, index: int | None = None) -> Request:
    """The default route by a gateway (main table, protocol static)."""
    body = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 4, 0, 1, 0) + _attribute(_RTA_GATEWAY, gateway.packed)
    if index is not None:
        body += _u32(_RTA_OIF, index)
    return Request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, body, f"default route via {gateway}")


def device_route(index: int) -> Request:
    """The default route straight onto an interface: Mininet's ``defaultRoute='h1-eth0'``."""
    body = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 4, 253, 1, 0) + _u32(_RTA_OIF, index)
    return Request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, body, f"default route on {index}")


def number_namespace(descriptor: int, nsid: int) -> Request:
    """Have the socket's namespace know another by a number: then it can hear what is told in there."""
    body = bytes(4) + _attribute(_NETNSA_NSID, struct.pack("=i", nsid)) + _u32(_NETNSA_FD, descriptor)
    return Request(RTM_NEWNSID, 0, body, f"number {nsid} for a namespace")


def batch(requests: Sequence[Request], first_seq: int, max_bytes: int = 32_768) -> Iterator[tuple[bytes, int]]:
    """The requests as datagrams of at most `max_bytes`, with the last sequence number of each.

    Only the last message of a datagram asks for an ACK: the kernel works through a datagram in
    order, so its ACK (or error) says that all before it are done; their errors come unasked.
    """
    chunk: list[tuple[Request, int]] = []
    size = 0
    for offset, request in enumerate(requests):
        length = _HEADER_BYTES + len(request.body)
        if chunk and size + length > max_bytes:
            yield _datagram(chunk), chunk[-1][1]
            chunk, size = [], 0
        chunk.append((request, first_seq + offset))
        size += length
    if chunk:
        yield _datagram(chunk), chunk[-1][1]


def _datagram(chunk: list[tuple[Request, int]]) -> bytes:
    last = chunk[-1][1]
    return b"".join(
        netlink.build(request.type, request.flags | (_ASKED if seq == last else NLM_F_REQUEST), seq, request.body)
        for request, seq in chunk
    )


def parse_acks(data: bytes) -> Iterator[tuple[int, int]]:
    """(sequence number, errno or 0) of each ACK or error in a datagram."""
    for kind, _, seq, body in netlink.messages(data):
        if kind == NLMSG_ERROR and len(body) >= 4:
            yield seq, -struct.unpack_from("=i", body)[0]


@dataclass(frozen=True, slots=True)
class LinkState:
    """What a link can do at the moment.

    It `carries` frames when it has a carrier and a queue behind it (operational state "up", RFC 2863): until then the
    kernel drops what is sent.  The state follows the carrier later, and a new link has IFF_RUNNING without either.
    """

    index: int
    is_up: bool
    has_carrier: bool
    carries: bool
    queue_frames: int


def link_states(data: bytes) -> Iterator[LinkState]:
    """Of each link that a datagram tells of."""
    for kind, _, _, body in netlink.messages(data):
        if kind == RTM_NEWLINK and len(body) >= _IFINFO.size:
            index, flags = _IFINFO.unpack_from(body)[2:4]
            told, has_carrier = netlink.attributes(body[_IFINFO.size :]), bool(flags & _IFF_LOWER_UP)
            carries = has_carrier and told.get(_IFLA_OPERSTATE) == _OPERATIONAL
            queue_frames = int.from_bytes(told.get(_IFLA_TXQLEN, b"")[:4], sys.byteorder)
            yield LinkState(index, bool(flags & IFF_UP), has_carrier, carries, queue_frames)


def explain(code: int) -> str:
    """An errno in words: ``File exists (EEXIST)``."""
    return f"{os.strerror(code)} ({errno.errorcode.get(code, code)})"
