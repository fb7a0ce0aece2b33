"""Which users a bubble has: user_namespaces(7), subuid(5).

Real root needs no user namespace at all.  An ordinary user is root inside and, where /etc/subuid
grants a range, has the other users that nginx, sshd or squid change to.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lan.errors import MachineError


@dataclass(frozen=True, slots=True)
class IdMap:
    """Ranges of (inside, outside, length) for users and groups; `single` where there is no subuid range."""

    users: tuple[tuple[int, int, int], ...]
    groups: tuple[tuple[int, int, int], ...]

    @property
    def single(self) -> bool:
        """Whether root is the only user inside: programs that change their user then fail."""
        return len(self.users) == 1


def subordinate_range(file: Path, uid: int) -> tuple[int, int] | None:
    """(first id, length) of the largest range that `file` grants the user, by name or number."""
    try:
        names = {str(uid), pwd.getpwuid(uid).pw_name}
    except KeyError:
        names = {str(uid)}
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return None
    ranges = []
    for line in lines:
        name, _, rest = line.strip().partition(":")
        first, _, length = rest.partition(":")
        if name in names and first.isdigit() and length.isdigit():
            ranges.append((int(first), int(length)))
    return max(ranges, key=lambda item: item[1], default=None)


def for_caller() -> IdMap | None:
    """The map of the calling user; None for real root, which needs none."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        return None
    user_range = subordinate_range(Path("/etc/subuid"), uid)
    group_range = subordinate_range(Path("/etc/subgid"), uid)
    if user_range and group_range and shutil.which("newuidmap") and shutil.which("newgidmap"):
        return IdMap(((0, uid, 1), (1, *user_range)), ((0, gid, 1), (1, *group_range)))
    return IdMap(((0, uid, 1),), ((0, gid, 1),))


def write(pid: int, idmap: IdMap) -> None:
    """Give a process that has just left for a new user namespace its users.  Raises MachineError."""
    if idmap.single:
        _write_single(pid, idmap)
        return
    for program, ranges in (("newuidmap", idmap.users), ("newgidmap", idmap.groups)):
        numbers = [str(number) for line in ranges for number in line]
        done = subprocess.run([program, str(pid), *numbers], capture_output=True, text=True, check=False)
        if done.returncode:
            raise MachineError(
                f"{program} refused to map your users: {done.stderr.strip()}",
                expected="a setuid newuidmap (package uidmap) and a range for you in /etc/subuid and /etc/subgid",
                todo="lan doctor names the command that mends it",
            )


def _write_single(pid: int, idmap: IdMap) -> None:
    place = Path(f"/proc/{pid}")
    try:
        (place / "setgroups").write_text("deny")
        (place / "uid_map").write_text("{} {} {}".format(*idmap.users[0]))
        (place / "gid_map").write_text("{} {} {}".format(*idmap.groups[0]))
    except OSError as error:
        raise MachineError(
            f"the kernel refused to map your user: {error.strerror}",
            todo="lan doctor names the command that mends it, or start lan with sudo",
        ) from error
