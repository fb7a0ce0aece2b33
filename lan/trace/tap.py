"""The tap: a process that writes every frame of a LAN into one pcapng file.

It owns packet sockets (see `packet_socket.py`) at the switches' ends of the cables; a frame that
leaves such a port is "out" of the switch, any other came "in".  A cable without a switch is tapped
by a socket in one end's namespace, and then that end is the device meant.

It is steered over a SOCK_SEQPACKET socket by JSON messages, one object each:

    {"add_port": {"socket": 0, "ifindex": 7, "name": "s1:eth1", "peer": "pc1:eth0", "hardware": "switch"}}
    {"add_socket": true} with the socket as ancillary data: the next index
    {"sync": id}      → {"sync": id, "frames": n, "drops": d}   all that was seen before it is in the file
    {"wait": id, "frames": n, "timeout_ms": t} → {"wait": id, …} once more than n frames are there, or late
    {"stats": id}     → {"stats": id, …}

`frames` are those in the file, `drops` those that were seen and are not: the ring was full, or the
disk (then "error" says so).  At the end of the control socket the tap writes the rest and returns.
"""

import heapq
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from typing import Any

from lan.trace.frame import Direction
from lan.trace.packet_socket import NO_LIMIT_NS, Ring, Sighting
from lan.trace.pcapng import SWITCH, Writer

REST_S = 0.005
"""Pause between two looks at busy cables while nobody waits: batches instead of a wake-up a frame."""
BATCH_FRAMES = 256
MESSAGE_BYTES = 65536

Ways = dict[tuple[int, bool], tuple[int, Direction]]
"""(ifindex, is outgoing) → (interface in the file, direction)."""


@dataclass(frozen=True, slots=True)
class TapPort:
    """A port as the file names it: ``s1:eth1`` whose cable ends at ``pc1:eth0``.

    `hardware` is ``switch``, or ``host`` for a cable without a switch.
    """

    name: str
    peer: str
    hardware: str = SWITCH


class CaptureFile:
    """A pcapng file that grows by whole blocks, or not at all."""

    def __init__(self, path: str) -> None:
        self.writer = Writer()
        self.frames, self.lost, self.error = 0, 0, ""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self._end = 0
        self._owed = [self.writer.start()]
        self.append([])

    def interface(self, port: TapPort) -> int:
        """The id of the port's interface, described in the file before its first frame."""
        number, block = self.writer.interface(port.name, port.peer, hardware=port.hardware)
        if block:
            self._owed.append(block)
        return number

    def append(self, packets: list[bytes]) -> None:
        """Write packet blocks; where the disk refuses, they are lost and counted, the file stays whole."""
        owed = b"".join(self._owed)
        try:
            self._write(owed)
            self._owed.clear()
            self._write(b"".join(packets))
        except OSError as fault:
            self.error, self.lost = str(fault), self.lost + len(packets)
            return
        self.frames += len(packets)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        written = 0
        try:
            while written < len(data):
                written += os.pwrite(self._file, view[written:], self._end + written)
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._end += written

    def close(self) -> None:
        os.close(self._file)


@dataclass(slots=True)
class Wait:
    """A request to be told when there are more than `frames` frames."""

    key: Any
    frames: int
    until_s: float


