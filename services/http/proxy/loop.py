"""One thread that never waits for anybody: sockets on epoll, deadlines, and words from other threads.

Handlers act on what is ready and return.  What they write leaves when they return, so that a head and
its body make one segment.  Sockets are closed at the end of a round: until then their number can't
belong to another connection, and a late event finds nobody.
"""

import os
import select
import socket
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Protocol

from lan.services.http.memory import Thrift

SWEEP_S = 0.1
RECEIVE_BYTES = 64 * 1024

IN, OUT, HANGUP = select.EPOLLIN, select.EPOLLOUT, select.EPOLLRDHUP


class Watched(Protocol):
    """Something with a descriptor."""

    def ready(self, mask: int) -> None:
        """The descriptor is ready for these."""

    def fail(self, fault: Exception) -> None:
        """`ready` raised: a fault of ours; end this one and no other."""


class Dirty(Protocol):
    """Something with bytes to send."""

    def flush(self) -> None:
        """Send as far as the socket takes it."""


class Timed(Protocol):
    """Something with a deadline on the monotonic clock."""

    deadline_s: float

    def expire(self) -> None:
        """The deadline has passed."""

    def fail(self, fault: Exception) -> None:
        """`expire` raised."""


class Loop:
    """Runs handlers.  `now_s` is the monotonic time at which the current round began.

    `room` is where they receive bytes, and copy them from.  A message received into a buffer of its own would keep
    that buffer's place in the C library's heap: messages are remembered, and each is a hole that can't be given back.
    """

    def __init__(self) -> None:
        self.now_s = time.monotonic()
        self.timed: set[Timed] = set()
        self.dirty: list[Dirty] = []
        self.room = memoryview(bytearray(RECEIVE_BYTES))
        self._epoll = select.epoll()
        self._watched: dict[int, Watched] = {}
        self._closing: list[socket.socket] = []
        self._posted: deque[Callable[[], None]] = deque()
        self._wake_in, self._wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._epoll.register(self._wake_in, IN)
        self._swept_s = 0.0
        self._thrift = Thrift(self.now_s)

    def watch(self, sock: socket.socket, watched: Watched, mask: int) -> None:
        """Call `watched.ready` when the socket is."""
        self._watched[sock.fileno()] = watched
        self._epoll.register(sock.fileno(), mask)

    def change(self, sock: socket.socket, mask: int) -> None:
        """Watch for these from now on."""
        self._epoll.modify(sock.fileno(), mask)

    def forget(self, sock: socket.socket, *, close: bool = True) -> None:
        """Watch it no more, and close it when this round ends."""
        if self._watched.pop(sock.fileno(), None) is not None:
            self._epoll.unregister(sock.fileno())
        if close:
            self._closing.append(sock)

    def post(self, action: Callable[[], None]) -> None:
        """Run this in the loop's thread soon; any thread may say so."""
        self._posted.append(action)
        try:
            os.write(self.waker, b"!")
        except BlockingIOError:  # it is woken already
            pass

    @property
    def waker(self) -> int:
        """A descriptor that never blocks: a byte written to it makes `step` return soon."""
        return self._wake_out

    def step(self) -> None:
        """Wait for what comes next, and do it."""
        heard_s = time.monotonic()  # what came since is not late: stopped while it waits, poll may tell nothing of it
        events = self._epoll.poll(SWEEP_S if self.timed else None)
        self.now_s = time.monotonic()
        for descriptor, mask in events:
            watched = self._watched.get(descriptor)
            if watched is not None:
                try:
                    watched.ready(mask)
                except Exception as fault:  # one stranger's bytes must not end the others' connections
                    traceback.print_exc()
                    watched.fail(fault)
                if self.dirty:
                    self.flush()
            elif descriptor == self._wake_in:
                os.read(self._wake_in, 4096)
        while self._posted:
            self._run(self._posted.popleft())
        if self.now_s - self._swept_s >= SWEEP_S:
            self._sweep(heard_s)
        self.flush()
        self._close()

    def flush(self) -> None:
        """Let out what has been written."""
        while self.dirty:
            self.dirty.pop().flush()

    def close(self) -> None:
        """Close what is left, and the loop."""
        self._close()
        self._epoll.close()
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _run(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:  # whoever waits for it has a deadline
            traceback.print_exc()

    def _sweep(self, heard_s: float) -> None:
        self._swept_s = self.now_s
        self._thrift.look(self.now_s)
        for timed in [one for one in self.timed if one.deadline_s <= heard_s]:
            if timed in self.timed:
                try:
                    timed.expire()
                except Exception as fault:
                    traceback.print_exc()
                    self.timed.discard(timed)
                    timed.fail(fault)

    def _close(self) -> None:
        for sock in self._closing:
            sock.close()
        self._closing.clear()
