"""A device of a LAN in a test: run programs on it, ping from it, pull its cables, read its tables."""

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lan.control import messages
from lan.control.client import RunningDevice
from lan.devices.kinds import model_of
from lan.errors import RunError, UsageError

PING = "lan.services.icmp.__main__"
LOOKER = Path(__file__).with_name("listening.py")
"""What looks, on the device, whether somebody listens there."""
PATIENCE_S = 5.0
"""For a server program that was asked to end; then it is killed."""
DEADLINE_S = 30.0
"""For a server program to come up: generous, for a slow and busy machine."""


@dataclass(frozen=True, slots=True)
class Pinged:
    """What a ping found."""

    sent: int
    received: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a device: rows whose columns are attributes, `seconds_left` for "seconds left"."""

    title: str
    rows: list[SimpleNamespace]

    def __getitem__(self, key: str) -> SimpleNamespace:
        """The one row that holds `key` in any column.  Raises UsageError."""
        found = [row for row in self.rows if key in vars(row).values()]
        if len(found) != 1:
            rows = "\n            ".join(str(vars(row)) for row in self.rows) or "no row at all"
            raise UsageError(f"{self.title}: {len(found)} rows with {key!r}, not one", expected=rows)
        return found[0]

    def __contains__(self, key: object) -> bool:
        return any(key in vars(row).values() for row in self.rows)

    def __iter__(self) -> Iterator[SimpleNamespace]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Device:
    """One device that runs."""

    running: RunningDevice

    def __repr__(self) -> str:
        return f"<{self.name} of LAN {self.running.lan.name}>"

    @property
    def name(self) -> str:
        return self.running.name

    @property
    def address(self) -> str | None:
        """Its IPv4 address as it is now, fixed or leased; None where it has none."""
        rows = self.table("configuration")
        address: str = rows["IPv4 address"].value
        return None if address == "—" else address

    def run(self, *command: str, timeout_s: float = 60, **how: Any) -> "subprocess.CompletedProcess[str]":
        """Run a program of this machine on the device to its end; `how` goes to subprocess.Popen.

        It sees the test's working folder, and runs there; `folder` is another one, None the device's home.
        """
        how.setdefault("stderr", subprocess.PIPE)
        how.setdefault("folder", str(Path.cwd()))
        return self.running.run(command, timeout=timeout_s, **how)

    def popen(self, *command: str, **how: Any) -> "subprocess.Popen[Any]":
        """Start a program on the device, in the folder where `run` would."""
        how.setdefault("folder", str(Path.cwd()))
        return self.running.popen(command, **how)

    @contextmanager
    def serving(
        self, port: int, *command: str, deadline_s: float = DEADLINE_S, **how: Any
    ) -> "Iterator[subprocess.Popen[Any]]":
        """A server program that runs while the ``with`` does, and listens on the TCP port when it begins."""
        with self.popen(*command, **how) as process:
            try:
                self.wait_listening(port, process, deadline_s=deadline_s)
                yield process
            finally:
                _end(process)

    def wait_listening(
        self, port: int, process: "subprocess.Popen[Any] | None" = None, *, deadline_s: float = DEADLINE_S
    ) -> None:
        """Wait until somebody listens on a TCP port of the device.

        Raises RunError where nobody does by the deadline, or `process`, who should, has ended.
        """
        looker = [sys.executable, "-I", "-S", str(LOOKER), str(port), str(deadline_s)]
        popen = self.running.popen(looker, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        with popen as looking, contextlib.ExitStack() as ends:
            ends.callback(looking.kill)
            waited: list[Any] = [looking.stdout]
            if process is not None:
                life = os.pidfd_open(process.pid)
                ends.callback(os.close, life)
                waited.append(life)
            ready, _, _ = select.select(waited, [], [])
            assert looking.stdout is not None
            if looking.stdout in ready and looking.stdout.read(1):
                return
        if process is not None and process.poll() is not None:
            raise RunError(
                f"{self.name}: {process.args!r:.200} ended with {process.returncode} and does not listen on {port}"
            )
        listening = sorted({row.local for row in self.table("sockets") if row.state == "LISTEN"})
        raise RunError(
            f"{self.name}: nobody listens on TCP port {port} after {deadline_s:g} s",
            expected="a program that does; there are " + (", ".join(listening) or "none at all"),
        )

    def ping(self, other: str, count: int = 1, timeout_s: float = 5) -> Pinged:
        """Ask a device of the LAN, or an address, for echoes; wait so long for the last."""
        asked = [_address(self.running, other), "-c", str(count), "-W", str(timeout_s), "-i", "0.1", "--json"]
        done = self.running.lan.run_module(self.name, PING, asked)
        try:
            told = json.loads(done.stdout)
        except ValueError:
            raise RunError(f"{self.name}: ping {other}: {done.stderr.strip() or done.stdout.strip()}") from None
        return Pinged(told["transmitted"], told["received"])

    def unplug(self) -> None:
        """Pull all its cables; it keeps its settings."""
        self._plug(up=False)

    def plug(self) -> None:
        """Plug them in again."""
        self._plug(up=True)

    def table(self, name: str) -> Table:
        """A table, as ``lan show`` prints it: arp, routes, sockets, leases, mac …"""
        read = self.running.lan.table(self.name, name)
        columns = [column.replace(" ", "_") for column in read["columns"]]
        rows = [SimpleNamespace(**dict(zip(columns, row, strict=True))) for row in read["rows"]]
        return Table(f"{self.name}: {name}", rows)

    def set(self, **settings: str) -> None:
        """Change settings while it runs, as ``lan set DEVICE KEY=VALUE``."""
        self.running.lan.change(self.name, settings)

    def stop(self) -> None:
        """Stop what it serves."""
        self.running.lan.ask(messages.Services(self.name, start=False))

    def start(self) -> None:
        """Start what it serves again."""
        self.running.lan.ask(messages.Services(self.name, start=True))

    def _plug(self, *, up: bool) -> None:
        lan = self.running.lan
        links = [link for link in lan.spec.links if self.name in (link.a.device, link.b.device)]
        for other in {port.device for link in links for port in (link.a, link.b)} - {self.name}:
            lan.set_link(self.name, other, up=up)


def _end(process: "subprocess.Popen[Any]") -> None:
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _address(asker: RunningDevice, other: str) -> str:
    """The address of a device by name, fixed or leased, or the address that was given."""
    spec = asker.lan.spec
    if other not in spec.devices:
        return other
    address = model_of(spec.devices[other], spec).address or Device(asker.lan.device(other)).address
    if address is None:
        raise UsageError(f"{other} has no address", expected="a device with one")
    return address
