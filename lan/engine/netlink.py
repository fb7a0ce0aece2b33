"""An rtnetlink socket: carries batches of requests to the kernel of one network namespace."""

import socket
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
