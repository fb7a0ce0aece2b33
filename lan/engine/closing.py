"""Ending a process that holds hundreds of packet sockets, in one grace period instead of hundreds.

Each packet socket that closes waits for an RCU grace period (packet(7); `packet_release` in the
kernel), some 10 ms, and a process closes its descriptors one after the other: Open vSwitch's
userspace datapath with four hundred ports took four seconds to die.  Copies of the sockets are given
to a few processes that end at the same moment: their grace periods pass beside each other.
"""

import contextlib
import os
import signal
from pathlib import Path

from lan.engine import syscalls

WORKERS = 24
FEW = 24
"""Below it, ending the process is quick enough."""


def end(*pids: int) -> None:
    """Kill processes of the bubble, quickly even if they hold many packet sockets."""
    copies: list[int] = []
    for pid in pids:
        try:
            sockets = _packet_sockets(pid)
            copies += _copies(pid, sockets) if len(sockets) > FEW else []
        except OSError:  # it is gone, or this kernel has no pidfd_getfd (Linux 5.6)
            continue
    go = _hand_out(copies) if copies else None
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if go is not None:
        os.close(go)


def _packet_sockets(pid: int) -> list[int]:
    """The process's descriptors of packet sockets: those whose inodes its namespace lists."""
    inodes = {line.split()[-1] for line in Path(f"/proc/{pid}/net/packet").read_text().splitlines()[1:]}
    found = []
    for entry in os.scandir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(entry.path)  # noqa: PTH115 - no file
            if target.startswith("socket:[") and target[8:-1] in inodes:
                found.append(int(entry.name))
    return found


def _copies(pid: int, descriptors: list[int]) -> list[int]:
    process = os.pidfd_open(pid)
    try:
        return [syscalls.pidfd_getfd(process, descriptor) for descriptor in descriptors]
    finally:
        os.close(process)


def _hand_out(copies: list[int]) -> int:
    """Give each worker its share; they end when the returned descriptor is closed.

    Returns when every worker has let go of the others' shares, so that no last copy is closed one by one.
    """
    wait, go = os.pipe()
    done, tell = os.pipe()
    for worker in range(WORKERS):
        if os.fork() == 0:
            os.close(go)
            share = set(copies[worker::WORKERS])
            for copy in copies:
                if copy not in share:
                    os.close(copy)
            os.close(tell)
            os.read(wait, 1)
            os._exit(0)
    os.close(tell)
    os.close(wait)
    os.read(done, 1)  # the end of file: all workers have closed their copy of `tell`
    os.close(done)
    for copy in copies:
        os.close(copy)
    return go
