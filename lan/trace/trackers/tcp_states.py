"""The states of TCP's two sides, as tables over what a segment shows.  RFC 9293 §3.3.2, figure 5.

We stand at the wire: a side's own segments prove what it has done, its acknowledgments prove what
has reached it.  So a client is SYN-SENT until its ACK of the SYN-ACK is seen, not until the SYN-ACK
came in.  The end of TIME-WAIT can't be seen.
"""

from enum import StrEnum


class State(StrEnum):
    """The states of RFC 9293, by its names."""

    CLOSED = "CLOSED"
    LISTEN = "LISTEN"
    SYN_SENT = "SYN-SENT"
    SYN_RECEIVED = "SYN-RECEIVED"
    ESTABLISHED = "ESTABLISHED"
    FIN_WAIT_1 = "FIN-WAIT-1"
    FIN_WAIT_2 = "FIN-WAIT-2"
    CLOSE_WAIT = "CLOSE-WAIT"
    CLOSING = "CLOSING"
    LAST_ACK = "LAST-ACK"
    TIME_WAIT = "TIME-WAIT"


SENT_SYN = {State.CLOSED: State.SYN_SENT, State.LISTEN: State.SYN_SENT}
SENT_SYN_ACK = {State.LISTEN: State.SYN_RECEIVED, State.SYN_SENT: State.SYN_RECEIVED}
ACKNOWLEDGED_SYN = {State.SYN_SENT: State.ESTABLISHED}
"""The side that acknowledges the other's SYN, in a segment without SYN."""
SYN_ACKNOWLEDGED = {State.SYN_RECEIVED: State.ESTABLISHED}
"""The side whose SYN was acknowledged."""
SENT_FIN = {
    State.SYN_RECEIVED: State.FIN_WAIT_1,
    State.ESTABLISHED: State.FIN_WAIT_1,
    State.CLOSE_WAIT: State.LAST_ACK,
}
ACKNOWLEDGED_FIN = {
    State.SYN_RECEIVED: State.CLOSE_WAIT,
    State.ESTABLISHED: State.CLOSE_WAIT,
    State.FIN_WAIT_1: State.CLOSING,
    State.FIN_WAIT_2: State.TIME_WAIT,
}
"""The side that acknowledges the other's FIN."""
FIN_ACKNOWLEDGED = {
    State.FIN_WAIT_1: State.FIN_WAIT_2,
    State.CLOSING: State.TIME_WAIT,
    State.LAST_ACK: State.CLOSED,
}
"""The side whose FIN was acknowledged."""
ENDED = {State.CLOSED, State.TIME_WAIT}
