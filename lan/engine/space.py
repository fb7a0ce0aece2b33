"""A device as the kernel sees it: its four namespaces, and the PID 1 that keeps them.

The namespaces of files, names and processes are made with a device's first program; a LAN of
four hundred idle hosts has none of them.
"""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from lan.engine import device_root, netns, syscalls
from lan.errors import RunError

_PAUSE = ["/usr/bin/sleep", "infinity"]


@dataclass(frozen=True, slots=True)
class Space:
    """Descriptors of a device's namespaces; `init` is its PID 1, numbered as in the bubble."""

    device: str
    init: int
    net: int
    mnt: int
    uts: int
    pid: int

    def enter(self) -> None:
        """Become a process of the device (children are; for itself all but its process id)."""
        syscalls.setns(self.net, syscalls.CLONE_NEWNET)
        syscalls.setns(self.mnt, syscalls.CLONE_NEWNS)
        syscalls.setns(self.uts, syscalls.CLONE_NEWUTS)

    def close(self) -> None:
        """Let the namespaces go; the network's belongs to the fabric."""
        for descriptor in (self.mnt, self.uts, self.pid):
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device's PID 1 needs to know: see `device_root.lay`."""

    device: str
    address: str | None
    state: str | None
    etc: Mapping[str, str]


def make(net: int, identity: Identity) -> Space:
    """Start a device's PID 1, which lays its file system.  Called by the bubble's PID 1.

    Raises RunError with what the kernel refused.
    """
    own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    read, write = os.pipe()
    syscalls.unshare(syscalls.CLONE_NEWPID)
    if (init := os.fork()) == 0:
        _be_init(net, identity, write)
    syscalls.setns(own_pids, syscalls.CLONE_NEWPID)
    os.close(own_pids)
    os.close(write)
    with os.fdopen(read) as answer:
        trouble = answer.read()
    if trouble != "laid":
        os.kill(init, signal.SIGKILL)
        raise RunError(
            f"{identity.device}: the kernel refused its file system: {trouble or 'its PID 1 ended'}",
            expected="overlayfs and new mounts inside a user namespace (Linux 5.11 or later)",
            todo="lan doctor",
        )
    place = f"/proc/{init}/ns/"
    files, names, pids = (os.open(place + kind, os.O_RDONLY | os.O_CLOEXEC) for kind in ("mnt", "uts", "pid"))
    return Space(identity.device, init, net, files, names, pids)


def of_bubble(name: str, net: int) -> Space:
    """The bubble's own namespaces but for the network: for a helper that no device may see."""
    files, names, pids = (
        os.open(f"/proc/self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("mnt", "uts", "pid")
    )
    return Space(name, os.getpid(), net, files, names, pids)


def _be_init(net: int, identity: Identity, answer: int) -> NoReturn:
    """PID 1 of a device: lay its files, then be a small program that reaps orphans until the bubble ends."""
    try:
        for number in (signal.SIGIO, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        os.setsid()
        netns.enter(net)
        syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC)
        device_root.lay(identity.device, address=identity.address, state=identity.state, etc=identity.etc)
        os.write(answer, b"laid")
        os.closerange(0, 1 << 16)
        # the kernel itself reaps the orphans of a PID 1 that ignores SIGCHLD, and an exec keeps that
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        os.execv(_PAUSE[0], _PAUSE)
    except OSError as error:
        os.write(answer, str(error).encode())
    finally:
        os._exit(1)
