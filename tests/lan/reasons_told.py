"""The reasons of a LAN that runs, for tests of each of them: what was said since a mark, in words.

A test demands lines such as ``"web in tcp.refused"``, with ``~`` before what is derived from packets: by these words
`tests/unit/trace/test_why_seen.py` knows which code is seen on a real LAN, and where.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from lan.language.catalogue import ENGLISH
from lan.scenario.recording import Recording
from lan.testing.net import Net
from lan.trace.timeline import Timeline
from lan.trace.why import Decisions, Explained, Explainer

from .shaped import PATIENCE_S

Reasons = list[tuple[str, Explained]]
"""(device, reason), in the order of journeys."""
SEND = """
import socket, sys
port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
port.bind((sys.argv[1], 0))
for frame in sys.argv[2:]:
    port.send(bytes.fromhex(frame))
"""


class Told(Reasons):
    """What was said until now.  Devices go on after what a test did: what is demanded may be yet to come."""

    def __init__(self, look: Callable[[], Reasons]) -> None:
        super().__init__(look())
        self._look = look

    def again(self) -> None:
        """Look once more."""
        self[:] = self._look()


def timeline_of(net: Net) -> Timeline:
    """All that has passed until now."""
    recording = Recording(net.running)
    try:
        recording.sync()
    finally:
        recording.close()
    assert recording.drops == 0
    return recording.timeline


def frames_until_now(net: Net) -> int:
    """How many frames have passed; all that kernels told until now is known."""
    return timeline_of(net).mark()


def reasons(net: Net, mark: int) -> Told:
    """Of every stop of journeys since a mark."""
    return Told(lambda: _until_now(net, mark))


def _until_now(net: Net, mark: int) -> Reasons:
    timeline, decisions = timeline_of(net), Decisions()
    folder = net.state
    decisions.read([folder / "decisions.jsonl", folder / "kernel.jsonl", *folder.glob("devices/*/decisions.jsonl")])
    explainer = Explainer(timeline, decisions, ENGLISH)
    return [
        (stop.device, one)
        for journey in timeline.journeys
        if journey.frames[0].number > mark
        for stop in journey.stops
        for one in explainer.explain(stop, journey)
    ]


def line(device: str, one: Explained) -> str:
    """``web in tcp.refused``"""
    return f"{'~' if one.is_derived else ''}{device} {one.way} {one.code}"


def demand(told: Reasons, *lines: str) -> None:
    """Each of these must have been said, or be said soon; fails with all that was."""
    limit_s = time.monotonic() + PATIENCE_S
    while lacking := [one for one in lines if one not in (said := {line(*each) for each in told})]:
        if not isinstance(told, Told) or time.monotonic() > limit_s:
            raise AssertionError(f"not said: {lacking}\nsaid: {sorted(said)}")
        told.again()


def the(told: Reasons, words: str) -> Explained:
    """The first that a line is of."""
    demand(told, words)
    return next(one for who, one in told if line(who, one) == words)


def has_connection(net: Net, device: str, port: int, state: str = "ESTAB") -> bool:
    """Whether a device's kernel has a connection from or to a port in this state: frames tell of it sooner."""
    rows = [row for row in net[device].table("sockets") if row.state == state]
    return any(end.endswith(f":{port}") for row in rows for end in (row.local, row.peer))


def send(net: Net, device: str, frames: Iterable[bytes], *, port: int = 0) -> None:
    """Put frames as they are on a device's cable."""
    hexadecimal: Sequence[str] = [frame.hex() for frame in frames]
    done = net.run(device, "python3", "-c", SEND, f"{device}-eth{port}", *hexadecimal)
    assert done.returncode == 0, done.stderr
