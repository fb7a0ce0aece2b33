"""The bubble: the namespaces that hold one LAN.  namespaces(7), pid_namespaces(7).

Everything of a LAN lives inside; the kernel tears it all down when the bubble's PID 1 ends, however
it ends.  This file makes the namespaces and PID 1; what PID 1 does is its caller's affair.
"""

import contextlib
import errno
import fcntl
import os
import signal
import socket
import traceback
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from lan.engine import idmap, syscalls
from lan.engine.waiting import readable
from lan.errors import MachineError
from lan.readable import signal_name

NAMESPACES = (
    syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC
)
HOME = Path("/run/lan")
"""The bubble's own tmpfs, as its inside sees it; outside it is /proc/PID/root/run/lan."""
PROCESS_NAME = "lan-agent"
FROM_OUTSIDE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals by which a terminal or a supervisor ends a command."""
_BURIAL_S = 10.0
"""How long a killed PID 1 is waited for: the kernel takes seconds over hundreds of packet sockets."""


@dataclass(slots=True)
class Bubble:
    """A bubble seen from outside: PID 1's process id, the channel to it, and the lifeline.

    While the lifeline is open in this process, the bubble lives; closing it (or dying) ends it,
    unless PID 1 has been told to stay.
    """

    pid: int
    channel: socket.socket
    lifeline: int | None

    def let_go(self) -> None:
        """Close the lifeline."""
        if self.lifeline is not None:
            os.close(self.lifeline)
            self.lifeline = None

    def burst(self) -> None:
        """End it now, unless it was told to stay; returns when nothing of it is left."""
        if self.lifeline is not None:
            self.let_go()
            end(self.pid)


class Lifeline:
    """PID 1's end of the pipe whose writing end its parent holds: ends the bubble with its parent."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def watch(self) -> None:
        """From now on, end this process when the parent is gone, even while it is busy (SIGIO)."""
        assert self._descriptor is not None
        signal.signal(signal.SIGIO, self._hung_up)
        fcntl.fcntl(self._descriptor, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
        self._hung_up(signal.SIGIO, None)  # the parent may have died before the signal was asked for

    def release(self) -> None:
        """Live on without the parent: ``lan up``."""
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _hung_up(self, number: int, frame: FrameType | None) -> None:
        try:
            if self._descriptor is not None and os.read(self._descriptor, 1) == b"":
                os._exit(0)
        except BlockingIOError:
            pass


Main = Callable[[socket.socket, Lifeline], None]


def end(pid: int, patience_s: float = 5) -> None:
    """Wait until PID 1 of a bubble, and with it all its processes, is gone; kill it if that takes long.

    It may then still wait for a program that `lan exec` started, and whose parent does not take note
    of its end: nothing that we could mend, and nothing that runs.
    """
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not readable([process], patience_s):
            signal.pidfd_send_signal(process, signal.SIGKILL)
            readable([process], _BURIAL_S)
    except ProcessLookupError:
        pass
    finally:
        os.close(process)


def blow(main: Main, keep: Collection[int] = ()) -> Bubble:
    """Make a bubble; its PID 1 runs ``main(channel, lifeline)`` and ends with it.

    Of the caller's descriptors it gets the standard streams and those in `keep`.  Must be called
    from a single-threaded process.  Raises MachineError where the kernel forbids it.
    """
    users = idmap.for_caller()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    lifeline_read, lifeline_write = os.pipe()
    middle, pid = 0, 0
    try:
        with _undisturbed() as mask:
            middle = os.fork()
            if middle == 0:
                kept = {0, 1, 2, theirs.fileno(), lifeline_read, *keep}
                _between(theirs, lifeline_read, users, main, kept, mask)
            theirs.close()
            os.close(lifeline_read)
        if users is not None:
            _expect(ours, b"U")
            idmap.write(middle, users)
            ours.sendall(b"M")
        pid = int(_expect(ours, b"P", more=16))
        ours.sendall(b"K")
        os.waitpid(middle, 0)
    except (_SilentError, ConnectionError):  # it is gone when it is read from, or written to
        status = _call_off(ours, lifeline_write, middle, pid)
        raise _forbidden(f"the process that makes them ended with {_told(status)}, and without a word") from None
    except BaseException:
        _call_off(ours, lifeline_write, middle, pid)
        raise
    return Bubble(pid, ours, lifeline_write)


@contextlib.contextmanager
def _undisturbed() -> Iterator[set[int]]:
    """Within it nobody's signals come, so that a child is itself before they do; yields the mask of before."""
    mask: set[int] = set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))  # real-time signals have no name
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, FROM_OUTSIDE)
        yield mask
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _call_off(channel: socket.socket, lifeline: int, middle: int, pid: int) -> int:
    """End what has been made until now; returns when it is gone, with how the process between ended."""
    os.close(lifeline)
    channel.shutdown(socket.SHUT_WR)
    status = 0
    with contextlib.suppress(ChildProcessError):  # it has been waited for, or was never there
        _, status = os.waitpid(middle, 0) if middle else (0, 0)
    if pid:
        end(pid)
    channel.close()
    return status


