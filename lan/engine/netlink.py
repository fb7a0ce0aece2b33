"""rtnetlink sockets of one network namespace: requests to its kernel, and word of its links."""

import contextlib
import socket
import time
from collections.abc import Sequence
from types import TracebackType

from lan.errors import RunError
from lan.wire import rtnetlink
from lan.wire.rtnetlink import Request


class Netlink:
    """One socket in the namespace in which it is made; stays there whatever its owner enters.

    `socket` also takes the interface ioctls of that namespace.
    """

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.socket.bind((0, 0))
        self._seq = 1

    def __enter__(self) -> "Netlink":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.socket.close()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def do(self, requests: Sequence[Request]) -> None:
        """Have the kernel carry out all requests, in order.  RunError names those that it refused."""
        first = self._seq
        self._seq += len(requests)
        refused: list[tuple[Request, int]] = []
        for datagram, last in rtnetlink.batch(requests, first):
            self.socket.send(datagram)
            acked = False
            while not acked:
                for seq, code in rtnetlink.parse_acks(self.socket.recv(1 << 16)):
                    acked = acked or seq == last
                    if code:
                        refused.append((requests[seq - first], code))
        if refused:
            request, code = refused[0]
            more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
            raise RunError(f"the kernel refused {request.what}: {rtnetlink.explain(code)}{more}")


class LinkWatch:
    """Hears what becomes of a link of the namespace in which it is made, from then on."""

    def __init__(self, index: int) -> None:
        self.index = index
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, rtnetlink.RTMGRP_LINK))

    def wait_running(self, deadline_s: float) -> bool:
        """Wait until the link carries frames: False if its carrier does not come, or it is set down.

        The kernel tells so only once its queue is there; until then it drops what is sent.
        """
        until_s = time.monotonic() + deadline_s
        with self._socket as heard, contextlib.suppress(TimeoutError):
            for datagram, _ in rtnetlink.batch([rtnetlink.get_link(self.index)], 1):
                heard.send(datagram)
            while (left_s := until_s - time.monotonic()) > 0:
                heard.settimeout(left_s)
                for index, flags in rtnetlink.parse_flags(heard.recv(1 << 16)):
                    if index == self.index and (flags & rtnetlink.IFF_RUNNING or not flags & rtnetlink.IFF_UP):
                        return bool(flags & rtnetlink.IFF_RUNNING)
        return False
