"""Rules of nftables on devices, and what became of each packet at them, as their kernels tell it (nft(8)).

A device without rules is only listened to.  Once somebody gives it some, tables of our own, ``inet lan_trace`` and
``arp lan_trace``, mark packets for tracing before any other chain sees them, up to `PER_SECOND`; they belong to a
socket of this process (nftables' flag "owner"), so that nobody's ``nft flush ruleset`` takes them away, and they go
with the last rule.

A change of rules is a line of its own, "rules change", before what the new ones did with packets; what they are is read
a little later, and told as "ruleset".  So nobody takes a new rule for an old one that had its handle.
"""

import contextlib
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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
MOST_READINGS = 3
"""In one round, of rules that change while they are read; or in as many rounds, of rules that can't be read: then the
next change is waited for."""
AGAIN_S = 0.5
"""Until the next round, where rules have still to be read and no message comes."""
LISTING = ["nft", "--handle", "--stateless", "list", "ruleset"]
SILENT = frozenset({"continue", "jump", "goto", "return"})
"""Verdicts that do not end a packet's way through a chain."""


class FirewallWatch:
    """Of all devices; `say(device, what, **fields)` writes a line."""

    def __init__(self, say: Callable[..., None], home: int) -> None:
        self._say, self._home = say, home
        self._changed: set[str] = set()
        self._unsettled: set[str] = set()
        """Devices whose last line says that their rules change."""
        self._failed = Counter[str]()
        """How often a device's rules could not be read since they were."""
        self._tracing: dict[str, socket.socket] = {}
        self._known: dict[str, dict[str, Any]] = {}
        self._headers: dict[tuple[str, int], Trace] = {}

    def take(self, device: str, data: bytes) -> None:
        """What nftables of a device tells: rules that changed, or what became of a packet."""
        for message in netlink.messages(data):
            if nftables.is_change(message):
                self._change(device)
            elif nftables.is_trace(message) and (told := nftables.trace(message)) is not None:
                self._traced(device, told)

    def recheck(self, devices: Iterable[str]) -> None:
        """Something got lost: it may have been a change of anybody's rules."""
        for device in devices:
            self._change(device)

    def _change(self, device: str) -> None:
        """A batch of changes is many messages: it is one line, until a packet is told of or rules are read."""
        if device not in self._unsettled:
            self._say(device, "rules change")
        self._unsettled.add(device)
        self._changed.add(device)

    def _traced(self, device: str, told: Trace) -> None:
        if told.network:
            self._headers.pop((device, told.id), None)
            self._headers[device, told.id] = told
            if len(self._headers) > MOST_REMEMBERED:
                del self._headers[next(iter(self._headers))]  # the one that came first
        ends = told.verdict == "drop" if told.by in (POLICY, RETURN) else told.verdict not in SILENT
        if told.table == TABLE or not ends:
            return
        self._unsettled.discard(device)
        seen = self._headers.get((device, told.id), told)
        self._say(
            device, "rule" if told.handle else "policy", family=told.family, table=told.table, chain=told.chain,
            handle=told.handle, verdict=told.verdict, id=told.id, network=seen.network.hex(),
            transport=seen.transport.hex(), iif=told.iif or seen.iif, oif=told.oif or seen.oif,
        )  # fmt: skip

    def settle(self, spaces: Mapping[str, int], hear: Callable[[], None]) -> None:
        """After a round of messages: read the rules of devices whose rules changed, and trace where there are any.

        `hear` takes what was told meanwhile: rules that changed while they were read are of no certain moment.
        """
        again = set()
        for _ in range(MOST_READINGS):
            changed, self._changed = self._changed & spaces.keys(), set()
            if not changed:
                break
            found = {device: self._listed(spaces[device]) for device in changed}
            hear()
            for device, rules in found.items():
                if rules is None:
                    self._failed[device] += 1
                    again |= {device} if self._failed[device] < MOST_READINGS else set()
                elif device not in self._changed:
                    self._settle(device, spaces[device], rules)
        self._changed |= again

    def patience_s(self) -> float | None:
        """How long the next round may be waited for; None: until something is told."""
        return AGAIN_S if self._changed else None

    def _settle(self, device: str, space: int, rules: Ruleset) -> None:
        self._unsettled.discard(device)
        del self._failed[device]
        if rules.bases and device not in self._tracing:
            self._begin(device, space)
        elif not rules.bases:
            self.forget(device)
        told = {
            "rules": [[*place, handle, words] for (place, handle), words in rules.rules.items()],
            "bases": [[*place, words] for place, words in rules.bases.items()],
        }
        is_same = self._known.get(device) == told
        self._known[device] = told
        self._say(device, "ruleset", **({"is_same": True} if is_same else told))

    def remove(self, device: str) -> None:
        """A device is gone; another of its name may have the same rules."""
        self.forget(device)
        self._known.pop(device, None)
        self._unsettled.discard(device)
        self._changed.discard(device)
        del self._failed[device]

    def forget(self, device: str) -> None:
        """Trace no more on a device."""
        if (sock := self._tracing.pop(device, None)) is not None:
            sock.close()

    def close(self) -> None:
        """Trace no more at all."""
        for device in list(self._tracing):
            self.forget(device)

    def _listed(self, space: int) -> Ruleset | None:
        """A device's rules but for our own, and none where nft is not there; None where it can't tell them now."""
        environment = {**os.environ, "PATH": search_path.complete(os.environ.get("PATH", os.defpath)), "LC_ALL": "C"}
        try:
            with netns.inside(space, self._home):
                done = subprocess.run(
                    LISTING, check=True, capture_output=True, timeout=LISTING_DEADLINE_S, env=environment
                )
        except FileNotFoundError:
            return Ruleset({}, {})
        except (OSError, subprocess.SubprocessError):
            return None
        return parse(done.stdout.decode(errors="replace"), without=(TABLE,))  # comments are anybody's bytes

    def _begin(self, device: str, space: int) -> None:
        """Where the kernel refuses, rules are known and what they did is not."""
        with contextlib.suppress(OSError), netns.inside(space, self._home):
            kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
            self._tracing[device] = sock = socket.socket(socket.AF_NETLINK, kind, nftables.NETLINK_NETFILTER)
            sock.bind((0, 0))
            sock.send(nftables.tracing(TABLE, per_second=PER_SECOND))
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