class _SilentError(Exception):
    """The process between is gone, and has not said why."""


def _told(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"code {code}" if code >= 0 else signal_name(-code)


def _expect(channel: socket.socket, tag: bytes, more: int = 0) -> bytes:
    """The next answer of the process between: its tag, or E and an errno in words."""
    first = channel.recv(1)
    if first == tag:
        return channel.recv(more, socket.MSG_WAITALL) if more else b""
    if first != b"E":
        raise _SilentError
    raise _forbidden(channel.recv(4096).decode() or "its first process ended without a word")


def _forbidden(why: str) -> MachineError:
    if os.geteuid() == 0:
        return MachineError(
            f"this machine does not let lan make namespaces: {why}",
            expected="real root outside a locked-down container",
            todo="lan doctor",
        )
    return MachineError(
        f"this machine does not let you make namespaces: {why}",
        expected="unprivileged user namespaces (kernel.unprivileged_userns_clone=1, user.max_user_namespaces > 0, no "
        "AppArmor restriction, not inside a chroot)",
        todo="lan doctor names the command that mends it; or the same with sudo",
    )


def _between(
    channel: socket.socket,
    lifeline: int,
    users: idmap.IdMap | None,
    main: Main,
    keep: Collection[int],
    mask: Collection[int],
) -> NoReturn:
    """The process between the caller and PID 1: enters the namespaces, makes PID 1, ends.

    If the caller is gone or has changed its mind by then, it ends when PID 1 has.
    """
    try:
        for number in FROM_OUTSIDE:  # those that wait are the caller's, which takes its LAN down in order
            signal.signal(number, signal.SIG_IGN)
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        _blank_all_but(keep)
        _make_inside(channel, lifeline, users, main)
    except ConnectionError:  # the caller is gone
        pass
    except BaseException as error:
        channel.sendall(b"E" + (str(error) if isinstance(error, OSError) else repr(error)).encode())
    finally:
        os._exit(1)


def _blank_all_but(keep: Collection[int]) -> None:
    """Let go of the caller's descriptors: another LAN's lifeline, a pipe that somebody waits on.

    They become /dev/null instead of closed: objects of the caller's that are dropped here close
    theirs, and must not hit what has got the number since.
    """
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        descriptor = int(name)
        if descriptor not in keep and descriptor != nothing:
            with contextlib.suppress(OSError):  # the listing's own is gone by now
                os.fstat(descriptor)
                os.dup2(nothing, descriptor, inheritable=False)
    os.close(nothing)


def _make_inside(channel: socket.socket, lifeline: int, users: idmap.IdMap | None, main: Main) -> None:
    try:
        if users is not None:
            syscalls.unshare(syscalls.CLONE_NEWUSER)
            channel.sendall(b"U")
            if channel.recv(1) != b"M":
                os._exit(1)
        syscalls.unshare(NAMESPACES)
    except OSError as error:
        words = "user namespaces are used up or forbidden" if error.errno == errno.ENOSPC else error.strerror
        channel.sendall(b"E" + f"{words or error}".encode())
        os._exit(1)
    furnished, told = os.pipe()
    introduced, silence = os.pipe()
    inside = os.fork()
    if inside:
        os.close(told)
        while not (come := readable([furnished, channel.fileno()], _BURIAL_S)):
            pass
        trouble = os.read(furnished, 4096).decode() if furnished in come else "it was called off meanwhile"
        os.close(furnished)
        if trouble != "ready":
            end(inside)
            channel.sendall(b"E" + trouble.encode())
            return
        with contextlib.suppress(ConnectionError):
            channel.sendall(b"P" + f"{inside:16d}".encode())
        if channel.recv(1) != b"K":  # the lifeline is cut too
            end(inside)
        return  # and end, which closes `silence`
    os.close(silence)
    code = 1
    try:
        watch = Lifeline(lifeline)
        watch.watch()
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)  # or /proc/PID/root is closed to the user who made us
        syscalls.set_process_name(PROCESS_NAME)
        syscalls.set_process_title(PROCESS_NAME)
        try:
            _furnish()
        except OSError as error:
            os.write(told, str(error).encode())
            return
        os.write(told, b"ready")
        os.close(told)
        os.read(introduced, 1)  # until its process id has been told: `main` speaks on the same channel
        os.close(introduced)
        main(channel, watch)
        code = 0
    except BaseException:
        traceback.print_exc()  # in agent.log; PID 1 ends, and the whole LAN with it
    finally:
        os._exit(code)


def _furnish() -> None:
    """The bubble's own file systems: nothing that is mounted from here on is seen outside."""
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("tmpfs", "/run", "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=755,nr_inodes=0")
    syscalls.mount("proc", "/proc", "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
    syscalls.mount("sysfs", "/sys", "sysfs", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
    HOME.mkdir(mode=0o700)
