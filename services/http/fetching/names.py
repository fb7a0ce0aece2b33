"""Name look-ups that the loop does not wait for: each on a thread of its own, its answer through a pipe.

getaddrinfo knows no deadline, so a thread that gets no answer is left behind.
"""

import os
import socket
from collections import deque
from threading import Thread

from lan.errors import RunError

Asked = tuple[str, int]


class Names:
    """Looks each name up once; `fileno` becomes readable when answers have come."""

    def __init__(self) -> None:
        self._reads, self._writes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._come: deque[tuple[Asked, list[str] | RunError]] = deque()
        self._known: dict[Asked, list[str] | RunError] = {}
        self._asked: set[Asked] = set()

    def fileno(self) -> int:
        return self._reads

    def look_up(self, host: str, port: int) -> list[str] | RunError | None:
        """The addresses in the order to try them, or why there are none; None: `answers` will say."""
        asked = (host, port)
        if asked in self._known:
            return self._known[asked]
        if asked not in self._asked:
            self._asked.add(asked)
            Thread(target=self._ask, args=(asked, os.dup(self._writes)), daemon=True).start()
        return None

    def answers(self) -> list[Asked]:
        """What is newly known."""
        try:
            os.read(self._reads, 4096)
        except BlockingIOError:
            pass
        new = []
        while self._come:
            asked, found = self._come.popleft()
            self._known[asked] = found
            new.append(asked)
        return new

    def close(self) -> None:
        os.close(self._reads)
        os.close(self._writes)

    def _ask(self, asked: Asked, wake: int) -> None:
        self._come.append((asked, _addresses(*asked)))
        try:
            os.write(wake, b".")
        except OSError:  # nobody waits any more
            pass
        finally:
            os.close(wake)


def _addresses(host: str, port: int) -> list[str] | RunError:
    """Asks for IPv6 only where this machine has it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except (OSError, UnicodeError) as error:
        words = (getattr(error, "strerror", None) or str(error)).lower()
        todo = "is the name right, and does a DNS server answer? lan-nslookup shows it"
        return RunError(f"no address: {words}", where=host, todo=todo)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
