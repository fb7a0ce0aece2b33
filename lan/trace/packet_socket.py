"""A packet socket with a ring: what crosses the interfaces of one network namespace.  packet(7).

The kernel writes each frame into a slot of memory shared with us (PACKET_RX_RING, TPACKET_V2), so
that reading costs no system call, and a burst needs no socket buffer, which an ordinary user can't
make large.  Version 2 and not 3: its frames are there at once, not when a block is full or its
timer ran out.  In 8 MiB wait 4096 frames of 1514 bytes, 4500 in version 3's blocks; of small frames
those hold four times as many, which is why the switches' ring is larger.  A frame too long for its
slot is queued whole on the socket (PACKET_COPY_THRESH).

Where only the first bytes of each frame are wanted (`snaplen_bytes`), a filter of one instruction has
the kernel copy no more, and slots are as small: the same memory holds eight times as many frames.
"""

import ctypes
import errno
import mmap
import socket
import struct
from collections.abc import Mapping
from typing import TypeVar

LONGEST_SLOT_BYTES = 2048
"""Room for a frame of the usual MTU behind the slot's header."""
SLOT_HEADER_BYTES = 96
"""What a slot holds before the frame: 66 bytes, and some for kernels that want more."""
BLOCK_BYTES = 1 << 16
LARGEST_RING_EXPONENT = 12
"""Of two, in blocks: rings have 1, 2, 4 … 4096 blocks (256 MiB)."""
DEFAULT_RING_BYTES = 8 << 20
"""25 ms of the fastest TCP stream that a small machine's switch carries."""
ENTIRE_BYTES = 262_144
"""Snaplen of one that wants frames whole: no frame is longer."""

ETH_P_ALL = 0x0003
SOL_PACKET = 263
PACKET_RX_RING, PACKET_STATISTICS, PACKET_COPY_THRESH, PACKET_VERSION = 5, 6, 7, 10
TPACKET_V2 = 1
PACKET_OUTGOING = 4
TP_STATUS_USER, TP_STATUS_COPY, TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 1, 2, 16, 64
TP_STATUS_UNUSUAL = TP_STATUS_COPY | TP_STATUS_VLAN_VALID
ETHERTYPE_VLAN = 0x8100
MACS_BYTES = 12
SO_ATTACH_FILTER, BPF_RETURN_CONSTANT = 26, 0x06
NO_LIMIT_NS = 1 << 63

_SLOT_HEADER = struct.Struct("=IIHxxIIHH4x4xixxB")
"""struct tpacket2_hdr behind its status, and of the sockaddr_ll after it the ifindex and packet type."""
_HEADER_UNPACK = _SLOT_HEADER.unpack_from
_STATISTICS = struct.Struct("=II")


W = TypeVar("W")
Seen = tuple[int, W, bytes, int]
"""One frame: when (ns since 1970), what the caller calls its port and way, its bytes, its length on the cable."""


def slot_bytes(snaplen_bytes: int) -> int:
    """The size of a ring's slots: a power of two, at most `LONGEST_SLOT_BYTES`."""
    return min(1 << (SLOT_HEADER_BYTES + snaplen_bytes - 1).bit_length(), LONGEST_SLOT_BYTES)


def way_key(ifindex: int, *, is_outgoing: bool) -> int:
    """The key of `Ring.drain`'s `ways` for what leaves, or comes in at, an interface."""
    return ifindex << 1 | is_outgoing


