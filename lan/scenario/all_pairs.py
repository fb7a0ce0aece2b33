"""The scenario of a LAN that names none: every host pings every other, judged from the packets."""

from collections.abc import Iterator

from lan.control.client import RunningLan
from lan.scenario.recording import Recording
from lan.scenario.verdict import Verdict, span_ms

MOST_HOSTS = 20
"""Above it not every pair, but the first host with all others: 400 hosts have 159 600 pairs."""


def pairs_of(names: list[str]) -> list[tuple[str, str]]:
    """The pairs that are pinged."""
    if len(names) > MOST_HOSTS:
        return [(names[0], other) for other in names[1:]]
    return [(one, other) for one in names for other in names if one != other]


def verdicts(lan: RunningLan, recording: Recording) -> Iterator[Verdict]:
    """One verdict a host that pings."""
    addresses = {
        device.name: str(device.options["ip"]).partition("/")[0]
        for device in lan.spec.hosts
        if device.options.get("ip") and not device.options.get("dhcp")
    }
    pairs = pairs_of(list(addresses))
    recording.sync()
    window = recording.timeline.since(recording.timeline.mark())
    lan.ping_all(pairs)
    recording.sync()
    answered = {(echo.client, echo.dst_ip): echo for echo in window.icmp if echo.is_answered}
    for one in dict.fromkeys(one for one, _ in pairs):
        others = [other for asking, other in pairs if asking == one]
        silent = [other for other in others if (one, addresses[other]) not in answered]
        frames = [f for other in others if (echo := answered.get((one, addresses[other]))) for f in echo.frames]
        frames.sort(key=lambda frame: frame.number)
        detail = f"{len(others) - len(silent)}/{len(others)} answered"
        if silent:
            detail += "; no answer from " + ", ".join(silent[:8]) + (" …" if len(silent) > 8 else "")
        who = f"{one} ⇄ {others[0]}" if len(others) == 1 else f"{one} ⇄ {len(others)} hosts"
        yield Verdict(f"ping {one}", who, "one echo request each", not silent, detail, span_ms(frames), frames)
