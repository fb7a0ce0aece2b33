"""The causes of a transaction's time, and a stretch of it that has one.  Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import groupby

from lan.reasons import Reason
from lan.trace.frame import Frame


class Cause(StrEnum):
    """What a stretch of time was spent on.  A nanosecond of a transaction has exactly one."""

    ADDRESS_RESOLUTION = "address resolution"
    """ARP for the next hop, before the first packet could leave."""
    NAME_LOOKUP = "name lookup"
    PORTS_EXHAUSTED = "ports exhausted"
    """The client has no port left for this server: each is held by a connection in TIME-WAIT or open."""
    TCP_HANDSHAKE = "TCP handshake"
    TLS_HANDSHAKE = "TLS handshake"
    CLIENT_IDLE = "client idle"
    """Nothing keeps the client from sending, and it does not."""
    SERVER_THINK = "server think time"
    """Nothing keeps the server from sending, and it does not."""
    PROXY_HOLDING = "proxy holding"
    """A proxy has what it needs to go on, from both sides, and does not."""
    NAGLE = "Nagle"
    """A small segment waits until an earlier small one is acknowledged.  RFC 9293 §3.7.4, RFC 896."""
    DELAYED_ACK = "delayed ACK"
    """The receiver could have acknowledged, and waited for more.  RFC 9293 §3.8.6.3, RFC 5681 §4.2."""
    CWND_FULL = "cwnd full"
    """The sender may have no more bytes in the network until some are acknowledged.  RFC 5681 §3.1."""
    RECEIVE_WINDOW = "receive window full"
    """The receiver takes no more until its program reads.  RFC 9293 §3.8.6."""
    RETRANSMISSION_TIMEOUT = "retransmission time-out"
    """A segment or its ACK was lost, and only the sender's timer noticed.  RFC 6298, RFC 8985 §7."""
    FAST_RETRANSMISSION = "fast retransmission"
    """A segment was lost, and the ACKs of later ones said so.  RFC 5681 §3.2, RFC 8985 §6."""
    PATH = "path delay"
    """Propagation, queues and transmission: nobody waits, it is on its way."""


@dataclass(frozen=True, slots=True)
class Gap:
    """From `start_ns` until `end_ns` the transaction had to do with `cause`; `evidence` are the frames that show it.

    `device` is who waited or made wait, "" where nobody did; `is_derived` is False where its kernel said so itself.
    """

    start_ns: int
    end_ns: int
    cause: Cause
    evidence: list[Frame] = field(repr=False)
    reason: Reason
    device: str = ""
    is_derived: bool = True

    @property
    def length_ns(self) -> int:
        return self.end_ns - self.start_ns

    @property
    def length_ms(self) -> float:
        return self.length_ns / 1e6

    def __str__(self) -> str:
        at = f" at {self.device}" if self.device else ""
        return f"{self.length_ms:.3f} ms {self.cause}{at}: {self.reason.text}"


def clip(gaps: Iterable[Gap], start_ns: int, end_ns: int) -> list[Gap]:
    """What of the gaps lies between two moments."""
    return [
        gap
        if start_ns <= gap.start_ns and gap.end_ns <= end_ns
        else replace(gap, start_ns=max(gap.start_ns, start_ns), end_ns=min(gap.end_ns, end_ns))
        for gap in gaps
        if gap.start_ns < end_ns and start_ns < gap.end_ns
    ]


def merge(gaps: Iterable[Gap]) -> list[Gap]:
    """Neighbours with one cause at one device made one; its reason is the longest's, its evidence that of all."""
    lasting = (gap for gap in gaps if gap.length_ns > 0)
    return [_joined(list(run)) for _, run in groupby(lasting, key=lambda gap: (gap.cause, gap.device))]


def _joined(run: list[Gap]) -> Gap:
    """Gaps that follow each other as one, made at once: a long transfer has a hundred thousand of them."""
    if len(run) == 1:
        return run[0]
    return replace(
        run[0],
        end_ns=run[-1].end_ns,
        evidence=list({frame.number: frame for gap in run for frame in gap.evidence}.values()),
        reason=max(run, key=lambda gap: gap.length_ns).reason,
        is_derived=any(gap.is_derived for gap in run),
    )


def totals(gaps: Iterable[Gap]) -> dict[Cause, int]:
    """Cause → nanoseconds, the longest first."""
    sums: dict[Cause, int] = {}
    for gap in gaps:
        sums[gap.cause] = sums.get(gap.cause, 0) + gap.length_ns
    return dict(sorted(sums.items(), key=lambda pair: -pair[1]))
