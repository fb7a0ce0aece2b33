"""Running a program on a device in this very process's place: terminal, signals and descriptors stay ours."""

import contextlib
import os
import pwd
import select
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from lan.cli.screen import spoken
from lan.control import joining, messages
from lan.control.client import RunningDevice
from lan.engine import syscalls
from lan.errors import LanError, RunError, UsageError

CANNOT, CANNOT_RUN, NOT_FOUND = 125, joining.CANNOT_RUN, joining.NOT_FOUND
_FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)


def run_joined(
    device: RunningDevice,
    command: Sequence[str],
    *,
    folder: str | None,
    user: str | None,
    extra: Mapping[str, str],
) -> int:
    """Run a program to its end; its exit code, or 128 and its signal's number."""
    descriptors = device.join()
    if user is not None:
        _check_user(user)
    environment = {**descriptors.environment, **extra}
    if user is not None:
        environment |= {"HOME": f"/home/{user}", "USER": user, "LOGNAME": user} | dict(extra)
    try:
        with descriptors:
            joining.enter(descriptors, folder)
        child = _start(lambda: _become(device.name, command, user, environment))
    except OSError as error:
        raise RunError(f"{device.name}: the kernel refused to let us in: {error}", todo="lan doctor") from error
    code = _wait(child)
    try:
        device.lan.ask(messages.Leave())
    except RunError:
        _say(RunError(f"LAN {device.lan.name} went down meanwhile"))
    return code


def _check_user(user: str) -> None:
    try:
        uid = pwd.getpwnam(user).pw_uid
    except KeyError:
        raise UsageError(f"--user {user}: this machine has no such user") from None
    if uid > 65535:
        raise UsageError(f"--user {user}: a device has the users 0 to 65535, not {uid}")


def _start(become: Callable[[], NoReturn]) -> int:
    """Fork the process that becomes the program; it ends with us, however we end.

    Signals that come meanwhile wait: they would hit a child that is not the program yet, or us when
    they are meant for it.
    """
    is_parent_alive, _held = os.pipe()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, (*_FROM_TERMINAL, *_FORWARDED))
    child = os.fork()
    if child == 0:
        try:
            os.close(_held)
            for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and an exec would keep that
                signal.signal(number, signal.SIG_DFL)
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            _end_with_parent(is_parent_alive)
            become()
        finally:
            os._exit(CANNOT_RUN)
    os.close(is_parent_alive)
    came = signal.sigpending()
    for number in _FROM_TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    for number in _FORWARDED:
        signal.signal(number, lambda received, _: _pass_on(child, received))
    for number in came.intersection(_FROM_TERMINAL):
        _pass_on(child, number)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return child


def _end_with_parent(is_parent_alive: int) -> None:
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    if select.select([is_parent_alive], [], [], 0)[0]:  # it died before that
        os._exit(128 + signal.SIGKILL)


def _pass_on(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _become(device: str, command: Sequence[str], user: str | None, environment: Mapping[str, str]) -> NoReturn:
    code = CANNOT_RUN
    try:
        if user is not None:
            joining.be_user(user)
            syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of user clears it
        os.execvpe(command[0], list(command), dict(environment))
    except FileNotFoundError:
        code = NOT_FOUND
        expected = "a program of this machine, by name or path"
        _say(RunError(f"{device}: no program {command[0]!r}", expected=expected))
    except OSError as error:
        _say(RunError(f"{device}: {command[0]!r} can't be run: {error.strerror}"))
    finally:
        os._exit(code)


def _say(fault: LanError) -> None:
    sys.stderr.write(f"lan: {spoken().fault(fault)}\n")
    sys.stderr.flush()


def _wait(child: int) -> int:
    """Wait for the program; what the terminal sends, it gets itself; what others send us, `_start` passes on."""
    _, status = os.waitpid(child, 0)
    _take_terminal_back()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _take_terminal_back() -> None:
    """A shell with job control leaves its own, now empty, group in the foreground."""
    if sys.stdin.isatty():
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            os.tcsetpgrp(0, os.getpgrp())
        except OSError:
            pass
