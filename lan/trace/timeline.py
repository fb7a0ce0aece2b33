"""What happened on a LAN, in order: frames go in, conversations come out.  Pure.

Each frame is taken up once, where its sender put it on a cable: what a switch hands on is the same
frame again (a delivery, where it goes to an end device), and no news to the trackers.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from lan.trace.frame import Direction, Frame
from lan.trace.journey import Journey
from lan.trace.journey_following import Follower
from lan.trace.proxy_log import ProxyLog
from lan.trace.reassembly_frames import FragmentedFrames
from lan.trace.trackers import arp, dhcp, dns, http, icmp, tcp, tls
from lan.trace.trackers.arp import Resolution
from lan.trace.trackers.dhcp import Exchange
from lan.trace.trackers.dns import Query
from lan.trace.trackers.flow import flow_of
from lan.trace.trackers.http import Transaction
from lan.trace.trackers.icmp import Echo
from lan.trace.trackers.tcp import Connection
from lan.trace.trackers.tls import Session
from lan.trace.uncollected import uncollected
from lan.wire.ports import DNS as DNS_PORT

UNSPECIFIED = {"0.0.0.0", "::"}
ON_LINK = 255
"""The hop limit of ND: no router can have sent such a packet on.  RFC 4861 §11.2."""
MOST_ASKED = 8
"""Of the frames of a connection whose number another knows."""


class Conversation(Protocol):
    """What every tracker finds: its frames, in order."""

    @property
    def frames(self) -> list[Frame]: ...


C = TypeVar("C", bound=Conversation)


class Window:
    """What began after frame `after` and, where `last` is given, not after that frame.

    A window looks at its timeline: it grows with it.
    """

    def __init__(self, timeline: "Timeline", *, after: int = 0, last: int | None = None) -> None:
        self.timeline, self.after, self.last = timeline, after, last

    @property
    def frames(self) -> list[Frame]:
        """Every sighting of every frame."""
        return self._inside(self.timeline.all_frames)

    @property
    def first_sightings(self) -> list[Frame]:
        """Each frame once, where its sender put it on the cable."""
        return self._inside(self.timeline.all_first_sightings)

    @property
    def deliveries(self) -> list[Frame]:
        """Frames on the cable to an end device, each as often as devices got it."""
        return self._inside(self.timeline.all_deliveries)

    @property
    def arp(self) -> list[Resolution]:
        return self._begun(self.timeline.arp_tracker.resolutions)

    @property
    def dhcp(self) -> list[Exchange]:
        return self._begun(self.timeline.dhcp_tracker.exchanges)

    @property
    def dns(self) -> list[Query]:
        return self._begun(self.timeline.dns_tracker.queries)

    @property
    def icmp(self) -> list[Echo]:
        return self._begun(self.timeline.icmp_tracker.echoes)

    @property
    def icmp_errors(self) -> list[Frame]:
        return self._inside(self.timeline.icmp_tracker.errors)

    @property
    def tcp(self) -> list[Connection]:
        return self._begun(self.timeline.tcp_tracker.connections)

    @property
    def http(self) -> list[Transaction]:
        return self._begun(self.timeline.http_tracker.transactions)

    @property
    def tls(self) -> list[Session]:
        return self._begun(self.timeline.tls_tracker.sessions)

    def connections(
        self,
        *,
        client: str | None = None,
        server: str | None = None,
        client_ip: str | None = None,
        client_port: int | None = None,
        server_ip: str | None = None,
        server_port: int | None = None,
    ) -> list[Connection]:
        """The connections of which all that is given is true; `client` and `server` are devices."""
        wanted = (client, client_ip, client_port, server, server_ip, server_port)
        found = []
        for connection in self.tcp:
            ends = [(side.device, side.ip, side.port) for side in (connection.client, connection.server)]
            if all(want in (None, value) for want, value in zip(wanted, (*ends[0], *ends[1]), strict=True)):
                found.append(connection)
        return found

    def _begun(self, conversations: list[C]) -> list[C]:
        if self.after == 0 and self.last is None:
            return conversations
        return [item for item in conversations if item.frames and self._holds(item.frames[0])]

    def _inside(self, frames: list[Frame]) -> list[Frame]:
        if self.after == 0 and self.last is None:
            return frames
        return [frame for frame in frames if self._holds(frame)]

    def _holds(self, frame: Frame) -> bool:
        return self.after < frame.number and (self.last is None or frame.number <= self.last)


class Timeline(Window):
    """All frames so far and what they mean together.

    `devices` maps MAC addresses to device names; `switches` names the devices that hand frames on.
    Without `switches`, every device at whose port something was captured counts as one, which is
    right where each cable has a switch.
    """

    is_whole = True
    """Whether it begins where the recording does; that of an excerpt need not."""

    def __init__(
        self,
        devices: Mapping[str, str] | None = None,
        switches: Iterable[str] | None = None,
        proxies: ProxyLog | None = None,
    ) -> None:
        super().__init__(self)
        self.proxy_log = ProxyLog() if proxies is None else proxies
        """What the decision logs of proxies say; `learn_proxies` adds to it."""
        self.devices = dict(devices or {})
        self.switches = None if switches is None else frozenset(switches)
        self.all_frames: list[Frame] = []
        self.all_first_sightings: list[Frame] = []
        self.all_deliveries: list[Frame] = []
        self.arp_tracker, self.dhcp_tracker, self.dns_tracker = arp.Tracker(), dhcp.Tracker(), dns.Tracker()
        self.icmp_tracker, self.tcp_tracker = icmp.Tracker(), tcp.Tracker()
        self.http_tracker, self.tls_tracker = http.Tracker(self.proxy_log), tls.Tracker()
        self.fragmented = FragmentedFrames()
        self._device_of_ip: dict[str, str] = {}
        self._device_on_link: dict[str, str] = {}
        self._connection_of: dict[int, Connection] = {}
        self._numbers: dict[Connection, int] = {}
        self.numbering: Callable[[Frame], int | None] | None = None
        """Of an excerpt: who knows the number of a frame's connection among all of the recording."""
        self._follower, self._followed = Follower(self._is_switch, self._owner_of, self.proxy_log), 0
        self._begun_ns: int | None = None

    @property
    def begun_ns(self) -> int:
        """When the recording began, since 1970: its times count from there.  0 before the first frame."""
        if self._begun_ns is None:
            return self.all_frames[0].time_ns if self.all_frames else 0
        return self._begun_ns

    def leave_out(self, begun_ns: int) -> None:
        """What came first in the recording, from this moment on, is not in it."""
        self.is_whole, self._begun_ns = False, begun_ns

    def excerpt(self, begun_ns: int, *, is_whole: bool) -> "Timeline":
        """An empty timeline of the same recording, for frames from a later place on (`is_whole`: from the first).

        It knows the names and the secrets that this one knows.  `begun_ns` is the time of the recording's first frame.
        """
        made = Timeline(self.devices, self.switches, self.proxy_log)
        made.leave_out(begun_ns)
        made.is_whole = is_whole
        made._device_of_ip, made._device_on_link = dict(self._device_of_ip), dict(self._device_on_link)
        made.tls_tracker.key_log, made.numbering = self.tls_tracker.key_log, self.numbering
        return made

    def feed(self, frames: Iterable[Frame]) -> None:
        """Take frames in the order of their numbers."""
        with uncollected():
            for frame in frames:
                self.add(frame)

    def add(self, frame: Frame) -> None:
        """Take one more frame."""
        self.all_frames.append(frame)
        is_first = self.is_first_sighting(frame)
        if self.is_delivery(frame):
            self.all_deliveries.append(frame)
        if is_first:
            self.all_first_sightings.append(frame)
            self._learn(frame)
            self._track(frame)

    def learn_secrets(self, key_log: str) -> None:
        """Take lines of a TLS key log: what they open of frames so far, and of those to come, is in the clear."""
        for session in self.tls_tracker.learn(key_log):
            self.http_tracker.add_clear(session)

    def learn_proxies(self, device: str, log: Iterable[str]) -> None:
        """Take lines of a device's decision log: which of its connections a proxy uses for which client.

        Those that concern a frame are to be here before its journey is asked for.
        """
        self.proxy_log.add(device, log)
        self.http_tracker.tie()

    def is_first_sighting(self, frame: Frame) -> bool:
        """Whether an end device put the frame on this cable, and not a switch on its way."""
        return frame.direction is Direction.UNKNOWN or not self._is_switch(frame, frame.from_device)

    def is_delivery(self, frame: Frame) -> bool:
        """Whether the frame is on the cable to an end device."""
        return frame.direction is not Direction.UNKNOWN and not self._is_switch(frame, frame.to_device)

    def mark(self) -> int:
        """The number of the last frame, for `since`."""
        return self.all_frames[-1].number if self.all_frames else 0

    def since(self, mark: int) -> Window:
        """What began after a mark: a step of a scenario sees its own frames."""
        return Window(self, after=mark)

    def between(self, mark: int, last: int) -> Window:
        """What began after a mark and not after frame `last`."""
        return Window(self, after=mark, last=last)

    @property
    def journeys(self) -> list[Journey]:
        """Every journey so far, by its first frame; each sighting is in exactly one.

        Frames are followed when this, or `journey_of`, is asked for: whoever does not ask pays nothing.
        """
        return self._follow().journeys

    def journey_of(self, frame: Frame) -> Journey:
        """The journey that a frame belongs to; raises KeyError for a frame that was not added."""
        return self._follow().of[frame.number]

    def journey(self, frame: Frame) -> list[Frame]:
        """All sightings of a frame on its way, in order; [] for a frame that was not added."""
        journey = self._follow().of.get(frame.number)
        return journey.frames if journey else []

    def connection_of(self, frame: Frame) -> Connection | None:
        """The connection that a segment belongs to, wherever on its way it was seen; None of any other frame."""
        here = self._connection_of.get(frame.number)
        if here is not None or frame.packet.tcp is None:
            return here
        flow = flow_of(frame.packet)
        before = (each for each in reversed(self.journey(frame)) if each.number <= frame.number)
        known = (self._connection_of.get(each.number) for each in before if flow_of(each.packet) == flow)
        return next((connection for connection in known if connection is not None), None)

    def number_of(self, connection: Connection) -> int | None:
        """A connection's place among all of the recording, from 0; None in an excerpt, where nobody tells it."""
        if self.is_whole:
            return self._numbers[connection]
        if self.numbering is None:
            return None
        told = map(self.numbering, connection.frames[:MOST_ASKED])  # the first may be a router's forwarding
        return next((number for number in told if number is not None), None)

    def device_of(self, address: str) -> str | None:
        """The device with a MAC address, or the one last seen to send from an IP address.

        A router sends from others' addresses too: what ARP and ND say of an address goes first.
        """
        return self._owner_of(address) or self._device_of_ip.get(address)

    def _owner_of(self, address: str) -> str | None:
        """As `device_of`, but only what no router can have said."""
        return self.devices.get(address) or self._device_on_link.get(address)

    def _is_switch(self, frame: Frame, device: str) -> bool:
        if self.switches is None:
            return frame.port.startswith(f"{device}:")
        return device in self.switches

    def _follow(self) -> Follower:
        """The follower, with every frame taken up."""
        for frame in self.all_frames[self._followed :]:
            self._follower.add(frame)
        self._followed = len(self.all_frames)
        return self._follower

    def _learn(self, frame: Frame) -> None:
        packet, device = frame.packet, frame.from_device
        network = packet.ipv4 or packet.ipv6
        address = packet.arp.sender_ip if packet.arp else network.src if network else ""
        if device and address and address not in UNSPECIFIED:
            is_of_link = packet.arp or (packet.ipv6 and packet.icmp6 and packet.ipv6.hop_limit == ON_LINK)
            (self._device_on_link if is_of_link else self._device_of_ip)[address] = device
        if device and packet.ethernet:
            self.devices.setdefault(packet.ethernet.src, device)

    def _track(self, frame: Frame) -> None:
        packet = frame.packet
        network = packet.ipv4 or packet.ipv6
        if network is not None and network.is_fragment():
            whole = self.fragmented.add(frame)
            if whole is None:
                return
            frame, packet = whole, whole.packet
        if packet.tcp is not None:
            self._track_tcp(frame)
        elif packet.udp is not None:
            if self.dhcp_tracker.add(frame) is None:
                self.dns_tracker.add(frame)
        elif packet.icmp is not None or packet.icmp6 is not None:
            self.icmp_tracker.add(frame)
        elif packet.arp is not None:
            self.arp_tracker.add(frame)

    def _track_tcp(self, frame: Frame) -> None:
        connection = self.tcp_tracker.add(frame)
        if connection is None:
            return
        self._connection_of[frame.number] = connection
        self._numbers.setdefault(connection, len(self._numbers))
        self.http_tracker.add(connection)
        starts = self.http_tracker.tunnel_of(connection) or (0, 0)
        if (session := self.tls_tracker.add(connection, starts)) is not None:
            self.http_tracker.add_clear(session)
        if DNS_PORT in (connection.server.port, connection.client.port):
            self.dns_tracker.add_stream(connection)
