"""Transactions as a waterfall: what each was doing, and below it why that took so long.  Rows, and their text.

A row's phases are the client's: name, connect, TLS, send, wait, receive.  Its gaps are those of `lan.trace.stalls`,
which cover the same time without a hole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lan import readable
from lan.language.catalogue import ENGLISH, Language
from lan.reasons import Sentence
from lan.trace.frame import Frame
from lan.trace.stalls.attribution import Attribution, Facts
from lan.trace.stalls.cause import Cause, Gap, totals
from lan.trace.timeline import Timeline, Window
from lan.trace.trackers.http import Transaction
from lan.trace.trackers.tcp import Connection
from lan.trace.trackers.tls import Session
from lan.trace.views.cells import cells, cut, pad

PHASES = {"queue": "·", "dns": "d", "connect": "c", "tls": "t", "send": "s", "wait": "░", "receive": "█"}
"""Phase → what its bar is made of; they are those of lan-fetch."""
MARKS = {
    Cause.ADDRESS_RESOLUTION: "A", Cause.NAME_LOOKUP: "L", Cause.PORTS_EXHAUSTED: "X", Cause.TCP_HANDSHAKE: "H",
    Cause.TLS_HANDSHAKE: "T", Cause.CLIENT_IDLE: "I", Cause.SERVER_THINK: "S", Cause.PROXY_HOLDING: "P",
    Cause.NAGLE: "N", Cause.DELAYED_ACK: "D", Cause.CWND_FULL: "C", Cause.RECEIVE_WINDOW: "W",
    Cause.RETRANSMISSION_TIMEOUT: "R", Cause.FAST_RETRANSMISSION: "F", Cause.PATH: "-",
}  # fmt: skip
"""Cause → its letter below the bar."""
TOLD_SHARE, TOLD_NS = 0.02, 1_000_000
"""A cause is told in words from this share of its transaction on, and not where it is shorter than that."""
LEAST_BAR, INDENT = 20, 4
PAUSE_SHARE = 0.25
"""How long a pause, as a share of the time before it, begins another axis."""
NOTHING = "no HTTP transaction and no TLS session has passed yet; try  lan exec pc1 -- curl URL"
Line = tuple[str, str]
"""Text, and its style."""


@dataclass(frozen=True, slots=True)
class Row:
    """One transaction, or a TLS session whose transactions nobody can read; times in ns since 1970."""

    number: int
    name: str
    ends: str
    status: str
    size_bytes: int | None
    phases: tuple[tuple[str, int, int], ...]
    gaps: tuple[Gap, ...]

    @property
    def start_ns(self) -> int:
        return self.gaps[0].start_ns

    @property
    def end_ns(self) -> int:
        return self.gaps[-1].end_ns

    @property
    def length_ms(self) -> float:
        return (self.end_ns - self.start_ns) / 1e6

    def told(self) -> list[tuple[Cause, int, Gap]]:
        """The causes that matter, the longest first: each with its time in ns, and its longest gap."""
        least_ns = max(TOLD_NS, TOLD_SHARE * (self.end_ns - self.start_ns))
        sums = {cause: length for cause, length in totals(self.gaps).items() if length >= least_ns}
        longest = {cause: max((gap for gap in self.gaps if gap.cause is cause), key=_length) for cause in sums}
        return [(cause, length, longest[cause]) for cause, length in sums.items()]


def _length(gap: Gap) -> int:
    return gap.length_ns


def rows(window: Window, timeline: Timeline, facts: Facts) -> list[Row]:
    """Of all transactions of a window, in the order of their beginnings."""
    read = {one.connection for one in window.http}
    attribution = Attribution(timeline, facts)
    found = [_transaction(one, attribution) for one in window.http if one.frames]
    found += [_session(one, attribution) for one in window.tls if one.connection not in read]
    ordered = sorted((row for row in found if row is not None), key=lambda row: row.start_ns)
    return [replace(row, number=number) for number, row in enumerate(ordered)]


def _transaction(one: Transaction, attribution: Attribution) -> Row | None:
    gaps = attribution.of(one)
    response = one.response
    said = [*one.request.frames, *(response.frames if response else [])]
    if not gaps or not said:
        return None
    asked, told = one.request.frames, response.frames if response else []
    send_ns, wait_ns = asked[0].time_ns, asked[-1].time_ns
    receive_ns = told[0].time_ns if told else gaps[-1].end_ns
    phases = [*_opening(gaps, one.connection, send_ns), ("send", send_ns, wait_ns), ("wait", wait_ns, receive_ns)]
    phases += [("receive", receive_ns, gaps[-1].end_ns)] if told else []
    size = response.body_bytes if response else None
    status = "—" if one.status is None else str(one.status)
    return Row(0, f"{one.method} {one.target}", _ends(one.connection), status, size, tuple(phases), tuple(gaps))


def _session(session: Session, attribution: Attribution) -> Row | None:
    connection = session.connection
    gaps = attribution.of(connection)
    if not gaps:
        return None
    finished = session.client_finished or connection.frames[-1]
    phases = [*_opening(gaps, connection, finished.time_ns), ("receive", finished.time_ns, gaps[-1].end_ns)]
    name, size = f"TLS {session.server_name or connection.server.ip}", session.server_bytes
    return Row(0, name, _ends(connection), "—", size, tuple(phases), tuple(gaps))


def _ends(connection: Connection) -> str:
    return f"{connection.client.device} → {connection.server.device}"


def _opening(gaps: Sequence[Gap], connection: Connection, until_ns: int) -> Iterator[tuple[str, int, int]]:
    """The phases before the request: what lies between them the transaction waited for its turn."""
    start_ns = gaps[0].start_ns
    known: list[tuple[str, int, int]] = []
    looked_up = [gap for gap in gaps if gap.cause is Cause.NAME_LOOKUP and gap.end_ns <= until_ns]
    if looked_up:
        known.append(("dns", looked_up[0].start_ns, looked_up[-1].end_ns))
    opened = _span(connection.syn, connection.ack, start_ns)
    if opened:
        known.append(("connect", *opened))
    secured = _span(*_hello(gaps), start_ns)
    if secured:
        known.append(("tls", *secured))
    if known and gaps[0].cause is Cause.PATH and gaps[0].end_ns >= known[0][1]:  # on its way to the tap
        known[0] = known[0][0], start_ns, known[0][2]
    at_ns = start_ns
    for phase, begin_ns, end_ns in known:
        if begin_ns > at_ns:
            yield "queue", at_ns, begin_ns
        yield phase, begin_ns, end_ns
        at_ns = end_ns
    if until_ns > at_ns:
        yield "queue", at_ns, until_ns


def _hello(gaps: Sequence[Gap]) -> tuple[Frame | None, Frame | None]:
    """The first and last frame of a TLS handshake within these gaps."""
    shaking = [gap for gap in gaps if gap.cause is Cause.TLS_HANDSHAKE]
    return (shaking[0].evidence[0], shaking[-1].evidence[-1]) if shaking else (None, None)


def _span(first: Frame | None, last: Frame | None, since_ns: int) -> tuple[int, int] | None:
    if first is None or last is None or last.time_ns <= since_ns:
        return None
    return max(first.time_ns, since_ns), last.time_ns


def draw(found: Sequence[Row], width: int, language: Language = ENGLISH) -> Iterator[Line]:
    """The waterfall in so many columns: of each row its phases, its causes, and those that matter in words."""
    if not found:
        return
    begun_ns = found[0].start_ns
    bar = max(width - INDENT - 1, LEAST_BAR)
    for group in groups(found):
        begin_ns, end_ns = group[0].start_ns, max(row.end_ns for row in group)
        scale = (end_ns - begin_ns) / bar or 1.0
        after = f" {language.retell(_after(begin_ns - begun_ns))}" if begin_ns > begun_ns else ""
        yield f"{'':{INDENT}}{_axis((end_ns - begin_ns) / 1e6, bar, bar - cells(after))}{after}", "dim"
        for row in group:
            yield _head(row, width), "bold"
            for spans in (
                [(PHASES[name], start, end) for name, start, end in row.phases],
                [(MARKS[gap.cause], gap.start_ns, gap.end_ns) for gap in row.gaps],
            ):
                yield f"{'':{INDENT}}{_cells(spans, begin_ns, scale, bar)}".rstrip(), ""
            for cause, length_ns, gap in row.told():
                said = f"{language.say(cause)}: {language.retell(gap.reason.text)}"
                words = f"{'':{INDENT}}{MARKS[cause]} {length_ns / 1e6:9.1f} ms  {said}"
                yield _cut(words, width), "dim" if cause is Cause.PATH else "yellow"
        yield "", ""
    phases_used = {name for row in found for name, _, _ in row.phases}
    yield "   ".join(f"{PHASES[name] * 2} {language.say(name)}" for name in PHASES if name in phases_used), "dim"


def _after(pause_ns: int) -> Sentence:
    return Sentence("after {seconds:.3f} s", seconds=pause_ns / 1e9)


def groups(found: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows that share an axis: behind a pause in which nothing was going on a new one begins."""
    group: list[Row] = []
    for row in found:
        if group:
            begin_ns, end_ns = group[0].start_ns, max(each.end_ns for each in group)
            if row.start_ns > end_ns + (end_ns - begin_ns) * PAUSE_SHARE:
                yield group
                group = []
        group.append(row)
    if group:
        yield group


