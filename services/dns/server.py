"""The sockets of the DNS server: UDP and TCP on one address, one thread.  RFC 1035 §4.2, RFC 7766."""

import selectors
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lan.errors import MachineError
from lan.services.dns.answer import Answer
from lan.services.dns.cache import AnswerCache
from lan.services.dns.stream import Stream, framed

Record = Callable[[int | None, Answer, str], None]
"""Takes each decision: the query's id, the answer, the client as ``address:port``."""

BATCH = 64
"""Datagrams answered before other sockets get their turn."""
LARGEST_QUERY_BYTES = 4096
IDLE_S = 30.0
"""How long a connection may say nothing.  RFC 7766 §6.2.3."""
CONNECTIONS = 256
"""More are not kept: the one that was silent longest goes."""
UNSENT_BYTES = 1 << 20
"""A client that lets more pile up is not read from until it reads."""
TRIES = 20


@dataclass(slots=True, eq=False)
class Connection:
    """One client over TCP, and what is on its way to it."""

    sock: socket.socket
    client: str
    heard_s: float
    stream: Stream = field(default_factory=Stream)
    unsent: bytearray = field(default_factory=bytearray)
    is_ended: bool = False


class DnsServer:
    """Answers on both transports until `stop`; `answers` may be replaced at any time between two `step`s."""

    def __init__(self, answers: AnswerCache, listen: tuple[str, int], record: Record) -> None:
        self.answers, self.record = answers, record
        self.udp, self.tcp = open_sockets(*listen)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.udp, selectors.EVENT_READ, self._datagrams)
        self.selector.register(self.tcp, selectors.EVENT_READ, self._accept)
        self.connections: set[Connection] = set()

    def where(self) -> str:
        address, port = self.udp.getsockname()[:2]
        return f"{address}:{port}"

    def step(self) -> None:
        """Wait for something to do and do it."""
        for key, events in self.selector.select(self._idle_in_s()):
            if isinstance(key.data, Connection):
                self._serve(key.data, events)
            else:
                key.data()
        self._close_idle()

    def _datagrams(self) -> None:
        receive, send, answers, record = self.udp.recvfrom, self.udp.sendto, self.answers.answer, self.record
        for _ in range(BATCH):
            try:
                query, client = receive(LARGEST_QUERY_BYTES)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier answer
                continue
            answer = answers(query)
            record(_id(query), answer, f"{client[0]}:{client[1]}")
            if answer.data is not None:
                try:
                    send(answer.data, client)
                except OSError:  # no way back, or no room: the client asks again
                    continue

    def _accept(self) -> None:
        try:
            sock, client = self.tcp.accept()
        except OSError:  # it went away while it waited
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) >= CONNECTIONS:
            self._close(min(self.connections, key=lambda connection: connection.heard_s))
        connection = Connection(sock, f"{client[0]}:{client[1]}", time.monotonic())
        self.connections.add(connection)
        self.selector.register(sock, selectors.EVENT_READ, connection)

    def _serve(self, connection: Connection, events: int) -> None:
        if connection not in self.connections:  # closed earlier in this round
            return
        try:
            if events & selectors.EVENT_READ:
                self._read(connection)
            self._write(connection)
        except OSError:  # the client reset it
            self._close(connection)

    def _read(self, connection: Connection) -> None:
        data = connection.sock.recv(65536)
        connection.heard_s = time.monotonic()
        connection.is_ended = not data
        for query in connection.stream.feed(data):
            answer = self.answers.answer(query, tcp=True)
            self.record(_id(query), answer, connection.client)
            if answer.data is not None:
                connection.unsent += framed(answer.data)

    def _write(self, connection: Connection) -> None:
        if connection.unsent:
            try:
                del connection.unsent[: connection.sock.send(connection.unsent)]
            except BlockingIOError:
                pass
        if connection.is_ended and not connection.unsent:
            self._close(connection)
            return
        is_full = len(connection.unsent) > UNSENT_BYTES
        reading = 0 if connection.is_ended or is_full else selectors.EVENT_READ
        self.selector.modify(connection.sock, reading | (selectors.EVENT_WRITE if connection.unsent else 0), connection)

    def _close(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.selector.unregister(connection.sock)
        connection.sock.close()

    def _idle_in_s(self) -> float | None:
        """When the next connection will have been silent too long; None without connections."""
        if not self.connections:
            return None
        first_s = min(connection.heard_s for connection in self.connections)
        return max(0.0, first_s + IDLE_S - time.monotonic())

    def _close_idle(self) -> None:
        until_s = time.monotonic() - IDLE_S
        for connection in [one for one in self.connections if one.heard_s <= until_s]:
            self._close(connection)

    def stop(self) -> None:
        for connection in list(self.connections):
            self._close(connection)
        self.selector.close()
        self.udp.close()
        self.tcp.close()


def _id(query: bytes) -> int | None:
    return struct.unpack_from("!H", query)[0] if len(query) >= 2 else None


def open_sockets(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """UDP and TCP on one port, also where the kernel chooses it (port 0).  Raises MachineError."""
    for _ in range(TRIES if port == 0 else 1):
        try:
            return _open_both(address, port)
        except OSError as fault:
            last = fault
    todo = "use another port, or the right to use this one" if last.errno in (13, 98) else None
    raise MachineError(f"can't listen on {address}:{port}: {last.strerror or last}", todo=todo) from last


def _open_both(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    tcp = socket.create_server((address, port), family=family, backlog=128)
    udp = socket.socket(family, socket.SOCK_DGRAM)
    try:
        udp.bind((address, tcp.getsockname()[1]))
    except OSError:
        tcp.close()
        udp.close()
        raise
    tcp.setblocking(False)
    udp.setblocking(False)
    return udp, tcp
