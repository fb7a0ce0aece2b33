"""Ask a LAN that is up for the facts of one question: devices, switches, cables, and a real try, captured.

The try comes first, the state right after it: so what the kernel has just learned (a failed ARP, a full queue)
still stands there.
"""

import json
from collections.abc import Iterable
from typing import Any

from lan.control.client import RunningLan
from lan.devices.base import Host
from lan.devices.kinds import model_of
from lan.errors import RunError, UsageError
from lan.scenario.recording import Recording
from lan.trace.timeline import Window
from lan.whynot import seen
from lan.whynot.facts import Attempt, Cable, Device, End, Facts, Question, Switch, load
from lan.whynot.names import is_address

PROBE, ATTEMPT, SWITCHES = "lan.whynot.probe", "lan.whynot.attempt", "lan.whynot.switches"
PING = "lan.services.icmp.__main__"
PINGS = 4
MOST_PROBED = 24
"""Up to so many hosts all are asked; of more, those that can be on the way."""
PATIENCE_S = 4.0


def question_of(lan: RunningLan, kind: str, client: str, target: str) -> Question:
    """What was typed, understood.  Raises UsageError."""
    if lan.spec.devices[lan.device(client).name].is_switch:
        raise UsageError(f"{client} is a switch: it asks nobody", expected="a PC or server")
    if kind == "lease":
        if target:
            raise UsageError(f"{target!r}: a lease is asked of whoever answers", expected=f"lan whynot lease {client}")
        return Question(kind, client)
    if not target:
        raise UsageError(f"lan whynot {kind} {client}: which one?", expected=f"lan whynot {kind} {client} NAME|ADDRESS")
    rest = target.partition("://")[2] or target
    place, slash, path = rest.partition("/")
    host, colon, port = place.partition(":")
    if not host or (colon and not (port.isdigit() and 0 < int(port) < 65536)):
        raise UsageError(f"{target!r} is no place", expected="NAME, ADDRESS, NAME:PORT or NAME/PATH")
    if host in lan.spec.devices and lan.spec.devices[host].is_switch:
        raise UsageError(f"{host} is a switch: it has no address", expected="a PC or server")
    default = {"http": 80, "https": 443}.get(kind, 0)
    return Question(kind, client, target, host, int(port) if colon else default, slash + path or "/")


def collect(lan: RunningLan, question: Question, *, patience_s: float = PATIENCE_S) -> Facts:
    """Make the try and read the state.  Raises LanError where the LAN can't be asked."""
    recording = Recording(lan)
    try:
        recording.sync()
        mark = recording.timeline.mark()
        attempt = _attempt(lan, question, patience_s)
        recording.sync()
        window = recording.timeline.since(mark)
        began_s = window.frames[0].time_ns / 1e9 if window.frames else None
        described = lan.describe()
        return Facts(
            question,
            attempt,
            _devices(lan, described["devices"], question, attempt, began_s),
            _switches(lan, described),
            _cables(lan, described),
            seen.sightings(_about(window, question)),
            seen.questions(window, question.client),
            recording.drops,
        )
    finally:
        recording.close()


def _about(window: Window, question: Question) -> list[Any]:
    """The frames of the try: what others do meanwhile is no evidence."""
    if question.kind == "lease":
        return [frame for frame in window.frames if frame.packet.dhcp is not None or frame.packet.arp is not None]
    return [frame for frame in window.frames if frame.packet.dhcp is None]


def _attempt(lan: RunningLan, question: Question, patience_s: float) -> Attempt:
    model = model_of(lan.spec.devices[question.client], lan.spec)
    host = model.interface if question.kind == "lease" else _known(lan, question)
    words = [question.kind, host, str(question.port), question.path, str(patience_s)]
    said = _run(lan, question.client, ATTEMPT, words)
    if question.kind == "ping" and said["addresses"]:
        asked = [said["addresses"][0], "-c", str(PINGS), "-i", "0.1", "-W", str(min(patience_s, 2)), "--json"]
        done = lan.run_module(question.client, PING, asked)
        try:
            told = json.loads(done.stdout)
            said |= {"sent": told["transmitted"], "answered": told["received"]}
        except ValueError:
            said |= {"sent": PINGS, "answered": 0, "said": done.stderr.strip()}
        said["ok"] = said["sent"] == said["answered"]
    return load(Attempt, said)


