"""DHCP server: which address a client gets, and why.  RFC 2131 §4.3.

Pure: a message and the time come in, actions come out.  `__main__.py` owns the socket, the clock
and the lease file.  `ANSWERS` below is the protocol; whatever is not answered is a `Drop` that says
why, for a silent server is the hardest one to understand.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from lan.reasons import Reason
from lan.services.dhcp.leases import NOBODY, Lease, Leases, State
from lan.services.dhcp.replies import Destination, ack, client_of, inform_ack, nak, offer, reply_to
from lan.services.dhcp.settings import Settings
from lan.wire import dhcp
from lan.wire.dhcp import ANY, DECLINE, DISCOVER, INFORM, RELEASE, REQUEST, Message


@dataclass(frozen=True, slots=True)
class Reply:
    """A message to send; `what` is the decision in a word, such as ``offered``."""

    what: str
    message: bytes
    to: Destination
    why: Reason
    client: str
    xid: int
    ip: IPv4Address | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """A lease that must be on the disk before anything that follows it is sent."""

    lease: Lease
    why: Reason


@dataclass(frozen=True, slots=True)
class Drop:
    """Nothing is sent."""

    why: Reason
    client: str | None = None
    xid: int | None = None


Action = Reply | Keep | Drop


class Server:
    """Leases the addresses of one subnet's pool.  `settings` may be replaced while it runs."""

    def __init__(self, settings: Settings, leases: Leases) -> None:
        self.settings, self.leases = settings, leases

    def receive(self, data: bytes, *, now_s: float) -> list[Action]:
        """Answer one datagram, if only with a `Drop` that says why.  Never raises."""
        try:
            message = dhcp.parse(data)
        except dhcp.Malformed as fault:
            return [Drop(Reason("RFC 2131 §2", str(fault)))]
        if message.op != dhcp.BOOTREQUEST:
            return [_drop(message, "RFC 2131 §2", "a server's message, not a client's")]
        if message.giaddr != ANY and message.giaddr not in self.settings.subnet:
            return [_drop(message, "RFC 2131 §4.3.1", "the relay's subnet is not served", relay=message.giaddr)]
        expired = self.expire(now_s=now_s)
        answer = ANSWERS.get(message.type)
        if answer is None:
            return [*expired, _drop(message, "RFC 2131 §4.3", "a server's message type, not a client's")]
        return [*expired, *answer(self, message, now_s)]

    def deadline_s(self) -> float | None:
        """The moment `expire` has work to do; None while no lease runs."""
        return self.leases.next_expiry_s()

    def expire(self, *, now_s: float) -> list[Action]:
        """End the leases whose time is over."""
        why = Reason("RFC 2131 §4.4.5", "the lease ran out and was not renewed")
        return [Keep(lease, why) for lease in self.leases.expire(now_s)]

    def _discover(self, message: Message, now_s: float) -> list[Action]:
        client = client_of(message)
        for address, why in self._candidates(message):
            if self._may_have(message, address) and self.leases.is_free(address, client, now_s):
                held = self.leases.at(address)
                if held is None or held.client_id != client or not held.is_holding(now_s):
                    until_s = now_s + self.settings.offer_s
                    self.leases.offer(Lease(address, client, message.chaddr, State.OFFERED, until_s, message.hostname))
                return [_reply("offered", offer(message, address, self.settings), message, why)]
        return [_drop(message, "RFC 2131 §4.3.1", "no address left", pool=self.settings.pool)]

    def _candidates(self, message: Message) -> Iterator[tuple[IPv4Address, Reason]]:
        """Addresses to try, best first.  RFC 2131 §4.3.1 (its fourth and last is a new address)."""
        client, section = client_of(message), "RFC 2131 §4.3.1"
        if reserved := self.settings.reservations.get(message.chaddr):
            yield reserved, Reason("RFC 2131 §1", "reserved for this client (manual allocation)", mac=message.chaddr)
            return
        if binding := self.leases.of(client):
            if binding.state is State.BOUND:
                yield binding.ip, Reason(section, "the client's current address")
            else:
                yield binding.ip, Reason(section, f"the client's {binding.state.value.lower()} binding")
        if earlier := self.leases.offer_to(client):
            yield earlier.ip, Reason(section, "offered to this client a moment ago")
        if requested := message.requested_ip:
            yield requested, Reason(section, "the client asked for it, and it is free")
        if new := self.leases.next_new(self.settings.pool):
            fresh = self.leases.at(new) is None
            yield new, Reason(section, "a new address from the pool" if fresh else "the address idle longest")

    def _may_have(self, message: Message, address: IPv4Address) -> bool:
        """Whether the settings let this client have the address, taken or not."""
        reserved = self.settings.reservations.get(message.chaddr)
        return address == reserved if reserved else address in self.settings.pool

    def _request(self, message: Message, now_s: float) -> list[Action]:
        """Which of the four requests it is: by server id, requested address and ciaddr.  Table 4, §4.3.2."""
        if message.server_id is not None:
            return self._selecting(message, now_s)
        if message.requested_ip is not None and message.ciaddr == ANY:
            return self._init_reboot(message, message.requested_ip, now_s)
        if message.ciaddr != ANY:
            return self._extending(message, message.ciaddr, now_s)
        return [_drop(message, "RFC 2131 §4.3.2", "a request without server, address or ciaddr")]

    def _selecting(self, message: Message, now_s: float) -> list[Action]:
        section, client = "RFC 2131 §4.3.2, SELECTING", client_of(message)
        earlier = self.leases.offer_to(client)
        if message.server_id != self.settings.server_ip:
            self.leases.withdraw(earlier)
            return [_drop(message, section, "the client chose another server", server=message.server_id)]
        address = message.requested_ip
        if address is None or message.ciaddr != ANY:
            return [_drop(message, section, "a choice names its address in option 50, and ciaddr is zero")]
        if not self.leases.is_free(address, client, now_s):
            return [self._nak(message, section, "another client has the address", address)]
        if earlier is not None and earlier.ip == address:
            return self._bind(message, address, now_s, Reason(section, "the client took our offer"))
        if self._holds(client, address, now_s):
            return self._bind(message, address, now_s, Reason(section, "the client keeps its address"))
        if self._may_have(message, address):
            return self._bind(message, address, now_s, Reason(section, "no offer is known, but the address is free"))
        return [self._nak(message, section, "the address is not ours to give", address)]

    def _init_reboot(self, message: Message, address: IPv4Address, now_s: float) -> list[Action]:
        section, client = "RFC 2131 §4.3.2, INIT-REBOOT", client_of(message)
        if address not in self.settings.subnet:
            return [self._nak(message, section, "the client is on another network now", address)]
        binding = self.leases.of(client)
        if binding is None:
            return [_drop(message, section, "no record of this client: another server may have one", ip=address)]
        if binding.ip != address:
            return [self._nak(message, section, f"the client's address is {binding.ip}", address)]
        if not self._holds(client, address, now_s) and not self._may_have(message, address):
            return [self._nak(message, section, "the address has left the pool", address)]
        if not self.leases.is_free(address, client, now_s):
            return [self._nak(message, section, "another client has the address", address)]
        return self._bind(message, address, now_s, Reason(section, "the client remembers its address rightly"))

    def _extending(self, message: Message, address: IPv4Address, now_s: float) -> list[Action]:
        """RENEWING (unicast to us) or REBINDING (broadcast to any server): the same answer from us."""
        section, client = "RFC 2131 §4.3.2, RENEWING or REBINDING", client_of(message)
        if address not in self.settings.subnet:
            return [self._nak(message, section, "the client is on another network now", address)]
        if not self.leases.is_free(address, client, now_s):
            return [self._nak(message, section, "another client has the address", address)]
        if self._holds(client, address, now_s):
            return self._bind(message, address, now_s, Reason(section, "the client extends its lease"))
        if self._may_have(message, address):
            return self._bind(message, address, now_s, Reason(section, "no lease is known, but the address is free"))
        if message.chaddr in self.settings.reservations:
            return [self._nak(message, section, "another address is reserved for the client", address)]
        return [_drop(message, section, "not an address of ours: its server may answer", ip=address)]

    def _holds(self, client: str, address: IPv4Address, now_s: float) -> bool:
        lease = self.leases.at(address)
        return lease is not None and lease.client_id == client and lease.is_holding(now_s)

    def _bind(self, message: Message, address: IPv4Address, now_s: float, why: Reason) -> list[Action]:
        """The lease, to be kept, and then the ACK that tells of it."""
        reply = ack(message, address, self.settings)
        client = client_of(message)
        lease = Lease(address, client, message.chaddr, State.BOUND, now_s + (reply.lease_s or 0), message.hostname)
        self.leases.withdraw(self.leases.offer_to(client))
        actions: list[Action] = []
        if other := self.leases.superseded_by(lease, now_s):
            self.leases.put(other)
            actions.append(Keep(other, Reason("RFC 2131 §2.2", "the client has another address now", ip=address)))
        self.leases.put(lease)
        return [*actions, Keep(lease, why), _reply("acknowledged", reply, message, why)]

    def _nak(self, message: Message, section: str, text: str, address: IPv4Address) -> Reply:
        return _reply("refused", nak(message, text, self.settings), message, Reason(section, text, ip=address))

    def _decline(self, message: Message, now_s: float) -> list[Action]:
        section, address, client = "RFC 2131 §4.3.3", message.requested_ip, client_of(message)
        if message.server_id != self.settings.server_ip:
            return [_drop(message, section, "said to another server", server=message.server_id)]
        lease = self.leases.at(address) if address else None
        if address is None or lease is None or lease.client_id != client or lease.state is not State.BOUND:
            return [_drop(message, section, "declines an address that it was not given", ip=address)]
        declined = Lease(address, NOBODY, message.chaddr, State.DECLINED, now_s + self.settings.decline_s)
        self.leases.put(declined)
        return [Keep(declined, Reason(section, "somebody else uses the address already", declined_by=message.chaddr))]

    def _release(self, message: Message, now_s: float) -> list[Action]:
        section, client = "RFC 2131 §4.3.4", client_of(message)
        if message.server_id is not None and message.server_id != self.settings.server_ip:
            return [_drop(message, section, "said to another server", server=message.server_id)]
        if not self._holds(client, message.ciaddr, now_s):
            return [_drop(message, section, "releases an address that it has not", ip=message.ciaddr)]
        lease = Lease(message.ciaddr, client, message.chaddr, State.RELEASED, now_s, message.hostname)
        self.leases.put(lease)
        return [Keep(lease, Reason(section, "the client gives its address back"))]

    def _inform(self, message: Message, now_s: float) -> list[Action]:
        section = "RFC 2131 §4.3.5"
        if message.ciaddr == ANY:
            return [_drop(message, section, "asks for settings without saying its address")]
        why = Reason(section, "settings without a lease: the client has an address of its own")
        return [_reply("informed", inform_ack(message, self.settings), message, why)]


def _drop(message: Message, source: str, text: str, **facts: object) -> Drop:
    return Drop(Reason(source, text, **facts), message.chaddr, message.xid)


def _reply(what: str, reply: Message, message: Message, why: Reason) -> Reply:
    address = reply.yiaddr if reply.yiaddr != ANY else None
    return Reply(what, dhcp.build(reply), reply_to(message, reply), why, message.chaddr, message.xid, address)


ANSWERS: dict[dhcp.MessageType | None, Callable[[Server, Message, float], list[Action]]] = {
    DISCOVER: Server._discover,
    REQUEST: Server._request,
    DECLINE: Server._decline,
    RELEASE: Server._release,
    INFORM: Server._inform,
}
