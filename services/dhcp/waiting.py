"""Waiting for datagrams, a deadline or a signal, whichever comes first.  Shared by the two shells."""

import os
import select
import signal
from collections.abc import Callable, Sequence
from types import TracebackType


class Waiter:
    """Watches descriptors and catches signals while it is entered; what was set before comes back after."""

    def __init__(self, descriptors: Sequence[int], signals: Sequence[int], clock: Callable[[], float]) -> None:
        self.clock, self._signals = clock, tuple(signals)
        self._poll = select.poll()
        for descriptor in descriptors:
            self._poll.register(descriptor, select.POLLIN)
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll.register(self._read, select.POLLIN)
        self._before: dict[int, object] = {}
        self._fd_before = -1

    def __enter__(self) -> "Waiter":
        self._fd_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _nothing) for number in self._signals}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._fd_before)
        os.close(self._read)
        os.close(self._write)

    def wait(self, until_s: float | None) -> tuple[list[int], list[int]]:
        """(readable descriptors, signals that came); both empty when `until_s` of the clock is there."""
        timeout_ms = None if until_s is None else max(0.0, until_s - self.clock()) * 1000
        if timeout_ms is not None:
            timeout_ms = min(timeout_ms + 1, 1e9)               # poll rounds down: don't wake just before
        ready = [descriptor for descriptor, _ in self._poll.poll(timeout_ms)]
        if self._read not in ready:
            return ready, []
        ready.remove(self._read)
        return ready, [number for number in os.read(self._read, 512) if number in self._signals]


def _nothing(number: int, frame: object) -> None:
    """A Python handler must be there for the wake-up descriptor to be written."""
