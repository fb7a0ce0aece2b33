"""Sockets that listen, or do not, and the states that they were in: as the device's kernel said soon after.  Pure.

A device is asked for its sockets after segments that open, end or refuse (`lan.control.socket_watch`); what it said
then is about the moment of the question, so every reason here is of the first question after its frame.
"""

from lan.readable import duration
from lan.trace.frame import Frame
from lan.trace.kernel.sockets import Held
from lan.trace.trackers.tcp import Connection, Side
from lan.trace.why.saying import Case, Explained


def refused(case: Case, answer: int, port: int) -> Explained:
    """A SYN that came in found nobody: RST, in frame `answer`."""
    later = _nobody(case, case.frame, "tcp", port)
    if later is None:
        return case.say("tcp.refused", "in", port=port, frame=answer)
    return case.say_kernel("tcp.refused", "in", port=port, frame=answer, later=later)


def refuses(case: Case, syn: Frame, port: int) -> Explained:
    """The RST that says so."""
    later = _nobody(case, syn, "tcp", port)
    if later is None:
        return case.say("tcp.refuses", "out", port=port, frame=syn.number)
    return case.say_kernel("tcp.refuses", "out", port=port, frame=syn.number, later=later)


def udp_refused(case: Case, port: int) -> Explained:
    """A datagram that came in found nobody."""
    later = _nobody(case, case.frame, "udp", port)
    if later is None:
        return case.say("udp.refused", "in", port=port)
    return case.say_kernel("udp.refused", "in", port=port, later=later)


def opens(case: Case, ip: str, port: int) -> Explained:
    """A SYN that came in, and was answered."""
    socket = _taking(case, case.frame, "tcp", ip, port)
    if socket is None:
        return case.say("tcp.opens", "in", port=port)
    return case.say_kernel("tcp.opens", "in", port=port, queued=socket.queued, most=socket.most)


def silent(case: Case, ip: str, port: int) -> Explained:
    """A SYN that came in, and was not answered."""
    socket = _taking(case, case.frame, "tcp", ip, port)
    if socket is not None and socket.is_full:
        return case.say_kernel("tcp.backlog", "in", port=port, queued=socket.queued, most=socket.most)
    is_known = case.kernel.sockets.answered_after(case.device, "tcp", case.frame.time_ns) is not None
    is_likely_full = not is_known and case.history.has_answered(ip, port)
    return case.say("tcp.backlog" if is_likely_full else "tcp.silent", "in", port=port)


def is_confirmed(case: Case, connection: Connection, side: Side, at: int) -> bool:
    """Whether the device had its socket in the state that its side has after segment `at`, before it changed again."""
    number = 0 if side is connection.client else 1
    after = connection.states[at][number]
    changes = (
        place for place in range(at + 1, len(connection.states)) if connection.states[place][number] is not after
    )
    following = next(changes, None)
    began_ns = connection.frames[at].time_ns
    until_ns = connection.frames[following].time_ns if following is not None else None
    other = connection.other(side)
    if side.device != case.device:
        return False
    ends = ("tcp", side.ip, side.port, other.ip, other.port)
    return case.kernel.sockets.is_held(case.device, ends, after.value, began_ns, until_ns)


def _nobody(case: Case, frame: Frame, protocol: str, port: int) -> str | None:
    """How much later the device had told that it has no socket for a port; None where it had one, or nobody asked."""
    answered_ns = case.kernel.sockets.answered_after(case.device, protocol, frame.time_ns)
    network = frame.packet.ipv4 or frame.packet.ipv6
    if answered_ns is None or network is None:
        return None
    is_there = case.kernel.sockets.taking(case.device, protocol, network.dst, port, answered_ns) is not None
    return None if is_there else duration((answered_ns - frame.time_ns) / 1e6)


def _taking(case: Case, frame: Frame, protocol: str, ip: str, port: int) -> Held | None:
    answered_ns = case.kernel.sockets.answered_after(case.device, protocol, frame.time_ns)
    return None if answered_ns is None else case.kernel.sockets.taking(case.device, protocol, ip, port, answered_ns)
