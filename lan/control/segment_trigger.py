"""Sockets that wake their reader for the segments at which connections open, end or are refused, and for no others.

A filter of the kernel's (BPF, socket(7), linux/filter.h) lets TCP segments with SYN, FIN or RST pass, and ICMP's
"destination unreachable", ICMPv6's too; all else costs its few instructions.  Plain Ethernet alone: not in VLANs, nor
behind extension headers of IPv6.
"""

import ctypes
import socket
import struct

ETH_P_ALL = 3
SO_ATTACH_FILTER = 26
OPENING_OR_ENDING = 0x07
"""FIN, SYN and RST (RFC 9293 §3.1)."""
UNREACHABLE, UNREACHABLE_6 = 3, 1
SEEN_BYTES = 64
WAITING_BYTES = 1 << 16
"""Of a flood what finds no room is dropped: those that wait say enough."""

_LOAD_HALF, _LOAD_BYTE, _LOAD_BYTE_X, _HEADER_LENGTH = 0x28, 0x30, 0x50, 0xB1
_IF_EQUAL, _IF_ANY, _RETURN = 0x15, 0x45, 0x06
_PASS, _DROP = "pass", "drop"
_PROGRAM: tuple[tuple[str, int, int, str, str], ...] = (
    ("", _LOAD_HALF, 12, "", ""),  # the type of the Ethernet frame
    ("", _IF_EQUAL, 0x86DD, "ipv6", "ipv4?"),
    ("ipv4?", _IF_EQUAL, 0x0800, "ipv4", _DROP),
    ("ipv4", _LOAD_HALF, 20, "", ""),  # flags and offset: of a fragment only the first has a TCP header
    ("", _IF_ANY, 0x1FFF, _DROP, "first"),
    ("first", _HEADER_LENGTH, 14, "", ""),
    ("", _LOAD_BYTE, 23, "", ""),  # the protocol
    ("", _IF_EQUAL, socket.IPPROTO_TCP, "tcp", "icmp?"),
    ("icmp?", _IF_EQUAL, socket.IPPROTO_ICMP, "icmp", _DROP),
    ("icmp", _LOAD_BYTE_X, 14, "", ""),
    ("", _IF_EQUAL, UNREACHABLE, _PASS, _DROP),
    ("tcp", _LOAD_BYTE_X, 14 + 13, "", ""),
    ("", _IF_ANY, OPENING_OR_ENDING, _PASS, _DROP),
    ("ipv6", _LOAD_BYTE, 20, "", ""),
    ("", _IF_EQUAL, socket.IPPROTO_TCP, "tcp6", "icmp6?"),
    ("icmp6?", _IF_EQUAL, socket.IPPROTO_ICMPV6, "icmp6", _DROP),
    ("icmp6", _LOAD_BYTE, 54, "", ""),
    ("", _IF_EQUAL, UNREACHABLE_6, _PASS, _DROP),
    ("tcp6", _LOAD_BYTE, 54 + 13, "", ""),
    ("", _IF_ANY, OPENING_OR_ENDING, _PASS, _DROP),
    (_PASS, _RETURN, SEEN_BYTES, "", ""),
    (_DROP, _RETURN, 0, "", ""),
)
"""(label, code, operand, where to if so, where to if not)."""


def open_trigger() -> socket.socket:
    """A socket of the caller's network namespace that such frames come in at, on every interface.

    Needs CAP_NET_RAW over the namespace; raises OSError.
    """
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0)
    try:
        program = ctypes.create_string_buffer(filter_program())
        shape = struct.pack("HP", len(_PROGRAM), ctypes.addressof(program))
        found.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, shape)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WAITING_BYTES)
        _listen(found)
    except OSError:
        found.close()
        raise
    return found


def filter_program() -> bytes:
    """The filter as the kernel takes it: struct sock_filter, an instruction each."""
    places = {label: at for at, (label, *_) in enumerate(_PROGRAM) if label}
    return b"".join(
        struct.pack("=HBBI", code, *(places[to] - at - 1 if to else 0 for to in (yes, no)), operand)
        for at, (_, code, operand, yes, no) in enumerate(_PROGRAM)
    )


def _listen(packets: socket.socket) -> None:
    """Bind to every interface, which Python's `bind` can't say: struct sockaddr_ll with index 0 (packet(7))."""
    address = struct.pack("=HHi12x", socket.AF_PACKET, socket.htons(ETH_P_ALL), 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(packets.fileno(), address, len(address)):
        code = ctypes.get_errno()
        raise OSError(code, "bind to every interface")
