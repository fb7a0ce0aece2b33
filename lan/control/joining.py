"""Becoming a process of a device from outside: what `lan exec` and `console` do.

The process enters the namespaces itself, so its terminal, signals and descriptors stay the
caller's.  nsenter(1) does the like.
"""

import fcntl
import os
import pwd
import signal
import termios
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from lan.engine import browsers, syscalls

CANNOT_RUN, NOT_FOUND = 126, 127


@dataclass(slots=True)
class Descriptors:
    """The namespaces of a device, and the environment its programs get; see `messages.Enter`."""

    environment: dict[str, str]
    bubble: int
    net: int
    mnt: int
    uts: int
    pid: int
    user: int

    def __enter__(self) -> "Descriptors":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for descriptor in (self.bubble, self.net, self.mnt, self.uts, self.pid, self.user):
            os.close(descriptor)


def enter(descriptors: Descriptors, folder: str | None) -> None:
    """Enter all namespaces of a device; children of this process are its processes.

    `folder`, a folder outside, is mounted there read-write, at its own path, for this process and
    its children alone, and becomes the working directory; without one it is the device's home.
    """
    if not _same_user_namespace(descriptors.user):
        syscalls.setns(descriptors.user, syscalls.CLONE_NEWUSER)
    syscalls.setns(descriptors.bubble, syscalls.CLONE_NEWNS)
    tree = None
    if folder is not None and folder != "/" and Path(folder).is_dir():
        tree = syscalls.open_tree(folder)
    syscalls.setns(descriptors.net, syscalls.CLONE_NEWNET)
    syscalls.setns(descriptors.mnt, syscalls.CLONE_NEWNS)
    syscalls.setns(descriptors.uts, syscalls.CLONE_NEWUTS)
    syscalls.setns(descriptors.pid, syscalls.CLONE_NEWPID)
    if tree is not None and folder is not None:
        syscalls.unshare(syscalls.CLONE_NEWNS)
        Path(folder).mkdir(parents=True, exist_ok=True)
        syscalls.move_mount(tree, folder)
        os.close(tree)
    os.chdir(folder if tree is not None and folder is not None else "/root")


def _same_user_namespace(descriptor: int) -> bool:
    own, there = Path("/proc/self/ns/user").stat(), os.fstat(descriptor)
    return (own.st_dev, own.st_ino) == (there.st_dev, there.st_ino)


def become(descriptors: Descriptors, folder: str | None, user: str | None) -> None:
    """For a forked child about to exec: enter the device, and be a process of it in every respect.

    A process can't change its own process id's namespace, only its children's: so this forks once
    more; the outer process waits and ends as the inner one did.
    """
    if os.isatty(0):
        if os.getsid(0) == os.getpid():  # a session of its own (`start_new_session`): that terminal is now its
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    else:
        os.setpgid(0, 0)
    enter(descriptors, folder)
    child = os.fork()
    if child:
        pass_on(child)
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    if user is not None:
        be_user(user)


def be_user(name: str) -> None:
    """Go on as another user of the device, for programs that refuse root."""
    entry = pwd.getpwnam(name)
    home = Path(f"/home/{name}")
    home.mkdir(mode=0o755, exist_ok=True)
    os.chown(home, entry.pw_uid, entry.pw_gid)
    browsers.share(home, entry.pw_uid, entry.pw_gid)
    os.initgroups(name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def pass_on(child: int) -> NoReturn:
    """Stand for a child that is in a PID namespace of its own: pass signals on to it, end as it does."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, lambda received, _: os.kill(child, received))
    os.closerange(3, 1 << 16)
    while True:
        try:
            _, status = os.waitpid(child, 0)
            break
        except InterruptedError:
            continue
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 128 - code)
