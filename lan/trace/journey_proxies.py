"""What a proxy sends on because of what it got: the same request, or the same bytes, over another connection.  Pure.

Our proxies log which connection of theirs they use for which client: that ties the two for certain.  Without a log
it is told by what passes on the cables alone, whoever the proxy is: a request is known again by method, host and
path (RFC 9112 §3.2: to a proxy in absolute form, to a server not), its response by the pair of connections,
and what a tunnel carries (RFC 9110 §9.3.6) by its bytes.  What a proxy rewrites beyond that begins a journey.
A cache that answered with what is stale, and asks about it meanwhile (RFC 5861 §3), says so in its log alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from lan.trace.frame import Frame
from lan.trace.journey import Stop, StopKind
from lan.trace.journey_memory import Latest
from lan.trace.proxy_log import ProxyLog, Use
from lan.trace.trackers.flow import endpoint
from lan.trace.trackers.http import AskedFor, asked_for

LEAST_BYTES = 16
"""Of a tunnel; fewer may be alike by chance."""
MOST_ASKED = 256
"""Requests of one device that wait to be sent on, and those it has answered; the oldest give way."""
MOST_DEVICES, MOST_PAIRS = 4_096, 65_536
"""Devices that got requests, and pairs of connections that carried one on.

A response on a pair that was not used for so many others begins a journey of its own.
"""


class Way(NamedTuple):
    """One direction of a TCP connection."""

    src: str
    src_port: int
    dst: str
    dst_port: int

    def back(self) -> "Way":
        return Way(self.dst, self.dst_port, self.src, self.src_port)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that a device got, on which connection."""

    stop: Stop
    request: AskedFor
    way: Way

    @property
    def client(self) -> str:
        return endpoint(self.way.src, self.way.src_port)


class Proxying:
    """Remembers what devices got over TCP; `near(key, now_ns)` and `keep` are those of `Recent`."""

    def __init__(
        self,
        log: ProxyLog,
        keep: Callable[[tuple[str, int], Stop, int], None],
        near: Callable[[tuple[str, int], int], list[Stop]],
    ) -> None:
        self._log, self._keep, self._near = log, keep, near
        self._asked = Latest[str, list[Asked]](MOST_DEVICES)
        self._answered = Latest[str, list[Asked]](MOST_DEVICES)
        self._pairs = Latest[tuple[str, Way], Way](MOST_PAIRS)
        self._answers = Latest[tuple[str, Way], Stop](MOST_PAIRS)

    def expect(self, stop: Stop, frame: Frame, device: str) -> None:
        """Take note of a segment that a device got."""
        if (way := way_of(frame)) is None:
            return
        message = frame.packet.http
        if message is None or message.kind == "data":
            if len(frame.packet.payload) >= LEAST_BYTES:
                self._keep((device, hash(frame.packet.payload)), stop, frame.time_ns)
        elif message.kind == "request":
            asked = self._asked.get(device) or []
            asked.append(Asked(stop, asked_for(message), way))
            del asked[:-MOST_ASKED]
            self._asked[device] = asked
        elif (client := self._pairs.get((device, way.back()))) is not None:
            self._answers[device, client.back()] = stop

    def sent_on(self, frame: Frame, device: str) -> Stop | None:
        """The stop whose request, response or bytes a device sends on in this frame."""
        if (way := way_of(frame)) is None:
            return None
        message = frame.packet.http
        if message is None or message.kind == "data":
            stop = self._relayed(frame, device, way)
        elif message.kind == "request":
            stop = self._forwarded(device, asked_for(message), way, frame.time_ns)
        else:
            self._forget(device, way)
            stop = self._answers.pop((device, way))
            came = way_of(stop.received) if stop is not None and stop.received else None
            if stop is not None and stop.received and came is not None:
                stop.is_logged = self._is_pair(device, came, way, stop.received.time_ns) is True
        if stop is not None:
            stop.kind = StopKind.PROXY
        return stop

    def _relayed(self, frame: Frame, device: str, way: Way) -> Stop | None:
        stops = self._near((device, hash(frame.packet.payload)), frame.time_ns)
        for stop in stops:
            came = way_of(stop.received) if stop.received else None
            if not stop.sent and came is not None and came != way and came.src != way.dst:
                is_pair = self._is_pair(device, came, way, frame.time_ns)
                if is_pair is not False:
                    stop.is_logged = is_pair is True
                    return stop
        return None

    def _is_pair(self, device: str, came: Way, gone: Way, time_ns: int) -> bool | None:
        """Whether by the device's log it uses the two connections for each other; None where no log says."""
        for client, server in ((came, gone), (gone.back(), came.back())):
            use = self._log.use_of(device, server.src, server.src_port, time_ns)
            if use is not None:
                return use == Use(endpoint(client.src, client.src_port), is_refresh=False)
        return None

    def _forwarded(self, device: str, request: AskedFor, way: Way, time_ns: int) -> Stop | None:
        """The oldest that waits: the same request, or for a gateway, which asks another host, the same path.

        Of the client that the log names, where it does.
        """
        self._pairs.pop((device, way))
        use = self._log.use_of(device, way.src, way.src_port, time_ns)
        if use is not None and use.is_refresh:
            return self._refreshed(device, request, use.client)
        waiting = [
            one
            for one in self._asked.get(device) or ()
            if not one.stop.sent and one.way.src != way.dst and use in (None, Use(one.client, is_refresh=False))
        ]
        same = [one for one in waiting if one.request == request]
        method, _, path = request
        same = same or [one for one in waiting if (one.request[0], one.request[2]) == (method, path)]
        if not same:
            return None
        self._pairs[device, way] = same[0].way
        same[0].stop.is_logged = use is not None
        return same[0].stop

    def _refreshed(self, device: str, request: AskedFor, client: str) -> Stop | None:
        """The last request of this client for what the device asks about now: answered by then, or soon.

        The client gets nothing of what comes of it, so the two connections are no pair.  A refresh is a GET, also where
        the client asked by HEAD.
        """
        got: list[Asked] = [*(self._answered.get(device) or ()), *(self._asked.get(device) or ())]
        own = [one for one in got if one.client == client and one.request[0] in ("GET", "HEAD")]
        same = [one for one in own if one.request[1:] == request[1:]] or [
            one for one in own if one.request[2] == request[2]
        ]
        if not same:
            return None
        same[-1].stop.is_logged = True
        return same[-1].stop

    def _forget(self, device: str, way: Way) -> None:
        """A response begins: the connection's first request is done with."""
        asked = self._asked.get(device) or []
        done = next((one for one in asked if one.way == way.back()), None)
        if done is not None:
            asked.remove(done)
            answered = self._answered.get(device) or []
            answered.append(done)
            del answered[:-MOST_ASKED]
            self._answered[device] = answered


def way_of(frame: Frame) -> Way | None:
    """The way of a segment that carries bytes; None for any other frame."""
    packet = frame.packet
    network = packet.ipv4 or packet.ipv6
    if packet.tcp is None or network is None or not packet.payload:
        return None
    return Way(network.src, packet.tcp.src_port, network.dst, packet.tcp.dst_port)
