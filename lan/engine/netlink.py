"""rtnetlink sockets of one network namespace: requests to its kernel, and word of its links."""

import contextlib
import errno
import socket
import time
from collections.abc import Iterable, Sequence
from types import TracebackType

from lan.errors import RunError
from lan.wire import rtnetlink
from lan.wire.rtnetlink import LinkState, Request


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


MOST_WATCHED = 16
"""Links of one watch: the answers about so many find room in its socket."""


class LinkWatch:
    """Hears what becomes of some links of the namespace in which it is made, from then on."""

    def __init__(self, indexes: Iterable[int]) -> None:
        self.indexes = frozenset(indexes)
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, rtnetlink.RTMGRP_LINK))
        self._seq = 1

    def wait_carrying(self, deadline_s: float) -> set[int]:
        """Have the links carry frames; those that don't: their carrier does not come in time, or they are set down.

        A link that is up before its peer is finds its carrier at once, and its queue is put into operation later: the
        kernel has one list of such links for all namespaces, of which it does a hundred a second if it is long.  We
        don't wait for our turn.
        """
        until_s, awaited, down = time.monotonic() + deadline_s, set(self.indexes), set[int]()
        hurried: dict[int, int] = {}
        with self._socket as heard, contextlib.suppress(TimeoutError):
            looked = self._look(awaited)
            while awaited and (left_s := until_s - time.monotonic()) > 0:
                heard.settimeout(left_s)
                try:
                    data = heard.recv(1 << 16)
                except OSError as error:
                    if error.errno != errno.ENOBUFS:
                        raise
                    self._forget()  # more was told than finds room
                    looked, hurried = self._look(awaited), {}
                    continue
                for state in rtnetlink.link_states(data):
                    if not state.is_up and state.index in awaited:
                        down.add(state.index)
                    if state.carries or not state.is_up:
                        awaited.discard(state.index)
                    elif state.has_carrier and state.index in awaited.difference(hurried.values()):
                        hurried[self._hurry(state)] = state.index
                for seq, code in rtnetlink.parse_acks(data):
                    if code and seq in looked:  # it is not there
                        down.add(looked[seq])
                        awaited.discard(looked[seq])
                    elif not code and seq in hurried:
                        awaited.discard(hurried[seq])
        return awaited | down

    def _forget(self) -> None:
        """Drop what waits; while something does, the kernel does not say that more is lost."""
        self._socket.setblocking(False)  # MSG_DONTWAIT alone does not hinder Python from waiting for its timeout
        while True:
            try:
                self._socket.recv(1 << 16)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise

    def _look(self, indexes: Iterable[int]) -> dict[int, int]:
        """Ask about links; the number under which each is answered."""
        indexes = sorted(indexes)
        first = self._ask([rtnetlink.get_link(index) for index in indexes])
        return dict(enumerate(indexes, first))

    def _hurry(self, state: LinkState) -> int:
        """Before Linux 6.8: the number under which it is said that the link's queue is in operation."""
        there_and_back = (state.queue_frames + 1, state.queue_frames)
        return self._ask([rtnetlink.set_queue(state.index, frames) for frames in there_and_back]) + 1

    def _ask(self, requests: Sequence[Request]) -> int:
        """Send requests; the number of the first."""
        first, self._seq = self._seq, self._seq + len(requests)
        for datagram, _ in rtnetlink.batch(requests, first):
            self._socket.send(datagram)
        return first