def _head(row: Row, width: int) -> str:
    size = "" if row.size_bytes is None else f", {readable.size(row.size_bytes)}"
    left, right = f"{row.number:>3} {row.ends}  {row.name} → {row.status}{size}", readable.duration(row.length_ms)
    return f"{pad(_cut(left, width - len(right) - 2), width - len(right) - 2)} {right}"


def _cells(spans: Sequence[tuple[str, int, int]], begin_ns: int, scale: float, width: int) -> str:
    """Each cell shows what fills most of it; a span that fills none takes the one where it begins, if it may."""
    drawn = [" "] * width
    filled = [0.0] * width
    for mark, start_ns, end_ns in spans:
        first, last = (start_ns - begin_ns) / scale, (end_ns - begin_ns) / scale
        for at in range(max(int(first), 0), min(int(last) + 1, width)):  # a clock may have been set back
            share = min(last, at + 1) - max(first, at)
            if share > filled[at]:
                drawn[at], filled[at] = mark, share
    return "".join(drawn)


def _axis(length_ms: float, width: int, room: int) -> str:
    """``0         50        100 ms``: round steps above bars of a width, as many as have room."""
    steps = (step for step in readable.ROUND_STEPS if width * step / (length_ms or 1.0) >= 9)
    step = next(steps, readable.ROUND_STEPS[-1])  # a damaged time may be centuries away
    line = ""
    for at in range(int(length_ms / step) + 1):
        text, place = f"{at * step:g}", round(at * step / (length_ms or 1.0) * width)
        line = f"{line:{place}}{text}" if place + len(text) + len(" ms") <= room else line
    return f"{line} ms"


def _cut(text: str, width: int) -> str:
    return text if cells(text) <= width else cut(text, width - 1) + "…"
