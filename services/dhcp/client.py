"""DHCP client: how a host comes by its address, keeps it and loses it.  RFC 2131 §4.4.

Pure: frames' payloads, the time and chance come in, actions come out; `client_main.py` owns the
sockets, `configure.py` the interface.  `MOVES` below is figure 5 of the RFC: what happens in each
state, what is done then, and the state that follows; what is not in it is ignored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv4Address

from lan.reasons import Reason
from lan.services.dhcp.binding import Binding, binding_of, is_usable
from lan.wire import dhcp
from lan.wire.dhcp import ACK, ANY, BOOTREPLY, BOOTREQUEST, DECLINE, DISCOVER, NAK, OFFER, RELEASE, REQUEST, Message

FIRST_RETRY_S, LONGEST_RETRY_S = 4.0, 64.0
"""Retransmission: 4, 8, 16, 32, 64 s, each one second more or less by chance.  §4.1."""
REQUEST_TRIES, REBOOT_TRIES = 4, 2
PAUSE_S = 10.0
"""Wait after a DECLINE (§3.1 step 5), and after a server's NAK to what it had itself offered."""
LEAST_RENEW_WAIT_S = 60.0
PARAMETERS = (1, 3, 6, 15, 28)
"""Asked for: subnet mask, routers, DNS servers, domain name, broadcast address."""
EVERYONE = IPv4Address("255.255.255.255")


class State(Enum):
    """Figure 5, and CHECKING for the ARP probe between an ACK and BOUND."""

    INIT = "INIT"
    SELECTING = "SELECTING"
    REQUESTING = "REQUESTING"
    CHECKING = "CHECKING"
    BOUND = "BOUND"
    RENEWING = "RENEWING"
    REBINDING = "REBINDING"
    INIT_REBOOT = "INIT-REBOOT"
    REBOOTING = "REBOOTING"


class Event(Enum):
    """What can happen to a client: a message, a timer, news from the ARP probe, a wish of its user."""

    START = auto()
    OFFER = auto()
    ACK = auto()
    NAK = auto()
    RETRY = auto()
    GIVE_UP = auto()
    T1 = auto()
    T2 = auto()
    EXPIRY = auto()
    CONFLICT = auto()
    RELEASE = auto()


@dataclass(frozen=True, slots=True)
class Send:
    """A message to a server's port 67: broadcast, or unicast where `to` is its address.

    `source` is set where the address it is sent from is about to go.
    """

    message: bytes
    to: IPv4Address
    why: Reason
    type: str
    xid: int
    source: IPv4Address | None = None


@dataclass(frozen=True, slots=True)
class Configure:
    """Give the interface this address and these settings, in place of `before`."""

    binding: Binding
    before: Binding | None
    why: Reason


