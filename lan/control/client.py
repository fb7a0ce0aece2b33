"""A running LAN from outside: find it, ask it, join its devices, take it down."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lan.control import framing, joining, messages, state
from lan.control.joining import Descriptors
from lan.engine import bubble
from lan.engine.bubble import HOME, PROCESS_NAME, Bubble
from lan.errors import FAILED, LanError, MachineError, RunError, UsageError, nearest
from lan.topo.spec import Lan, Link, Port, lan_from_json

HELLO_DEADLINE_S = 30.0
"""An agent that is busy with one face answers the next so late at most."""
RETRY_S = 0.02


class SilentError(RunError):
    """An agent is there, and does not answer."""


def raise_refusal(answer: Mapping[str, Any]) -> None:
    """Raise the error that an answer carries, if it carries one."""
    if (error := answer.get("error")) and isinstance(error, dict):
        refused = LanError(error["what"], where=error["where"], expected=error["expected"], todo=error["try"])
        refused.exit_code = answer.get("exit_code", FAILED)
        raise refused


def agent_ended(what: str, state: Path) -> RunError:
    """The error for an agent that is gone, with its last words, if it left any."""
    log = state / "agent.log"
    try:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
    except OSError:
        last = []
    todo = f"what it said is in {log}" if last else "lan status shows what is up"
    return RunError(": ".join([what, *last]), todo=todo)


@dataclass(frozen=True, slots=True)
class Completed:
    """What a module run on a device returned and printed."""

    code: int
    stdout: str
    stderr: str


class RunningLan:
    """One LAN that is up, by its agent's socket."""

    def __init__(self, pid: int, sock: socket.socket, hello: Mapping[str, Any]) -> None:
        self.pid, self._socket = pid, sock
        self.name: str = hello["name"]
        self.state, self.home = Path(hello["state"]), Path(hello["home"])
        self.trace: Path | None = Path(hello["trace"]) if hello["trace"] else None
        self.bubble: Bubble | None = None
        """The LAN's bubble, where this process made it."""
        self._spec: Lan | None = None

    @classmethod
    def at(cls, pid: int) -> "RunningLan":
        """The LAN whose agent has this process id.  Raises RunError, UsageError."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = f"/proc/{pid}/root{HOME}/agent.sock"
        try:
            sock.settimeout(HELLO_DEADLINE_S)
            _connect(sock, path)
            framing.send(sock, messages.pack(messages.Hello(messages.VERSION)))
            hello, _ = framing.receive(sock)
            sock.settimeout(None)
        except TimeoutError:
            sock.close()
            raise SilentError(
                f"the agent (process {pid}) has not answered for {HELLO_DEADLINE_S:g} s",
                todo=f"kill -9 {pid} ends its LAN, and nothing of it stays",
            ) from None
        except OSError as error:
            sock.close()
            raise RunError(f"the agent (process {pid}) does not answer: {error}") from error
        raise_refusal(hello)
        return cls(pid, sock, hello)

    # ---- asking

    def ask(self, message: messages.Message) -> dict[str, Any]:
        """One question, its answer.  Raises LanError for a refusal, RunError when the LAN is gone."""
        answer, _ = self._ask(message)
        return answer

    def _ask(self, message: messages.Message) -> tuple[dict[str, Any], list[int]]:
        try:
            framing.send(self._socket, messages.pack(message))
            answer, descriptors = framing.receive(self._socket)
        except (OSError, ValueError) as error:
            raise agent_ended(f"LAN {self.name} is gone", self.state) from error
        raise_refusal(answer)
        return answer, descriptors

    def fileno(self) -> int:
        """For `select`, of who does not ask meanwhile: readable when the LAN has gone."""
        return self._socket.fileno()

    def describe(self) -> dict[str, Any]:
        """See `messages.Describe`."""
        return self.ask(messages.Describe())

    @property
    def spec(self) -> Lan:
        """The LAN as described; asked once."""
        if self._spec is None:
            self._spec = lan_from_json(self.describe()["lan"])
        return self._spec

    def device(self, name: str) -> "RunningDevice":
        """A device by name.  Raises UsageError with the nearest right one."""
        if name not in self.spec.devices:
            near = nearest(name, self.spec.devices)
            raise UsageError(
                f"LAN {self.name} has no device {name!r}" + (f"; did you mean {near!r}?" if near else ""),
                expected="one of " + ", ".join(list(self.spec.devices)[:20]),
            )
        return RunningDevice(self, name)

    def run_module(self, device: str, module: str, arguments: Sequence[str]) -> Completed:
        """Run one of our modules on a device (about 10 ms); "" runs it in the bubble."""
        answer = self.ask(messages.RunModule(device, module, list(arguments)))
        return Completed(answer["code"], answer["stdout"], answer["stderr"])

    def table(self, device: str, name: str) -> dict[str, Any]:
        """A table of a device: ``{"columns": […], "rows": [[…]]}``."""
        answer = self.ask(messages.ShowTable(device, name))
        if answer["code"]:
            raise RunError(f"{device}: its table {name} could not be read: {answer['stderr'].strip()[-300:]}")
        table: dict[str, Any] = json.loads(answer["stdout"])
        return table

    def change(self, device: str, settings: Mapping[str, str]) -> dict[str, Any]:
        """Change settings live; see `messages.Change`."""
        self._spec = None
        return self.ask(messages.Change(device, dict(settings)))

    def set_link(self, a: str, b: str, *, up: bool | None = None) -> list[dict[str, Any]]:
        """Plug, pull or (up None) ask after the cables between two devices."""
        links: list[dict[str, Any]] = self.ask(messages.SetLink(a, b, up))["links"]
        return links

    def links(self, a: str = "", b: str = "") -> dict[str, Any]:
        """The cables between two devices, or all, with their counters; see `messages.Links`."""
        return self.ask(messages.Links(a, b))

    def change_link(
        self, a: str, b: str, settings: Mapping[str, str], *, sender: str | None = None, reset: bool = False
    ) -> dict[str, Any]:
        """Have the cables between two devices do something else; see `messages.ChangeLink`."""
        return self.ask(messages.ChangeLink(a, b, dict(settings), sender, reset))

    def flap_link(self, a: str, b: str, period: str, times: str) -> dict[str, Any]:
        """Pull and plug the cables between two devices; returns when it is over."""
        return self.ask(messages.FlapLink(a, b, period, times))

    def add_link(self, a: str, b: str, **named: Any) -> Link:
        """Lay a cable; `named` are fields of `messages.AddLink`."""
        answer = self.ask(messages.AddLink(a, b, **named))
        self._spec = None
        return Link(Port(**answer["a"]), Port(**answer["b"]), dict(named.get("options", {})))

    def remove_link(self, a: str, b: str, interface: str | None = None) -> None:
        """Take cables away for good; see `messages.RemoveLink`."""
        self.ask(messages.RemoveLink(a, b, interface))
        self._spec = None

    def add_device(self, name: str, kind: str, options: Mapping[str, Any]) -> None:
        """One more device, without cables yet."""
        self.ask(messages.AddHost(name, kind, dict(options)))
        self._spec = None

    def remove_device(self, name: str) -> None:
        """Take a device away for good."""
        self.ask(messages.RemoveDevice(name))
        self._spec = None

    def sync_trace(self) -> dict[str, int]:
        """Wait until all frames that passed until now are in the capture file."""
        return self.ask(messages.SyncTrace())

    def wait_trace(self, frames: int, timeout_ms: int) -> dict[str, int]:
        """Wait until the capture file holds more than `frames` frames, or for the time given."""
        return self.ask(messages.WaitTrace(frames, timeout_ms))

    def ping_all(
        self, pairs: Sequence[tuple[str, str]], timeout_s: float = 2, *, addresses: Mapping[str, str] | None = None
    ) -> list[tuple[str, str, float | None]]:
        """Ping between devices, all at once; round-trip times in ms, None for no answer.

        A device without fixed address is asked at the one in `addresses`, else left out.
        """
        answer = self.ask(messages.PingAll(list(pairs), timeout_s, dict(addresses or {})))
        return [(one, other, rtt) for one, other, rtt in answer["results"]]

    # ---- its life

    def stay(self) -> None:
        """Let it live on after this process."""
        self.ask(messages.Stay())
        if self.bubble is not None:
            self.bubble.let_go()

    def down(self, timeout_s: float = 20) -> None:
        """Take it down; returns when its processes are gone, by force where they take longer than that."""
        patience_s = timeout_s
        self._socket.settimeout(timeout_s)
        try:
            self.ask(messages.Down())
        except RunError:
            patience_s = 0  # it is gone already, or does not answer
        self._socket.close()
        bubble.end(self.pid, patience_s)
        if self.bubble is not None:
            self.bubble.let_go()

    def burst(self) -> None:
        """End it at once if this process made it, and it was not told to stay; see `Bubble.burst`."""
        self._socket.close()
        if self.bubble is not None:
            self.bubble.burst()


@dataclass(frozen=True, slots=True)
class RunningDevice:
    """A device of a LAN that is up."""

    lan: RunningLan
    name: str

    def join(self) -> Descriptors:
        """Descriptors with which a process of ours becomes one of the device's; the caller closes them."""
        answer, descriptors = self.lan._ask(messages.Enter(self.name))
        return Descriptors(answer["environment"], *descriptors)

    def popen(
        self, command: Sequence[str], *, folder: str | None = None, user: str | None = None, **how: Any
    ) -> "subprocess.Popen[Any]":
        """Start a program of this machine on the device; `how` goes to subprocess.Popen."""
        with self.join() as descriptors:
            environment = {**descriptors.environment, **how.pop("env", {})}
            start = partial(joining.become, descriptors, folder, user)
            return subprocess.Popen(list(command), env=environment, preexec_fn=start, **how)

    def run(self, command: Sequence[str], **how: Any) -> "subprocess.CompletedProcess[str]":
        """Run a program on the device to its end; text in, text out."""
        how.setdefault("stdout", subprocess.PIPE)
        how.setdefault("stderr", subprocess.STDOUT)
        given, limit_s = how.pop("input", None), how.pop("timeout", None)
        if given is not None:
            how["stdin"] = subprocess.PIPE
        with self.popen(command, text=True, **how) as process:
            try:
                out, err = process.communicate(given, timeout=limit_s)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(list(command), process.returncode, out, err)


