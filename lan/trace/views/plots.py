"""A TCP connection drawn over time: its sequence numbers, its windows, its throughput.  SVG.

Each reads the connection's trackers and what the kernel was sampled to say; none decodes.  What is plotted is one
direction: that of the side that sent more, or of the device that was named.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from lan.language.catalogue import ENGLISH, Language
from lan.trace.kernel_tcp import Sample
from lan.trace.stalls.attribution import Facts, attribute
from lan.trace.stalls.cause import Cause
from lan.trace.stalls.segments import Dialogue, Sent, dialogue
from lan.trace.timeline import Timeline
from lan.trace.trackers.tcp import Connection, Side
from lan.trace.views.chart import Band, Points, Series, chart

BLUE, GREEN, PURPLE, RED, ORANGE = "#0969da", "#1a7f37", "#8250df", "#cf222e", "#bc4c00"
COLOURS = {
    Cause.CWND_FULL: "#8250df", Cause.RECEIVE_WINDOW: "#bc4c00", Cause.NAGLE: "#9a6700", Cause.DELAYED_ACK: "#bf8700",
    Cause.RETRANSMISSION_TIMEOUT: "#cf222e", Cause.FAST_RETRANSMISSION: "#ff8182", Cause.SERVER_THINK: "#0969da",
    Cause.CLIENT_IDLE: "#6e7781", Cause.PROXY_HOLDING: "#1b7c83", Cause.PORTS_EXHAUSTED: "#a40e26",
    Cause.NAME_LOOKUP: "#bf3989", Cause.ADDRESS_RESOLUTION: "#e85aad", Cause.TCP_HANDSHAKE: "#d4a72c",
    Cause.TLS_HANDSHAKE: "#7d4cdb", Cause.PATH: "#d0d7de",
}  # fmt: skip
"""Of each cause, in every picture."""
LEAST_BAND_NS = 1_000_000
INTERVALS = 50
"""Throughput is that of each fiftieth of the connection's time, but of no less than 10 ms."""
LEAST_INTERVAL_NS = 10_000_000


def sequence(
    talk: Dialogue, sent: Sent, peer: Sent, begun_ns: int, samples: Sequence[Sample]
) -> tuple[str, list[Series]]:
    """Bytes against time: each segment, what was sent again, what was acknowledged, and the edge of the window."""
    new = [each for each in sent.all if each.is_new and each.length]
    again = [each for each in sent.all if each.length and not each.is_new]
    acks = [(_ms(each.time_ns, begun_ns), float(each.ack)) for each in peer.all if each.ack is not None]
    edges = [(_ms(each.time_ns, begun_ns), float(each.edge)) for each in peer.all if each.edge is not None]
    return "sequence number, bytes from the first", [
        Series("window's edge", ORANGE, edges, "steps"),
        Series("acknowledged", GREEN, acks, "steps"),
        Series("sent", BLUE, [(_ms(each.time_ns, begun_ns), float(each.end)) for each in new], "ticks",
               [f"frame {each.frame.number}: {each.length} bytes" for each in new]),
        Series("sent again", RED, [(_ms(each.time_ns, begun_ns), float(each.end)) for each in again], "points",
               [f"frame {each.frame.number}: {each.length} bytes again" for each in again]),
    ]  # fmt: skip


def window(
    talk: Dialogue, sent: Sent, peer: Sent, begun_ns: int, samples: Sequence[Sample]
) -> tuple[str, list[Series]]:
    """What is in the network, what the receiver takes, and the congestion window where the kernel was asked."""
    analysis = talk.connection.analysis
    way = analysis.client if sent.is_client else analysis.server
    flight = [(_ms(each.frame.time_ns, begun_ns), float(each.bytes)) for each in way.flights]
    ends = [0, *accumulate((each.end for each in sent.all), max)]
    acks = [
        (_ms(each.time_ns, begun_ns), float(max(ends[bisect_right(sent.times_ns, each.time_ns)] - each.ack, 0)))
        for each in peer.all
        if each.ack is not None
    ]
    offered = [
        (_ms(each.time_ns, begun_ns), float(each.edge - each.ack))
        for each in peer.all
        if each.edge is not None and each.ack is not None
    ]
    told = [(_ms(each.time_ns, begun_ns), float(each.cwnd * sent.mss)) for each in samples if each.cwnd]
    return "bytes", [
        Series("receive window", ORANGE, offered, "steps"),
        Series("cwnd (its kernel's)", PURPLE, told, "steps"),
        Series("in flight", BLUE, sorted([*flight, *acks]), "steps"),
    ]


