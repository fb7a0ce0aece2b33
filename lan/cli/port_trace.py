"""lan trace --port pc1:eth0 and --loopback pc1: one interface of a device, from now on until Ctrl-C.

The LAN's own capture is not touched: what a port sees comes by a tap of its own, on the device.
"""

import contextlib
import json
import os
import select
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from lan.cli.screen import Screen
from lan.cli.source import Source
from lan.control import client, joining
from lan.control.client import RunningDevice, RunningLan
from lan.errors import RunError, UsageError, nearest
from lan.reasons import Sentence
from lan.scenario.recording import device_map
from lan.trace.notes import of_drops
from lan.trace.packet_socket import open_packet_socket
from lan.trace.pcapng import Reader
from lan.trace.port_tap import LOOPBACK, PortTap
from lan.trace.recorded import Rolling
from lan.trace.timeline import Timeline

ANSWER_BYTES = 4096


class PortSource(Source):
    """Frames of one interface as they come; with `target`, they are written there instead."""

    def __init__(self, lan: RunningLan, device: str, interface: str, target: Path | None) -> None:
        name = f"{device}:{interface.removeprefix(device + '-')}"
        self._rolling = Rolling(Timeline(device_map(lan.spec), ()))
        super().__init__(self._rolling, name, lan.state, None)
        self.running, self.is_gone = lan, False
        packets, ifindex = _socket_of(lan.device(device), interface)
        self._tap = PortTap(packets, ifindex, name, is_loopback=interface == LOOPBACK)
        self._reader, self._file = Reader(), _opened(target) if target is not None else None

    @property
    def frames(self) -> int:
        """How many have come."""
        return self._reader.frames

    @property
    def drops(self) -> int:
        """Frames for which there was no room; known at the end."""
        return self._tap.drops

    def wait_for_more(self, until: int | None = None) -> bool:
        """Wait for the next frames; False once the LAN has gone, and left its port behind, or `until` can be read."""
        waited: list[socket.socket | RunningLan | int] = [self._tap.packets, self.running]
        waited += [until] if until is not None else []
        ready, _, _ = select.select(waited, [], [])
        self._take(self._tap.take())
        self.is_gone = self.running in ready
        return not self.is_gone and until not in ready

    def end(self) -> None:
        """Take in the rest."""
        self._take(self._tap.end())
        if self._file is not None:
            self._file.close()

    def _take(self, piece: bytes) -> None:
        frames = self._reader.feed(piece)
        if self._file is None:
            self._rolling.feed(frames)
        else:
            self._file.write(piece)


def _opened(target: Path) -> BinaryIO:
    try:
        return target.open("wb")
    except OSError as error:
        raise UsageError(f"--pcap {target}: {error.strerror}") from error


def _socket_of(device: RunningDevice, interface: str) -> tuple[socket.socket, int]:
    """A packet socket at an interface of a device, and the interface's number there: a child goes and opens it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with device.join() as descriptors, ours, theirs:
        child = os.fork()
        if child == 0:
            try:
                joining.enter(descriptors, None)
                packets = open_packet_socket(interface=interface)
                told = json.dumps({"ifindex": socket.if_nametoindex(interface)})
                socket.send_fds(theirs, [told.encode()], [packets.fileno()])
            except OSError as fault:
                theirs.send(json.dumps({"fault": str(fault)}).encode())
            finally:
                os._exit(0)
        theirs.close()
        data, opened, _, _ = socket.recv_fds(ours, ANSWER_BYTES, 1)
        os.waitpid(child, 0)
    answer = json.loads(data or b"{}")
    if not opened:
        why = answer.get("fault", "the process that was to open it is gone")
        raise RunError(
            f"{device.name}: {interface} can't be captured: {why}", todo=f"lan exec {device.name} -- ip link"
        )
    return socket.socket(fileno=opened[0]), int(answer["ifindex"])


def open_port(name: str | None, loopback: str | None, lan: str | None, target: Path | None = None) -> PortSource:
    """The source of ``--port`` or ``--loopback``.  Raises UsageError where there is no such port."""
    running = client.connect(lan)
    if loopback is not None:
        running.device(loopback)
        return PortSource(running, loopback, LOOPBACK, target)
    ports = {str(port): port for link in running.spec.links for port in (link.a, link.b)}
    if name not in ports:
        near = nearest(str(name), ports)
        raise UsageError(
            f"LAN {running.name} has no port {name!r}" + (f"; did you mean {near!r}?" if near else ""),
            expected="one such as " + ", ".join(list(ports)[:4]),
        )
    port = ports[name]
    if running.spec.devices[port.device].is_switch:
        raise UsageError(f"{name} is a switch's port: the LAN's own capture has it", todo="lan trace --hops")
    return PortSource(running, port.device, port.interface, target)


def follow(source: PortSource, tell: Callable[[], None], screen: Screen, target: Path | None) -> int:
    """Go on until Ctrl-C; `tell` shows what is new.  Raises RunError where the LAN goes down meanwhile."""
    with _told_to_end() as end:
        screen.line(Sentence("{name} is captured from now on; Ctrl-C ends it", name=source.name), "dim")
        while source.wait_for_more(end):
            if target is None:
                tell()
    source.end()
    if target is None:
        tell()
    elif screen.json:
        screen.data({"ok": True, "pcapng": str(target), "frames": source.frames})
    else:
        screen.line(Sentence("{count} frames written to {file}", count=source.frames, file=target))
    if source.drops:
        screen.line(of_drops(source.drops)[0], "red")
    if source.is_gone:
        raise RunError(f"LAN {source.running.name} is gone", todo="lan status shows what is up")
    return 0


@contextlib.contextmanager
def _told_to_end() -> Iterator[int]:
    """A descriptor that can be read once Ctrl-C has come: no frame is lost that is being taken then.

    A second one interrupts whatever is under way, as ever.
    """
    told = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    before = signal.getsignal(signal.SIGINT)

    def tell(number: int, frame: FrameType | None) -> None:
        signal.signal(number, before)
        os.eventfd_write(told, 1)

    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, tell)
    try:
        yield told
    finally:
        signal.signal(signal.SIGINT, before)
        os.close(told)
