"""Many pings at once, over sockets that are already open, each perhaps in another namespace.

One loop and one epoll serve them all; a window keeps the number under way below what the kernels'
ARP queues and socket buffers hold, and below what a switch floods in time.  What comes back is
matched by socket and sequence number.
"""

import random
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from lan.services.shell import Clock
from lan.wire import icmp, ipv4
from lan.wire.malformed import Malformed

WINDOW = 64
"""Requests under way at a time.

The first to each address is an ARP question before, which a switch sends out of every port: of four
hundred at once on four hundred ports, a busy machine answers none before all are given up.
"""
BURST = 32
"""Requests sent before answers are looked for: an answer that waits for us would look slow."""
DATA = bytes(range(56))
_ICMP_FILTER = 1
_ANSWERS_ONLY = ~(1 << icmp.ECHO_REPLY | 1 << icmp.UNREACHABLE) & 0xFFFFFFFF


@dataclass(slots=True)
class _Prober:
    """One socket's share: which of the caller's pairs each sequence number stands for.

    Raw sockets hear all answers of their namespace, so each has an `identifier` of its own; on
    datagram sockets the kernel sets it, and sorts.
    """

    sock: socket.socket
    is_raw: bool
    identifier: int
    sent: dict[int, tuple[int, str, float]] = field(default_factory=dict)
    next_sequence: int = 1


def ping_all(
    pairs: Sequence[tuple[socket.socket, str]],
    timeout_s: float,
    *,
    clock: Clock = time.perf_counter,
) -> list[float | None]:
    """One echo request for each (ICMP socket, address): its round trip in ms, None where none came.

    Sockets may repeat and be raw or datagram ones; each request has `timeout_s` of its own.  The
    sockets are made non-blocking and stay open.
    """
    rtts: list[float | None] = [None] * len(pairs)
    probers: dict[int, _Prober] = {}
    first_identifier = random.getrandbits(16)
    with select.epoll() as epoll:
        for sock, _ in pairs:
            if sock.fileno() not in probers:
                probers[sock.fileno()] = _prepare(sock, (first_identifier + len(probers)) & 0xFFFF)
                epoll.register(sock, select.EPOLLIN)
        waiting: deque[int] = deque(range(len(pairs)))
        under_way: deque[tuple[float, _Prober, int]] = deque()  # in the order in which they end
        open_requests = 0
        while waiting or open_requests:
            for _ in range(min(BURST, len(waiting), WINDOW - open_requests)):
                index = waiting.popleft()
                sock, address = pairs[index]
                prober = probers[sock.fileno()]
                if (sequence := _send(prober, index, address, clock)) is not None:
                    under_way.append((clock() + timeout_s, prober, sequence))
                    open_requests += 1
            now_s = clock()
            if under_way:
                wait_s = 0.0 if waiting and open_requests < WINDOW else max(0.0, under_way[0][0] - now_s)
                for descriptor, _ in epoll.poll(wait_s):
                    open_requests -= _receive(probers[descriptor], rtts, clock)
            while under_way and (under_way[0][2] not in under_way[0][1].sent or under_way[0][0] <= now_s):
                _, prober, sequence = under_way.popleft()  # answered, or silent until a moment after which all was read
                open_requests -= prober.sent.pop(sequence, None) is not None
    return rtts


def _prepare(sock: socket.socket, identifier: int) -> _Prober:
    sock.setblocking(False)
    is_raw = sock.type == socket.SOCK_RAW
    if is_raw:
        sock.setsockopt(socket.IPPROTO_RAW, _ICMP_FILTER, struct.pack("=I", _ANSWERS_ONLY))
        _drain(sock)
    return _Prober(sock, is_raw, identifier)


def _drain(sock: socket.socket) -> None:
    """Forget answers to earlier questions."""
    try:
        while True:
            sock.recv(2048)
    except OSError:
        pass


def _send(prober: _Prober, index: int, address: str, clock: Clock) -> int | None:
    """The sequence number under which it left; None if the kernel refused it."""
    sequence = prober.next_sequence
    prober.next_sequence = sequence % 0xFFFF + 1
    prober.sent[sequence] = index, address, clock()
    try:
        prober.sock.sendto(icmp.build_echo(prober.identifier, sequence, DATA), (address, 0))
    except OSError:
        del prober.sent[sequence]
        return None
    return sequence


def _receive(prober: _Prober, rtts: list[float | None], clock: Clock) -> int:
    """Take all that one socket holds; how many requests that ends."""
    ended = 0
    try:
        while True:
            data, (source, _) = prober.sock.recvfrom(2048)
            now_s = clock()
            message = _read(data, prober)
            if message is None:
                continue
            sequence = message.sequence if message.type == icmp.ECHO_REPLY else _refused_sequence(message, prober)
            index, address, sent_s = prober.sent.get(sequence or 0, (0, "", 0.0))
            if not address or (message.type == icmp.ECHO_REPLY and source != address):
                continue
            del prober.sent[sequence or 0]
            ended += 1
            if message.type == icmp.ECHO_REPLY:
                rtts[index] = (now_s - sent_s) * 1000
    except OSError:                                             # BlockingIOError: that was all
        return ended


def _read(data: bytes, prober: _Prober) -> icmp.Icmp | None:
    """The message that a socket got, if it is for us."""
    try:
        start = ipv4.read(data, 0, len(data)).header_length if prober.is_raw else 0
        message = icmp.read(data, start, len(data))
    except Malformed:
        return None
    if message.type == icmp.ECHO_REPLY and prober.is_raw and message.identifier != prober.identifier:
        return None
    return message


def _refused_sequence(message: icmp.Icmp, prober: _Prober) -> int | None:
    """Which of our requests an error is about.  Its quote: IPv4 header, type, code, checksum, identifier, sequence."""
    if message.quoted is None:
        return None
    quote = message.data[message.quoted.header_length :]
    if len(quote) < 8 or quote[0] != icmp.ECHO or int.from_bytes(quote[4:6], "big") != prober.identifier:
        return None
    return int.from_bytes(quote[6:8], "big")
