"""The scenario of a LAN that names none: every host pings every other, judged from the packets."""

from collections.abc import Iterator, Mapping
from typing import Any

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


def addresses_of(lan: RunningLan) -> dict[str, str | None]:
    """Each host that has an address or asks for one → its address."""
    described = lan.describe()["devices"]
    hosts = [host.name for host in lan.spec.hosts if described[host.name]["address"] or described[host.name]["dhcp"]]
    return {name: address_of(lan, name, described[name]) for name in hosts}


def address_of(lan: RunningLan, name: str, device: Mapping[str, Any]) -> str | None:
    """A device's IPv4 address as it is now, fixed or leased; None where it has none.

    `device` is what `RunningLan.describe` says of it.
    """
    if not device["dhcp"]:
        return str(device["address"]).partition("/")[0] if device["address"] else None
    leased: str = dict(lan.table(name, "configuration")["rows"])["IPv4 address"]
    return None if leased == "—" else leased


def ping_all(lan: RunningLan, addresses: Mapping[str, str | None]) -> list[tuple[str, str, float | None]]:
    """Round-trip times of all pairs in ms; None for no answer, and where either has no address."""
    known = {name: address for name, address in addresses.items() if address}
    pairs = pairs_of(list(addresses))
    asked = [(one, other) for one, other in pairs if one in known and other in known]
    times = {(one, other): rtt for one, other, rtt in lan.ping_all(asked, addresses=known)}
    return [(one, other, times.get((one, other))) for one, other in pairs]


def verdicts(lan: RunningLan, recording: Recording) -> Iterator[Verdict]:
    """One verdict a host that pings."""
    addresses = addresses_of(lan)
    pairs = pairs_of(list(addresses))
    recording.sync()
    window = recording.timeline.since(recording.timeline.mark())
    ping_all(lan, addresses)
    recording.sync()
    answered = {(echo.client, echo.dst_ip): echo for echo in window.icmp if echo.is_answered}
    for one in dict.fromkeys(one for one, _ in pairs):
        others = [other for asking, other in pairs if asking == one]
        silent = [other for other in others if (one, addresses[other]) not in answered]
        frames = [f for other in others if (echo := answered.get((one, addresses[other] or ""))) for f in echo.frames]
        frames.sort(key=lambda frame: frame.number)
        detail = f"{len(others) - len(silent)}/{len(others)} answered"
        if silent:
            detail += "; no answer from " + ", ".join(silent[:8]) + (" …" if len(silent) > 8 else "")
        who = f"{one} ⇄ {others[0]}" if len(others) == 1 else f"{one} ⇄ {len(others)} hosts"
        yield Verdict(f"ping {one}", who, "one echo request each", not silent, detail, span_ms(frames), frames)
