"""The calls of the book's table 4-4 under their own names, blocking; each tells what it did.

    book = Calls("C", print)
    s = book.socket(AF_INET)
    book.connect(s, ("10.0.0.2", 80))
    book.write(s, b"GET / HTTP/1.0\\r\\n\\r\\n")

`steps.py` has the words; here are the sockets.
"""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lan.errors import MachineError, RunError
from lan.reasons import Reason
from lan.services.sockets import steps
from lan.services.sockets.steps import Address, Event

Socket = socket.socket

BACKLOG = 5
"""How many clients may wait in the queue of `listen`."""

_REMEDIES = {
    errno.ECONNREFUSED: "start lan-tcp-server there first, and name its port",
    errno.EHOSTUNREACH: "is the other machine up, and its cable plugged?",
    errno.ENETUNREACH: "has this machine an address and a route?",
}


class Calls:
    """One program's calls: `role` is S for the server's steps and C for the client's; `tell` gets each event."""

    def __init__(self, role: str, tell: Callable[[Event], object]) -> None:
        self.is_server, self.tell = role == "S", tell
        self._connections: dict[int, tuple[Address, Address]] = {}  # by descriptor: a closed one forgets its addresses

    def getaddrinfo(self, host: str, port: int) -> Address:
        """The first address of a name.  Raises RunError."""
        with _in_words("getaddrinfo", host):
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        address = (str(found[0][4][0]), port)
        self.tell(steps.event("C1", state="CLOSED", peer=address))
        return address

    def socket(self, address: Address) -> Socket:
        """A new socket, for addresses of this kind."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        s = Socket(family, socket.SOCK_STREAM)
        self._did("S1" if self.is_server else "C2", s)
        return s

    def bind(self, s: Socket, address: Address) -> None:
        """Give it an address of this machine and a port.  Raises MachineError where it is taken."""
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port whose connections are in TIME-WAIT is free
        try:
            s.bind(address)
        except (OSError, OverflowError) as fault:
            what = f"bind: can't listen on {steps.in_words(address)}: {getattr(fault, 'strerror', None) or fault}"
            raise MachineError(what, todo="another port, such as --listen :8081") from None
        self._did("S2", s)

    def listen(self, s: Socket) -> None:
        """Let clients come."""
        s.listen(BACKLOG)
        self._did("S3", s)

    def accept(self, s: Socket) -> Socket:
        """Wait for the next client: a socket for its connection alone."""
        self._did("S4", s)
        s2, _ = s.accept()
        self._did("S5", s2)
        return s2

    def connect(self, s: Socket, address: Address) -> None:
        """Connect to a server.  Raises RunError."""
        self.tell(steps.event("C3", state=_state(s), peer=address))
        with _in_words("connect", steps.in_words(address)):
            s.connect(address)
        self._did("C4", s)

    def read(self, s: Socket, n: int) -> bytes:
        """Wait for at least one byte and take at most n; ``b""`` is the end.  Raises RunError."""
        self._did("S6" if self.is_server else "C6", s)
        with _in_words("read", steps.in_words(self._ends(s)[1])):
            data = s.recv(n)
        self._did("S7" if self.is_server else "C7", s, size_bytes=len(data), why=None if data else steps.END)
        return data

    def write(self, s: Socket, data: bytes) -> None:
        """Hand all of these bytes to the kernel.  Raises RunError."""
        with _in_words("write", steps.in_words(self._ends(s)[1])):
            s.sendall(data)
        self._did("S8" if self.is_server else "C5", s, size_bytes=len(data))

    def shutdown(self, s: Socket) -> None:
        """Close the half that we write to."""
        with _in_words("shutdown", steps.in_words(self._ends(s)[1])):
            s.shutdown(socket.SHUT_WR)
        self._did("C5", s, why=steps.HALF_CLOSE, call="shutdown")

    def close(self, s: Socket) -> None:
        """Give the socket back; the kernel ends the connection by itself, as its table shows."""
        local, peer = self._ends(s)
        self._connections.pop(s.fileno(), None)
        s.close()
        state = _state_in_table(local, peer)
        self.tell(steps.event("S9" if self.is_server else "C8", state=state, local=local, peer=peer))

    def _did(
        self,
        step: str,
        s: Socket,
        *,
        size_bytes: int | None = None,
        why: Reason | None = None,
        call: str | None = None,
    ) -> None:
        local, peer = self._ends(s)
        state = _state(s)
        if state == "CLOSED":  # or in TIME-WAIT, of which the socket no longer knows
            state = _state_in_table(local, peer)
        made = steps.event(step, state=state, local=local, peer=peer, size_bytes=size_bytes, why=why, call=call)
        self.tell(made)

    def _ends(self, s: Socket) -> tuple[Address | None, Address | None]:
        local, peer = _local(s), _peer(s)
        if local is not None and peer is not None:
            self._connections[s.fileno()] = (local, peer)
        return self._connections.get(s.fileno(), (local, peer))


def _state(s: Socket) -> str:
    """What the kernel says of this socket: the first byte of TCP_INFO, tcp(7)."""
    return steps.state_name(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0])


def _state_in_table(local: Address | None, peer: Address | None) -> str:
    """What the kernel goes on doing with a connection that the socket has left."""
    if local is None or peer is None:
        return "CLOSED"
    table = Path("/proc/self/net/tcp6" if ":" in peer[0] else "/proc/self/net/tcp")
    return steps.state_in_table(table.read_text(), local, peer)


def _local(s: Socket) -> Address | None:
    address, port = s.getsockname()[:2]
    return (address, port) if port else None


def _peer(s: Socket) -> Address | None:
    try:
        address, port = s.getpeername()[:2]
    except OSError:
        return None
    return address, port


@contextmanager
def _in_words(call: str, where: str | None) -> Iterator[None]:
    """Turn what a call raises into a RunError."""
    try:
        yield
    except UnicodeError as fault:
        raise RunError(f"{call}: {fault}", where=where) from None
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise RunError(f"{call}: {reason}", where=where, todo=_REMEDIES.get(fault.errno or 0)) from None