@dataclass(frozen=True, slots=True)
class Deconfigure:
    """Take the address away: it is no longer ours."""

    binding: Binding
    why: Reason


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask by ARP whether somebody has the address; `conflict` is to be called if so.  RFC 5227 §2.1.1."""

    ip: IPv4Address
    why: Reason


@dataclass(frozen=True, slots=True)
class Ignore:
    """A message that changes nothing."""

    why: Reason


Action = Send | Configure | Deconfigure | Probe | Ignore


class Client:
    """One interface's client.  `chance` gives numbers from 0 up to 1: transaction ids, jitter.

    `previous` is a lease from an earlier life, which is asked for again; `probe_s` above 0 has
    each new address probed for that long before it is used.
    """

    def __init__(
        self,
        mac: str,
        *,
        chance: Callable[[], float],
        hostname: str | None = None,
        previous: Binding | None = None,
        probe_s: float = 0.0,
        first_retry_s: float = FIRST_RETRY_S,
    ) -> None:
        self.mac, self.hostname, self.chance, self.probe_s = mac, hostname, chance, probe_s
        self.first_retry_s = first_retry_s
        self.state = State.INIT if previous is None else State.INIT_REBOOT
        self.binding: Binding | None = None             # what the interface has now
        self._asking_for = previous                     # INIT-REBOOT's, or the one being probed
        self._xid = self._tries = self._secs = 0
        self._began_s = self._asked_s = 0.0
        self._retry_s: float | None = None
        self._offer: Message | None = None

    def start(self, *, now_s: float) -> list[Action]:
        """Begin; once."""
        self._began_s = now_s
        previous = self._asking_for
        if previous is not None and previous.until_s is not None and previous.until_s <= now_s:
            self.state, self._asking_for = State.INIT, None
        return self._move(Event.START, None, now_s)

    def receive(self, data: bytes, *, now_s: float) -> list[Action]:
        """Take one datagram's payload.  Never raises."""
        try:
            message = dhcp.parse(data)
        except dhcp.Malformed as fault:
            return [Ignore(Reason("RFC 2131 §2", str(fault)))]
        event = {OFFER: Event.OFFER, ACK: Event.ACK, NAK: Event.NAK}.get(message.type or DISCOVER)
        if event is None or message.op != BOOTREPLY or message.chaddr != self.mac or message.xid != self._xid:
            return [Ignore(Reason("RFC 2131 §4.4.1", "not an answer to this client's request", xid=message.xid))]
        if why_not := self._lacks(message):
            return [Ignore(why_not)]
        return self._move(event, message, now_s)

    def _lacks(self, message: Message) -> Reason | None:
        """What an answer must have to be acted on.  Table 3 of §4.3.1."""
        if message.server_id is None:
            return Reason("RFC 2131 §4.3.1", "an answer without a server identifier")
        if message.type == OFFER and not is_usable(message.yiaddr):
            return Reason("RFC 2131 §4.3.1", "an offer of no address", yiaddr=message.yiaddr)
        if message.type == ACK and binding_of(message, 0) is None:
            return Reason("RFC 2131 §4.3.1", "an ACK without an address or a lease time")
        chosen = self._offer.server_id if self._offer and self.state is State.REQUESTING else message.server_id
        if message.server_id != chosen:
            return Reason("RFC 2131 §4.4.1", "an answer from a server that was not chosen", server=message.server_id)
        return None

    def deadline_s(self) -> float | None:
        """When `wake` has work to do; None while nothing is to come."""
        return min((when_s for when_s, _ in self._timers()), default=None)

    def wake(self, *, now_s: float) -> list[Action]:
        """Do what is due."""
        due = [event for when_s, event in sorted(self._timers(), key=lambda timer: timer[0]) if when_s <= now_s]
        return self._move(due[-1], None, now_s) if due else []

    def _timers(self) -> list[tuple[float, Event]]:
        """What is to come in this state: (moment, event)."""
        timers: list[tuple[float | None, Event]] = []
        lease = self.binding
        if self._retry_s is not None:
            tries = {State.REQUESTING: REQUEST_TRIES, State.REBOOTING: REBOOT_TRIES}.get(self.state)
            timers.append((self._retry_s, Event.RETRY if tries is None or self._tries < tries else Event.GIVE_UP))
        if lease is not None:
            if self.state is State.BOUND:
                timers.append((lease.renew_s, Event.T1))
            if self.state is State.RENEWING:
                timers.append((lease.rebind_s, Event.T2))
            if self.state in (State.BOUND, State.RENEWING, State.REBINDING):
                timers.append((lease.until_s, Event.EXPIRY))
        return [(when_s, event) for when_s, event in timers if when_s is not None]

    def conflict(self, *, now_s: float, mac: str) -> list[Action]:
        """Somebody else, `mac`, was seen to have the probed address."""
        return self._move(Event.CONFLICT, None, now_s, mac=mac)

    def renew(self, *, now_s: float) -> list[Action]:
        """Renew now, at the user's wish."""
        return self._move(Event.T1, None, now_s) if self.state is State.BOUND else []

    def release(self, *, now_s: float) -> list[Action]:
        """Give the address back and stop."""
        return self._move(Event.RELEASE, None, now_s) if self.binding else []

    def _move(self, event: Event, message: Message | None, now_s: float, **facts: object) -> list[Action]:
        move = MOVES.get((self.state, event))
        if move is None:
            what = f"{event.name} means nothing in {self.state.value}"
            return [Ignore(Reason("RFC 2131 §4.4, figure 5", what))] if message else []
        self.state = move.to
        self._retry_s = None
        return move.do(self, Reason(move.source, move.text, **facts), message, now_s)

    # What the moves do: each gets the reason, the message (if one came) and the time.

    def _discover(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        self._begin(now_s)
        return self._discover_again(why, message, now_s)

    def _discover_again(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        self._secs = min(int(now_s - self._began_s), 0xFFFF)
        return [self._send(DISCOVER, why, now_s, parameters=PARAMETERS)]

    def _choose(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        """The first offer is taken: a LAN has one server."""
        self._offer, self._tries = message, 0
        return self._choose_again(why, message, now_s)

    def _choose_again(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        assert self._offer is not None
        server, address = self._offer.server_id, self._offer.yiaddr
        return [self._send(REQUEST, why, now_s, parameters=PARAMETERS, server_id=server, requested_ip=address)]

    def _reboot(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        self._begin(now_s)
        return self._reboot_again(why, message, now_s)

    def _reboot_again(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        assert self._asking_for is not None
        return [self._send(REQUEST, why, now_s, parameters=PARAMETERS, requested_ip=self._asking_for.ip)]

    def _renew(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        self._begin(now_s)
        return self._extend(why, message, now_s)

    def _extend(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        """RENEWING asks the server that gave the lease, REBINDING anyone; half the time that is left between."""
        assert self.binding is not None
        renewing = self.state is State.RENEWING
        sent = self._send(
            REQUEST,
            why,
            now_s,
            parameters=PARAMETERS,
            ciaddr=self.binding.ip,
            to=self.binding.server if renewing else EVERYONE,
        )
        end_s = self.binding.rebind_s if renewing else self.binding.until_s
        self._retry_s = None if end_s is None else now_s + max((end_s - now_s) / 2, LEAST_RENEW_WAIT_S)
        return [sent]

    def _check(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        """With an ARP probe the address is asked for first; without, it is ours at once."""
        assert message is not None
        self._asking_for = binding_of(message, self._asked_s)
        if self.probe_s <= 0 or self._asking_for is None:
            self.state = State.BOUND
            return self._bind(why, message, now_s)
        self._retry_s = now_s + self.probe_s
        return [Probe(self._asking_for.ip, why)]

    def _bind(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        binding = binding_of(message, self._asked_s) if message else self._asking_for
        assert binding is not None
        before, self.binding, self._asking_for, self._offer = self.binding, binding, None, None
        return [Configure(binding, before, why)]

    def _decline(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        assert self._asking_for is not None
        refused, self._asking_for = self._asking_for, None
        self._began_s = now_s
        sent = self._send(DECLINE, why, now_s, server_id=refused.server, requested_ip=refused.ip)
        self._retry_s = now_s + PAUSE_S
        return [sent]

    def _pause(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        self._retry_s = now_s + PAUSE_S + self.chance()
        return [Ignore(why)]

    def _lose(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        """The address is gone: take it off, and begin again."""
        lost, self.binding, self._asking_for = self.binding or self._asking_for, None, None
        self._began_s = now_s
        taken: list[Action] = [Deconfigure(lost, why)] if lost else []
        return [*taken, *self._discover(why, None, now_s)]

    def _give_back(self, why: Reason, message: Message | None, now_s: float) -> list[Action]:
        assert self.binding is not None
        lost, self.binding = self.binding, None
        self._begin(now_s)
        sent = self._send(RELEASE, why, now_s, server_id=lost.server, ciaddr=lost.ip, to=lost.server)
        self._retry_s = None
        return [sent, Deconfigure(lost, why)]

    def _begin(self, now_s: float) -> None:
        """A new transaction."""
        self._xid, self._tries, self._secs, self._offer = int(self.chance() * 2**32), 0, 0, None

    def _send(
        self,
        kind: dhcp.MessageType,
        why: Reason,
        now_s: float,
        *,
        ciaddr: IPv4Address = ANY,
        to: IPv4Address = EVERYONE,
        **values: object,
    ) -> Send:
        """One message; when to send it again is set by the doubling delay of §4.1."""
        hostname = self.hostname if kind in (DISCOVER, REQUEST) else None
        identifier = b"\x01" + bytes.fromhex(self.mac.replace(":", ""))
        options = dhcp.options(type=kind, client_id=identifier, hostname=hostname, **values)
        message = Message(BOOTREQUEST, self._xid, ciaddr=ciaddr, chaddr=self.mac, options=options, secs=self._secs)
        delay_s = min(self.first_retry_s * 2**self._tries, LONGEST_RETRY_S)
        self._retry_s = now_s + delay_s + (2 * self.chance() - 1) * self.first_retry_s / FIRST_RETRY_S
        self._tries += 1
        self._asked_s = now_s
        return Send(dhcp.build(message), to, why, kind.name, self._xid, ciaddr if kind == RELEASE else None)


@dataclass(frozen=True, slots=True)
class Move:
    """An edge of figure 5: where it leads, what is done, and why."""

    to: State
    do: Callable[[Client, Reason, Message | None, float], list[Action]]
    source: str
    text: str


S, E = State, Event
MOVES: Mapping[tuple[State, Event], Move] = {
    (S.INIT, E.START): Move(S.SELECTING, Client._discover, "RFC 2131 §4.4.1", "it has no address yet"),
    (S.INIT, E.RETRY): Move(S.SELECTING, Client._discover, "RFC 2131 §3.1", "the pause is over"),
    (S.SELECTING, E.OFFER): Move(S.REQUESTING, Client._choose, "RFC 2131 §4.4.1", "takes the first offer"),
    (S.SELECTING, E.RETRY): Move(S.SELECTING, Client._discover_again, "RFC 2131 §4.1", "no offer came"),
    (S.REQUESTING, E.ACK): Move(S.CHECKING, Client._check, "RFC 2131 §4.4.1", "the server keeps its offer"),
    (S.REQUESTING, E.NAK): Move(S.INIT, Client._pause, "RFC 2131 §3.1", "the server refuses its own offer"),
    (S.REQUESTING, E.RETRY): Move(S.REQUESTING, Client._choose_again, "RFC 2131 §4.1", "no answer came"),
    (S.REQUESTING, E.GIVE_UP): Move(S.SELECTING, Client._discover, "RFC 2131 §3.1", "the server fell silent"),
    (S.CHECKING, E.RETRY): Move(S.BOUND, Client._bind, "RFC 5227 §2.1.1", "nobody else has the address"),
    (S.CHECKING, E.CONFLICT): Move(S.INIT, Client._decline, "RFC 2131 §4.4.1", "somebody has the address"),
    (S.INIT_REBOOT, E.START): Move(S.REBOOTING, Client._reboot, "RFC 2131 §4.4.2", "it had an address before"),
    (S.REBOOTING, E.ACK): Move(S.CHECKING, Client._check, "RFC 2131 §4.4.2", "the address is still its own"),
    (S.REBOOTING, E.NAK): Move(S.SELECTING, Client._lose, "RFC 2131 §4.4.2", "the old address is refused"),
    (S.REBOOTING, E.RETRY): Move(S.REBOOTING, Client._reboot_again, "RFC 2131 §4.1", "no answer came"),
    (S.REBOOTING, E.GIVE_UP): Move(S.SELECTING, Client._lose, "RFC 2131 §4.4.2", "nobody knows the address"),
    (S.BOUND, E.T1): Move(S.RENEWING, Client._renew, "RFC 2131 §4.4.5", "T1: asks its server for more time"),
    (S.BOUND, E.EXPIRY): Move(S.SELECTING, Client._lose, "RFC 2131 §4.4.5", "the lease ran out"),
    (S.BOUND, E.RELEASE): Move(S.INIT, Client._give_back, "RFC 2131 §4.4.6", "the user gives it back"),
    (S.RENEWING, E.ACK): Move(S.BOUND, Client._bind, "RFC 2131 §4.4.5", "the server extends the lease"),
    (S.RENEWING, E.NAK): Move(S.SELECTING, Client._lose, "RFC 2131 §4.4.5", "the server takes it back"),
    (S.RENEWING, E.RETRY): Move(S.RENEWING, Client._extend, "RFC 2131 §4.4.5", "the server does not answer"),
    (S.RENEWING, E.T2): Move(S.REBINDING, Client._extend, "RFC 2131 §4.4.5", "T2: asks any server"),
    (S.RENEWING, E.EXPIRY): Move(S.SELECTING, Client._lose, "RFC 2131 §4.4.5", "the lease ran out"),
    (S.RENEWING, E.RELEASE): Move(S.INIT, Client._give_back, "RFC 2131 §4.4.6", "the user gives it back"),
    (S.REBINDING, E.ACK): Move(S.BOUND, Client._bind, "RFC 2131 §4.4.5", "a server extends the lease"),
    (S.REBINDING, E.NAK): Move(S.SELECTING, Client._lose, "RFC 2131 §4.4.5", "a server refuses the address"),
    (S.REBINDING, E.RETRY): Move(S.REBINDING, Client._extend, "RFC 2131 §4.4.5", "no server answers"),
    (S.REBINDING, E.EXPIRY): Move(S.SELECTING, Client._lose, "RFC 2131 §4.4.5", "the lease ran out"),
    (S.REBINDING, E.RELEASE): Move(S.INIT, Client._give_back, "RFC 2131 §4.4.6", "the user gives it back"),
}
