"""One interface of a device, captured while somebody looks.

Where the LAN's tap sees cables at their switch's end, this sees what the device itself sends and gets: what is
lost on the cable is still there, and on its loopback what its own programs say to each other.  What comes out
are pieces of a pcapng file; how many frames found no room stands at its end (an interface statistics block).
"""

import socket
import time

from lan.trace.frame import Direction
from lan.trace.packet_socket import Ring, way_key
from lan.trace.pcapng_format import HOST
from lan.trace.pcapng_writing import Way, Writer

LOOPBACK = "lo"
BATCH_FRAMES = 256


class PortTap:
    """Takes frames from a socket of `open_packet_socket(interface=…)`, whose interface has number `ifindex`."""

    def __init__(self, packets: socket.socket, ifindex: int, name: str, *, is_loopback: bool = False) -> None:
        self.packets, self.drops = packets, 0
        self._ring, self._writer = Ring(packets), Writer()
        self._number, block = self._writer.interface(name, "", hardware=HOST)
        self._head = self._writer.start() + block
        coming, leaving = way_key(ifindex, is_outgoing=False), way_key(ifindex, is_outgoing=True)
        if is_loopback:  # a frame leaves and comes in there, and is one
            self._ways: dict[int, Way] = {coming: self._writer.way(self._number, Direction.UNKNOWN)}
        else:
            self._ways = {
                coming: self._writer.way(self._number, Direction.IN),
                leaving: self._writer.way(self._number, Direction.OUT),
            }

    def take(self) -> bytes:
        """What waits, at most as much as the ring holds; the first piece has the file's head."""
        pieces, left, self._head = [self._head], self._ring.slots, b""
        while left > 0:
            taken, seen = self._ring.drain(self._ways, min(BATCH_FRAMES, left))
            if not taken:
                break
            left -= taken
            pieces.append(self._writer.packets(seen))
        return b"".join(pieces)

    def end(self) -> bytes:
        """The rest, and how many were lost (`drops`)."""
        rest = self.take()
        self.drops = self._ring.drops()
        self._ring.close()
        return rest + self._writer.statistics(self._number, time.time_ns(), self.drops)
