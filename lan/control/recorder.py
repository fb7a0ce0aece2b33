"""The agent's hold on the tap: which ports it sees, and who waits for frames; and on what kernels tell meanwhile."""

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lan.control import messages
from lan.control.kernel_log import KernelLog
from lan.engine import netns, programs
from lan.engine.fabric import Fabric
from lan.errors import RunError
from lan.topo.spec import Lan, Link, Port
from lan.trace import tap
from lan.trace.capture_file import Capturing, TapPort
from lan.trace.kernel.record import FILE as KERNEL
from lan.trace.packet_socket import open_packet_socket
from lan.trace.pcapng_format import HOST, SWITCH

Answer = Callable[[dict[str, Any]], None]
SWITCHES_RING_BYTES = 32 << 20
"""All cables of all switches share one ring: 100 ms of two cables at the full rate of a small machine."""


class Recorder:
    """Writes every frame of the LAN to `path` by a tap in a process of its own.

    Beside it `kernel` writes what the devices' kernels tell, see `kernel_log.py`.
    """

    def __init__(self, path: Path, capturing: Capturing) -> None:
        self.path, self.capturing = path, capturing
        self.kernel = KernelLog(path.with_name(KERNEL))
        self.control, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._is_gone = False
        self._waiting: dict[int, Answer] = {}
        self._next = 0
        self._sockets = 0
        self._switches: set[str] = set()

    def start(self, fabric: Fabric, links: Iterable[Link], lan: Lan) -> None:
        """Tap all cables; frames are seen from this moment on, and the file is there."""
        self.path.write_bytes(b"")
        links = list(links)
        self.kernel.start(fabric, links)
        self._switches = {device.name for device in lan.switches}
        at_switches: dict[int, TapPort] = {}
        sockets = [(open_packet_socket(self.capturing.snaplen_bytes, ring_bytes=SWITCHES_RING_BYTES), at_switches)]
        for link in links:
            near, far = self._seen_at(link)
            if near.device in self._switches:
                at_switches[fabric.index[near]] = self._port(near, far)
            else:
                with netns.inside(fabric.namespaces[near.device], fabric.home):
                    sockets.append(
                        (open_packet_socket(self.capturing.snaplen_bytes), {fabric.index[near]: self._port(near, far)})
                    )
        path, theirs, capturing = str(self.path), self._theirs, self.capturing
        keep = [sock.fileno() for sock, _ in sockets] + [theirs.fileno()]
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

        def record() -> None:
            tap.main(sockets, path, theirs, capturing)

        programs.call(record, programs.Start([], dict(os.environ), "/", (nothing, 1, 2), keep=keep), "lan-tap")
        os.close(nothing)
        theirs.close()
        for sock, _ in sockets:
            sock.close()
        self._sockets = len(sockets)

    def add(self, fabric: Fabric, links: Iterable[Link]) -> None:
        """Tap cables laid later."""
        links = list(links)
        self.kernel.add(fabric, links)
        for link in links:
            near, far = self._seen_at(link)
            index = 0
            if near.device not in self._switches:
                with netns.inside(fabric.namespaces[near.device], fabric.home):
                    sock = open_packet_socket(self.capturing.snaplen_bytes)
                socket.send_fds(self.control, [json.dumps({"add_socket": True}).encode()], [sock.fileno()])
                sock.close()
                index, self._sockets = self._sockets, self._sockets + 1
            port = self._port(near, far)
            told = {"name": port.name, "peer": port.peer, "hardware": port.hardware}
            self._say({"add_port": {"socket": index, "ifindex": fabric.index[near], **told}})

    def sync(self, answer: Answer) -> None:
        """`answer` comes once all frames seen until now are in the file, and then all that kernels told.

        In this order: of a frame that is in the file, what its device's kernel told is to be there too.
        """
        self._ask({"sync": self._wait(lambda said: self.kernel.sync(lambda: answer(said)))})

    def wait(self, frames: int, timeout_ms: int, answer: Answer) -> None:
        """`answer` comes once there are more than `frames` frames, or late."""
        self._ask({"wait": self._wait(answer), "frames": frames, "timeout_ms": timeout_ms})

    def hear(self) -> bool:
        """Pass one word of the tap to whoever waits for it; False when the tap is gone."""
        try:
            data = self.control.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self._is_gone = True
            self._refuse()
            return False
        said = json.loads(data)
        key = said.pop("sync", said.pop("wait", None))
        if (waiter := self._waiting.pop(key, None)) is not None:
            waiter(said)
        return True

    def close(self) -> None:
        """Have the tap write the rest and end; returns when it has."""
        with contextlib.suppress(ConnectionError):  # it is gone already
            self.control.shutdown(socket.SHUT_WR)
            while self.control.recv(65536):
                pass
        self.kernel.close()

    def _ask(self, message: dict[str, Any]) -> None:
        self._say(message)
        if self._is_gone:
            self._refuse()

    def _refuse(self) -> None:
        waiting, self._waiting = self._waiting, {}
        gone = RunError("the tap is gone: frames are no longer captured", todo="lan down, then up again")
        for answer in waiting.values():
            answer(messages.refusal(gone))

    def _wait(self, answer: Answer) -> int:
        self._next += 1
        self._waiting[self._next] = answer
        return self._next

    def _say(self, message: dict[str, Any]) -> None:
        try:
            self.control.send(json.dumps(message).encode())
        except ConnectionError:
            pass  # `hear` tells everybody who waits

    def _seen_at(self, link: Link) -> tuple[Port, Port]:
        """The end at which a cable is tapped, a switch's where there is one, and the other."""
        return (link.a, link.b) if link.a.device in self._switches or link.b.device not in self._switches else (
            link.b,
            link.a,
        )  # fmt: skip

    def _port(self, near: Port, far: Port) -> TapPort:
        return TapPort(str(near), str(far), SWITCH if near.device in self._switches else HOST)
