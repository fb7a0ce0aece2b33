"""Names to addresses without holding up the loop: a few threads that ask the system's resolver."""

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable

THREADS = 4
MAX_WAITING = 256

Done = Callable[[list[str], str | None], None]
"""Gets the addresses in the order to try them, or none and what the resolver said."""


class Resolver:
    """Answers each question once, in the thread of whoever takes `post`."""

    def __init__(self, post: Callable[[Callable[[], None]], None]) -> None:
        self._post = post
        self._questions: queue.Queue[tuple[str, Done] | None] = queue.Queue(MAX_WAITING)
        self._threads: list[threading.Thread] = []

    def resolve(self, host: str, done: Done) -> None:
        """Call `done` with the addresses of a host: at once for an address, else later."""
        try:
            done([str(ipaddress.ip_address(host))], None)
            return
        except ValueError:
            pass
        if len(self._threads) < THREADS:
            self._threads.append(threading.Thread(target=self._answer, daemon=True))
            self._threads[-1].start()
        try:
            self._questions.put_nowait((host, done))
        except queue.Full:
            done([], "too many names are being asked for")

    def _answer(self) -> None:
        while (question := self._questions.get()) is not None:
            host, done = question
            addresses, said = ask(host)
            self._post(lambda done=done, addresses=addresses, said=said: done(addresses, said))  # type: ignore[misc]


def ask(host: str) -> tuple[list[str], str | None]:
    """What the system's resolver knows of a name: /etc/hosts, DNS.  IPv6 only where this machine has it."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except (OSError, UnicodeError) as error:
        return [], (getattr(error, "strerror", None) or str(error)).lower()
    return list(dict.fromkeys(str(address[0]) for *_, address in found)), None
