"""What is on a machine that a LAN could leave behind: processes, namespaces, interfaces, mounts, files, sockets.

Inventories are compared, so that what others do is no matter: only what carries one of our names, or
descends from what we started, counts.
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

OURS = re.compile(
    r"lan-agent|lan-tap|lan-sandbox|ovs-vswitchd|ovsdb-server|lan\.(services|openflow|engine|cli)|sleep infinity"
)


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
    return Inventory(
        {
            "process": frozenset(_processes()),
            "namespace": frozenset(_namespaces()),
            "interface": frozenset(link["ifname"] for link in json.loads(_output(["ip", "-j", "link"]))),
            "mount": frozenset(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()),
            "named namespace": frozenset(_output(["ip", "netns", "list"]).split("\n")),
            "file": frozenset(_files()),
            "socket": frozenset(
                line.split()[7]
                for line in Path("/proc/net/unix").read_text().splitlines()[1:]
                if len(line.split()) > 7 and "lan" in line
            ),
        }
    )


def _processes() -> list[str]:
    found = []
    for entry in _each_process():
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and OURS.search(command):
            found.append(f"{entry.name} {command}")
    return found


def _namespaces() -> set[str]:
    found = set()
    for entry in _each_process():
        for kind in ("net", "mnt", "pid", "user", "uts", "ipc"):
            try:
                found.add(str((entry / "ns" / kind).readlink()))
            except OSError:
                continue
    return found


def _each_process() -> list[Path]:
    return [Path(entry.path) for entry in os.scandir("/proc") if entry.name.isdigit()]


def _files() -> list[str]:
    places = [Path("/run"), Path("/dev/shm"), Path("/run/openvswitch"), Path("/var/run/netns")]
    return [str(entry) for place in places if place.is_dir() for entry in place.iterdir()]


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
