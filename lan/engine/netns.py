"""Network namespaces held by descriptors, and the way in and back.  network_namespaces(7)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lan.engine import syscalls

_SELF = "/proc/thread-self/ns/net"


def current() -> int:
    """A descriptor of the namespace this process is in."""
    return os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC)


def new() -> int:
    """Make a namespace, enter it, and give its descriptor; it lives while the descriptor does."""
    syscalls.unshare(syscalls.CLONE_NEWNET)
    return current()


def enter(descriptor: int) -> None:
    """Go into a namespace for good."""
    syscalls.setns(descriptor, syscalls.CLONE_NEWNET)


@contextmanager
def inside(descriptor: int, home: int) -> Iterator[None]:
    """Be in a namespace for the length of a `with`; sockets opened there stay there."""
    enter(descriptor)
    try:
        yield
    finally:
        enter(home)
