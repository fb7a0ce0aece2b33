"""Who carries the frames of cables with options, in the hidden namespace: our process, or the kernel.

Both take the same few requests.  `Userspace` is the process ``lan.links``: one for all cables of a
LAN, its words stand at the top of lan/links/__main__.py.  `Kernel` (qdiscs.py) needs no process.
"""

import contextlib
import itertools
import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from lan.devices.base import Service
from lan.engine import programs, services, space
from lan.engine.hidden import Inner
from lan.engine.services import Running
from lan.engine.waiting import readable
from lan.errors import RunError
from lan.links.options import Cable

MODULE = "lan.links"
ANSWER_DEADLINE_S = 20.0
"""For what is asked while the LAN is built; a process that is alive takes milliseconds."""
Answer = Callable[[dict[str, Any]], None]
"""Gets what the carrier said: ``{"ok", …}``."""


class Carrier(Protocol):
    """One means of all cables with options.  `answer` is called once it is done, or can't be."""

    means: str

    def add(self, key: str, inner: Inner, names: tuple[str, str], cable: Cable) -> None:
        """Carry a cable's frames from now on."""

    def set(self, key: str, cable: Cable, answer: Answer) -> None:
        """A cable does something else from now on."""

    def cut(self, key: str) -> None:
        """A cable was pulled: what flies and waits in it is gone."""

    def count(self, answer: Answer) -> None:
        """``{"cables": {key: {"options", "forward", "backward"}}}``, with what each has counted."""

    def remove(self, key: str) -> None:
        """A cable is gone for good."""

    def settle(self) -> None:
        """Wait until all requests are done.  Raises RunError."""


class Userspace:
    """The process ``lan.links``, a child of the bubble's PID 1 inside the hidden namespace."""

    means = "userspace"

    def __init__(self, namespace: int, folder: Path, decisions: Path, environment: Mapping[str, str]) -> None:
        self.control, theirs = socket.socketpair()
        self.is_gone = False
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Answer] = {}
        self._heard = b""
        self._refused: list[str] = []
        self.running = _start(namespace, folder, {**environment, "LAN_DECISIONS": str(decisions)}, theirs)
        theirs.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.running.pid

    def add(self, key: str, inner: Inner, names: tuple[str, str], cable: Cable) -> None:
        words = {"ends": [inner.a, inner.b], "names": list(names), "options": cable.as_json()}
        self._ask({"do": "add", "cable": key, **words}, self._must)

    def set(self, key: str, cable: Cable, answer: Answer) -> None:
        self._ask({"do": "set", "cable": key, "options": cable.as_json()}, answer)

    def cut(self, key: str) -> None:
        self._ask({"do": "cut", "cable": key}, _nobody)

    def count(self, answer: Answer) -> None:
        self._ask({"do": "show"}, answer)

    def remove(self, key: str) -> None:
        self._ask({"do": "remove", "cable": key}, _nobody)

    def settle(self) -> None:
        services.wait_ready([self.running])
        limit_s = time.monotonic() + ANSWER_DEADLINE_S
        while self._waiting and not self.is_gone:
            if not readable([self.control.fileno()], limit_s - time.monotonic()):
                raise RunError("the userspace link does not answer", todo=str(self.running.log))
            self.hear()
        if self._refused:
            raise RunError(f"the userspace link: {self._refused.pop()}", todo=str(self.running.log))
        if self.is_gone:
            raise services.failed(self.running)

    def hear(self) -> bool:
        """Pass its answers on; False when it is gone, and whoever waits has been told."""
        try:
            data = self.control.recv(1 << 16, socket.MSG_DONTWAIT)  # `settle` may have heard what woke us
        except BlockingIOError:
            return True
        except ConnectionError:
            data = b""
        if not data:
            self.is_gone = True
            waiting, self._waiting = self._waiting, {}
            for answer in waiting.values():
                answer({"ok": False, "error": "the process is gone"})
            return False
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            said = json.loads(line)
            self._waiting.pop(said["id"], _nobody)(said)
        return True

    def _must(self, said: dict[str, Any]) -> None:
        """For what can only fail by a mistake of ours: `settle` raises it."""
        if not said["ok"]:
            self._refused.append(str(said["error"]))

    def _ask(self, request: dict[str, Any], answer: Answer) -> None:
        number = next(self._numbers)
        self._waiting[number] = answer
        try:
            self.control.sendall(json.dumps({"id": number, **request}).encode() + b"\n")
        except ConnectionError:
            self.is_gone = True
            self._waiting.pop(number)
            answer({"ok": False, "error": "the process is gone"})


def _nobody(said: dict[str, Any]) -> None:
    """For answers that nobody waits for."""


def _start(namespace: int, folder: Path, environment: Mapping[str, str], control: socket.socket) -> Running:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "links.log"
    ready, told = os.pipe()
    os.set_blocking(ready, False)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    arguments = ["--control", str(control.fileno())]
    variables = {**environment, "LAN_READY_FD": str(told)}
    keep = (told, control.fileno())
    start = programs.Start(arguments, variables, str(folder), (nothing, output, output), keep=keep)
    with contextlib.closing(space.of_bubble("links", namespace)) as there:
        pid = programs.module(MODULE, start, there)
    for descriptor in (told, output, nothing):
        os.close(descriptor)
    return Running("cables", Service(MODULE, arguments), pid, ready, log)
