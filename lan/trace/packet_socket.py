"""A packet socket with a ring: what crosses the interfaces of one network namespace.  packet(7).

The kernel writes each frame into a slot of memory shared with us (PACKET_RX_RING, TPACKET_V2), so
that reading costs no system call, and a burst needs no socket buffer, which an ordinary user can't
make large.  Version 2 and not 3: its frames are there at once, not when a block is full or its
timer ran out.  A frame too long for its slot is queued whole on the socket (PACKET_COPY_THRESH).
"""

import errno
import mmap
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

SLOT_BYTES = 2048
"""Room for a frame of the usual MTU behind the slot's header (66 bytes or so)."""
BLOCK_BYTES = 1 << 16
SLOTS_PER_BLOCK = BLOCK_BYTES // SLOT_BYTES
LARGEST_RING_EXPONENT = 12
"""Of two, in blocks: rings have 1, 2, 4 … 4096 blocks (256 MiB)."""
DEFAULT_SLOTS = 4096
"""8 MiB: 25 ms of the fastest TCP stream that a small machine's switch carries."""

ETH_P_ALL = 0x0003
SOL_PACKET = 263
PACKET_RX_RING, PACKET_STATISTICS, PACKET_COPY_THRESH, PACKET_VERSION = 5, 6, 7, 10
TPACKET_V2 = 1
PACKET_OUTGOING = 4
TP_STATUS_USER, TP_STATUS_COPY, TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 1, 2, 16, 64
ETHERTYPE_VLAN = 0x8100
MACS_BYTES = 12
NO_LIMIT_NS = 1 << 63

_SLOT_HEADER = struct.Struct("=IIHxxIIHH4x4xixxB")
"""struct tpacket2_hdr behind its status, and of the sockaddr_ll after it the ifindex and packet type."""
_STATISTICS = struct.Struct("=II")


class Sighting(NamedTuple):
    """One frame at one interface; `length` is that on the cable.  Sorts by time."""

    time_ns: int
    ifindex: int
    is_outgoing: bool
    data: bytes
    length: int


def open_packet_socket(slots: int = DEFAULT_SLOTS) -> socket.socket:
    """A socket that sees every frame of the caller's network namespace from now on.

    At least `slots` frames may wait for the reader, in SLOT_BYTES each; those beyond count as drops.
    Needs CAP_NET_RAW over the namespace; raises OSError.
    """
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    try:
        packets.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
        packets.setsockopt(SOL_PACKET, PACKET_COPY_THRESH, 1)
        blocks = min(1 << LARGEST_RING_EXPONENT, 1 << (-(-slots // SLOTS_PER_BLOCK) - 1).bit_length())
        shape = struct.pack("=IIII", BLOCK_BYTES, blocks, SLOT_BYTES, blocks * SLOTS_PER_BLOCK)
        packets.setsockopt(SOL_PACKET, PACKET_RX_RING, shape)  # forgets what came without a ring
        packets.setblocking(False)
    except OSError:
        packets.close()
        raise
    return packets


class Ring:
    """The reader's side of a socket from `open_packet_socket`, in the process that drains it."""

    def __init__(self, packets: socket.socket) -> None:
        self.packets = packets
        self._memory = _map(packets)
        self._words = memoryview(self._memory).cast("I")
        self.slots = len(self._memory) // SLOT_BYTES
        self._at = 0

    def drain(self, until_ns: int = NO_LIMIT_NS) -> Iterator[Sighting]:
        """The frames that wait, oldest first; each slot is free again once its frame is given.

        Ends at the first slot that the kernel has not filled or has filled after `until_ns`, and
        after one round at the latest.
        """
        memory, words, read_header = self._memory, self._words, _SLOT_HEADER.unpack_from
        for _ in range(self.slots):
            at = self._at
            status = words[at >> 2]
            if not status & TP_STATUS_USER:
                return
            length, captured, start, seconds, ns, tci, tpid, ifindex, kind = read_header(memory, at + 4)
            time_ns = seconds * 1_000_000_000 + ns
            if time_ns > until_ns:
                return
            data = memory[at + start : at + start + captured]
            if status & TP_STATUS_COPY:
                data = self.packets.recv(length)
            if status & TP_STATUS_VLAN_VALID:
                tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else ETHERTYPE_VLAN
                data = data[:MACS_BYTES] + struct.pack("!HH", tpid, tci) + data[MACS_BYTES:]
                length += 4
            words[at >> 2] = 0
            self._at = (at + SLOT_BYTES) % len(memory)
            yield Sighting(time_ns, ifindex, kind == PACKET_OUTGOING, data, length)

    def drops(self) -> int:
        """Frames that found no free slot since the last asking."""
        _, lost = _STATISTICS.unpack(self.packets.getsockopt(SOL_PACKET, PACKET_STATISTICS, _STATISTICS.size))
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
