"""A LAN that is up, as a test uses it: its devices, their tables, and what passed on its cables."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lan.control.client import RunningLan
from lan.scenario.perform import perform
from lan.scenario.verdict import Verdict
from lan.testing import evidence
from lan.testing.capture import Capture
from lan.testing.device import Device
from lan.testing.link import Link
from lan.testing.trace import Trace
from lan.testing.watch import PATIENCE_S, Notebook, Watch
from lan.trace.kernel.record import FILE as KERNEL
from lan.trace.ledger import PortRange
from lan.trace.timeline import Timeline
from lan.trace.why import Decisions

LOG = "decisions.jsonl"
PORT_RANGE = "/proc/sys/net/ipv4/ip_local_port_range"


class Net:
    """One LAN.  A context manager: it is taken down at the end of its ``with``.

    `patience_s` is how long `trace` waits for what a test expects.
    """

    def __init__(self, running: RunningLan, *, patience_s: float = PATIENCE_S) -> None:
        self.running = running
        self.notebook = Notebook()
        """What the test looked at last."""
        self.began = 0
        """The last frame before the test that runs; 0 where the LAN is the test's own."""
        self._capture = Capture(running)
        self._is_up = True
        self._trace = Trace(
            Watch(self._capture, self._devices, patience_s, notebook=self.notebook, port_ranges=self._port_ranges)
        )

    def __repr__(self) -> str:
        return f"<LAN {self.running.name}{'' if self._is_up else ', down'}>"

    @property
    def state(self) -> Path:
        """The folder with what outlives it: the capture, logs, leases."""
        return self.running.state

    def __getitem__(self, name: str) -> Device:
        """A device by name.  Raises UsageError with the nearest right one."""
        return Device(self.running.device(name))

    def link(self, a: str, b: str) -> Link:
        """The cable between two devices."""
        for name in (a, b):
            self.running.device(name)
        return Link(self.running, a, b)

    def __iter__(self) -> Iterator[str]:
        return iter(self.running.spec.devices)

    def __contains__(self, name: object) -> bool:
        return name in self.running.spec.devices

    def run(self, device: str, *command: str, **how: Any) -> "subprocess.CompletedProcess[str]":
        """Run a program on a device to its end; see `Device.run`."""
        return self[device].run(*command, **how)

    def scenario(self) -> list[Verdict]:
        """Perform the LAN's scenario, as ``lan run`` does: a verdict a step, each from packets."""
        return list(perform(self.running, self._capture.recording))

    @property
    def trace(self) -> Trace:
        """What has passed since it was brought up: ``net.trace.http(path="/").one().status``."""
        return self._trace

    @property
    def drops(self) -> int:
        """Frames that the capture lost until now; above 0, what `trace` lacks may have passed."""
        self._capture.sync()
        return self._capture.drops

    def wait(self, condition: Callable[[Timeline], object], deadline_s: float = 10) -> bool:
        """Wait for packets until the condition holds; False if it does not by the deadline."""
        timeline = self._capture.timeline
        return self._capture.wait_until(lambda: bool(condition(timeline)), deadline_s)

    def begin(self) -> Trace:
        """One more test uses it: what begins from now on is its own."""
        self.notebook.clear()
        own = self._trace.since_here()
        self.began = own.after
        return own

    def explain(self) -> str:
        """What the test looked at last, as ladders; "" where it looked at nothing."""
        return evidence.explain(self.notebook.looks, self._capture.timeline)

    def save_capture(self, path: Path) -> int:
        """Write the test's frames into a capture file; how many there are."""
        try:
            self._capture.sync()
        finally:
            timeline = self._capture.timeline
            path.parent.mkdir(parents=True, exist_ok=True)
            told = evidence.capture(self.notebook.looks, timeline, after=self.began, decisions=self._decisions())
            path.write_bytes(told)
        return sum(frame.number > self.began for frame in timeline.all_frames)

    def down(self) -> None:
        """Take it down; once is enough."""
        if self._is_up:
            self._is_up = False
            self._capture.close()
            self.running.down()

    def _decisions(self) -> Decisions:
        """What switches, cables, devices and their kernels have written down of what they did."""
        found = Decisions()
        logs = [self.state / LOG, self.state / KERNEL, *sorted(self.state.glob(f"devices/*/{LOG}"))]
        found.read(path for path in logs if path.is_file())
        return found

    def _port_ranges(self) -> dict[str, PortRange]:
        """Of the devices that have opened connections; of a LAN that is down, nobody can tell."""
        clients = {each.client.device for each in self._capture.timeline.tcp}.intersection(self._devices())
        told = {name: self[name].run("cat", PORT_RANGE, folder=None).stdout for name in clients if self._is_up}
        return {name: PortRange(*map(int, text.split())) for name, text in told.items()}

    def _devices(self) -> list[str]:
        return list(self.running.spec.devices)

    def __enter__(self) -> "Net":
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
