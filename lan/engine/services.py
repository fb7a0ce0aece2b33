"""Services under way: started by module name on their device, ready by their own word.

A service says that it is ready by a line on a pipe, and ends by closing it; nobody sleeps and hopes.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lan.devices.base import STATE, Service
from lan.engine import programs
from lan.engine.space import Space
from lan.engine.waiting import readable
from lan.errors import RunError
from lan.readable import signal_name

READY_DEADLINE_S = 20.0
"""A server that has not answered by then is broken; a warm one takes 20 ms."""
ENDS_IN_S = 5.0
"""For a service that was asked to end."""
LAST_BREATH_S = 5.0
"""Between the closing of a process's descriptors and its end: microseconds, more where it is not run meanwhile."""


@dataclass(slots=True)
class Running:
    """One service on one device.  `state` is starting, ready or ended; `said` its last word."""

    device: str
    service: Service
    pid: int
    ready: int
    log: Path
    state: str = "starting"
    said: str = ""
    code: int | None = None
    readings: int = field(default=0)

    def hear(self) -> None:
        """Take in what the service wrote to its pipe."""
        try:
            words = os.read(self.ready, 4096)
        except BlockingIOError:
            return
        if words:
            self.state, self.said = "ready", words.decode(errors="replace").split("\n")[-2].removeprefix("ready ")
            self.readings += words.count(b"\n")
        elif self.state != "ended":
            self.state = "ended"

    def tail(self) -> str:
        """The last lines it wrote to its log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").strip().splitlines()[-3:])
        except OSError:
            return ""


def start(
    device: str,
    service: Service,
    space: Space | None,
    *,
    run_folder: Path,
    state_folder: Path,
    environment: Mapping[str, str],
    decisions: Path | None = None,
) -> Running:
    """Start a service.

    `run_folder` is the device's /run as the bubble sees it, `state_folder` its /var/lib/lan; its
    decisions go to a file there, unless another is named.
    """
    folder = run_folder / "lan" / service.name
    folder.mkdir(parents=True, exist_ok=True)
    write_files(folder, service)
    log = state_folder / f"{service.name}.log"
    ready, told = os.pipe()
    os.set_blocking(ready, False)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    decided = decisions or (state_folder if space is None else Path(STATE)) / "decisions.jsonl"
    extra = {"LAN_READY_FD": str(told), "LAN_DECISIONS": str(decided), "LAN_DEVICE": device}
    begin = programs.Start(
        service.arguments,
        {**environment, **extra},
        str(folder) if space is None else f"/run/lan/{service.name}",
        (nothing, output, output),
        keep=(told,),
    )
    pid = programs.module(service.module, begin, space)
    for descriptor in (told, output, nothing):
        os.close(descriptor)
    return Running(device, service, pid, ready, log)


def write_files(folder: Path, service: Service) -> None:
    """The service's files in the folder it starts in, replaced whole."""
    for name, content in service.files.items():
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
        (folder / f".{name}").write_text(text)
        (folder / f".{name}").replace(folder / name)


def wait_ready(runnings: Sequence[Running], deadline_s: float = READY_DEADLINE_S) -> list[Running]:
    """Wait until all are ready; returns those that are still starting at the deadline.

    Raises RunError, with its last words, for a needed service that ended.
    """
    return wait_until(runnings, lambda running: running.state != "starting", deadline_s)


def wait_until(runnings: Sequence[Running], settled: Callable[[Running], bool], deadline_s: float) -> list[Running]:
    """Wait until each is settled; those that are not at the deadline.  Raises RunError for one that ended."""
    limit = time.monotonic() + deadline_s
    waiting = [running for running in runnings if not settled(running)]
    while waiting:
        patience = limit - time.monotonic()
        if patience <= 0:
            return waiting
        heard = readable([running.ready for running in waiting], patience)
        for running in waiting:
            if running.ready in heard:
                running.hear()
                if running.state == "ended" and running.service.needed:
                    raise failed(running)
        waiting = [running for running in waiting if not settled(running) and running.state != "ended"]
    return []


def end(running: Running, patience_s: float = ENDS_IN_S) -> None:
    """Ask a service to end, and wait until its process has: its pipe may close a moment before its ports do."""
    stop(running)
    limit_s = time.monotonic() + patience_s
    wait_until([dispensable(running)], lambda it: it.state == "ended", patience_s)
    try:
        process = os.pidfd_open(running.pid)
    except OSError:  # it has been taken note of already
        return
    try:
        readable([process], limit_s - time.monotonic())
    finally:
        os.close(process)


def dispensable(running: Running) -> Running:
    """The same running service, whose end is what is waited for and no failure."""
    running.service = replace(running.service, needed=False)
    return running


def failed(running: Running) -> RunError:
    """The error for a service that ended though the LAN needs it."""
    last = f": {tail}" if (tail := running.tail()) else ""
    return RunError(
        f"{running.device}: its service {running.service.name} ended{_how(running.pid)}{last}",
        todo=f"its whole log is in {running.log}",
    )


def _how(pid: int) -> str:
    """How a child of ours ended, in words; empty where it has been asked before, or has not ended after all.

    Its pipe closes a moment before its end can be asked.  Nothing is taken: the agent reaps.
    """
    try:
        ended = os.pidfd_open(pid)
    except OSError:
        return ""
    try:
        if not readable([ended], LAST_BREATH_S):
            return ""
        fate = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return ""
    finally:
        os.close(ended)
    if fate is None:
        return ""
    if fate.si_code == os.CLD_EXITED:
        return f" with code {fate.si_status}"
    return f" by {signal_name(fate.si_status)}"


def without(runnings: Iterable[Running], device: str, names: Collection[str]) -> list[Running]:
    """What stays when services of these names on a device are forgotten; nobody hears those any more."""
    kept = []
    for running in runnings:
        if running.device == device and running.service.name in names:
            os.close(running.ready)
        else:
            kept.append(running)
    return kept


def stop(running: Running, number: int = signal.SIGTERM) -> None:
    """Ask a service to end."""
    try:
        os.kill(running.pid, number)
    except ProcessLookupError:
        pass
