"""What one connection of the server tells: its decisions, each with its rule, and a line for each answer.

The decisions go to the decision log, with the names of both ends; the lines to the access log, where
there is one.  A connection of which nobody hears tells through `SILENT`, which costs next to nothing.
"""

from collections.abc import Callable

from lan.reasons import Reason
from lan.services.http.origin import access_log
from lan.services.http.origin.answer import Answer
from lan.services.http.protocol.messages import Request
from lan.services.http.protocol.persistence import Persistence
from lan.services.shell import DecisionLog


class Teller:
    """Tells of one connection.  `ends`: the log's keys, such as ``{"client": "10.0.0.1:40000", "server": …}``."""

    __slots__ = ("_access", "_ends", "_log", "is_heard")

    def __init__(
        self, log: DecisionLog | None, access: Callable[[str], object] | None, ends: dict[str, str] | None = None
    ) -> None:
        self._log = log if log is not None and log.is_wanted else None
        self._access, self._ends = access, ends or {}
        self.is_heard = self._log is not None or access is not None

    def decide(self, what: str, why: Reason, **keys: object) -> None:
        """One decision and its rule."""
        if self._log is not None:
            self._log.append(what, why, **self._ends, **keys)

    def asked(self, request: Request) -> None:
        """A request's head has been read."""
        if self._log is not None:
            options, host = request.headers.get("Connection"), request.headers.get("Host")
            text = "a request is read"
            why = Reason("RFC 9112 §3", text, host=host or "none", connection=options or "not said")
            self.decide("request", why, method=request.method, target=request.target)

    def answering(self, answer: Answer, persistence: Persistence | None) -> None:
        """Which answer it gets, and what becomes of the connection after it."""
        if self._log is not None:
            self.decide("response", answer.why, status=answer.response.status, bytes=answer.length_bytes or 0)
            if persistence is not None:
                self.decide("keep" if persistence.keep else "close", persistence.why)

    def answered(
        self, request: Request | None, answer: Answer, *, body_bytes: int, moment_s: float, is_whole: bool
    ) -> None:
        """The answer has left, or was cut."""
        if self._access is not None:
            client = self._ends["client"].rpartition(":")[0]
            status, why = answer.response.status, answer.why.text
            self._access(
                access_log.line(
                    request,
                    client=client,
                    moment_s=moment_s,
                    status=status,
                    body_bytes=body_bytes,
                    why=why,
                    is_whole=is_whole,
                )
            )


SILENT = Teller(None, None)
