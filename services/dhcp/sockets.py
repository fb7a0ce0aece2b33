"""The sockets of both DHCP shells, each bound to one interface, and the frames that go by the raw one."""

import ctypes
import errno
import fcntl
import socket
import struct
from ipaddress import IPv4Address

from lan.errors import LanError, MachineError, UsageError, nearest
from lan.wire import ethernet, ipv4, udp
from lan.wire.addresses import mac_text
from lan.wire.malformed import Malformed
from lan.wire.ports import BOOTP_SERVER

_SO_ATTACH_FILTER, _SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 26, 0x8913, 0x8914, 1


def open_udp(interface: str, port: int) -> socket.socket:
    """A UDP socket on all addresses of one interface, allowed to broadcast.  Raises UsageError, MachineError."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        sock.bind(("", port))
    except OSError as fault:
        sock.close()
        raise _refused(interface, f"UDP port {port}", fault) from fault
    return sock


def open_packet(interface: str, ethertype: int) -> socket.socket:
    """A raw socket on one interface; receives frames of `ethertype`, none where it is 0.

    Raises UsageError, MachineError.
    """
    try:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0)
    except OSError as fault:
        raise _refused(interface, "a raw socket", fault) from fault
    try:
        sock.bind((interface, ethertype))
    except OSError as fault:
        sock.close()
        raise _refused(interface, "a raw socket", fault) from fault
    return sock


def keep_only_udp_to(sock: socket.socket, port: int) -> None:
    """Have the kernel drop all that is not a whole IPv4 UDP datagram to `port`.  linux/filter.h."""
    _filter(sock, [
        (0x28, 0, 0, 12), (0x15, 0, 8, ethernet.IPV4),          # ldh ethertype; jeq
        (0x30, 0, 0, 23), (0x15, 0, 6, ipv4.UDP),               # ldb protocol; jeq
        (0x28, 0, 0, 20), (0x45, 4, 0, 0x1FFF),                 # ldh fragment offset; jset
        (0xB1, 0, 0, 14), (0x48, 0, 0, 16),                     # ldxb IP header length; ldh destination port
        (0x15, 0, 1, port), (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0),
    ])


def keep_nothing(sock: socket.socket) -> None:
    """Have the kernel drop all that comes: the socket is there to send, and to occupy its port."""
    _filter(sock, [(0x06, 0, 0, 0)])


def _filter(sock: socket.socket, program: list[tuple[int, int, int, int]]) -> None:
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = (ctypes.c_char * len(code)).from_buffer_copy(code)
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(buffer)))


def mac_of(sock: socket.socket) -> str:
    """The MAC address of a raw socket's interface."""
    return mac_text(sock.getsockname()[4])


def set_up(interface: str) -> None:
    """Set the interface up if it is down.  Raises UsageError, MachineError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        request = struct.pack("16sH14x", interface.encode()[:15], 0)
        try:
            (flags,) = struct.unpack_from("H", fcntl.ioctl(sock, _SIOCGIFFLAGS, request), 16)
            if not flags & _IFF_UP:
                request = struct.pack("16sH14x", interface.encode()[:15], flags | _IFF_UP)
                fcntl.ioctl(sock, _SIOCSIFFLAGS, request)
        except OSError as fault:
            raise _refused(interface, "setting it up", fault) from fault


def own_address(interface: str, target: IPv4Address) -> IPv4Address | None:
    """The address that the kernel sends from towards `target` by that interface; None without one."""
    with open_udp(interface, 0) as sock:
        try:
            sock.connect((str(target), BOOTP_SERVER))
        except OSError:
            return None
        return IPv4Address(sock.getsockname()[0])


def udp_frame(
    macs: tuple[str, str],
    addresses: tuple[IPv4Address, IPv4Address],
    ports: tuple[int, int],
    payload: bytes,
) -> bytes:
    """A frame with a UDP datagram; each pair is (source, destination)."""
    segment = udp.build(*addresses, *ports, payload)
    return ethernet.build(macs[1], macs[0], ethernet.IPV4, ipv4.build(*addresses, ipv4.UDP, segment))


def udp_payload(frame: bytes, port: int) -> tuple[str, bytes] | None:
    """(source MAC, payload) of a frame that carries a sound UDP datagram to `port`, else None.

    A checksum that the sender left to its card is no fault: on a veth nobody fills it in.
    """
    try:
        outer = ethernet.read(frame)
        header = ipv4.read(frame, ethernet.HEADER_BYTES, len(frame))
        start = ethernet.HEADER_BYTES + header.header_length
        end = ethernet.HEADER_BYTES + header.total_length
        if outer.ethertype != ethernet.IPV4 or header.problems or header.protocol != ipv4.UDP or header.is_fragment():
            return None
        datagram = udp.read(frame, start, end, frame[26:34])
    except Malformed:
        return None
    if datagram.problems or datagram.dst_port != port:
        return None
    return outer.src, frame[start + udp.HEADER_BYTES : start + datagram.length]


def _refused(interface: str, what: str, fault: OSError) -> LanError:
    if fault.errno in (errno.ENODEV, errno.ENXIO):
        names = [name for _, name in socket.if_nameindex()]
        near = nearest(interface, names)
        return UsageError(f"there is no interface {interface!r}", expected=f"one of {', '.join(names)}",
                          todo=f"--interface {near}" if near else None)
    if fault.errno in (errno.EPERM, errno.EACCES):
        return MachineError(f"{what} is not allowed: {fault.strerror}", where=interface,
                            todo="run it on a device of a LAN, or with sudo")
    todo = "stop the other DHCP program on this machine" if fault.errno == errno.EADDRINUSE else None
    return MachineError(f"{what}: {fault.strerror}", where=interface, todo=todo)
