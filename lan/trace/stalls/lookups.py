"""What a connection waited for before its SYN: addresses, the name, a port; and its client between them.  Pure."""

from collections.abc import Sequence
from dataclasses import replace

from lan.reasons import Sentence, because
from lan.trace.frame import Frame
from lan.trace.stalls.cause import Cause, Gap
from lan.trace.stalls.knowledge import Knowledge
from lan.trace.trackers.arp import Kind
from lan.trace.trackers.tcp import Connection

PRECEDENCE = (Cause.PORTS_EXHAUSTED, Cause.NAME_LOOKUP, Cause.ADDRESS_RESOLUTION)
CHAIN_NS = 250_000_000
"""What waits for a hardware address goes on at once; a resolution that ended earlier was for something else."""
FREED_NS = 1_000_000_000
"""How soon after a port came back a SYN is of one who waited for it: programs try again in steps, which it pays too."""


def before(connection: Connection, known: Knowledge) -> list[Gap]:
    """The gaps that end with the connection's SYN; [] where it waited for nothing that is seen."""
    syn = connection.syn
    if syn is None:
        return []
    device, server_ip = connection.client.device, connection.server.ip
    since_ns = known.earlier_syn_ns(connection)
    waits = [
        *_lookups(known, device, server_ip, since_ns, syn.time_ns),
        *_resolutions(known, device, since_ns, syn.time_ns),
    ]
    for full in known.exhaustions(connection):
        asked_ns = max((wait.end_ns for wait in waits if wait.cause is Cause.NAME_LOOKUP), default=0)
        start_ns = max(full.start_ns, full.settled_ns, asked_ns)
        if start_ns < syn.time_ns and full.start_ns < syn.time_ns <= full.end_ns + FREED_NS:
            evidence = [*full.evidence, syn]
            waits.append(Gap(start_ns, syn.time_ns, Cause.PORTS_EXHAUSTED, evidence, full.reason, device))
    return _in_a_row(waits, syn, device, known.round_ns(connection)) if waits else []


def _lookups(known: Knowledge, device: str, address: str, since_ns: int, until_ns: int) -> list[Gap]:
    """The questions for the name that gave this address, of all types and to all resolvers, as one gap."""
    asked = [
        query for query in known.queries_of(device)
        if since_ns <= query.requests[0].time_ns <= until_ns
    ]  # fmt: skip
    names = [query.name.lower() for query in asked if address in query.addresses]
    same = [query for query in asked if names and query.name.lower() == names[-1]]
    if not same:
        return []
    evidence = [frame for query in same for frame in query.frames if frame.time_ns <= until_ns]
    end_ns = max(frame.time_ns for frame in evidence)
    words = Sentence("{device} asked for {name}", device=device, name=names[-1])
    reason = because("RFC 1035 §7", words, questions=len(same))
    return [Gap(evidence[0].time_ns, end_ns, Cause.NAME_LOOKUP, sorted(evidence, key=_number), reason, device)]


def _resolutions(known: Knowledge, device: str, since_ns: int, until_ns: int) -> list[Gap]:
    found = []
    for one in known.resolutions_of(device):
        if not one.requests or not one.replies or one.kind is not Kind.QUESTION:
            continue
        start_ns, end_ns = one.requests[0].time_ns, one.replies[0].time_ns
        if since_ns <= start_ns and end_ns <= until_ns:
            reason = because("RFC 826", Sentence("{device} asked who has {ip}", device=device, ip=one.target_ip))
            found.append(Gap(start_ns, end_ns, Cause.ADDRESS_RESOLUTION, one.frames, reason, device))
    return found


def _in_a_row(waits: Sequence[Gap], syn: Frame, device: str, round_ns: int) -> list[Gap]:
    """The waits that led to the SYN, parted where they overlap, and between them the client and its way."""
    chain: list[Gap] = []
    at_ns, following = syn.time_ns, syn
    for gap in sorted(waits, key=lambda each: (-each.end_ns, PRECEDENCE.index(each.cause))):
        pause_ns = at_ns - gap.end_ns
        if pause_ns > CHAIN_NS + round_ns and gap.cause is Cause.ADDRESS_RESOLUTION:
            break
        if gap.start_ns >= at_ns:
            continue
        if pause_ns > 0:
            words = Sentence("{device} had its answer and did not go on at once", device=device)
            idle = because("the frames between", words)
            way = because("the tap's times", Sentence("on its way"), round_trip_ms=f"{round_ns / 1e6:.3f}")
            half_ns = min(0 if gap.cause is Cause.PORTS_EXHAUSTED else round_ns, pause_ns) // 2
            evidence = [gap.evidence[-1], following]
            chain += [
                Gap(at_ns - half_ns, at_ns, Cause.PATH, evidence, way),
                Gap(gap.end_ns + half_ns, at_ns - half_ns, Cause.CLIENT_IDLE, evidence, idle, device),
                Gap(gap.end_ns, gap.end_ns + half_ns, Cause.PATH, evidence, way),
            ]
        chain.append(replace(gap, end_ns=min(gap.end_ns, at_ns)))
        at_ns, following = gap.start_ns, gap.evidence[0]
    return chain[::-1]


def _number(frame: Frame) -> int:
    return frame.number
