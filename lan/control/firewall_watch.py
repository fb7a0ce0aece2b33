"""Rules of nftables on devices, and what became of each packet at them, as their kernels tell it (nft(8)).

A device without rules is only listened to.  Once somebody gives it some, tables of our own, ``inet lan_trace`` and
``arp lan_trace``, mark packets for tracing before any other chain sees them, up to `PER_SECOND`; they belong to a
socket of this process (nftables' flag "owner"), so that nobody's ``nft flush ruleset`` takes them away, and they go
with the last rule.
"""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from lan.engine import netns, search_path
from lan.trace.kernel.ruleset import Ruleset, parse
from lan.wire import netlink, nftables
from lan.wire.nftables import POLICY, RETURN, Trace

TABLE = "lan_trace"
PER_SECOND = 300
"""Of a device: what a flood beyond it meets is told from packets alone."""
MOST_REMEMBERED = 1024
"""Packets whose headers are kept for the messages that follow about them."""
LISTING_DEADLINE_S = 5.0
LISTING = ["nft", "--handle", "--stateless", "list", "ruleset"]
SILENT = frozenset({"continue", "jump", "goto", "return"})
"""Verdicts that do not end a packet's way through a chain."""


class FirewallWatch:
    """Of all devices; `say(device, what, **fields)` writes a line."""

    def __init__(self, say: Callable[..., None], home: int) -> None:
        self._say, self._home = say, home
        self._changed: set[str] = set()
        self._tracing: dict[str, socket.socket] = {}
        self._known: dict[str, dict[str, Any]] = {}
        self._headers: dict[tuple[str, int], Trace] = {}

    def take(self, device: str, data: bytes) -> None:
        """What nftables of a device tells: rules that changed, or what became of a packet."""
        for message in netlink.messages(data):
            if nftables.is_change(message):
                self._changed.add(device)
            elif nftables.is_trace(message) and (told := nftables.trace(message)) is not None:
                self._traced(device, told)

    def _traced(self, device: str, told: Trace) -> None:
        if told.network:
            if len(self._headers) >= MOST_REMEMBERED:
                self._headers.clear()
            self._headers[device, told.id] = told
        ends = told.verdict == "drop" if told.by in (POLICY, RETURN) else told.verdict not in SILENT
        if told.table == TABLE or not ends:
            return
        seen = self._headers.get((device, told.id), told)
        self._say(
            device, "rule" if told.handle else "policy", family=told.family, table=told.table, chain=told.chain,
            handle=told.handle, verdict=told.verdict, id=told.id, network=seen.network.hex(),
            transport=seen.transport.hex(), iif=told.iif or seen.iif, oif=told.oif or seen.oif,
        )  # fmt: skip

    def settle(self, spaces: Mapping[str, int]) -> None:
        """After a round of messages: read the rules of devices whose rules changed, and trace where there are any."""
        changed, self._changed = self._changed, set()
        for device in changed & spaces.keys():
            rules = self._listed(spaces[device])
            if rules.bases and device not in self._tracing:
                self._begin(device, spaces[device])
            elif not rules.bases:
                self.forget(device)
            told = {
                "rules": [[*place, handle, words] for (place, handle), words in rules.rules.items()],
                "bases": [[*place, words] for place, words in rules.bases.items()],
            }
            if self._known.get(device) != told:
                self._known[device] = told
                self._say(device, "ruleset", **told)

    def remove(self, device: str) -> None:
        """A device is gone; another of its name may have the same rules."""
        self.forget(device)
        self._known.pop(device, None)

    def forget(self, device: str) -> None:
        """Trace no more on a device."""
        if (sock := self._tracing.pop(device, None)) is not None:
            sock.close()

    def close(self) -> None:
        """Trace no more at all."""
        for device in list(self._tracing):
            self.forget(device)

    def _listed(self, space: int) -> Ruleset:
        """A device's rules but for our own; none where nft is not there or does not answer."""
        environment = {**os.environ, "PATH": search_path.complete(os.environ.get("PATH", os.defpath)), "LC_ALL": "C"}
        with netns.inside(space, self._home), contextlib.suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(
                LISTING, check=False, capture_output=True, text=True, timeout=LISTING_DEADLINE_S, env=environment
            )
            return parse(done.stdout, without=(TABLE,))
        return Ruleset({}, {})

    def _begin(self, device: str, space: int) -> None:
        """Where the kernel refuses, rules are known and what they did is not."""
        try:
            with netns.inside(space, self._home):
                kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
                sock = socket.socket(socket.AF_NETLINK, kind, nftables.NETLINK_NETFILTER)
        except OSError:
            return
        sock.bind((0, 0))
        sock.send(nftables.tracing(TABLE, per_second=PER_SECOND))
        self._tracing[device] = sock
        self._say(device, "tracing", **_refusal(sock))


def _refusal(sock: socket.socket) -> dict[str, str]:
    """What the kernel says to a batch: nothing, or ``{"refused": …}``."""
    sock.settimeout(LISTING_DEADLINE_S)
    with contextlib.suppress(OSError):
        for message in netlink.messages(sock.recv(1 << 16)):
            code = int.from_bytes(message.body[:4], sys.byteorder, signed=True)
            if message.kind == netlink.NLMSG_ERROR and code:
                return {"refused": os.strerror(-code)}
    return {}
