"""A device's TCP connections at an instant, with ss(8)'s words for their states: concluded from segments.  Pure.

Sockets that only wait, for connections or datagrams, send nothing, so they are not among them.
"""

from bisect import bisect_right

from lan.reasons import Sentence
from lan.trace.ledger import Ledger
from lan.trace.tables.history import History
from lan.trace.tables.table import Table
from lan.trace.trackers.flow import endpoint
from lan.trace.trackers.tcp import Connection, Side
from lan.trace.trackers.tcp_states import State

COLUMNS = ["protocol", "state", "local", "peer", "timer"]
WORDS = {State.ESTABLISHED: "ESTAB", State.SYN_RECEIVED: "SYN_RECV"}


def table(history: History, device: str, at_ns: int) -> Table:
    """The connections of one device, in the order of their first segments."""
    held = {(hold.local, hold.peer): hold for hold in Ledger(history.timeline).held(at_ns, device)}
    rows = []
    for connection in history.timeline.tcp:
        seen = bisect_right(connection.frames, at_ns, key=lambda frame: frame.time_ns)
        if not seen:
            continue
        for number, side in enumerate((connection.client, connection.server)):
            if side.device != device:
                continue
            state = connection.states[seen - 1][number]
            hold = held.get(_pair(connection, side)) if state is State.TIME_WAIT else None
            if state in (State.CLOSED, State.LISTEN) or (state is State.TIME_WAIT and hold is None):
                continue
            timer = f"timewait,{hold.seconds_left(at_ns):.0f}sec,0" if hold else ""
            other = connection.other(side)
            rows.append(
                ["tcp", WORDS.get(state, state.replace("-", "_")), str(side), endpoint(other.ip, other.port), timer]
            )
    return Table(COLUMNS, rows, Sentence("segments that passed; sockets that only listen leave none"), is_derived=True)


def _pair(connection: Connection, side: Side) -> tuple[tuple[str, int], tuple[str, int]]:
    other = connection.other(side)
    return (side.ip, side.port), (other.ip, other.port)
