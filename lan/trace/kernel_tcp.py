"""What a device's own kernel says of its sockets: state, queues, cwnd, what waits unsent, TIME-WAIT and its seconds.

By sock_diag netlink (sock_diag(7), linux/inet_diag.h), which tells those of the network namespace it is asked in;
`python -m lan.trace.kernel_tcp` on a device prints a sample of its TCP sockets a line until its output is closed.
`request` and `read` are pure.
"""

import argparse
import ipaddress
import json
import socket
import struct
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
INET_DIAG_INFO = 2
"""The attribute with struct tcp_info (linux/tcp.h)."""
TIME_WAIT_STATE, LISTEN_STATE = 6, 10
ALL_STATES = 0xFFF
STATES = (
    "", "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED", "CLOSE-WAIT",
    "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECEIVED",
)  # fmt: skip
"""By the kernel's number (net/tcp_states.h)."""

BEGUN = b"sampling\n"
"""What `main` says on standard error, where it is told to announce it, once the first samples are printed."""

_HEADER = struct.Struct("=IHHII")
_MESSAGE = struct.Struct("=BBBB2s2s16s16s4x8xIIIII")
_INFO_U32 = {"unacked": 24, "rtt_us": 68, "ssthresh": 76, "cwnd": 80, "retransmits": 100, "not_sent_bytes": 144}
_INFO_U64 = {"busy_us": 168, "window_limited_us": 176, "buffer_limited_us": 184}


