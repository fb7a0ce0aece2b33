"""A client's TCP connection with a deadline for everything: connect, send, receive, close in order.

`tls.py` puts TLS on top.  Failures are RunErrors that say what was tried and where.
"""

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from lan.errors import RunError
from lan.services.http.persistence import Side

RECEIVE_BYTES = 64 * 1024
_TCP_CLOSE_WAIT = 8  # include/net/tcp_states.h; the first byte of TCP_INFO

_REMEDIES = {
    errno.ECONNREFUSED: "is the server running, and on this port?",
    errno.EHOSTUNREACH: "is the other machine up, and its cable plugged?",
    errno.ENETUNREACH: "has this machine an address and a route?",
}


class Deadline:
    """The moment by which everything must be done."""

    def __init__(self, within_s: float) -> None:
        self.within_s, self._until_s = within_s, time.monotonic() + within_s

    def left_s(self) -> float:
        """Seconds that are left; raises TimeoutError when none is."""
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s


@contextmanager
def in_words(doing: str, where: str, deadline: Deadline) -> Iterator[None]:
    """Turn what the socket raises into a RunError."""
    try:
        yield
    except TimeoutError:
        todo = "--timeout-s with more, or look at the packets: lan trace"
        raise RunError(f"{doing}: no end within {deadline.within_s:g} s", where=where, todo=todo) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"{doing}: {reason.lower()}", where=where, todo=_REMEDIES.get(error.errno or 0)) from None


class Stream:
    """One connection.  Each call takes at most what the deadline leaves."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self.sock, self.deadline = sock, deadline
        self.agreed: dict[str, Any] = {}  # what TLS agreed on, where there is TLS
        self.local, self.peer = name(sock.getsockname()), name(sock.getpeername())

    def send(self, data: bytes) -> None:
        """All of these bytes."""
        with in_words("sending the request", self.peer, self.deadline):
            self.sock.settimeout(self.deadline.left_s())
            self.sock.sendall(data)

    def receive(self) -> bytes:
        """What has come, waiting for at least a byte; ``b""`` is the end of the server's stream."""
        with in_words("waiting for the response", self.peer, self.deadline):
            self.sock.settimeout(self.deadline.left_s())
            return self.sock.recv(RECEIVE_BYTES)

    def close(self, first: Side, within_s: float) -> tuple[Side, bool]:
        """Send our FIN and wait for the server's, or the other way round where `first` is the server.

        Gives who was first, for the server may have closed already, and whether its FIN came in time.
        """
        try:
            if first is Side.SERVER:
                self._await_fin(Deadline(within_s))
            state = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
            first = Side.SERVER if state == _TCP_CLOSE_WAIT else Side.CLIENT
            if first is Side.SERVER:  # the ACK that is owed leaves now, not with our FIN
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            self.send_end()
            self.sock.shutdown(socket.SHUT_WR)
            return first, self._drain(Deadline(within_s))
        except OSError:  # the server reset what it had no more use for
            return first, False
        finally:
            self.sock.close()

    def send_end(self) -> None:
        """What stands before a FIN: nothing for plain TCP."""

    def _await_fin(self, deadline: Deadline) -> None:
        if self._drain(deadline):  # under TLS that may be the close_notify before it
            socket.socket.recv(self.sock, RECEIVE_BYTES)

    def _drain(self, deadline: Deadline) -> bool:
        try:
            while True:
                self.sock.settimeout(deadline.left_s())
                if not self.sock.recv(RECEIVE_BYTES):
                    return True
        except TimeoutError:
            return False


def resolve(host: str, port: int, deadline: Deadline) -> list[str]:
    """The addresses of a name, in the order to try them.  Asks for IPv6 only where this machine has it."""
    answers: list[str] = []
    faults: list[OSError] = []

    def ask() -> None:  # getaddrinfo knows no deadline, so it waits on a thread that may be left behind
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            answers.extend(str(address[0]) for *_, address in found)
        except OSError as error:
            faults.append(error)
        except UnicodeError as error:
            faults.append(OSError(None, str(error)))

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(deadline.left_s())
    if faults:
        todo = "is the name right, and does a DNS server answer? lan-nslookup shows it"
        raise RunError(f"no address: {(faults[0].strerror or str(faults[0])).lower()}", where=host, todo=todo)
    if not answers:
        raise RunError(f"no answer from DNS within {deadline.within_s:g} s", where=host, todo="is the DNS server up?")
    return answers


def connect(addresses: list[str], port: int, deadline: Deadline) -> Stream:
    """A connection to the first of these addresses that takes it."""
    for number, address in enumerate(addresses, 1):
        try:
            with in_words("connecting", name((address, port)), deadline):
                sock = socket.create_connection((address, port), deadline.left_s())
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return Stream(sock, deadline)
        except RunError:
            if number == len(addresses):
                raise
    raise AssertionError("resolve gives at least one address")


def name(address: tuple[str, int]) -> str:
    """``192.168.100.253:80``, ``[::1]:80``."""
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
