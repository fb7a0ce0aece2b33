"""Ports for servers that can't choose one themselves: held from when they are named until the server has gone."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def held(count: int) -> Iterator[list[int]]:
    """So many ports of 127.0.0.1, which nobody else is given meanwhile, not even for the near end of a connection.

    Who binds to one of them must set SO_REUSEADDR, as servers do: the socket that holds it does not listen.
    """
    with ExitStack() as stack:
        socks = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", 0))
        yield [int(sock.getsockname()[1]) for sock in socks]
