"""The steps of the book's figure 4-6, and one event for each: the call, the connection, its TCP state, why.

Pure.  "The book" is HTTP: The Definitive Guide; its section 4.1.4 has the calls (table 4-4) and the two
programs (figure 4-6): S1 to S9 are the server's steps, C1 to C8 the client's.  A call that waits has two
steps, one when it is called and one when it comes back.  TCP's states are those of RFC 9293 §3.3.2.
"""

import ipaddress
import sys
from dataclasses import dataclass
from typing import Any

from lan.reasons import Reason

KERNEL_STATES = (
    "?", "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED",
    "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECEIVED",
)  # fmt: skip
"""The names of the numbers in include/net/tcp_states.h, which TCP_INFO and /proc/net/tcp give."""

STEPS = {
    "S1": ("socket", "a new end of no connection yet"),
    "S2": ("bind", "the end has its own address and port, which clients must know"),
    "S3": ("listen", "from now on the kernel shakes hands with clients and queues them"),
    "S4": ("accept", "called: waits until a client's handshake is done"),
    "S5": ("accept", "came back with a socket of the new connection; the first one goes on listening"),
    "S6": ("read", "called: waits for bytes of the request"),
    "S7": ("read", "came back with what has come, which may be less than was sent or more than one message"),
    "S8": ("write", "the response lies in the kernel's buffer, which sends it; that is no sign that it has arrived"),
    "S9": ("close", "a FIN leaves behind the last byte; the close is the response's end for the client"),
    "C1": ("getaddrinfo", "a name and a port become an address to connect to"),
    "C2": ("socket", "a new end of no connection yet"),
    "C3": ("connect", "called: SYN leaves, and the kernel chooses this end's address and port"),
    "C4": ("connect", "came back: SYN+ACK has come, the connection stands"),
    "C5": ("write", "the request lies in the kernel's buffer, which sends it; that is no sign that it has arrived"),
    "C6": ("read", "called: waits for bytes of the response"),
    "C7": ("read", "came back with what has come, which may be less than was sent"),
    "C8": ("close", "this end is done; who closed first holds TIME-WAIT"),
}
"""Step → its call, and what it means."""

END = Reason("book 4.7.4; RFC 9293 §3.6", "the other end sends no more (FIN)")
HALF_CLOSE = Reason("book 4.7.4; RFC 9293 §3.6", "our half is closed (FIN), the other half can still be read")

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Event:
    """One step: `local` and `peer` are the connection's 4-tuple, None while the kernel knows none.

    `state` is the socket's TCP state after the step, `size_bytes` what read or write carried.
    """

    step: str
    call: str
    state: str
    local: Address | None
    peer: Address | None
    why: Reason
    size_bytes: int | None = None

    def line(self) -> str:
        """``C4 connect     ESTABLISHED   10.0.0.1:50112 → 10.0.0.2:80  came back: … (book 4.1.4, figure 4-6)``."""
        return f"{self.step} {self.call:<11} {self.state:<12} {self._ends()}  {self._carried()}{self.why}"

    def as_json(self) -> dict[str, Any]:
        """The same as one object."""
        return {
            "step": self.step,
            "call": self.call,
            "state": self.state,
            "local": in_words(self.local),
            "peer": in_words(self.peer),
            "size_bytes": self.size_bytes,
            "reason": self.why.as_json(),
        }

    def _ends(self) -> str:
        if self.local is None and self.peer is None:
            return "no addresses"
        return f"{in_words(self.local) or '?'} → {in_words(self.peer) or 'any'}"

    def _carried(self) -> str:
        return "" if self.size_bytes is None else f"{self.size_bytes} bytes: "


def event(
    step: str,
    *,
    state: str,
    local: Address | None = None,
    peer: Address | None = None,
    size_bytes: int | None = None,
    why: Reason | None = None,
    call: str | None = None,
) -> Event:
    """The event of a step of the figure; `why` and `call` only where they are not the figure's."""
    own_call, meaning = STEPS[step]
    reason = why or Reason("book 4.1.4, figure 4-6", meaning)
    return Event(step, call or own_call, state, local, peer, reason, size_bytes)


def state_name(number: int) -> str:
    """The RFC's name of a kernel's state number."""
    return KERNEL_STATES[number] if 0 <= number < len(KERNEL_STATES) else f"state {number}"


def state_in_table(table: str, local: Address, peer: Address) -> str:
    """The state of a connection that no program holds any more, as /proc/net/tcp (or tcp6) lists it; else CLOSED."""
    wanted = (local, peer)
    for row in table.splitlines()[1:]:
        cells = row.split()
        if len(cells) > 3 and (_address(cells[1]), _address(cells[2])) == wanted:
            return state_name(int(cells[3], 16))
    return "CLOSED"


def _address(cell: str) -> Address | None:
    """``0100007F:0050`` → 127.0.0.1, 80: each 32-bit word as this machine stores it."""
    words, _, port = cell.partition(":")
    step = -1 if sys.byteorder == "little" else 1
    try:
        packed = b"".join(bytes.fromhex(words[at : at + 8])[::step] for at in range(0, len(words), 8))
        return str(ipaddress.ip_address(packed)), int(port, 16)
    except ValueError:
        return None


def in_words(address: Address | None) -> str | None:
    """``10.0.0.1:80``, ``[::1]:80``."""
    if address is None:
        return None
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


def request_to(host: str, port: int, target: str) -> bytes:
    """The client's request: HTTP/1.0, so that the server's close is the end of its response."""
    authority = f"[{host}]" if ":" in host else host
    return f"GET {target} HTTP/1.0\r\nHost: {authority}{'' if port == 80 else f':{port}'}\r\n\r\n".encode("ascii")


def is_complete(request: bytes) -> bool:
    """Whether a request's head is here: an empty line ends it."""
    return b"\r\n\r\n" in request or b"\n\n" in request


def response_to(request: bytes) -> bytes:
    """The server's response: what it was told."""
    body = b"The server read:\r\n\r\n" + request
    head = f"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
