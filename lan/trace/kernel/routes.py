"""The routes of devices, as their kernels told of every change, and the one that is chosen.  RFC 1812 §5.2.4.3.  Pure.

A kernel does not tell of IPv4 routes that go with their interface or address (fib_sync_down_dev and fib_sync_down_addr
of Linux), so they are taken away here by the same rule.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from lan.trace.kernel.gaps import Gaps
from lan.wire.rtnetlink_events import LOCAL, MAIN, Interface, PolicyRule, Route

MOST_NETWORKS = 4096
TABLES = (LOCAL, MAIN)
"""In the order in which they are asked (ip-rule(8))."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the routes say of an address: `route` None says that none fits."""

    route: Route | None
    interface: str = ""

    def words(self) -> str:
        """``default via 10.0.0.254 dev pc1-eth0``, as ip-route(8) prints it."""
        if self.route is None:
            return ""
        place = "default" if self.route.is_default else self.route.destination
        kind = "" if self.route.kind == "unicast" else f"{self.route.kind} "
        via = f" via {self.route.gateway}" if self.route.gateway else ""
        dev = f" dev {self.interface}" if self.interface else ""
        return f"{kind}{place}{via}{dev}" + (f" metric {self.route.metric}" if self.route.metric else "")


@dataclass(slots=True)
class _State:
    """A device's routes after some of its events."""

    applied: int = 0
    routes: list[Route] = field(default_factory=list)
    interfaces: dict[int, Interface] = field(default_factory=dict)
    has_rules: bool = False


class Begin:
    """A device begins, and has nothing yet."""


Change = Route | Interface | PolicyRule | Begin


class Routes:
    """Of all devices; `take` events in the order in which they came."""

    def __init__(self, gaps: Gaps) -> None:
        self._gaps = gaps
        self._events: dict[str, list[tuple[int, Change]]] = {}
        self._states: dict[tuple[str, bool], _State] = {}
        """Of each device as it was last asked for, at a frame and a while later: both go forward with the frames."""

    def take(self, time_ns: int, device: str, event: Change) -> None:
        """One more change."""
        self._events.setdefault(device, []).append((time_ns, event))

    def choose(self, device: str, ip: str, at_ns: int, *, late_ns: int = 0) -> Choice | None:
        """The route for an address then: the longest prefix, then the least metric; None where nobody knows.

        With `late_ns` by what was heard until so much later: it may have been so then already.
        """
        if not self._gaps.is_whole(device, "tables", at_ns + late_ns):
            return None
        state = self._at(device, at_ns, late_ns)
        if state.has_rules:
            return None
        address = ip_address(ip)
        for table in TABLES:
            fitting = [(one, _network(one.destination)) for one in state.routes if one.table == table]
            fitting = [(one, network) for one, network in fitting if address in network]
            if fitting:
                best = min(fitting, key=lambda pair: (-pair[1].prefixlen, pair[0].metric))[0]
                return Choice(best, _name(state, best.index)) if best.is_simple else None
        return Choice(None)

    def is_steady(self, device: str, at_ns: int, late_ns: int) -> bool:
        """Whether nothing was heard to change between a moment and so much later, and nothing got lost."""
        events = self._events.get(device, [])
        at, until_ns = bisect_right(events, at_ns, key=lambda one: one[0]), at_ns + late_ns
        is_silent = at == len(events) or events[at][0] > until_ns
        return is_silent and self._gaps.is_unbroken("tables", until_ns, since_ns=at_ns)

    def table(self, device: str, at_ns: int) -> list[Choice] | None:
        """The main table then, in the order in which its routes came; None where nobody knows."""
        if not self._gaps.is_whole(device, "tables", at_ns):
            return None
        state = self._at(device, at_ns)
        return [Choice(one, _name(state, one.index)) for one in state.routes if one.table == MAIN]

    def interface(self, device: str, index: int, at_ns: int) -> str:
        """An interface's name, "" where it is not known."""
        return _name(self._at(device, at_ns), index)

    def macs(self, device: str, at_ns: int, *, late_ns: int = 0) -> frozenset[str]:
        """The hardware addresses of a device's interfaces then; none where nobody knows.  `late_ns` as in `choose`."""
        if not self._gaps.is_whole(device, "tables", at_ns + late_ns):
            return frozenset()
        interfaces = self._at(device, at_ns, late_ns).interfaces.values()
        return frozenset(one.mac for one in interfaces if one.mac and not one.is_gone)

    def _at(self, device: str, at_ns: int, late_ns: int = 0) -> _State:
        events, at_ns, key = self._events.get(device, []), at_ns + late_ns, (device, late_ns > 0)
        state = self._states.get(key)
        if state is None or (state.applied and events[state.applied - 1][0] > at_ns):
            state = self._states[key] = _State()
        while state.applied < len(events) and events[state.applied][0] <= at_ns:
            _apply(state, events[state.applied][1])
            state.applied += 1
        return state


def _apply(state: _State, event: Change) -> None:
    if isinstance(event, Begin):
        state.routes, state.interfaces, state.has_rules = [], {}, False
    elif isinstance(event, PolicyRule):
        state.has_rules = True
    elif isinstance(event, Interface):
        state.interfaces[event.index] = event
        if event.is_gone or not event.is_up:
            state.routes = [one for one in state.routes if one.index != event.index]
    elif event.is_gone:
        _remove(state, event)
    else:
        if event.replaces:
            state.routes = [one for one in state.routes if _key(one) != _key(event)]
        state.routes.append(event)


def _name(state: _State, index: int) -> str:
    return state.interfaces[index].name if index in state.interfaces else ""


def _remove(state: _State, gone: Route) -> None:
    way = (_key(gone), gone.gateway, gone.index, gone.kind)
    state.routes = [one for one in state.routes if (_key(one), one.gateway, one.index, one.kind) != way]
    if gone.kind != "local" or ":" in gone.destination:
        return
    own = gone.destination.partition("/")[0]
    has_address = any(one.kind == "local" and one.index == gone.index for one in state.routes)
    state.routes = [
        one
        for one in state.routes
        if ":" in one.destination or (one.source != own and (has_address or one.index != gone.index))
    ]


def _key(route: Route) -> tuple[int, str, int]:
    return route.table, route.destination, route.metric


@lru_cache(MOST_NETWORKS)
def _network(destination: str) -> IPv4Network | IPv6Network:
    return ip_network(destination)
