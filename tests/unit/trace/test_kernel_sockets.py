"""Sockets as a device said that it had them when it was asked, and nothing about the time between."""

import json

from lan.trace.kernel.record import KernelRecord
from lan.trace.kernel.sockets import Held

LISTENING = ["tcp", "0.0.0.0", 80, "", 0]
STATES = ("CLOSED", "ESTABLISHED", "TIME-WAIT")
OPEN = ["tcp", "10.0.0.2", 80, "10.0.0.1", 40000]
SECOND_NS = 1_000_000_000


def record(*asked: tuple[int, list[list[object]], list[list[object]]]) -> KernelRecord:
    """What web said at each second: (when, what is new, what is gone)."""
    found = KernelRecord()
    found.add(
        json.dumps({"time_s": second, "device": "web", "what": "sockets", "new": new, "gone": gone})
        for second, new, gone in asked
    )
    return found


def test_a_socket_is_there_from_the_question_that_told_it_to_the_one_that_did_not() -> None:
    sockets = record(
        (1, [[*LISTENING, "LISTEN", 0, 4]], []),
        (2, [[*LISTENING, "LISTEN", 5, 4], [*OPEN, "ESTABLISHED", 0, 0]], []),
        (3, [[*OPEN, "TIME-WAIT", 0, 0]], [LISTENING]),
    ).sockets
    taken = [sockets.taking("web", "tcp", "10.0.0.2", 80, second * SECOND_NS) for second in range(4)]
    assert taken == [None, Held("LISTEN", 0, 5), Held("LISTEN", 5, 5), None]
    assert [held.is_full for held in taken if held] == [False, True]
    ends = ("tcp", "10.0.0.2", 80, "10.0.0.1", 40000)
    for second, state in ((1, "CLOSED"), (2, "ESTABLISHED"), (3, "TIME-WAIT")):
        at_ns = second * SECOND_NS
        held = [each for each in STATES if sockets.is_held("web", ends, each, at_ns, at_ns + 1)]
        assert held == [state]


def test_a_state_that_nothing_ended_is_confirmed_by_any_question_after_it() -> None:
    """A kernel that was asked before the segment came to the socket is asked again, however late."""
    sockets = record(
        (1, [[*OPEN, "ESTABLISHED", 0, 0]], []), (2, [], []), (9, [[*OPEN, "CLOSE-WAIT", 0, 0]], [])
    ).sockets
    ends = ("tcp", "10.0.0.2", 80, "10.0.0.1", 40000)
    assert sockets.is_held("web", ends, "CLOSE-WAIT", 2 * SECOND_NS, None)
    assert not sockets.is_held("web", ends, "CLOSE-WAIT", 2 * SECOND_NS, 9 * SECOND_NS), "it had changed by then"
    assert not sockets.is_held("web", ends, "CLOSE-WAIT", -60 * SECOND_NS, None), "it may be another's by then"


def test_a_question_says_something_of_what_came_shortly_before_it() -> None:
    sockets = record((10, [], []), (13, [], [])).sockets
    assert sockets.answered_after("web", "tcp", 10 * SECOND_NS - 1) == 10 * SECOND_NS
    assert sockets.answered_after("web", "tcp", 10 * SECOND_NS + 1) is None  # the next one is too late
    assert sockets.answered_after("web", "tcp", 14 * SECOND_NS) is None
    assert sockets.answered_after("pc1", "tcp", 10 * SECOND_NS) is None


def test_a_socket_of_one_address_takes_nothing_for_another() -> None:
    sockets = record(
        (1, [["tcp", "127.0.0.1", 80, "", 0, "LISTEN", 0, 4], ["udp", "::", 53, "", 0, "CLOSED", 0, 0]], [])
    )
    assert sockets.sockets.taking("web", "tcp", "10.0.0.2", 80, SECOND_NS) is None
    assert sockets.sockets.taking("web", "udp", "10.0.0.2", 53, SECOND_NS) is not None
    assert sockets.sockets.taking("web", "tcp", "10.0.0.2", 53, SECOND_NS) is None


def test_a_question_says_nothing_of_what_came_while_it_was_answered() -> None:
    """Its answer is of a moment between the two: before the frame, or after it, nobody knows."""
    found = KernelRecord()
    for asked_s, time_s in ((10, 10.2), (10.5, 10.6)):
        line = {"time_s": time_s, "asked_s": asked_s, "device": "web", "what": "sockets", "new": [], "gone": []}
        found.add([json.dumps(line)])
    sockets, tenth_ns = found.sockets, SECOND_NS // 10
    assert sockets.answered_after("web", "tcp", 100 * tenth_ns) == 102 * tenth_ns
    assert sockets.answered_after("web", "tcp", 101 * tenth_ns) == 106 * tenth_ns
    ends = ("tcp", "10.0.0.2", 80, "10.0.0.1", 40000)
    assert not sockets.is_held("web", ends, "CLOSED", 100 * tenth_ns, 101 * tenth_ns)
    assert sockets.is_held("web", ends, "CLOSED", 100 * tenth_ns, 103 * tenth_ns)


def test_of_a_protocol_that_a_kernel_does_not_tell_of_nothing_is_known() -> None:
    found = KernelRecord()
    line = {"time_s": 10, "of": ["tcp"], "device": "web", "what": "sockets", "new": [], "gone": []}
    found.add([json.dumps(line)])
    assert found.sockets.answered_after("web", "tcp", 10 * SECOND_NS) == 10 * SECOND_NS
    assert found.sockets.answered_after("web", "udp", 10 * SECOND_NS) is None