def open_packet_socket(
    snaplen_bytes: int = ENTIRE_BYTES, *, ring_bytes: int = DEFAULT_RING_BYTES, interface: str = ""
) -> socket.socket:
    """A socket that sees every frame of the caller's network namespace from now on, or of one interface.

    Frames wait for the reader in a ring of at least `ring_bytes`, each in a slot of `slot_bytes`; those that find
    none free count as drops.  Needs CAP_NET_RAW over the namespace; raises OSError.
    """
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL) if not interface else 0)
    try:
        packets.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
        packets.setsockopt(SOL_PACKET, PACKET_COPY_THRESH, 1)
        if snaplen_bytes < ENTIRE_BYTES:
            _cut(packets, snaplen_bytes)
        blocks = min(1 << LARGEST_RING_EXPONENT, 1 << (-(-ring_bytes // BLOCK_BYTES) - 1).bit_length())
        size = slot_bytes(snaplen_bytes)
        shape = struct.pack("=IIII", BLOCK_BYTES, blocks, size, blocks * (BLOCK_BYTES // size))
        packets.setsockopt(SOL_PACKET, PACKET_RX_RING, shape)  # forgets what came without a ring
        packets.setblocking(False)
        if interface:
            packets.bind((interface, ETH_P_ALL))
    except OSError:
        packets.close()
        raise
    return packets


def _cut(packets: socket.socket, snaplen_bytes: int) -> None:
    """Have the kernel take the first bytes of each frame alone: a filter that returns how many.  socket(7)."""
    code = ctypes.create_string_buffer(struct.pack("=HBBI", BPF_RETURN_CONSTANT, 0, 0, snaplen_bytes))
    packets.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(code)))


class Ring:
    """The reader's side of a socket from `open_packet_socket`, in the process that drains it."""

    def __init__(self, packets: socket.socket, snaplen_bytes: int = ENTIRE_BYTES) -> None:
        self.packets, self.snaplen_bytes = packets, snaplen_bytes
        self._memory = _map(packets)
        self._words = memoryview(self._memory).cast("I")
        self._slot = slot_bytes(snaplen_bytes)
        self.slots = len(self._memory) // self._slot
        self._at = 0

    def drain(self, ways: Mapping[int, W], most: int, until_ns: int = NO_LIMIT_NS) -> tuple[int, list[Seen[W]]]:
        """(how many frames were taken, those of them that `ways` knows), oldest first; their slots are free again.

        Takes no more than `most`, and none that the kernel filled in after `until_ns`.
        """
        memory, words, read_header, size, end = self._memory, self._words, _HEADER_UNPACK, self._slot, len(self._memory)
        found: list[Seen[W]] = []
        add, way_of, at, taken = found.append, ways.get, self._at, 0
        while taken < most:
            status = words[at >> 2]
            if not status & TP_STATUS_USER:
                break
            length, captured, start, seconds, ns, tci, tpid, ifindex, kind = read_header(memory, at + 4)
            time_ns = seconds * 1_000_000_000 + ns
            if time_ns > until_ns:
                break
            taken += 1
            way = way_of(ifindex << 1 | (kind == PACKET_OUTGOING))
            if status & TP_STATUS_UNUSUAL:
                data, length = self._unusual(status, at + start, captured, length, tci, tpid)
            elif way is not None:
                data = memory[at + start : at + start + captured]
            words[at >> 2] = 0
            at += size
            if at == end:
                at = 0
            if way is not None:
                add((time_ns, way, data, length))
        self._at = at
        return taken, found

    def _unusual(self, status: int, start: int, captured: int, length: int, tci: int, tpid: int) -> tuple[bytes, int]:
        """A frame that was too long for its slot, or whose VLAN tag the kernel took out: (bytes, length)."""
        data = self._memory[start : start + captured]
        if status & TP_STATUS_COPY:
            data = self.packets.recv(min(length, self.snaplen_bytes))
        if status & TP_STATUS_VLAN_VALID:
            tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else ETHERTYPE_VLAN
            data = (data[:MACS_BYTES] + struct.pack("!HH", tpid, tci) + data[MACS_BYTES:])[: self.snaplen_bytes]
            length += 4
        return data, length

    def drops(self) -> int:
        """Frames lost for want of room since this was last asked."""
        statistics = self.packets.getsockopt(SOL_PACKET, PACKET_STATISTICS, _STATISTICS.size)
        _, lost = _STATISTICS.unpack(statistics)
        return int(lost)

    def close(self) -> None:
        self._words.release()
        self._memory.close()
        self.packets.close()


def _map(packets: socket.socket) -> mmap.mmap:
    """The ring's memory.  The kernel takes the ring's very length and doesn't tell it: try each that there can be."""
    for exponent in range(LARGEST_RING_EXPONENT + 1):
        try:
            return mmap.mmap(packets.fileno(), BLOCK_BYTES << exponent)
        except OSError as fault:
            if fault.errno != errno.EINVAL or exponent == LARGEST_RING_EXPONENT:
                raise
    raise AssertionError("the last try returns or raises")
