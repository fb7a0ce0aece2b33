"""What a small application of the origin server is: paths of its own, and an answer for each call.

Pure, with state of its own in memory.  `echo.py` and `store.py` are such applications.
"""

from dataclasses import dataclass
from typing import Protocol

from lan.services.http.origin.answer import Answer
from lan.services.http.origin.paths import Path
from lan.services.http.protocol.messages import NO_HEADERS, Headers, Request

READING = ("GET", "HEAD", "OPTIONS", "TRACE")
"""The methods that are safe (RFC 9110 §9.2.1); each path of this server has them."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request with its path taken apart, its whole body, and the moment, in seconds since 1970."""

    request: Request
    path: Path
    now_s: float
    body: bytes = b""
    trailers: Headers = NO_HEADERS


class Application(Protocol):
    """Answers for some paths.  OPTIONS and TRACE are answered for it, HEAD is cut from its GET."""

    @property
    def all_methods(self) -> tuple[str, ...]:
        """What at least one of its paths takes."""

    def methods(self, path: Path) -> tuple[str, ...] | None:
        """The methods of this path; None: it is not the application's, and a file is looked for."""

    def refuse(self, call: Call) -> Answer | None:
        """The answer that is sure before the body has come; None: the body is wanted."""

    def answer(self, call: Call) -> Answer:
        """The answer to a call of one of `methods`."""
