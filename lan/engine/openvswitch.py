"""Open vSwitch inside the bubble: its own database, daemon and bridges.  ovs-vswitchd(8).

The host's Open vSwitch, if it runs one, is neither asked nor touched.  Datapaths are probed in this
order: the kernel's, userspace over TAP, userspace without TAP (`dummy`, where /dev/net/tun is
closed to ordinary users).
"""

import contextlib
import json
import os
import select
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lan.engine.bubble import HOME
from lan.errors import MachineError, RunError

FOLDER = HOME / "ovs"
_SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
_INSTEAD = "the same with --switch bridge, which needs no Open vSwitch"
DATAPATHS = {"kernel": "system", "userspace": "netdev", "userspace, no TAP": "dummy"}


def installed() -> bool:
    """Whether this machine has the programs."""
    return _SCHEMA.is_file() and all(shutil.which(name) for name in ("ovs-vswitchd", "ovsdb-server", "ovs-vsctl"))


def datapath() -> str:
    """The best datapath this kernel and this user can have: a key of `DATAPATHS`."""
    if Path("/sys/module/openvswitch").is_dir():
        return "kernel"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return "userspace, no TAP"
    return "userspace"


@dataclass(frozen=True, slots=True)
class BridgePlan:
    """A switch to be, with its datapath id (OpenFlow 1.3 §A.3.1)."""

    name: str
    dpid: int
    mac: str


class OpenVswitch:
    """One database server and one switch daemon, started as children of the bubble's PID 1."""

    def __init__(self, kind: str, folder: Path = FOLDER) -> None:
        self.kind, self._folder = kind, folder
        self._begun: list[subprocess.Popen[str]] = []
        self._answer: int | None = None
        self._pids: list[int] = []
        self._socket = f"unix:{folder}/db.sock"
        folder.mkdir(parents=True, exist_ok=True)
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            **{f"OVS_{part}DIR": str(folder) for part in ("RUN", "LOG", "DB")},
        }

    def begin(self) -> None:
        """Start both daemons in a process of its own, beside what the caller goes on with; see `started`."""
        read, write = os.pipe()
        if os.fork() == 0:
            try:
                os.write(write, json.dumps(self.start()).encode())
            except RunError as error:
                os.write(write, json.dumps(error.what).encode())
            finally:
                os._exit(0)
        os.close(write)
        self._answer = read

    def started(self) -> list[int]:
        """The process ids that must stay alive, once both daemons are there.  Raises RunError."""
        if self._answer is not None:
            with os.fdopen(self._answer) as answer:
                told = json.loads(answer.read() or '"it ended without a word"')
            self._answer = None
            if isinstance(told, str):
                raise RunError(told, todo=_INSTEAD)
            self._pids = told
        return self._pids

    def start(self) -> list[int]:
        """Start both daemons; returns the process ids that must stay alive.  Raises RunError."""
        self._run("ovsdb-tool", "create", f"{self._folder}/conf.db", str(_SCHEMA))
        pidfile = f"{self._folder}/ovsdb-server.pid"
        remote = f"--remote=p{self._socket}"
        quiet = ["-vconsole:off", "-vsyslog:off"]
        # --detach returns once the socket listens: an event, not a guess
        self._run(
            "ovsdb-server", f"{self._folder}/conf.db", remote, "--detach", "--no-chdir", f"--pidfile={pidfile}", *quiet
        )
        arguments = ["ovs-vswitchd", self._socket, *quiet, "-vfile:warn"]
        arguments.append(f"--log-file={self._folder}/ovs-vswitchd.log")
        if DATAPATHS[self.kind] == "dummy":
            arguments.append("--enable-dummy")
        daemon = subprocess.Popen(
            arguments,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return [int(Path(pidfile).read_text()), daemon.pid]

    def add_bridges(self, plans: Sequence[BridgePlan], controller: str) -> None:
        """Write all bridges, without ports, into the database; the daemon makes them while we go on."""
        words: list[str] = []
        for plan in plans:
            words += ["--", "add-br", plan.name, "--", "set", "bridge", plan.name]
            words += [f"datapath_type={DATAPATHS[self.kind]}", f"other-config:datapath-id={plan.dpid:016x}"]
            words += [f'other-config:hwaddr="{plan.mac}"', "protocols=OpenFlow13", "other-config:disable-in-band=true"]
            words += ["fail_mode=secure", "--", "set-controller", plan.name, controller]
            words += ["--", "set", "controller", plan.name, "max_backoff=1000", "inactivity_probe=0"]
            words += ["connection_mode=out-of-band"]
        self.started()
        self._run("ovs-vsctl", "--no-wait", "--timeout=60", f"--db={self._socket}", *words)

    def begin_ports(self, ports: Sequence[tuple[str, str, int]]) -> None:
        """Have (bridge, interface, OpenFlow port number) plugged in; the daemon works while we go on."""
        words: list[str] = []
        for bridge, port, number in ports:
            words += ["--", "add-port", bridge, port, "--", "set", "interface", port, f"ofport_request={number}"]
        self._begin(words)

    def finish(self) -> None:
        """Wait for all that was begun.  Raises RunError."""
        while self._begun:
            command = self._begun.pop(0)
            self._await(command)
            _, said = command.communicate()
            self._check("ovs-vsctl", command.returncode, said)

    def _await(self, command: "subprocess.Popen[str]") -> None:
        """Until a command has ended, or a daemon, which it would wait for in vain.  Raises RunError."""
        with contextlib.ExitStack() as stack:
            ends = []
            with contextlib.suppress(ProcessLookupError):
                for pid in (command.pid, *self._pids):
                    ends.append(os.pidfd_open(pid))
                    stack.callback(os.close, ends[-1])
            is_whole = len(ends) == 1 + len(self._pids)
            if is_whole and ends[0] in select.select(ends, [], [])[0]:
                return
        command.kill()
        command.communicate()
        raise RunError("Open vSwitch ended", todo=_INSTEAD)

    def _begin(self, words: Sequence[str]) -> None:
        if words:
            self.started()
            command = ["ovs-vsctl", "--timeout=60", f"--db={self._socket}", *words]
            begun = subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            self._begun.append(begun)

    def remove_ports(self, bridge: str, ports: Sequence[str]) -> None:
        """Take ports off a bridge."""
        self._begin([word for port in ports for word in ("--", "--if-exists", "del-port", bridge, port)])
        self.finish()

    def remove_bridge(self, bridge: str) -> None:
        """Take a switch away for good."""
        self._begin(["--", "--if-exists", "del-br", bridge])
        self.finish()

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        self._check(command[0], done.returncode, done.stderr)

    @staticmethod
    def _check(program: str, code: int, said: str) -> None:
        if code:
            why = said.strip().splitlines()
            raise RunError(
                f"{program}: {why[-1] if why else f'ended with {code}'}",
                todo=_INSTEAD,
            )


def require(kind: str | None) -> str:
    """The datapath to use, `kind` if the user asked for one.  Raises MachineError where it can't be had."""
    if not installed():
        raise MachineError(
            "Open vSwitch is not installed",
            expected="the programs ovs-vswitchd, ovsdb-server and ovs-vsctl",
            todo="bin/lan installs them; or --switch bridge",
        )
    return kind or datapath()
