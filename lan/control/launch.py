"""Bringing a LAN up from a face: a bubble, an agent in it, and word of how it goes."""

import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lan.control import agent, framing, state
from lan.control.client import RunningLan, agent_ended, raise_refusal
from lan.engine import bubble, environment
from lan.engine.options import Options
from lan.errors import RunError
from lan.topo.spec import Lan
from lan.trace.capture_file import Capturing

Progress = Callable[[str, float], None]


def _silent(phase: str, at_ms: float) -> None:
    """For those who do not care."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to bring a LAN up.

    `stay` lives on after the caller (`lan up`); otherwise the LAN ends with it, however it ends.
    `another` takes a free name where the LAN's is taken.
    """

    stay: bool = False
    another: bool = False
    state: Path | None = None
    switch: str | None = None
    datapath: str | None = None
    offload: bool = False
    trace: bool = True
    capturing: Capturing = field(default_factory=Capturing)
    link: str | None = None
    key_log: bool = True
    """Whether programs on devices log their TLS secrets, for the trace to read; without a trace they don't."""


@dataclass(slots=True)
class Launched:
    """A LAN that is up: the way to talk with it, and how long each phase took."""

    lan: RunningLan
    notes: list[str]
    times_ms: dict[str, float] = field(default_factory=dict)


def up(lan: Lan, launch: Launch, progress: Progress = _silent) -> Launched:
    """Bring a LAN up.  Called from a single-threaded process.  Raises LanError."""
    name, folder = state.claim(lan.name, launch.state, another=launch.another)
    options = Options(
        folder.path.resolve(),
        state.base(),
        launch.switch,
        launch.datapath,
        launch.offload,
        launch.link,
        environment.terminal_of(os.environ),
        launch.key_log and launch.trace,
    )
    named = lan.renamed(name)
    try:
        blown = bubble.blow(
            lambda channel, lifeline: agent.serve(
                named, options, launch.capturing if launch.trace else None, channel, lifeline
            ),
            keep={folder.descriptor},
        )
    finally:
        folder.release()
    try:
        notes, times = _follow(blown.channel, progress)
        running = _reach(blown.pid, options.state)
        running.bubble = blown
        if launch.stay:
            for number in bubble.FROM_OUTSIDE:  # it is up: they come too late
                signal.signal(number, signal.SIG_IGN)
            running.stay()
    except OSError:
        blown.burst()
        raise agent_ended(f"LAN {name}: its agent ended while building", options.state) from None
    except BaseException:
        blown.burst()
        raise
    finally:
        blown.channel.close()
    return Launched(running, notes, times)


def _reach(pid: int, folder: Path) -> RunningLan:
    try:
        return RunningLan.at(pid)
    except RunError as error:
        raise agent_ended(error.what, folder) from error


def _follow(channel: socket.socket, progress: Progress) -> tuple[list[str], dict[str, float]]:
    """Hear the agent out until the LAN is up: its notes, and how long each phase took."""
    times: dict[str, float] = {}
    before = 0.0
    while True:
        told, _ = framing.receive(channel)
        if "phase" not in told:
            raise_refusal(told)
            return told["notes"], times
        times[told["phase"]] = round(told["at_ms"] - before, 1)
        before = told["at_ms"]
        progress(told["phase"], told["at_ms"])
