"""A recording as a pcapng file for Wireshark: our reasons as comments, TLS secrets embedded.  Pure.

Each frame's comment tells why its sender sent it and what its receiver did with it, and what is remarkable about its
TCP segment.  The secrets are those of the connections that are in the file, and stand before all frames: Wireshark
shows HTTPS in the clear without a setting.  Interfaces are named ``device:port``.  `pcapng.Reader` reads it all back.
"""

from collections.abc import Iterable, Iterator

from lan.trace.frame import Frame, device_of_port
from lan.trace.pcapng_format import SWITCH
from lan.trace.pcapng_writing import Writer
from lan.trace.timeline import Timeline
from lan.trace.views.pdu import Explain, Explained

LONGEST_COMMENT_BYTES = 0xFFFF
DERIVED = ", derived"


def write(
    timeline: Timeline, key_log: str = "", explain: Explain | None = None, *, frames: Iterable[Frame] | None = None
) -> Iterator[bytes]:
    """The file, piece by piece: all frames of the timeline, or those given, in their order.

    `key_log` holds the lines to embed (`secrets_of`), `explain` says why a device did what it did.
    """
    writer = Writer()
    yield writer.start()
    yield writer.secrets(key_log)
    switches = timeline.switches or frozenset()
    for frame in timeline.all_frames if frames is None else frames:
        hardware = SWITCH if device_of_port(frame.port) in switches else ""
        interface, block = writer.interface(frame.port, frame.peer, hardware=hardware)
        yield block
        text = _whole_letters(comment(frame, timeline, explain))
        yield writer.packet(interface, frame.time_ns, frame.direction, frame.data, length=frame.length, comment=text)


def secrets_of(timeline: Timeline, frames: Iterable[Frame] | None = None) -> str:
    """The key log's lines of the connections that are seen here, or of those with one of `frames`; no others."""
    sessions = timeline.tls
    if frames is not None:
        wanted = {id(connection) for frame in frames if (connection := timeline.connection_of(frame))}
        sessions = [session for session in sessions if id(session.connection) in wanted]
    randoms = [session.client_random for session in sessions if session.client_random is not None]
    return timeline.tls_tracker.key_log.text(dict.fromkeys(randoms))


def comment(frame: Frame, timeline: Timeline, explain: Explain | None = None) -> str:
    """A frame's comment: a line each reason, ``s1: the table has web at port 3 (switch.hit)``; "" for none."""
    lines = frame.comment.splitlines()
    connection = timeline.connection_of(frame)
    lines += [f"TCP: {event}" for event in (connection.events_of(frame) if connection else ())]
    if explain is not None:
        journey = timeline.journey_of(frame)
        for stop, way in ((journey.leaving(frame), "out"), (journey.arriving(frame), "in")):
            if stop is not None:
                lines += [_line(stop.device, one) for one in explain(stop, journey) if one.way == way]
    once: dict[str, str] = {}
    for line in lines:
        once.setdefault(line.replace(f"{DERIVED})", ")"), line)  # what the file's comment knows from a log stays so
    return "\n".join(once.values())


def _line(device: str, one: Explained) -> str:
    mark = DERIVED if one.is_derived else ""
    return f"{device}, layer {one.layer}: {one.reason.text} ({one.code}{mark})"


def _whole_letters(text: str) -> str:
    """As much of a comment as an option holds, without half a letter at its end."""
    return text.encode()[:LONGEST_COMMENT_BYTES].decode(errors="ignore")
