"""Starting programs on devices from the bubble's PID 1: services by module name, others by path.

A service is forked from this process, whose Python is already warm: about 10 ms instead of 150.
It is named, never imported here, and its crash is its own.
"""

import contextlib
import gc
import importlib
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import NoReturn

from lan.engine import syscalls
from lan.engine.space import Space

_SIGNALS = (signal.SIGIO, signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Start:
    """One program to start: descriptors for its standard streams and others to keep open."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    streams: tuple[int, int, int]
    keep: Sequence[int] = field(default=())


def preload(names: Iterable[str]) -> None:
    """Import modules by name now, so that what is forked later starts warm; one that fails, fails then."""
    for name in names:
        with contextlib.suppress(Exception):
            _entry(name)
    gc.freeze()  # what lies there now is never collected, so that forks go on sharing its pages


def module(name: str, start: Start, space: Space | None) -> int:
    """Run ``main(arguments)`` of a module on a device (None: in the bubble itself); its process id."""
    return _fork(space, start, lambda: _run_module(name, start))


def call(function: Callable[[], object], start: Start, name: str) -> int:
    """Run a function of ours in a process of its own inside the bubble; its process id."""

    def named() -> object:
        syscalls.set_process_name(name)
        syscalls.set_process_title(name)
        return function()

    return _fork(None, start, named)


def executable(start: Start, space: Space | None) -> int:
    """Run a program file (``arguments[0]``, found on its PATH); its process id."""

    def execute() -> NoReturn:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a program file expects it so; Python code never does
        os.execvpe(start.arguments[0], list(start.arguments), dict(start.environment))

    return _fork(space, start, execute)


def _fork(space: Space | None, start: Start, work: Callable[[], object]) -> int:
    own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    syscalls.setns(own_pids if space is None else space.pid, syscalls.CLONE_NEWPID)
    if (child := os.fork()) == 0:
        _become(space, start, work)
    syscalls.setns(own_pids, syscalls.CLONE_NEWPID)
    os.close(own_pids)
    return child


def _become(space: Space | None, start: Start, work: Callable[[], object]) -> NoReturn:
    code = 127
    try:
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.setsid()
        if space is not None:
            space.enter()
        os.chdir(start.folder)
        for target, descriptor in enumerate(start.streams):
            os.dup2(descriptor, target, inheritable=True)
        for stream, descriptor, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
            setattr(sys, stream, os.fdopen(descriptor, mode, closefd=False, buffering=1))
        _close_all_but(start.keep)
        os.environ.clear()
        os.environ.update(start.environment)
        outcome = work()
        code = outcome if isinstance(outcome, int) else 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _close_all_but(keep: Sequence[int]) -> None:
    lowest = 3
    for descriptor in sorted({*keep, 1 << 20}):
        os.closerange(lowest, descriptor)
        lowest = descriptor + 1
    for descriptor in keep:
        os.set_inheritable(descriptor, True)


def _run_module(name: str, start: Start) -> object:
    sys.argv = [name, *start.arguments]
    found = _entry(name)
    syscalls.set_process_name(name.removeprefix("lan.").removesuffix(".__main__"))
    syscalls.set_process_title(name)
    if hasattr(found, "main"):
        return found.main(list(start.arguments))
    return runpy.run_module(name, run_name="__main__", alter_sys=True)


def _entry(name: str) -> ModuleType:
    """The module whose `main` is meant: of a package, its `__main__`."""
    found = importlib.import_module(name)
    return importlib.import_module(f"{name}.__main__") if hasattr(found, "__path__") else found
