"""A connection as a ladder: two lifelines, an arrow a segment, the states after it.  Text.

Sequence numbers count from each side's first, as in a book's figures.
"""

from lan.trace.frame import Frame
from lan.trace.trackers.tcp import Connection, Side
from lan.wire.tcp import Tcp, TcpFlags

LABEL_WIDTH = 44


def ladder(connection: Connection) -> str:
    """The diagram, lines joined by newlines."""
    client, server = connection.client, connection.server
    head = f"{'':>12}   {client.named:<{LABEL_WIDTH}} {server.named}"
    return "\n".join([head, *(_rung(connection, at) for at in range(len(connection.frames)))])


def _rung(connection: Connection, at: int) -> str:
    frame, begun_ns = connection.frames[at], connection.frames[0].time_ns
    time_ms = (frame.time_ns - begun_ns) / 1e6
    side = connection.sender(frame)
    text = label(connection, side, frame)
    if side is connection.client:
        arrow = f" {text} ".ljust(LABEL_WIDTH - 1, "─") + "▶"
    else:
        arrow = "◀" + f" {text} ".rjust(LABEL_WIDTH - 1, "─")
    before = connection.states[at - 1] if at else None
    states = "" if connection.states[at] == before else "  {} / {}".format(*connection.states[at])
    return f"{time_ms:>9.3f} ms  │{arrow}│{states}"


def label(connection: Connection, side: Side, frame: Frame) -> str:
    """``SYN seq=0``, ``FIN+ACK seq=66 ack=123``, ``65 bytes seq=1 ack=1``, with what is odd about it."""
    segment = frame.packet.tcp
    assert segment is not None
    peer = connection.other(side)
    shown = [bit for bit in (TcpFlags.SYN, TcpFlags.FIN, TcpFlags.RST, TcpFlags.ACK) if segment.flags & bit]
    names = "+".join(str(bit.name) for bit in shown)
    words = [f"{segment.length} bytes"] if segment.length else []
    words += [names] if names != "ACK" or not words else []
    words += [f"seq={_relative(segment.seq, side)}"]
    words += [f"ack={_relative(segment.ack, peer)}"] if segment.flags & TcpFlags.ACK else []
    return " ".join([*words, *_oddities(side, segment, frame)])


def _relative(seq: int, side: Side) -> int:
    first = side.stream.first_seq
    return seq if first is None else (seq - first + 1) % (1 << 32)


def _oddities(side: Side, segment: Tcp, frame: Frame) -> list[str]:
    kinds = {"(again)": side.retransmits, "(late)": side.out_of_order, "(probe)": side.probes}
    odd = [words for words, frames in kinds.items() if any(each is frame for each in frames)]
    return [*odd, "(window 0)"] if segment.window == 0 and not segment.flags & TcpFlags.RST else odd
