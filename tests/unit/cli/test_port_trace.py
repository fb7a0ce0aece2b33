"""Frames of a device's port that come while Ctrl-C does."""

import signal
import socket
from pathlib import Path
from typing import Any, cast

from lan.cli.port_trace import PortSource, follow
from lan.cli.screen import Screen
from lan.trace.frame import Frame
from lan.trace.pcapng import Reader, load
from lan.trace.pcapng_writing import dump
from lan.trace.recorded import Rolling
from lan.trace.timeline import Timeline

OFFICE = load(bytes.fromhex((Path(__file__).parents[1] / "trace" / "office.pcapng.hex").read_text()))


class Tap:
    """One frame, out of the ring already when the signal comes."""

    drops = 0

    def __init__(self, packets: socket.socket) -> None:
        self.packets, self.pieces = packets, [dump(OFFICE[:1])]

    def take(self) -> bytes:
        piece = self.pieces.pop() if self.pieces else b""
        if piece:
            signal.raise_signal(signal.SIGINT)
        return piece

    end = take


class Port(PortSource):
    def __init__(self, tap: Tap, running: socket.socket) -> None:
        self._rolling, self._reader, self._file = Rolling(Timeline()), Reader(), None
        self._tap, self.running, self.name = cast(Any, tap), cast(Any, running), "pc1:eth0"
        self.is_gone = False

    @property
    def seen(self) -> list[Frame]:
        return self._rolling.timeline.all_frames


def test_what_was_being_taken_when_it_was_interrupted_is_told() -> None:
    ours, theirs = socket.socketpair()
    lan, its_end = socket.socketpair()
    with ours, theirs, lan, its_end:
        theirs.send(b"a frame is here")
        source, told = Port(Tap(ours), lan), []
        before = signal.getsignal(signal.SIGINT)
        assert follow(source, lambda: told.append(len(source.seen)), Screen(), None) == 0
    assert told[-1] == 1
    assert signal.getsignal(signal.SIGINT) is before
