"""What was found on a LAN, as plain data: so that every finding can be tested on any machine.

Addresses are text, times seconds since 1970, devices and interfaces by their names.  `as_json` and `facts_from_json`
are inverses: facts can be kept.
"""

import types
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """What should work: `kind` is http, https, ping, lease or dns; `target` what was typed, "" for a lease."""

    kind: str
    client: str
    target: str = ""
    host: str = ""
    port: int = 0
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface of a device.  `is_up` is what the device wants, `has_carrier` what the cable gives."""

    name: str
    is_up: bool = True
    has_carrier: bool = True
    mac: str = ""
    mtu: int = 1500
    arp: bool = True
    addresses: list[str] = field(default_factory=list)
    """ADDRESS/PREFIX."""


@dataclass(frozen=True, slots=True)
class Route:
    """What the kernel answers to ``ip route get DESTINATION``; `fault` is its refusal."""

    gateway: str = ""
    interface: str = ""
    source: str = ""
    is_local: bool = False
    fault: str = ""
    row: str = ""
    """The row of the routing table that answers, where the refusal is a row's."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A row of the ARP table; `state` in the kernel's words."""

    address: str
    mac: str
    interface: str
    state: str


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that waits for clients; `waiting` connections of at most `backlog` are not yet taken."""

    protocol: str
    address: str
    port: int
    waiting: int = 0
    backlog: int = 0
    program: str = ""
    is_stopped: bool = False
    """Whether its process is stopped by a signal (SIGSTOP, Ctrl-Z)."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device's state, read in its own namespaces."""

    name: str
    kind: str = "pc"
    dhcp: bool = False
    static_address: str = ""
    interfaces: list[Interface] = field(default_factory=list)
    routes: dict[str, Route] = field(default_factory=dict)
    """Destination asked for → answer."""
    table: list[str] = field(default_factory=list)
    """The routing table as ``ip route`` prints it."""
    neighbours: list[Neighbour] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    ruleset: list[dict[str, Any]] = field(default_factory=list)
    """What ``nft -j list ruleset`` says."""
    resolvers: list[str] = field(default_factory=list)
    search: list[str] = field(default_factory=list)
    hosts: dict[str, str] = field(default_factory=dict)
    sysctls: dict[str, str] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    """Service → ready, ended …"""
    names: list[str] = field(default_factory=list)
    """Names it is meant to serve web pages for."""
    pool: str = ""
    zone: list[str] = field(default_factory=list)
    """Names that it is meant to answer for, as a DNS server."""
    decisions: list[str] = field(default_factory=list)
    """What its service decided during the try, a line each."""
    clock_s: float = 0.0

    @property
    def addresses(self) -> list[str]:
        """Its addresses without prefixes, loopback's left out."""
        return [each.partition("/")[0] for it in self.interfaces if it.name != "lo" for each in it.addresses]

    def interface(self, name: str) -> Interface | None:
        """An interface by name."""
        return next((it for it in self.interfaces if it.name == name), None)


@dataclass(frozen=True, slots=True)
class End:
    """One end of a cable."""

    device: str
    interface: str
    port: str
    """``pc1:eth0``, as traces have it."""


@dataclass(frozen=True, slots=True)
class Cable:
    """A cable and what it does to the frames that `a` sends, and `b`: ``{"loss": "100%"}``."""

    a: End
    b: End
    is_up: bool = True
    is_broken: bool = False
    forward: dict[str, str] = field(default_factory=dict)
    backward: dict[str, str] = field(default_factory=dict)

    def end(self, device: str) -> End:
        """The end at a device."""
        return self.a if self.a.device == device else self.b

    def other(self, device: str) -> End:
        """The end at the other one."""
        return self.b if self.a.device == device else self.a

    def does(self, sender: str) -> dict[str, str]:
        """What it does to the frames of one of its two devices."""
        return self.forward if self.a.device == sender else self.backward


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch: its MAC address table, the state of its ports, and flows that drop."""

    name: str
    is_ovs: bool = False
    stations: dict[str, str] = field(default_factory=dict)
    """MAC address → interface."""
    static: list[str] = field(default_factory=list)
    """The stations that were entered by hand."""
    ports: dict[str, str] = field(default_factory=dict)
    """Interface → up, down, no carrier, gone, or a bridge port's state: forwarding, disabled, blocking …"""
    drops: list[str] = field(default_factory=list)
    """Flows put in by hand that drop, as ovs-ofctl prints them."""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame on a cable: `what` is request or reply for ARP, flags for TCP, a type's name for ICMP and DHCP."""

    number: int
    sent_by: str
    got_by: str
    src_mac: str
    dst_mac: str
    protocol: str
    what: str
    src: str = ""
    dst: str = ""
    sport: int = 0
    dport: int = 0
    text: str = ""

    @property
    def sender(self) -> str:
        """The device that put it on the cable."""
        return self.sent_by.partition(":")[0]

    @property
    def receiver(self) -> str:
        """The device at the cable's other end."""
        return self.got_by.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """A DNS question as it passed on the cables; rcode "" where no answer came."""

    name: str
    type: str
    server: str
    rcode: str
    addresses: list[str]
    records: list[str]
    frames: list[int]


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server showed; times are seconds since 1970."""

    names: list[str]
    subject: str
    issuer: str
    begins_s: float
    ends_s: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of the real try, phase by phase; a fault is "" where there was none, or the phase not reached."""

    ok: bool = False
    addresses: list[str] = field(default_factory=list)
    resolve_fault: str = ""
    connect_fault: str = ""
    tls_fault: str = ""
    certificate: Certificate | None = None
    status: int = 0
    phrase: str = ""
    promised_bytes: int | None = None
    got_bytes: int = 0
    http_fault: str = ""
    """reset, silence, closed, cut short, or what is wrong with the answer."""
    sent: int = 0
    answered: int = 0
    said: str = ""
    offers: list[dict[str, str]] = field(default_factory=list)
    """DHCP offers: server, address, mask, router."""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a finding rests on."""

    question: Question
    attempt: Attempt = field(default_factory=Attempt)
    devices: dict[str, Device] = field(default_factory=dict)
    switches: dict[str, Switch] = field(default_factory=dict)
    cables: list[Cable] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    lost_frames: int = 0

    def as_json(self) -> dict[str, Any]:
        """The facts as JSON-able data; what has its default is left out."""
        found: dict[str, Any] = _lean(self)
        return found


def facts_from_json(data: dict[str, Any]) -> Facts:
    """The inverse of `Facts.as_json`."""
    return load(Facts, data)


def _lean(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        blank = {it.name: it.default_factory() for it in fields(value) if callable(it.default_factory)}
        plain = {it.name: it.default for it in fields(value)} | blank
        pairs = {it.name: getattr(value, it.name) for it in fields(value)}
        return {name: _lean(held) for name, held in pairs.items() if held != plain[name]}
    if isinstance(value, dict):
        return {key: _lean(held) for key, held in value.items()}
    return [_lean(held) for held in value] if isinstance(value, list) else value


def load(kind: type[T], data: dict[str, Any]) -> T:
    """A dataclass from its JSON; what is missing has its default."""
    hints = get_type_hints(kind)
    return kind(**{name: _read(hints[name], value) for name, value in data.items()})


def _read(hint: Any, value: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return None if value is None else _read(next(one for one in get_args(hint) if one is not type(None)), value)
    if get_origin(hint) is list:
        return [_read(get_args(hint)[0], item) for item in value]
    if get_origin(hint) is dict:
        return {key: _read(get_args(hint)[1], item) for key, item in value.items()}
    return load(hint, value) if isinstance(hint, type) and is_dataclass(hint) else value