class End(Protocol):
    """An address and a port: a side of a connection has them."""

    @property
    def ip(self) -> str: ...
    @property
    def port(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Sample:
    """One socket at one moment.  `cwnd`, `unacked` and `ssthresh` are in segments, `*_us` in µs since it opened.

    `not_sent_bytes` wait in the socket for leave to be sent: what the program wrote and TCP holds back.
    `retransmits` counts segments sent again; `expires_ms` is how long TIME-WAIT still lasts.  Of a socket that listens
    `queued` connections wait to be accepted, where `most_queued` may, and one more: beyond that a SYN is dropped.
    """

    time_ns: int
    state: str
    local_ip: str
    local_port: int
    peer_ip: str
    peer_port: int
    cwnd: int = 0
    unacked: int = 0
    not_sent_bytes: int = 0
    retransmits: int = 0
    ssthresh: int = 0
    rtt_us: int = 0
    busy_us: int = 0
    window_limited_us: int = 0
    buffer_limited_us: int = 0
    expires_ms: int = 0
    queued: int = 0
    most_queued: int = 0

    def is_of(self, local: End, peer: End) -> bool:
        """Whether it is the socket at this end of a connection."""
        here = (self.local_ip, self.local_port, self.peer_ip, self.peer_port)
        return here == (local.ip, local.port, peer.ip, peer.port)


def request(
    family: int,
    *,
    states: int = ALL_STATES & ~(1 << LISTEN_STATE),
    protocol: int = socket.IPPROTO_TCP,
    with_info: bool = True,
) -> bytes:
    """The question for all sockets of a family and protocol in these states (a bit each), with their tcp_info."""
    wanted = 1 << (INET_DIAG_INFO - 1) if with_info else 0
    body = struct.pack("=BBBBI", family, protocol, wanted, 0, states) + bytes(48)
    flags = NLM_F_REQUEST | NLM_F_DUMP
    return _HEADER.pack(_HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, flags, 0, 0) + body


def read(data: bytes, time_ns: int) -> tuple[list[Sample], bool]:
    """The samples of one datagram of the answer, and whether it was the last.  Raises OSError with the kernel's no."""
    found: list[Sample] = []
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if kind in (NLMSG_DONE, NLMSG_ERROR):  # a protocol that nobody tells of is an end with an error
            code = struct.unpack_from("=i", data, at + _HEADER.size)[0] if length >= _HEADER.size + 4 else 0
            if code or kind == NLMSG_ERROR:
                raise OSError(-code, "the kernel tells nothing of its sockets")
            return found, True
        found.append(_sample(data[at + _HEADER.size : at + length], time_ns))
        at += max(length + 3 & ~3, _HEADER.size)
    return found, False


def _sample(body: bytes, time_ns: int) -> Sample:
    family, state, _, _, sport, dport, src, dst, expires, waiting, room, *_ = _MESSAGE.unpack_from(body)
    size = 4 if family == socket.AF_INET else 16
    local_ip, peer_ip = (str(ipaddress.ip_address(each[:size])).removeprefix("::ffff:") for each in (src, dst))
    told = _info(body[_MESSAGE.size :])
    if state == LISTEN_STATE:
        told |= {"queued": waiting, "most_queued": room}
    return Sample(
        time_ns, STATES[state] if state < len(STATES) else str(state), local_ip, int.from_bytes(sport, "big"), peer_ip,
        int.from_bytes(dport, "big"), **told, expires_ms=expires if state == TIME_WAIT_STATE else 0,
    )  # fmt: skip


def _info(attributes: bytes) -> dict[str, int]:
    """What of struct tcp_info we use; an older kernel's is shorter."""
    at = 0
    while at + 4 <= len(attributes):
        length, kind = struct.unpack_from("=HH", attributes, at)
        value = attributes[at + 4 : at + length]
        if kind == INET_DIAG_INFO:
            words = {name: place for name, place in _INFO_U32.items() if place + 4 <= len(value)}
            longs = {name: place for name, place in _INFO_U64.items() if place + 8 <= len(value)}
            told = {name: int(struct.unpack_from("=I", value, place)[0]) for name, place in words.items()}
            return told | {name: int(struct.unpack_from("=Q", value, place)[0]) for name, place in longs.items()}
        at += max(length + 3 & ~3, 4)
    return {}


def ask(states: int = ALL_STATES & ~(1 << LISTEN_STATE)) -> list[Sample]:
    """All TCP sockets of this network namespace now, those that listen aside.  Raises OSError."""
    with Asker() as asker:
        return asker.ask(states)


class Asker:
    """Asks the kernel of the network namespace in which it is made, whatever its owner enters later."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)

    def __enter__(self) -> "Asker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the socket go."""
        self._socket.close()

    def ask(
        self, states: int = ALL_STATES, *, protocol: int = socket.IPPROTO_TCP, with_info: bool = True
    ) -> list[Sample]:
        """All sockets of a protocol now, in these states.  Raises OSError with the kernel's no."""
        found: list[Sample] = []
        for family in (socket.AF_INET, socket.AF_INET6):
            self._socket.send(request(family, states=states, protocol=protocol, with_info=with_info))
            is_last = False
            while not is_last:
                more, is_last = read(self._socket.recv(1 << 16), time.time_ns())
                found += more
        return found


def load(lines: Iterable[str]) -> Iterator[Sample]:
    """Samples from the lines that `main` printed; a line cut off is passed over."""
    for line in lines:
        try:
            yield Sample(**json.loads(line))
        except (ValueError, TypeError):
            continue


def main(arguments: Sequence[str]) -> int:
    """Print samples until the reader of the output is gone."""
    parser = argparse.ArgumentParser(
        "kernel_tcp", description="Sample the TCP sockets of this machine, a JSON line each."
    )
    parser.add_argument("--every-ms", type=float, default=5.0, help="how often (5)")
    parser.add_argument("--once", action="store_true", help="only now")
    parser.add_argument("--announce", action="store_true", help="say so on standard error once it has begun")
    options = parser.parse_args(arguments)
    try:
        with Asker() as asker:
            while True:
                for sample in asker.ask(ALL_STATES & ~(1 << LISTEN_STATE)):
                    print(json.dumps(asdict(sample)))
                sys.stdout.flush()
                if options.announce:
                    sys.stderr.write(BEGUN.decode())
                    sys.stderr.flush()
                    options.announce = False
                if options.once:
                    return 0
                time.sleep(options.every_ms / 1e3)
    except (BrokenPipeError, KeyboardInterrupt):
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
