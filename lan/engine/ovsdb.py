"""The conversation with the LAN's own ovsdb-server: a thin shell around `lan.wire.ovsdb`."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lan.engine.waiting import readable
from lan.errors import RunError
from lan.wire import ovsdb
from lan.wire.ovsdb import Operation, OvsdbError

DEADLINE_S = 60.0
"""For the daemon to have done what it was asked."""


class Ovsdb:
    """One connection.  Transactions may be begun without waiting; `settle` waits for all of them.

    `pids` are the daemons without which nobody answers: their end ends the waiting.  Every method
    raises RunError, with `todo` as the remedy.
    """

    def __init__(self, path: Path, pids: Sequence[int], todo: str) -> None:
        self._pids, self._todo = pids, todo
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._messages = ovsdb.Messages()
        self._identity = 0
        self._awaited: dict[int, bool] = {}
        self._answers: dict[int, list[dict[str, Any]]] = {}
        self._wanted, self._reached = 0, 0
        try:
            self._socket.connect(str(path))
        except OSError as fault:
            raise RunError(f"Open vSwitch's database does not answer: {fault.strerror}", todo=todo) from fault
        self._send(ovsdb.watch_progress(self._next()))

    def ask(self, operations: Sequence[Operation]) -> list[dict[str, Any]]:
        """A transaction and its results, one an operation."""
        identity = self._transact(operations, configures=False)
        self._hear_until(lambda: identity in self._answers)
        return self._answers.pop(identity)

    def begin(self, operations: Sequence[Operation]) -> None:
        """A change of the configuration; the daemon works on it while the caller goes on."""
        self._transact([*operations, *ovsdb.next_configuration()], configures=True)

    def settle(self) -> None:
        """Wait until the daemon has done all that was begun, and could."""
        self._hear_until(lambda: not self._awaited and self._reached >= self._wanted)
        for fault in self.ask([ovsdb.faults()])[0]["rows"]:
            raise RunError(f"Open vSwitch could not take {fault['name']}: {fault['error']}", todo=self._todo)

    def _transact(self, operations: Sequence[Operation], *, configures: bool) -> int:
        identity = self._next()
        self._awaited[identity] = configures
        self._send(ovsdb.transact(operations, identity))
        return identity

    def _next(self) -> int:
        self._identity += 1
        return self._identity

    def _send(self, data: bytes) -> None:
        with self._ended_if_gone():
            self._socket.sendall(data)

    def _hear_until(self, done: Callable[[], bool]) -> None:
        until_s = time.monotonic() + DEADLINE_S
        with contextlib.ExitStack() as stack:
            own, ends = self._socket.fileno(), []
            for pid in self._pids:
                with self._ended_if_gone():
                    ends.append(os.pidfd_open(pid))
                stack.callback(os.close, ends[-1])
            while not done():
                heard = readable([own, *ends], until_s - time.monotonic())
                if not heard:
                    raise RunError(f"Open vSwitch did not answer within {DEADLINE_S:g} s", todo=self._todo)
                if own not in heard:
                    raise RunError("Open vSwitch ended", todo=self._todo)
                self._hear()

    def _hear(self) -> None:
        with self._ended_if_gone():
            data = self._socket.recv(1 << 16)
        if not data:
            raise RunError("Open vSwitch ended", todo=self._todo)
        try:
            for message in self._messages.feed(data):
                self._take(message)
        except OvsdbError as fault:
            raise RunError(f"Open vSwitch's database: {fault}", todo=self._todo) from fault

    def _take(self, message: dict[str, Any]) -> None:
        if (reached := ovsdb.progress(message)) is not None:
            self._reached = max(self._reached, reached)
        elif message.get("method") == "echo":
            self._send(ovsdb.echo_reply(message))
        elif (identity := message.get("id")) in self._awaited:
            configures = self._awaited.pop(identity)
            found = ovsdb.results(message)
            if configures:
                self._wanted = max(self._wanted, found[-1]["rows"][0]["next_cfg"])
            else:
                self._answers[identity] = found

    @contextlib.contextmanager
    def _ended_if_gone(self) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            raise RunError("Open vSwitch ended", todo=self._todo) from fault

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
