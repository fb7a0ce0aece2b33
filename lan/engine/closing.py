"""Ending processes that hold hundreds of packet sockets, in one grace period instead of hundreds.

Each packet socket that closes waits for an RCU grace period (packet(7); `packet_release` in the
kernel), some 10 ms, and a process closes its descriptors one after the other: Open vSwitch's
userspace datapath with four hundred ports took four seconds to die.  Copies of the sockets outlive
their process, and are let go of at the same moment, each by a thread of its own: their grace periods
pass beside each other.

All this happens while the LAN's namespaces are still there.  A dying process that wants the kernel's
lock of interfaces, as the owner of a TAP does, would else wait for as long as their burial keeps it:
from half a second to three for four hundred of them.
"""

import contextlib
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lan.engine import syscalls
from lan.engine.waiting import readable

AT_ONCE = 512
"""Threads, so as many sockets pass one grace period together."""
FEW = 4
"""So many sockets close one after the other as quickly as threads start."""
PATIENCE_S = 10.0
"""For killed processes to be gone; what is not by then ends with the bubble."""


def end(*pids: int) -> None:
    """Kill processes of the bubble; returns when they are gone, quickly even if they hold many packet sockets."""
    copies: list[int] = []
    with contextlib.ExitStack() as opened:
        processes: list[int] = []
        for pid in pids:
            try:
                processes.append(os.pidfd_open(pid))
            except OSError:  # it is gone
                continue
            opened.callback(os.close, processes[-1])
            copies += _copies(processes[-1], _packet_sockets(pid))
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
        for process in processes:
            readable([process], PATIENCE_S)
    _close_together(copies)


def _packet_sockets(pid: int) -> list[int]:
    """The process's descriptors of packet sockets: those whose inodes its namespace lists."""
    found: list[int] = []
    with contextlib.suppress(OSError):  # it has just gone
        inodes = {line.split()[-1] for line in Path(f"/proc/{pid}/net/packet").read_text().splitlines()[1:]}
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):  # it has closed this one
                target = os.readlink(entry.path)  # noqa: PTH115 - no file
                if target.startswith("socket:[") and target[8:-1] in inodes:
                    found.append(int(entry.name))
    return found


def _copies(process: int, descriptors: Sequence[int]) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):  # it has just gone, or this kernel has no pidfd_getfd (Linux 5.6)
        for descriptor in descriptors if len(descriptors) > FEW else ():
            found.append(syscalls.pidfd_getfd(process, descriptor))
    return found


def _close_together(descriptors: Sequence[int]) -> None:
    if descriptors:
        with (
            contextlib.suppress(RuntimeError),  # no more threads for this user: what is left closes with us
            ThreadPoolExecutor(min(len(descriptors), AT_ONCE)) as threads,
        ):
            for descriptor in descriptors:
                threads.submit(os.close, descriptor)