def _connect(sock: socket.socket, path: str) -> None:
    """Connect to an agent's socket.  Raises TimeoutError where it does not let faces in, OSError where it is not there.

    Where as many wait as may, a socket with a timeout is not let wait, but refused at once.
    """
    until_s = time.monotonic() + HELLO_DEADLINE_S
    while True:
        try:
            sock.connect(path)
            return
        except BlockingIOError:
            if time.monotonic() > until_s:
                raise TimeoutError from None
            time.sleep(RETRY_S)


def agents() -> list[int]:
    """Process ids of this user's agents."""
    found = []
    uid = os.geteuid()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        place = Path(entry.path)
        try:
            if (place / "comm").read_text().strip() == PROCESS_NAME and place.stat().st_uid == uid:
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def _log_of(pid: int) -> Path:
    """Where an agent writes what goes wrong, which tells whose it is without its help."""
    try:
        return Path(f"/proc/{pid}/fd/2").readlink()
    except OSError:
        return Path()


def _is_of_here(pid: int) -> bool:
    """Whether an agent is one of this state home."""
    return state.base().resolve() in _log_of(pid).parents


def names() -> list[str]:
    """The LANs of this user and this state home that are up, coming or going, without a word with their agents."""
    return sorted(_log_of(pid).parent.name for pid in agents() if _is_of_here(pid))


