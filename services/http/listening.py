"""Listening sockets of servers and proxies: one process on a port, or several (SO_REUSEPORT, socket(7))."""

import socket
from dataclasses import dataclass

from lan.errors import MachineError

Address = tuple[str, int]
BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that accepts, with TLS or without; `address` as it was asked for."""

    sock: socket.socket
    address: Address
    is_tls: bool

    @property
    def bound(self) -> Address:
        """Where it listens, with the port that the kernel gave."""
        host, port = self.sock.getsockname()[:2]
        return host, port


def change(now: list[Listener], *wanted: tuple[Address | None, bool], shared: bool, usual: int) -> list[Listener]:
    """Those that are wanted ((address, is it for TLS); None: not this one): of `now` the same, the others opened.

    The rest of `now` is the caller's to close.  Raises MachineError, and then leaves nothing open.
    """
    known = {(one.address, one.is_tls): one for one in now}
    made: list[Listener] = []
    try:
        for address, is_tls in wanted:
            if address is not None:
                kept = known.get((address, is_tls))
                made.append(kept or Listener(listen(address, shared=shared, usual=usual), address, is_tls))
    except MachineError:
        for one in made:
            if one not in now:
                one.sock.close()
        raise
    return made


def listen(address: Address, *, shared: bool = False, usual: int = 8080) -> socket.socket:
    """A listening socket that never waits; `shared`: other processes listen there too.

    Raises MachineError with what stands in the way, and how to take another port (`usual`, say).
    """
    sock = socket.socket(_family(address), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        _bind(sock, address, shared=shared)
        sock.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        sock.close()
        what = f"can't listen on {address[0]}:{address[1]}: {getattr(error, 'strerror', None) or error}"
        raise MachineError(what, todo=f"another port, such as --listen 127.0.0.1:{usual}") from None
    return sock


def hold(address: Address, *, usual: int = 8080) -> tuple[socket.socket, Address]:
    """Keep a port for processes that come and share it; a port 0 becomes the kernel's choice.

    Gives a socket that holds it while open, and the address.  Raises MachineError where it can't be had
    alone, such as where another server is on it.
    """
    listen(address, usual=usual).close()
    sock = socket.socket(_family(address), socket.SOCK_STREAM)
    try:
        _bind(sock, address, shared=True)
    except OSError as error:  # taken between the two
        sock.close()
        raise MachineError(f"can't hold {address[0]}:{address[1]}: {error.strerror}", todo="once more") from None
    return sock, (address[0], sock.getsockname()[1])


def in_words(address: Address) -> str:
    """``192.168.100.253:80``, ``[::1]:80``."""
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def _bind(sock: socket.socket, address: Address, *, shared: bool) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(address)
