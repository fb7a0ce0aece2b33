"""What is on a machine that a LAN could leave behind: processes, namespaces, interfaces, mounts, files, sockets.

Others may start and end LANs meanwhile, so processes (and the namespaces that they hold) count if our
commands started them: they carry `MARK` in their environment, descend from one that does, or live in
the PID namespace of one.
"""

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ..command import MARK, TEMPORARY

OTHERS_NAMES = r"ovs|vswitch|vconn|openflow|mininet|mnexec|os.?ken"
PLACES = re.compile(OTHERS_NAMES, re.IGNORECASE)
"""What of a LAN's programs, in a place that everybody uses, would not heed TMPDIR; lan itself does."""
NAMES = re.compile(f"lan|{OTHERS_NAMES}", re.IGNORECASE)
"""What else would be of a LAN's making."""
NOT_MEANT = re.compile(r"lan-test-|pytest")
_NAMESPACES = ("net", "mnt", "pid", "user", "uts", "ipc", "cgroup")


@dataclass(frozen=True)
class Inventory:
    """Each kind of thing by name."""

    things: dict[str, frozenset[str]] = field(default_factory=dict)

    def left_since(self, before: "Inventory") -> list[str]:
        """What is there now and was not before, in words."""
        return [
            f"{kind}: {name}"
            for kind, names in self.things.items()
            for name in sorted(names - before.things.get(kind, frozenset()))
        ]


def take() -> Inventory:
    """All that is there now."""
    ours = started_by_us()
    return Inventory(
        {
            "process": frozenset(_words(pid) for pid in ours),
            "namespace": frozenset(name for pid in (os.getpid(), *ours) for name in _namespaces(pid)),
            "interface": frozenset(link["ifname"] for link in json.loads(_output(["ip", "-j", "link"]))),
            "mount": frozenset(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()),
            "named namespace": frozenset(_output(["ip", "netns", "list"]).split("\n")),
            "file": frozenset(_files()),
            "socket": frozenset(_sockets({os.getpid(), *ours})),
        }
    )


def started_by_us() -> set[int]:
    """The processes that our commands started, and that have not ended."""
    alive = {int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()}
    parents = {pid: int(status[1]) for pid in alive if (status := _status(pid)) and status[0] not in "ZX"}
    marked = {pid for pid in parents if MARK.encode() in _read(pid, "environ")}
    own = _link(os.getpid(), "pid")
    bubbles = {_link(pid, "pid") for pid in marked} - {own, ""}
    found = marked | {pid for pid in parents if _link(pid, "pid") in bubbles}
    while below := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= below
    return found


def _status(pid: int) -> list[str]:
    """The fields of its stat from the state on; [] for a process that is gone."""
    return _read(pid, "stat").rpartition(b")")[2].decode().split()


def _words(pid: int) -> str:
    words = _read(pid, "cmdline").replace(b"\0", b" ") or _read(pid, "comm")
    return f"{pid} {words.decode(errors='replace').strip()}"


def _read(pid: int, file: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except OSError:
        return b""


def _link(pid: int, kind: str) -> str:
    return _target(f"/proc/{pid}/ns/{kind}")


def _namespaces(pid: int) -> set[str]:
    return {_link(pid, kind) for kind in _NAMESPACES} - {""}


def _files() -> list[str]:
    quiet = [Path(place) for place in ("/run", "/run/openvswitch", "/run/netns", "/dev/shm")]
    shared = [Path("/tmp"), Path("/var/tmp"), Path(os.environ.get("XDG_RUNTIME_DIR", "/tmp"))]
    own = Path(tempfile.gettempdir()).glob(f"{MARK}*/**/{TEMPORARY}/*")
    found = [str(entry) for entry in own]
    found += [str(entry) for place in quiet if place.is_dir() for entry in place.iterdir()]
    return found + [
        str(entry)
        for place in shared
        if place.is_dir()
        for entry in place.iterdir()
        if PLACES.search(entry.name) and not NOT_MEANT.search(entry.name)
    ]


def _sockets(holders: set[int]) -> list[str]:
    """Unix sockets with a name, be it an abstract one, that these processes hold; others' LANs have theirs."""
    held = {_target(file) for pid in holders for file in _open_files(pid)}
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    named = [(f"socket:[{row[6]}]", " ".join(row[7:])) for row in rows if len(row) > 7]
    return [name for socket, name in named if socket in held and NAMES.search(name) and not NOT_MEANT.search(name)]


def _open_files(pid: int) -> list[str]:
    try:
        return [f"/proc/{pid}/fd/{number}" for number in os.listdir(f"/proc/{pid}/fd")]  # noqa: PTH208 - as text
    except OSError:
        return []


def _target(link: str) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 - no file
    except OSError:
        return ""


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