def _known(lan: RunningLan, question: Question) -> str:
    """For pings a device's name stands for its address, as in `lan ping`; for pages it is a name as any."""
    host = question.host
    if question.kind != "ping" or host not in lan.spec.devices or lan.spec.devices[host].is_switch:
        return host
    rows = dict(lan.table(host, "configuration")["rows"])
    fixed = model_of(lan.spec.devices[host], lan.spec).address
    address: str = fixed or rows["IPv4 address"]
    return address if is_address(address) else host


def _devices(
    lan: RunningLan, described: dict[str, Any], question: Question, attempt: Attempt, began_s: float | None
) -> dict[str, Device]:
    models = {device.name: model_of(device, lan.spec) for device in lan.spec.hosts}
    names = list(models) if len(models) <= MOST_PROBED else _likely(models, question, attempt)
    client = _run(lan, question.client, PROBE, ["--brief"])
    targets = [*attempt.addresses, *client["resolvers"], *([question.host] if is_address(question.host) else [])]
    own = [
        address.partition("/")[0] for it in client["interfaces"] for address in it["addresses"] if it["name"] != "lo"
    ]
    wanted = list(dict.fromkeys([*own, *targets]))
    found = {}
    for name in names:  # where all went well, who has which address is enough
        state = _run(lan, name, PROBE, ["--brief"] if attempt.ok else wanted)
        found[name] = load(Device, state | _meant(models[name], described[name], lan, began_s))
    return found


def _likely(models: dict[str, Host], question: Question, attempt: Attempt) -> list[str]:
    """Of many devices: who asks, who serves or routes, whose name or address was asked for."""
    wanted = {question.client, question.host, *attempt.addresses}
    return [
        name
        for name, model in models.items()
        if name in wanted or model.address in wanted or len(model.ports) > 1 or model.kind not in ("pc", "host")
    ]


def _meant(model: Host, described: dict[str, Any], lan: RunningLan, began_s: float | None) -> dict[str, Any]:
    """What the topology says of a device, and how its services are."""
    return {
        "name": model.name,
        "kind": model.kind,
        "dhcp": model.dhcp,
        "static_address": model.static_ip or "",
        "services": {it["name"]: it["state"] for it in described["services"]},
        "names": [*getattr(model, "names", ()), *getattr(model, "hosts", ())],
        "pool": getattr(model, "pool", ""),
        "zone": list(getattr(model, "zone", ())),
        "decisions": _decisions(lan, model.name, began_s) if model.kind == "dhcp-server" else [],
    }


def _decisions(lan: RunningLan, device: str, began_s: float | None) -> list[str]:
    """What the device's services decided since the try began."""
    path = lan.state / "devices" / device / "decisions.jsonl"
    if began_s is None or not path.exists():
        return []
    found = []
    for line in path.read_text(errors="replace").splitlines()[-200:]:
        try:
            record = json.loads(line)
            if record["time_s"] >= began_s - 0.001:
                found.append(f"{device} decided: {record['what']}, {record['reason']['text']}")
        except (ValueError, KeyError, TypeError):
            continue
    return found[-20:]


def _switches(lan: RunningLan, described: dict[str, Any]) -> dict[str, Switch]:
    names = [device.name for device in lan.spec.switches]
    ovs = set(described["ovs"])
    words = [
        f"{'ovs' if name in ovs else 'bridge'}:{name}={','.join(port.interface for port in lan.spec.ports(name))}"
        for name in names
    ]
    told = _run(lan, "", SWITCHES, words) if words else {}
    found = {}
    for name in names:
        rows: list[list[str]] = []
        if not told[name].get("trouble"):
            rows = lan.table(name, "mac")["rows"]
        stations = {row[0]: row[1] for row in rows}
        static = [row[0] for row in rows if row[2] == "static"]
        found[name] = load(
            Switch, {"name": name, "is_ovs": name in ovs, "stations": stations, "static": static, **told[name]}
        )
    return found


def _cables(lan: RunningLan, described: dict[str, Any]) -> list[Cable]:
    return [
        Cable(
            End(link.a.device, link.a.interface, str(link.a)),
            End(link.b.device, link.b.interface, str(link.b)),
            told["up"],
            told["broken"],
            *({key: str(value) for key, value in way["in_force"].items()} for way in told["ways"]),
        )
        for link, told in zip(lan.spec.links, described["cables"], strict=True)
    ]


def _run(lan: RunningLan, device: str, module: str, words: Iterable[str]) -> dict[str, Any]:
    done = lan.run_module(device, module, list(words))
    try:
        said: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        why = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.code}"]
        raise RunError(f"{device or 'the bubble'}: {module} said nothing: {why[0]}", todo="lan doctor") from None
    return said