class Tap:
    """Carries frames from rings to the file, and answers the control socket."""

    def __init__(self, path: str, control: socket.socket) -> None:
        self.file, self.control = CaptureFile(path), control
        self.drops = 0
        self._rings: list[tuple[Ring, Ways]] = []
        self._waits: list[Wait] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def add_socket(self, packets: socket.socket, ports: dict[int, TapPort]) -> None:
        """Tap one more namespace; `ports` by ifindex."""
        ring = Ring(packets)
        self._rings.append((ring, {}))
        self._selector.register(packets, selectors.EVENT_READ, ring)
        for ifindex, port in ports.items():
            self.add_port(len(self._rings) - 1, ifindex, port)

    def add_port(self, index: int, ifindex: int, port: TapPort) -> None:
        """Know one more interface of the socket at `index`; frames of unknown ones are passed over."""
        number = self.file.interface(port)
        _, ways = self._rings[index]
        ways[ifindex, False], ways[ifindex, True] = (number, Direction.IN), (number, Direction.OUT)

    def run(self) -> None:
        """Until the control socket ends."""
        while True:
            is_asked, are_frames = self._look(self._patience_s())
            if is_asked and not self._answer():
                break
            if are_frames:
                self.collect()
            self._end_waits()
            if are_frames and not self._waits and not is_asked:
                self._rest()
        self.collect_all()
        self.file.close()

    def collect(self) -> None:
        """Move what was seen before this call into the file, by time, whichever socket saw it.

        What comes meanwhile waits for the next call; else two sockets' frames could pass each other.
        """
        if self._write(time.time_ns()) == 0:  # the clock was set back; don't wait for it to catch up
            self._write(NO_LIMIT_NS)

    def collect_all(self) -> None:
        """Move everything that was seen before this call into the file, whatever its time says."""
        self._write(time.time_ns())
        self._write(NO_LIMIT_NS)

    def _write(self, until_ns: int) -> int:
        """Write what waits up to a moment, in pieces that stay in the processor's cache; how many there were."""
        packet, taken, blocks = self.file.writer.packet, 0, []
        for seen, ways in self._seen(until_ns):
            taken += 1
            if (way := ways.get((seen.ifindex, seen.is_outgoing))) is not None:
                number, direction = way
                blocks.append(packet(number, seen.time_ns, direction, seen.data, length=seen.length))
            if len(blocks) == BATCH_FRAMES:
                self.file.append(blocks)
                blocks.clear()
        self.file.append(blocks)
        return taken

    def _seen(self, until_ns: int) -> Iterator[tuple[Sighting, Ways]]:
        """All rings' frames in the order of time, each with its socket's ports."""
        waiting = [zip(ring.drain(until_ns), repeat(ways)) for ring, ways in self._rings]
        return iter(waiting[0]) if len(waiting) == 1 else heapq.merge(*waiting, key=itemgetter(0))

    def _look(self, patience_s: float | None) -> tuple[bool, bool]:
        """Wait for something: (the control socket spoke, a cable carried frames)."""
        found = [key.data for key, _ in self._selector.select(patience_s)]
        return None in found, any(ring is not None for ring in found)

    def _rest(self) -> None:
        """Let frames gather, unless the control socket has something to say."""
        with selectors.SelectSelector() as only_control:
            only_control.register(self.control, selectors.EVENT_READ)
            only_control.select(REST_S)

    def _patience_s(self) -> float | None:
        if not self._waits:
            return None
        return max(0.0, min(wait.until_s for wait in self._waits) - time.monotonic())

    def _answer(self) -> bool:
        """Serve one message; False at the end of the control socket."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.control, MESSAGE_BYTES, 1)
        except ConnectionError:
            return False
        if not data:
            return False
        message = json.loads(data)
        for verb, serve in VERBS.items():
            if verb in message:
                serve(self, message, descriptors)
        return True

    def _on_add_port(self, message: dict[str, Any], descriptors: list[int]) -> None:
        port = message["add_port"]
        named = TapPort(port["name"], port["peer"], port.get("hardware", SWITCH))
        self.add_port(port["socket"], port["ifindex"], named)

    def _on_add_socket(self, message: dict[str, Any], descriptors: list[int]) -> None:
        self.add_socket(socket.socket(fileno=descriptors[0]), {})

    def _on_sync(self, message: dict[str, Any], descriptors: list[int]) -> None:
        self.collect_all()
        self._reply("sync", message["sync"])

    def _on_wait(self, message: dict[str, Any], descriptors: list[int]) -> None:
        until_s = time.monotonic() + message["timeout_ms"] / 1000
        self._waits.append(Wait(message["wait"], message["frames"], until_s))
        self.collect()

    def _on_stats(self, message: dict[str, Any], descriptors: list[int]) -> None:
        self._reply("stats", message["stats"])

    def _end_waits(self) -> None:
        now_s = time.monotonic()
        over = [wait for wait in self._waits if self.file.frames > wait.frames or wait.until_s <= now_s]
        self._waits = [wait for wait in self._waits if wait not in over]
        for wait in over:
            self._reply("wait", wait.key)

    def _reply(self, verb: str, key: Any) -> None:
        self.drops += sum(ring.drops() for ring, _ in self._rings)
        answer = {verb: key, "frames": self.file.frames, "drops": self.drops + self.file.lost}
        if self.file.error:
            answer["error"] = self.file.error
        try:
            self.control.send(json.dumps(answer).encode())
        except ConnectionError:  # whoever asked is gone; the next read of the socket ends the tap
            pass


VERBS = {
    "add_port": Tap._on_add_port,
    "add_socket": Tap._on_add_socket,
    "sync": Tap._on_sync,
    "wait": Tap._on_wait,
    "stats": Tap._on_stats,
}


def main(sockets: list[tuple[socket.socket, dict[int, TapPort]]], path: str, control: socket.socket) -> None:
    """Tap these sockets (ports by ifindex) into the file at `path` until `control` ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program in front; the agent ends us
    tap = Tap(path, control)
    for packets, ports in sockets:
        tap.add_socket(packets, ports)
    tap.file.append([])
    tap.run()
