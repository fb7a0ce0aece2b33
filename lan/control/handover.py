"""Bringing a LAN up for a program of somebody else's: a script, a test run, one with threads.

`launch.up` forks, so it wants a process that is small and has one thread.  Here such a process is
started, makes the LAN and hands it over with its lifeline: the LAN then ends with us as any other.
"""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import lan
from lan.control import framing, launch
from lan.control.client import RunningLan, raise_refusal
from lan.control.launch import Launch, Launched
from lan.engine import search_path
from lan.engine.bubble import Bubble
from lan.errors import LanError, RunError
from lan.topo.spec import Lan, lan_from_json
from lan.trace.capture_file import Capturing


def up(wanted: Lan, how: Launch) -> Launched:
    """As `launch.up`, from any process; about a tenth of a second more.  Raises LanError."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        maker = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
            env={**os.environ, "PYTHONPATH": _search_path()},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        try:
            framing.send(ours, {"lan": wanted.as_json(), "how": _as_json(how)})
            told, descriptors = framing.receive(ours)
        except OSError as error:
            raise RunError(f"LAN {wanted.name}: the process that should make it ended", todo="lan doctor") from error
        finally:
            ours.close()
            maker.wait()
    raise_refusal(told)
    return _take_over(told, descriptors[0])


def _take_over(told: dict[str, Any], lifeline: int) -> Launched:
    os.set_inheritable(lifeline, False)
    pid: int = told["pid"]
    with socket.socket() as channel:  # closed, as that of any LAN that is up
        made = Bubble(pid, channel, lifeline)
    try:
        running = RunningLan.at(pid)
    except BaseException:
        made.burst()
        raise
    running.bubble = made
    return Launched(running, told["notes"], told["times_ms"])


def _as_json(how: Launch) -> dict[str, Any]:
    return {**dataclasses.asdict(how), "state": str(how.state) if how.state is not None else None}


def _from_json(told: dict[str, Any]) -> Launch:
    state = Path(told["state"]) if told["state"] is not None else None
    return Launch(**{**told, "state": state, "capturing": Capturing(**told["capturing"])})


def _search_path() -> str:
    """Where the new process finds this very lan."""
    here = str(Path(lan.__path__[0]).parent)
    return os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))


def main(arguments: list[str]) -> int:
    """``DESCRIPTOR`` of the socket on which a LAN is asked for and handed over."""
    search_path.extend()
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it was ignored for us
        with socket.socket(fileno=int(arguments[0])) as asker:
            return _make_for(asker)
    except KeyboardInterrupt:  # of the terminal that we share with the asker, which tells of it
        return 128 + signal.SIGINT


def _make_for(asker: socket.socket) -> int:
    asked, _ = framing.receive(asker)
    try:
        made = launch.up(lan_from_json(asked["lan"]), _from_json(asked["how"]))
    except LanError as error:
        framing.send(asker, {"error": error.as_json(), "exit_code": error.exit_code})
        return error.exit_code
    assert made.lan.bubble is not None and made.lan.bubble.lifeline is not None
    told = {"pid": made.lan.pid, "notes": made.notes, "times_ms": made.times_ms}
    try:
        framing.send(asker, told, [made.lan.bubble.lifeline])
    except BaseException as error:  # the asker is gone, or has changed its mind
        made.lan.burst()
        if not isinstance(error, OSError):
            raise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
