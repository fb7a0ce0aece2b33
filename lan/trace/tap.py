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

import contextlib
import heapq
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any

from lan.trace import steering
from lan.trace.capture_file import CaptureFile, Capturing, TapPort
from lan.trace.packet_socket import NO_LIMIT_NS, Ring, Seen, way_key
from lan.trace.pcapng_format import SWITCH
from lan.trace.pcapng_writing import Way

REST_S = 0.005
"""Pause between two looks at busy cables while nobody waits: batches instead of a wake-up a frame."""
BATCH_FRAMES = 256
NICE = -10
"""A tap that gets no processor loses frames, so it goes before the programs that send them."""

Ways = dict[int, Way]
"""`way_key` of an interface and a direction → how the file writes its frames."""


@dataclass(slots=True)
class Wait:
    """A request to be told when there are more than `frames` frames."""

    key: Any
    frames: int
    until_s: float


class Tap:
    """Carries frames from rings to the file, and answers the control socket."""

    def __init__(self, path: str, control: socket.socket, capturing: Capturing | None = None) -> None:
        self.file, self.control = CaptureFile(path, capturing), control
        self.drops = 0
        self._rings: list[tuple[Ring, Ways]] = []
        self._waits: list[Wait] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def add_socket(self, packets: socket.socket, ports: dict[int, TapPort]) -> None:
        """Tap one more namespace; `ports` by ifindex."""
        ring = Ring(packets, self.file.capturing.snaplen_bytes)
        self._rings.append((ring, {}))
        self._selector.register(packets, selectors.EVENT_READ, ring)
        for ifindex, port in ports.items():
            self.add_port(len(self._rings) - 1, ifindex, port)

    def add_port(self, index: int, ifindex: int, port: TapPort) -> None:
        """Know one more interface of the socket at `index`; frames of unknown ones are passed over."""
        _, ways = self._rings[index]
        coming, leaving = self.file.ways(port)
        ways[way_key(ifindex, is_outgoing=False)], ways[way_key(ifindex, is_outgoing=True)] = coming, leaving

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
        taken = 0
        for some, seen in self._batches(until_ns):
            taken += some
            self.file.append(seen)
        return taken

    def _batches(self, until_ns: int) -> Iterator[tuple[int, list[Seen[Way]]]]:
        """(how many frames were taken, those of them that are to be written), piece by piece."""
        if len(self._rings) == 1:
            [(ring, ways)] = self._rings
            yield from _drained(ring, ways, until_ns)
            return
        counts: list[int] = []
        merged = heapq.merge(
            *(_each(_drained(ring, ways, until_ns), counts) for ring, ways in self._rings), key=itemgetter(0)
        )
        while batch := list(islice(merged, BATCH_FRAMES)):
            yield 0, batch
        yield sum(counts), []

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
        if (heard := steering.told(self.control)) is None:
            return False
        message, descriptors = heard
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


def _drained(ring: Ring, ways: Ways, until_ns: int) -> Iterator[tuple[int, list[Seen[Way]]]]:
    """What waits in a ring, piece by piece; ends after one round at the latest."""
    left = ring.slots
    while left > 0:
        taken, seen = ring.drain(ways, min(BATCH_FRAMES, left), until_ns)
        if not taken:
            return
        left -= taken
        yield taken, seen


def _each(batches: Iterator[tuple[int, list[Seen[Way]]]], counts: list[int]) -> Iterator[Seen[Way]]:
    for taken, seen in batches:
        counts.append(taken)
        yield from seen


def main(
    sockets: list[tuple[socket.socket, dict[int, TapPort]]],
    path: str,
    control: socket.socket,
    capturing: Capturing | None = None,
) -> None:
    """Tap these sockets (ports by ifindex) into the file at `path` until `control` ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program in front; the agent ends us
    with contextlib.suppress(OSError):  # not every user may
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    tap = Tap(path, control, capturing)
    for packets, ports in sockets:
        tap.add_socket(packets, ports)
    tap.file.append([])
    tap.run()
