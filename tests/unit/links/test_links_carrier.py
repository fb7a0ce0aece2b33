"""The loop that carries frames: a request that was late to be read is answered after the frames that came before it."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lan.links.carrier import BATCH_FRAMES, Carrier, Lane, Line
from lan.links.options import Cable
from lan.links.ring import Take
from lan.links.telling import Teller
from lan.links.way import Way

NEAR, FAR = 5, 6


class PlayedRing:
    """Frames that the kernel has put there while nobody looked; descriptors that select takes for one that has some."""

    slots = 4 * BATCH_FRAMES

    def __init__(self, frames: int) -> None:
        self.waiting = [b"\xff" * 60] * frames
        self.descriptor, self._writes = os.pipe()
        os.write(self._writes, b"!")

    def fileno(self) -> int:
        return self.descriptor

    def drain(self, limit: int, take: Take) -> int:
        now, self.waiting = self.waiting[:limit], self.waiting[limit:]
        for frame in now:
            take(NEAR, time.time_ns(), frame)
        return len(now)

    def drops(self) -> int:
        return 0

    def close(self) -> None:
        os.close(self.descriptor)
        os.close(self._writes)


class Out:
    """The socket at the far end."""

    def send(self, frame: bytes) -> int:
        return len(frame)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A control stream: the carrier's end and the asker's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("frames", [1, 3 * BATCH_FRAMES])
def test_what_came_before_a_request_is_carried_before_it_is_answered(
    frames: int, ends: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = ends
    told: list[dict[str, Any]] = []
    with contextlib.closing(PlayedRing(frames)) as ring:
        carrier = Carrier(ring, Teller(lambda *_: None))  # type: ignore[arg-type]  # all that it asks of a ring
        options = Cable()
        forward, backward = (
            Lane(index, Out(), Way(way, str(index), lambda _: lambda: 0.5, lambda _: None))  # type: ignore[arg-type]
            for index, way in ((NEAR, options.forward), (FAR, options.backward))
        )
        carrier.lines["c"], carrier._lanes = Line(options, forward, backward), {NEAR: forward, FAR: backward}

        def serve() -> bool:
            told.append(carrier.show("c")["forward"])
            return False

        theirs.send(b"show")
        carrier.run(ours, serve, lambda: False)
    assert [(one["frames"], one["passed"]) for one in told] == [(frames, frames)]
