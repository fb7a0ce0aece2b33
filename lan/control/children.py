"""Programs that the agent runs for a face, and what they said: collected without ever waiting."""

import os
import selectors
from collections.abc import Callable
from dataclasses import dataclass, field

Answer = Callable[[int, str, str], None]
MOST_BYTES = 16 << 20


@dataclass(slots=True)
class Child:
    """One program under way: its output so far, and who wants it."""

    pid: int
    answer: Answer
    open: set[int]
    output: dict[int, bytearray] = field(default_factory=dict)
    order: tuple[int, int] = (0, 0)
    code: int | None = None

    def finished(self) -> bool:
        """Whether it has ended and all its output is here."""
        return self.code is not None and not self.open


class Children:
    """All of them."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._all: dict[int, Child] = {}

    def start(self, launch: Callable[[int, int], int], answer: Answer) -> None:
        """Start one by ``launch(stdout, stderr) -> pid``; `answer` gets code, stdout and stderr."""
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        try:
            pid = launch(out_write, err_write)
        except BaseException:
            os.close(out_read)
            os.close(err_read)
            raise
        finally:
            os.close(out_write)
            os.close(err_write)
        child = Child(pid, answer, {out_read, err_read}, {out_read: bytearray(), err_read: bytearray()})
        child.order = (out_read, err_read)
        self._all[pid] = child
        for descriptor in (out_read, err_read):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, lambda fd, child=child: self._read(child, fd))

    def _read(self, child: Child, descriptor: int) -> None:
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return
        if data and len(child.output[descriptor]) < MOST_BYTES:
            child.output[descriptor] += data
            return
        if not data:
            self._close(child, descriptor)
            self._settle(child)

    def _close(self, child: Child, descriptor: int) -> None:
        self._selector.unregister(descriptor)
        os.close(descriptor)
        child.open.discard(descriptor)

    def ended(self, pid: int, status: int) -> None:
        """A process has ended; what is still in its pipes is read, what a grandchild may add later is not."""
        child = self._all.get(pid)
        if child is None:
            return
        child.code = os.waitstatus_to_exitcode(status)
        for descriptor in list(child.open):
            while descriptor in child.open:
                before = len(child.output[descriptor])
                self._read(child, descriptor)
                if descriptor in child.open and len(child.output[descriptor]) == before:
                    self._close(child, descriptor)
        self._settle(child)

    def _settle(self, child: Child) -> None:
        if child.finished() and self._all.pop(child.pid, None) is not None:
            out, err = (child.output[descriptor].decode(errors="replace") for descriptor in child.order)
            child.answer(child.code if child.code is not None else 1, out, err)
