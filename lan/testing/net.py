"""A LAN that is up, as a test uses it: its devices, their tables, and what passed on its cables."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lan.control.client import RunningLan
from lan.scenario.perform import perform
from lan.scenario.recording import Recording
from lan.scenario.verdict import Verdict
from lan.testing.device import Device
from lan.testing.link import Link
from lan.trace.timeline import Timeline


class Net:
    """One LAN.  A context manager: it is taken down at the end of its ``with``."""

    def __init__(self, running: RunningLan) -> None:
        self.running = running
        self._recording = Recording(running)
        self._is_up = True

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
        return list(perform(self.running, self._recording))

    @property
    def trace(self) -> Timeline:
        """All that has passed until now: frames, and conversations by protocol; see lan/trace/timeline.py."""
        self._recording.sync()
        return self._recording.timeline

    @property
    def drops(self) -> int:
        """Frames that the capture lost; above 0, what `trace` lacks may have passed."""
        return self._recording.drops

    def wait(self, condition: Callable[[Timeline], object], deadline_s: float = 10) -> bool:
        """Wait for packets until the condition holds; False if it does not by the deadline."""
        timeline = self._recording.timeline
        return self._recording.wait_until(lambda: bool(condition(timeline)), deadline_s)

    def down(self) -> None:
        """Take it down; once is enough."""
        if self._is_up:
            self._is_up = False
            self._recording.close()
            self.running.down()

    def __enter__(self) -> "Net":
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
