"""What the shells of all services share: readiness, the decision log, addresses to listen on.

A service tells whoever started it that it is ready by a line on the descriptor in `LAN_READY_FD`,
again after each reload, and appends its decisions to the file in `LAN_DECISIONS`.  Run alone, with
neither set, it logs its decisions to standard error.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from lan.errors import UsageError
from lan.reasons import Reason

Clock = Callable[[], float]


def announce_ready(what: str) -> None:
    """Say that the service answers from now on (or anew, after a reload).

    `what` is what it listens on, such as ``udp 192.168.100.254:53``; alone it goes to stderr.
    """
    descriptor = os.environ.get("LAN_READY_FD")
    if descriptor is not None:
        os.write(int(descriptor), f"ready {what}\n".encode())
    else:
        print(f"ready: {what}", file=sys.stderr, flush=True)


class DecisionLog:
    """One JSON object a line: ``{"time_s", "service", "what", "reason": {…}, …keys}``.

    The keys tie a decision to frames: a DHCP `xid`, a DNS `id`, a TCP 4-tuple.
    """

    def __init__(self, service: str, clock: Clock = time.time, *, echo: bool = True) -> None:
        """`echo`: alone, say decisions on stderr; without it they are not asked for."""
        self.service, self.clock = service, clock
        path = os.environ.get("LAN_DECISIONS")
        self._file: TextIO | None = Path(path).open("a", buffering=1) if path else None
        self.is_wanted = echo or self._file is not None
        """Whether anybody reads them; who makes thousands a second need not make them for nobody."""

    def append(self, what: str, reason: Reason, **keys: Any) -> None:
        """Record one decision; it is with the kernel when this returns."""
        if not self.is_wanted:
            return
        if self._file is None:
            facts = " ".join(f"{key}={value}" for key, value in keys.items())
            print(f"{self.service}: {what} {facts} — {reason}", file=sys.stderr, flush=True)
            return
        record = {"time_s": self.clock(), "service": self.service, "what": what, "reason": reason.as_json(), **keys}
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")


def parse_listen(text: str, default_port: int) -> tuple[str, int]:
    """``ADDR:PORT``, ``ADDR`` or ``:PORT`` → (address, port); IPv6 as ``[::1]:53``.  Raises UsageError."""
    address, colon, port = text.rpartition(":") if "]" not in text or "]:" in text else (text, "", "")
    if not colon:
        address, port = text, str(default_port)
    if not port.isdigit() or not 0 <= int(port) <= 65535:
        raise UsageError(f"--listen {text}: no such port", expected=f"ADDR:PORT, such as 127.0.0.1:{default_port}")
    return address.strip("[]"), int(port)