def running() -> list[RunningLan]:
    """All LANs of this user and this state home (`XDG_STATE_HOME`) that are up and answer.

    Raises SilentError for one whose agent hangs.
    """
    found = []
    for pid in agents():
        try:
            lan = RunningLan.at(pid)
        except SilentError:
            if _is_of_here(pid):
                raise
            continue
        except LanError:  # it is just coming or going
            continue
        if lan.home == state.base():
            found.append(lan)
    return sorted(found, key=lambda lan: lan.name)


def connect(name: str | None = None) -> RunningLan:
    """The LAN of a name, or the only one.  Raises UsageError that names the candidates."""
    found = running()
    known = [lan.name for lan in found]
    if not found:
        raise UsageError("no LAN is up", todo="lan up office")
    if name is None:
        if len(found) == 1:
            return found[0]
        raise UsageError("several LANs are up: " + ", ".join(known), expected="-l NAME to say which")
    for lan in found:
        if lan.name == name:
            return lan
    near = nearest(name, known)
    raise UsageError(
        f"no LAN named {name!r} is up" + (f"; did you mean {near!r}?" if near else ""),
        expected="one of " + ", ".join(known),
    )


__all__ = ["Completed", "MachineError", "RunningDevice", "RunningLan", "agents", "connect", "names", "running"]
