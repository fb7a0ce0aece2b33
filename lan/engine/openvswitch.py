"""Open vSwitch inside the bubble: its own database, daemon and bridges.  ovs-vswitchd(8).

The host's Open vSwitch, if it runs one, is neither asked nor touched.  Datapaths are probed in this
order: the kernel's, userspace over TAP, userspace without TAP (`dummy`, where /dev/net/tun is
closed to ordinary users).
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lan.engine.bubble import HOME
from lan.engine.ovsdb import Ovsdb
from lan.errors import MachineError, RunError
from lan.wire import ovsdb
from lan.wire.ovsdb import Operation

FOLDER = HOME / "ovs"
_SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
_INSTEAD = "the same with --switch bridge, which needs no Open vSwitch"
DATAPATHS = {"kernel": "system", "userspace": "netdev", "userspace, no TAP": "dummy"}


def installed() -> bool:
    """Whether this machine has the programs."""
    return _SCHEMA.is_file() and all(shutil.which(name) for name in ("ovs-vswitchd", "ovsdb-server", "ovsdb-tool"))


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
        self._connection: Ovsdb | None = None
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

    def wake(self) -> None:
        """Have the daemon's main loop go round, by a face of its control socket that has nothing to say."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as face, contextlib.suppress(OSError):
            face.connect(f"{self._folder}/ovs-vswitchd.{self._pids[-1]}.ctl")

    def add_bridges(self, plans: Sequence[BridgePlan], controller: str) -> None:
        """Write all bridges, without ports, into the database; the daemon makes them while we go on."""
        operations: list[Operation] = []
        for plan in plans:
            columns = {"datapath_type": DATAPATHS[self.kind], "protocols": "OpenFlow13", "fail_mode": "secure"}
            maps = {"datapath-id": f"{plan.dpid:016x}", "hwaddr": plan.mac, "disable-in-band": "true"}
            operations += ovsdb.new_bridge(plan.name, controller, columns, maps)
        self._database().begin(operations)

    def begin_ports(self, ports: Sequence[tuple[str, str, int]]) -> None:
        """Have (bridge, interface, OpenFlow port number) plugged in; the daemon works while we go on."""
        plugged: dict[str, list[tuple[str, int]]] = {}
        for bridge, port, number in ports:
            plugged.setdefault(bridge, []).append((port, number))
        if plugged:
            self._database().begin([op for bridge, its in plugged.items() for op in ovsdb.new_ports(bridge, its)])

    def finish(self) -> None:
        """Wait for all that was begun.  Raises RunError."""
        self._database().settle()

    def remove_ports(self, bridge: str, ports: Sequence[str]) -> None:
        """Take ports off a bridge."""
        found = self._database().ask([ovsdb.find("Port", port) for port in ports])
        self._database().begin([ovsdb.drop_ports(bridge, [uuid for each in found for uuid in ovsdb.found_uuids(each)])])
        self.finish()

    def remove_bridge(self, bridge: str) -> None:
        """Take a switch away for good."""
        found = self._database().ask([ovsdb.find("Bridge", bridge)])
        self._database().begin([ovsdb.drop_bridges(ovsdb.found_uuids(found[0]))])
        self.finish()

    def _database(self) -> Ovsdb:
        """The connection, once the daemons are there; made with the first use."""
        if self._connection is None:
            pids = self.started()
            self._connection = Ovsdb(self._folder / "db.sock", pids, _INSTEAD)
            self._connection.ask([ovsdb.new_root()])
        return self._connection

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
            expected="the programs ovs-vswitchd, ovsdb-server and ovsdb-tool",
            todo="bin/lan installs them; or --switch bridge",
        )
    return kind or datapath()
