"""nftables on a device: which rule took a packet, let it pass, or rewrote it.  nft(8).  Pure, read from the kernel.

Where the kernel told nothing of a packet (no rules, or more packets than are traced) nothing is said here.
"""

import re
from collections.abc import Iterator

from lan.trace.frame import Frame
from lan.trace.kernel.firewall import Key, Verdict, key_of
from lan.trace.why.saying import Case, Explained
from lan.wire.arp import Arp
from lan.wire.ipv4 import Ipv4
from lan.wire.ipv6 import Ipv6

NAT = re.compile(r"\b(masquerade|snat|dnat|redirect|tproxy)\b")
REJECT = re.compile(r"\breject\b")
TRANSPORT_BYTES = 20
STOPPING = frozenset({"filter.drops", "filter.rejects", "filter.policy"})


def told(case: Case) -> list[Explained]:
    """What rules of this device did with the packet, in their order."""
    frames = [frame for frame in (case.stop.received, *case.stop.sent) if frame is not None]
    return [_said(case, one) for one in _verdicts(case, frames)]


def is_stopped(case: Case) -> bool:
    """Whether a rule or policy of this device took the packet."""
    return any(one.code in STOPPING for one in told(case))


def rewriting(case: Case) -> bool:
    """Whether a rule of this device is known to have rewritten the packet's addresses."""
    return any(one.code == "nat.rule" for one in told(case))


def answering(case: Case, frame: Frame) -> Iterator[Explained]:
    """The rule that has the device answer a packet that it got in `frame`."""
    for one in _verdicts(case, [frame]):
        if _is_reject(one):
            yield case.say(
                "filter.answers", "out", is_read=True, rule=one.name, words=_words(case, one), frame=frame.number
            )


def _verdicts(case: Case, frames: list[Frame]) -> list[Verdict]:
    keys: list[Key] = [key for frame in frames if (key := _key(frame)) is not None]
    return case.kernel.firewall.verdicts(case.device, keys, frames[0].time_ns) if keys else []


def _key(frame: Frame) -> Key | None:
    for header, start, end in frame.packet.headers:
        if isinstance(header, Arp):
            return key_of("arp", frame.data[start:end], b"")
        if isinstance(header, Ipv4 | Ipv6):
            return key_of("ip", frame.data[start:end], frame.data[end : end + TRANSPORT_BYTES])
    return None


def _said(case: Case, one: Verdict) -> Explained:
    if not one.handle:
        code = "filter.policy"
    elif one.verdict == "drop":
        code = "filter.rejects" if _is_reject(one) else "filter.drops"
    else:
        code = "nat.rule" if NAT.search(one.words) else "filter.accepts"
    way = "out" if one.is_leaving or case.stop.received is None else "in"
    return case.say(code, way, is_read=True, rule=one.name, words=_words(case, one))


def _is_reject(one: Verdict) -> bool:
    return bool(one.handle) and one.verdict == "drop" and REJECT.search(one.words) is not None


def _words(case: Case, one: Verdict) -> str:
    return (one.words if one.handle else one.base) or case.language.say("its words are not known")
