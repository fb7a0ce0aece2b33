"""The packet socket that hears what comes in at every end of every cable.  packet(7).

One socket for all interfaces of the namespace, with a ring of memory that the kernel fills
(PACKET_RX_RING, TPACKET_V2): taking a frame costs no system call, the frame was copied on its sender's
time, its arrival is the kernel's, and a moment's pause of ours loses nothing.
"""

import mmap
import socket
import struct
from collections.abc import Callable

SLOT_BYTES = 2048
"""Room for a frame of the usual MTU behind the slot's header (66 bytes or so)."""
BLOCK_BYTES = 1 << 16
SLOTS_PER_BLOCK = BLOCK_BYTES // SLOT_BYTES
DEFAULT_SLOTS = 8192
"""16 MiB: 100 ms of full frames at 1 Gbit/s."""

SOL_PACKET, ETH_P_ALL = 263, 0x0003
PACKET_RX_RING, PACKET_STATISTICS, PACKET_COPY_THRESH, PACKET_VERSION, PACKET_IGNORE_OUTGOING = 5, 6, 7, 10, 23
TPACKET_V2 = 1
PACKET_OUTGOING = 4
TP_STATUS_USER, TP_STATUS_COPY, TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 1, 2, 16, 64
ETHERTYPE_VLAN, MACS_BYTES = 0x8100, 12

_HEADER = struct.Struct("=IIHxxIIHH4x4xixxB")
"""struct tpacket2_hdr behind its status, and of the sockaddr_ll after it the ifindex and packet type."""
_STATISTICS = struct.Struct("=II")

Take = Callable[[int, int, bytes], None]
"""Called with a frame's interface index, arrival in ns of CLOCK_REALTIME, and bytes."""


class Ring:
    """Frames in; a frame longer than its slot comes by the socket's queue (PACKET_COPY_THRESH)."""

    def __init__(self, slots: int = DEFAULT_SLOTS) -> None:
        """Needs CAP_NET_RAW over the namespace; raises OSError."""
        blocks = -(-slots // SLOTS_PER_BLOCK)
        self.slots = blocks * SLOTS_PER_BLOCK
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        try:
            self.socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
            self.socket.setsockopt(SOL_PACKET, PACKET_COPY_THRESH, 1)
            self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            shape = struct.pack("=IIII", BLOCK_BYTES, blocks, SLOT_BYTES, self.slots)
            self.socket.setsockopt(SOL_PACKET, PACKET_RX_RING, shape)  # forgets what came without a ring
            self.socket.setblocking(False)
            self._memory = mmap.mmap(self.socket.fileno(), BLOCK_BYTES * blocks)
        except OSError:
            self.socket.close()
            raise
        self._words = memoryview(self._memory).cast("I")
        self._at = 0

    def fileno(self) -> int:
        """For select."""
        return self.socket.fileno()

    def drain(self, limit: int, take: Take) -> int:
        """Give at most `limit` of the frames that wait, oldest first; how many there were."""
        memory, words, read_header, size = self._memory, self._words, _HEADER.unpack_from, len(self._memory)
        at = self._at
        for given in range(limit):
            status = words[at >> 2]
            if not status & TP_STATUS_USER:
                self._at = at
                return given
            length, captured, start, seconds, ns, tci, tpid, ifindex, kind = read_header(memory, at + 4)
            frame = memory[at + start : at + start + captured]
            if status & (TP_STATUS_COPY | TP_STATUS_VLAN_VALID):
                frame = self._whole(status, frame, length, tci, tpid)
            words[at >> 2] = 0
            at += SLOT_BYTES
            if at == size:
                at = 0
            if kind != PACKET_OUTGOING:
                take(ifindex, seconds * 1_000_000_000 + ns, frame)
        self._at = at
        return limit

    def _whole(self, status: int, frame: bytes, length: int, tci: int, tpid: int) -> bytes:
        """A frame that did not fit, and one whose VLAN tag the kernel holds beside it."""
        if status & TP_STATUS_COPY:
            frame = self.socket.recv(length)
        if status & TP_STATUS_VLAN_VALID:
            tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else ETHERTYPE_VLAN
            frame = frame[:MACS_BYTES] + struct.pack("!HH", tpid, tci) + frame[MACS_BYTES:]
        return frame

    def drops(self) -> int:
        """Frames that found no free slot since the last asking."""
        _, lost = _STATISTICS.unpack(self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, _STATISTICS.size))
        return int(lost)

    def close(self) -> None:
        """Stop hearing."""
        self._words.release()
        self._memory.close()
        self.socket.close()
