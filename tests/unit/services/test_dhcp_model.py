"""Whatever clients say, in whatever order, the DHCP server keeps its promises: a model test."""

from ipaddress import IPv4Address, IPv4Network

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lan.services.dhcp.leases import Lease, Leases
from lan.services.dhcp.pool import parse_pool
from lan.services.dhcp.server import Keep, Reply, Server
from lan.services.dhcp.settings import Settings
from lan.wire import dhcp
from lan.wire.dhcp import ACK, DECLINE, DISCOVER, OFFER, RELEASE, REQUEST, Message, MessageType

SUBNET, SERVER = IPv4Network("10.0.0.0/29"), IPv4Address("10.0.0.6")
CLIENTS = st.sampled_from([f"02:00:00:00:00:0{n}" for n in range(1, 6)])
ADDRESSES = st.sampled_from([SUBNET.network_address + n for n in range(8)])
LEASE_S = 100


class Dialogue(RuleBasedStateMachine):
    """Five clients and four addresses; the model knows what each client was told, as the client would."""

    def __init__(self) -> None:
        super().__init__()
        pool = parse_pool("10.0.0.1-4", SUBNET, [SERVER])
        self.server = Server(Settings(SERVER, SUBNET, pool, lease_s=LEASE_S), Leases())
        self.now_s = 0.0
        self.offered: dict[str, IPv4Address] = {}
        self.held: dict[str, tuple[IPv4Address, float]] = {}
        self.journal: dict[IPv4Address, Lease] = {}

    def say(self, kind: MessageType, mac: str, ciaddr: IPv4Address = dhcp.ANY, **values: object) -> None:
        options = dhcp.options(type=kind, **values)
        message = Message(dhcp.BOOTREQUEST, 1, ciaddr=ciaddr, chaddr=mac, options=options)
        for action in self.server.receive(dhcp.build(message), now_s=self.now_s):
            if isinstance(action, Keep):
                self.journal[action.lease.ip] = action.lease
            if isinstance(action, Reply):
                self.hear(mac, dhcp.parse(action.message))

    def hear(self, mac: str, reply: Message) -> None:
        if reply.type == OFFER:
            self.offered[mac] = reply.yiaddr
        elif reply.type == ACK:
            assert reply.lease_s
            self.held[mac] = reply.yiaddr, self.now_s + reply.lease_s
        else:
            self.held.pop(mac, None)

    @rule(mac=CLIENTS)
    def discovers(self, mac: str) -> None:
        self.say(DISCOVER, mac)

    @rule(mac=CLIENTS, wish=ADDRESSES)
    def discovers_with_a_wish(self, mac: str, wish: IPv4Address) -> None:
        self.say(DISCOVER, mac, requested_ip=wish)

    @rule(mac=CLIENTS)
    def takes_what_it_was_offered(self, mac: str) -> None:
        if address := self.offered.pop(mac, None):
            self.say(REQUEST, mac, server_id=SERVER, requested_ip=address)

    @rule(mac=CLIENTS, wish=ADDRESSES)
    def takes_what_it_was_not_offered(self, mac: str, wish: IPv4Address) -> None:
        self.say(REQUEST, mac, server_id=SERVER, requested_ip=wish)

    @rule(mac=CLIENTS, wish=ADDRESSES)
    def reboots(self, mac: str, wish: IPv4Address) -> None:
        self.say(REQUEST, mac, requested_ip=wish)

    @rule(mac=CLIENTS)
    def renews(self, mac: str) -> None:
        if mac in self.held:
            self.say(REQUEST, mac, ciaddr=self.held[mac][0])

    @rule(mac=CLIENTS, address=ADDRESSES)
    def claims_to_renew(self, mac: str, address: IPv4Address) -> None:
        if mac not in self.held:
            self.say(REQUEST, mac, ciaddr=address)

    @rule(mac=CLIENTS)
    def releases(self, mac: str) -> None:
        if mac in self.held:
            address, _ = self.held.pop(mac)
            self.say(RELEASE, mac, ciaddr=address, server_id=SERVER)

    @rule(mac=CLIENTS)
    def declines(self, mac: str) -> None:
        if mac in self.held:
            address, _ = self.held.pop(mac)
            self.say(DECLINE, mac, requested_ip=address, server_id=SERVER)

    @rule(seconds=st.integers(1, LEASE_S))
    def time_passes(self, seconds: int) -> None:
        self.now_s += seconds
        self.held = {mac: lease for mac, lease in self.held.items() if lease[1] > self.now_s}

    @rule()
    def the_server_starts_anew_from_its_journal(self) -> None:
        self.server = Server(self.server.settings, Leases(self.journal.values()))

    @invariant()
    def no_address_has_two_clients(self) -> None:
        addresses = [address for address, _ in self.held.values()]
        assert len(set(addresses)) == len(addresses), self.held

    @invariant()
    def every_address_is_from_the_pool(self) -> None:
        assert all(address in self.server.settings.pool for address, _ in self.held.values())

    @invariant()
    def the_journal_knows_all_that_clients_hold(self) -> None:
        for mac, (address, until_s) in self.held.items():
            lease = self.journal[address]
            assert (lease.mac, lease.until_s) == (mac, until_s)
            assert lease.is_holding(self.now_s)


TestDialogue = Dialogue.TestCase
TestDialogue.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
