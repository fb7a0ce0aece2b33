"""Which sightings are one journey: frames go in by their numbers, journeys come out.  Pure.

What a device handed on is looked for among what it got and has not passed on by that port yet, the oldest
first: switches and routers keep the order of frames (802.1D §7.7.3).  A device holds a frame no longer
than `journey_memory.HOLD_NS`; the same bytes later are its own, or another's.
"""

from collections.abc import Callable

from lan.trace.frame import Direction, Frame
from lan.trace.journey import Journey, Stop, StopKind
from lan.trace.journey_likeness import IpPacket, ip_packet, quoted
from lan.trace.journey_memory import Latest, Recent
from lan.trace.journey_proxies import Proxying
from lan.trace.proxy_log import ProxyLog
from lan.trace.trackers.flow import Flow, flow_of
from lan.wire.icmp import REDIRECT
from lan.wire.tcp import TcpFlags

Address = Callable[[str], str | None]
MOST_OPENING = MOST_TAKING = 65_536
"""Connections of all devices together, as many as one address has ports.

A SYN that so many others came after without an answer counts as kept by its receiver, if its answer comes at last.  A
device that has not answered in another's place for so many connections is known again by its next answer.
"""


class Follower:
    """Follows frames; `journeys` grow as frames come.

    `is_switch(frame, device)` tells who hands frames on unchanged; `device_of` the device with a MAC address, where
    that is known; `proxies` what the logs of proxies say.
    """

    def __init__(self, is_switch: Callable[[Frame, str], bool], device_of: Address, proxies: ProxyLog) -> None:
        self.journeys: list[Journey] = []
        self.of: dict[int, Journey] = {}
        """By the number of a frame."""
        self._is_switch, self._device_of = is_switch, device_of
        self._on_cable = Recent[tuple[str, str, bytes]]()
        self._same = Recent[tuple[str, bytes]]()
        self._packets = Recent[tuple[str, object]]()
        self._rests = Recent[tuple[str, object]]()
        payloads = Recent[tuple[str, int]]()
        self._proxying = Proxying(proxies, payloads.add, payloads.get)
        self._pieces = Recent[tuple[str, object]]()
        self._left = Recent[tuple[int, str]]()
        """Which stop has sent by which port already: as long as a stop is looked for, its id names no other."""
        self._taking = Latest[tuple[str, Flow], bool](MOST_TAKING)
        self._kept = Recent[tuple[str, Flow]]()
        self._opening = Latest[tuple[str, str, int, str, int], Stop](MOST_OPENING)

    def add(self, frame: Frame) -> None:
        """Take the next frame."""
        if not self._arrived_at_last(frame):
            sender, receiver = self._ends(frame)
            stop = self._handed_on(frame, sender) or self._sent_on(frame, sender)
            if stop is None:
                journey = self._begin(frame, sender)
                stop = journey.origin
            else:
                journey = self._journey(stop)
            self._extend(journey, stop, frame, receiver)

    def _journey(self, stop: Stop) -> Journey:
        assert stop.received is not None
        return self.of[stop.received.number]

    def _ends(self, frame: Frame) -> tuple[str, str]:
        """(from, to) by the cable; where the capture does not say, by addresses."""
        if frame.direction is not Direction.UNKNOWN:
            return frame.from_device, frame.to_device
        ethernet, packet = frame.packet.ethernet, ip_packet(frame)
        macs = (ethernet.src, ethernet.dst) if ethernet else ("", "")
        addresses = (packet.header.src, packet.header.dst) if packet else macs
        sender, receiver = (self._device_of(mac) or address for mac, address in zip(macs, addresses, strict=True))
        return sender, receiver

    def _begin(self, frame: Frame, device: str) -> Journey:
        journey = Journey(len(self.journeys) + 1, [Stop(device, None, [], StopKind.ORIGIN)])
        self.journeys.append(journey)
        self._tie(journey, frame, device)
        self._take(frame, device)
        return journey

    def _extend(self, journey: Journey, stop: Stop, frame: Frame, receiver: str) -> None:
        """Put one more sighting, sent by `stop`, into its journey, and the device that it goes to."""
        stop.sent.append(frame)
        self._left.add((id(stop), frame.sender), stop, frame.time_ns)
        journey.frames.append(frame)
        self.of[frame.number] = journey
        is_switch = self._is_switch(frame, receiver)
        arrival = Stop(receiver, frame, [], StopKind.DROP if is_switch else self._taken(frame, receiver))
        journey.stops.append(arrival)
        if frame.direction is Direction.OUT:
            self._on_cable.add((frame.sender, frame.receiver, frame.data), arrival, frame.time_ns)
        self._expect(arrival, frame, receiver, is_switch=is_switch)

    def _taken(self, frame: Frame, device: str) -> StopKind:
        """Whether an end device keeps the frame: one for another's address, or a damaged one, it does not.

        A router that is to send a packet on has dropped it until it does.
        """
        packet = frame.packet
        ethernet = packet.ethernet
        if ethernet is not None and not ethernet.is_multicast():
            network = packet.ipv4 or packet.ipv6
            if self._device_of(ethernet.dst) not in (None, device):
                return StopKind.DROP
            if network is not None and self._device_of(network.dst) not in (None, device):
                flow = flow_of(packet)
                return StopKind.END if flow is not None and self._taking.get((device, flow)) else StopKind.DROP
        for header in (packet.ipv4, packet.tcp, packet.udp, packet.icmp, packet.icmp6):
            if header is not None and header.checksum_ok is False:
                return StopKind.DROP
        return StopKind.END

    # --- what a device handed on ---------------------------------------------------------------------------------

    def _arrived_at_last(self, frame: Frame) -> bool:
        """Whether the other end of its cable has been seen already: then nothing new left, this is its arrival."""
        if frame.direction is not Direction.IN:
            return False
        stops = self._on_cable.get((frame.sender, frame.receiver, frame.data), frame.time_ns)
        stop = next((stop for stop in stops if stop.received and stop.received.direction is Direction.OUT), None)
        if stop is None:
            return False
        journey = self._journey(stop)
        stop.received = frame
        journey.frames.append(frame)
        self.of[frame.number] = journey
        return True

    def _expect(self, stop: Stop, frame: Frame, device: str, *, is_switch: bool) -> None:
        """Remember what the device may hand on."""
        self._same.add((device, frame.data), stop, frame.time_ns)
        if is_switch or (packet := ip_packet(frame)) is None:
            return
        self._packets.add((device, packet.quotable), stop, frame.time_ns)
        self._rests.add((device, packet.rest), stop, frame.time_ns)
        flow = flow_of(frame.packet)
        if stop.kind is StopKind.DROP and flow is not None and frame.packet.tcp is not None:
            self._kept.add((device, flow), stop, frame.time_ns)
        self._expect_answer(frame, stop, device)
        self._proxying.expect(stop, frame, device)

    def _handed_on(self, frame: Frame, device: str) -> Stop | None:
        """The stop whose bytes a switch (or a bridge in a host) sends on by another port."""
        stops = self._same.get((device, frame.data), frame.time_ns)
        stops = [stop for stop in stops if stop.received and stop.received.receiver != frame.sender]
        free = [stop for stop in stops if not self._left.has((id(stop), frame.sender))]
        if not free:
            return None
        begun = [at for at, stop in enumerate(free) if stop.sent]
        stop = free[begun[-1] if begun else 0]  # frames leave in the order they came: what came before is done with
        stop.kind = StopKind.SWITCH
        return stop

    def _sent_on(self, frame: Frame, device: str) -> Stop | None:
        """The stop whose packet a router sends on in this frame."""
        if self._is_switch(frame, device) or (packet := ip_packet(frame)) is None:
            return None
        now_ns = frame.time_ns
        stop = self._unsent(self._packets.get((device, packet.quotable), now_ns), packet)
        if stop is not None:
            return self._routed(stop, StopKind.ROUTER, packet)
        stop = self._unsent(self._rests.get((device, packet.rest), now_ns), packet)
        if stop is not None:
            return self._routed(stop, StopKind.NAT, packet)
        if packet.fragment_offset:
            begun = self._pieces.get((device, packet.datagram), now_ns)
            return begun[-1] if begun else None
        return self._proxying.sent_on(frame, device)

    def _unsent(self, stops: list[Stop], packet: IpPacket) -> Stop | None:
        """The oldest that became this packet; of several alike one that has not gone on yet."""
        fitting = []
        for stop in stops:
            got = ip_packet(stop.received) if stop.received else None
            if got is not None and got.went_on_as(packet):
                fitting.append(stop)
        return next((stop for stop in fitting if not stop.sent), fitting[-1] if fitting else None)

    def _routed(self, stop: Stop, kind: StopKind, packet: IpPacket) -> Stop:
        stop.kind = kind
        if stop.received is not None and packet.header.is_fragment() and not packet.fragment_offset:
            self._pieces.add((stop.device, packet.datagram), stop, stop.received.time_ns)
        return stop

    def _take(self, frame: Frame, device: str) -> None:
        """A device that answers in another's place, as an intercepting proxy does, took what it got for it."""
        flow = flow_of(frame.packet)
        if flow is None or frame.packet.tcp is None or self._device_of(flow.src_ip) in (None, device):
            return
        key = (device, flow.back())
        if not self._taking.get(key):
            self._taking[key] = True
            for stop in self._kept.get(key, frame.time_ns):
                if stop.answer is None and stop.kind is StopKind.DROP:
                    stop.kind = StopKind.END

    # --- what a device did not take ------------------------------------------------------------------------------

    def _tie(self, journey: Journey, frame: Frame, device: str) -> None:
        """An ICMP error or a RST: say where the packet ended that it is about."""
        about = quoted(frame)
        if about is not None:
            stops = self._packets.get((device, about), frame.time_ns)
            stop = next((stop for stop in stops if stop.answer is None), None)
            is_error = frame.packet.icmp is None or frame.packet.icmp.type != REDIRECT
        else:
            stop, is_error = self._refused(frame, device), True
        if stop is None:
            return
        journey.cause = self._journey(stop)
        if is_error:
            stop.kind, stop.answer = StopKind.DROP, frame

    def _expect_answer(self, frame: Frame, stop: Stop, device: str) -> None:
        """A SYN waits for its answer; where it comes again, the one before was passed over."""
        packet = frame.packet
        network = packet.ipv4 or packet.ipv6
        if packet.tcp is None or network is None or packet.tcp.flags & OPENING != TcpFlags.SYN:
            return
        key = (device, network.src, packet.tcp.src_port, network.dst, packet.tcp.dst_port)
        former = self._opening.get(key)
        if former is not None and former.kind is StopKind.END:
            former.kind = StopKind.DROP
        self._opening[key] = stop

    def _refused(self, frame: Frame, device: str) -> Stop | None:
        """The stop of the SYN that this RST refuses."""
        packet = frame.packet
        network = packet.ipv4 or packet.ipv6
        if packet.tcp is None or network is None:
            return None
        key = (device, network.dst, packet.tcp.dst_port, network.src, packet.tcp.src_port)
        stop = self._opening.pop(key)
        return stop if stop is not None and packet.tcp.flags & TcpFlags.RST else None


OPENING = TcpFlags.SYN | TcpFlags.ACK
