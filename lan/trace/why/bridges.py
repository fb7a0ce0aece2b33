"""What a kernel bridge told of its MAC address table, as reasons of switches ask for it.  IEEE 802.1D §7.  Pure.

A row is heard of a little after the frame that made it, so what the frame did is taken for read only where the rows
agree with where it went.
"""

from lan.trace.kernel.stations import Known
from lan.trace.why.saying import Case

LEARNED, KNOWN, MOVED = "switch.learned", "switch.known", "switch.moved"


def learning(case: Case, mac: str) -> str | None:
    """What the table did with the source of the frame that came in; None where the bridge did not tell."""
    here, last = case.frame.receiver, _last(case, mac)
    if not _is_told(case) or not _has(case, mac, here):
        return None
    if (last is not None and last.port == here) or case.history.port_of(case.device, mac, case.frame) == here:
        return LEARNED if last is not None and not last.port else KNOWN
    return MOVED if last is not None and last.port else LEARNED


def is_hit(case: Case, mac: str) -> bool | None:
    """Whether the table had the receiver of the frame that went out; None where the bridge did not tell."""
    if not _is_told(case):
        return None
    if len(case.stop.sent) == 1 and _has(case, mac, case.stop.sent[0].sender):
        return True
    is_empty = _last(case, mac) is None or _gone(case, mac) is not None
    return False if is_empty and len(case.stop.sent) > 1 else None


def forgot(case: Case, mac: str) -> str | None:
    """The port that a station was at before the table forgot it; None where it did not."""
    gone = _gone(case, mac)
    if not _is_told(case) or gone is None:
        return None
    return case.kernel.stations.former_port(case.device, mac, gone.since_ns)


def is_filtered(case: Case, mac: str) -> bool:
    """Whether the table had the receiver at the port that the frame came from."""
    return _is_told(case) and _has(case, mac, case.frame.receiver)


def _is_told(case: Case) -> bool:
    return case.kernel.stations.is_told(case.device, case.frame.time_ns)


def _last(case: Case, mac: str) -> Known | None:
    return case.kernel.stations.last(case.device, mac, case.frame.time_ns)


def _gone(case: Case, mac: str) -> Known | None:
    return case.kernel.stations.gone(case.device, mac, case.frame.time_ns)


def _has(case: Case, mac: str, port: str) -> bool:
    return case.kernel.stations.has(case.device, mac, port, case.frame.time_ns)