def throughput(
    talk: Dialogue, sent: Sent, peer: Sent, begun_ns: int, samples: Sequence[Sample]
) -> tuple[str, list[Series]]:
    """New bytes, acknowledged bytes and all that was sent, in Mbit/s."""
    whole_ns = max(each.time_ns for each in talk.segments) - begun_ns
    interval_ns = max(whole_ns // INTERVALS, LEAST_INTERVAL_NS)
    new = [(each.time_ns, float(each.length)) for each in sent.all if each.is_new]
    acked = [
        (later.time_ns, float(max((later.ack or 0) - (before.ack or 0), 0))) for before, later in pairwise(peer.acks)
    ]
    return "Mbit/s", [
        Series("acknowledged", GREEN, _rates(acked, begun_ns, whole_ns, interval_ns), "steps"),
        Series("sent for the first time", BLUE, _rates(new, begun_ns, whole_ns, interval_ns), "steps"),
    ]


def _rates(sizes: Sequence[tuple[int, float]], begun_ns: int, whole_ns: int, interval_ns: int) -> Points:
    counts = [0.0] * (whole_ns // interval_ns + 2)
    for time_ns, size in sizes:
        counts[max(time_ns - begun_ns, 0) // interval_ns + 1] += size  # a clock may have been set back
    return [(number * interval_ns / 1e6, count * 8 / interval_ns * 1e3) for number, count in enumerate(counts)]


Plot = Callable[[Dialogue, Sent, Sent, int, Sequence[Sample]], tuple[str, list[Series]]]
PLOTS: dict[str, Plot] = {"sequence": sequence, "window": window, "throughput": throughput}


def draw(
    kind: str,
    connection: Connection,
    timeline: Timeline,
    facts: Facts,
    *,
    sender: Side | None = None,
    language: Language = ENGLISH,
) -> str:
    """One plot of a connection, with the causes of its stalls behind it.  The connection has a frame."""
    talk = dialogue(connection)
    chosen = sender or max((connection.client, connection.server), key=lambda side: side.data_bytes)
    sent, peer = (talk.client, talk.server) if chosen is connection.client else (talk.server, talk.client)
    begun_ns = connection.frames[0].time_ns
    samples = [each for each in facts.samples if each.is_of(sent.side, peer.side)]
    unit, made = PLOTS[kind](talk, sent, peer, begun_ns, samples)
    unit, series = language.say(unit), [replace(each, name=language.say(each.name)) for each in made]
    other = connection.other(chosen)
    title = f"{language.say(kind)}: {chosen.named} → {other.named}"
    return chart(title, unit, series, _bands(connection, timeline, facts, begun_ns, language))


def _bands(connection: Connection, timeline: Timeline, facts: Facts, begun_ns: int, language: Language) -> list[Band]:
    end_ns = connection.frames[-1].time_ns
    return [
        Band(_ms(max(gap.start_ns, begun_ns), begun_ns), _ms(min(gap.end_ns, end_ns), begun_ns), COLOURS[gap.cause],
             f"{language.say(gap.cause)}: {language.retell(gap.reason.text)}")
        for gap in attribute(connection, timeline, facts)
        if gap.cause is not Cause.PATH and gap.length_ns >= LEAST_BAND_NS and gap.end_ns > begun_ns
    ]  # fmt: skip


def _ms(time_ns: int, begun_ns: int) -> float:
    return (time_ns - begun_ns) / 1e6
