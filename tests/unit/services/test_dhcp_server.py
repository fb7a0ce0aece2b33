"""The DHCP server as a dialogue: what a client says, what it hears, and the reason."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.reasons import Reason
from lan.services.dhcp.leases import NOBODY, Lease, Leases, State
from lan.services.dhcp.pool import Pool, parse_pool
from lan.services.dhcp.replies import Destination
from lan.services.dhcp.server import Action, Drop, Keep, Reply, Server
from lan.services.dhcp.settings import Settings
from lan.wire import dhcp
from lan.wire.dhcp import ACK, DECLINE, DISCOVER, INFORM, NAK, OFFER, RELEASE, REQUEST, Message, MessageType

PC1, PC2, PC3 = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"
SUBNET, SERVER = IPv4Network("192.168.100.0/24"), IPv4Address("192.168.100.252")
EVERYONE = IPv4Address("255.255.255.255")


def ip(last: int) -> IPv4Address:
    return SUBNET.network_address + last


def say(
    kind: MessageType, mac: str, *, ciaddr: IPv4Address = dhcp.ANY, giaddr: IPv4Address = dhcp.ANY, **values: object
) -> bytes:
    options = dhcp.options(type=kind, **values)
    return dhcp.build(Message(dhcp.BOOTREQUEST, 7, ciaddr=ciaddr, giaddr=giaddr, chaddr=mac, options=options))


def key(mac: str) -> str:
    return "01" + mac.replace(":", "")


def bound(mac: str, last: int, *, until_s: float, state: State = State.BOUND) -> Lease:
    return Lease(ip(last), key(mac), mac, state, until_s)


@pytest.fixture
def server() -> Server:
    pool = parse_pool("192.168.100.1-100", SUBNET, [SERVER])
    dns = (IPv4Address("192.168.100.254"),)
    return Server(Settings(SERVER, SUBNET, pool, router=ip(250), dns=dns, domain="lan.test"), Leases())


def heard(actions: list[Action]) -> tuple[Message, Reason]:
    """The one reply among the actions."""
    [reply] = [action for action in actions if isinstance(action, Reply)]
    return dhcp.parse(reply.message), reply.why


def lease(server: Server, mac: str, *, now_s: float = 0) -> IPv4Address:
    """The whole exchange."""
    offer, _ = heard(server.receive(say(DISCOVER, mac), now_s=now_s))
    chosen = say(REQUEST, mac, server_id=SERVER, requested_ip=offer.yiaddr)
    ack, _ = heard(server.receive(chosen, now_s=now_s))
    assert (ack.type, ack.yiaddr) == (ACK, offer.yiaddr)
    return ack.yiaddr


def test_a_new_client_is_offered_the_lowest_address_and_all_settings(server: Server) -> None:
    offer, why = heard(server.receive(say(DISCOVER, PC1), now_s=0))
    assert (offer.type, offer.yiaddr, offer.server_id, offer.xid, offer.chaddr) == (OFFER, ip(1), SERVER, 7, PC1)
    assert (offer.lease_s, offer.t1_s, offer.t2_s) == (3600, 1800, 3150)
    assert (offer.subnet_mask, offer.routers) == (SUBNET.netmask, (ip(250),))
    assert (offer.dns_servers, offer.domain_name) == ((ip(254),), "lan.test")
    assert why == Reason("RFC 2131 §4.3.1", "a new address from the pool")


def test_only_what_the_client_asked_for_is_sent(server: Server) -> None:
    offer, _ = heard(server.receive(say(DISCOVER, PC1, parameters=(1, 6)), now_s=0))
    assert set(offer.options) == {1, 6, 51, 53, 54, 58, 59}


def test_a_client_is_granted_the_shorter_lease_it_asks_for_and_never_a_longer_one(server: Server) -> None:
    for asked_s, granted_s in ((60, 60), (3600, 3600), (86400, 3600), (0xFFFFFFFF, 3600)):
        offer, _ = heard(server.receive(say(DISCOVER, PC1, lease_s=asked_s), now_s=0))
        assert offer.lease_s == granted_s


def test_the_lease_is_kept_before_the_ack_leaves(server: Server) -> None:
    server.receive(say(DISCOVER, PC1), now_s=10)
    keep, reply = server.receive(say(REQUEST, PC1, server_id=SERVER, requested_ip=ip(1), hostname="pc1"), now_s=11)
    why = Reason("RFC 2131 §4.3.2, SELECTING", "the client took our offer")
    assert keep == Keep(replace(bound(PC1, 1, until_s=3611), hostname="pc1"), why)
    assert isinstance(reply, Reply) and (reply.what, reply.ip, reply.why) == ("acknowledged", ip(1), why)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State.BOUND, "the client's current address"),
        (State.EXPIRED, "the client's expired binding"),
        (State.RELEASED, "the client's released binding"),
    ],
)
def test_a_client_gets_back_the_address_it_had(server: Server, state: State, text: str) -> None:
    server.leases.put(bound(PC1, 7, until_s=5000, state=state))
    offer, why = heard(server.receive(say(DISCOVER, PC1, requested_ip=ip(9)), now_s=200))
    assert (offer.yiaddr, why) == (ip(7), Reason("RFC 2131 §4.3.1", text))


def test_a_client_gets_the_free_address_it_asks_for(server: Server) -> None:
    offer, why = heard(server.receive(say(DISCOVER, PC1, requested_ip=ip(42)), now_s=0))
    assert (offer.yiaddr, why.text) == (ip(42), "the client asked for it, and it is free")


@pytest.mark.parametrize("last", [7, 101, 252, 255, 0])
def test_a_client_does_not_get_an_address_that_is_taken_or_outside_the_pool(server: Server, last: int) -> None:
    server.leases.put(bound(PC2, 7, until_s=5000))
    offer, _ = heard(server.receive(say(DISCOVER, PC1, requested_ip=ip(last)), now_s=0))
    assert offer.yiaddr == ip(1)


def test_an_offered_address_is_held_for_its_client_a_short_time(server: Server) -> None:
    assert heard(server.receive(say(DISCOVER, PC1), now_s=0))[0].yiaddr == ip(1)
    assert heard(server.receive(say(DISCOVER, PC2), now_s=1))[0].yiaddr == ip(2)
    again, why = heard(server.receive(say(DISCOVER, PC1), now_s=2))
    assert (again.yiaddr, why.text) == (ip(1), "offered to this client a moment ago")
    assert heard(server.receive(say(DISCOVER, PC3), now_s=2 + server.settings.offer_s))[0].yiaddr == ip(1)


def test_an_offer_is_forgotten_when_the_client_chooses_another_server(server: Server) -> None:
    server.receive(say(DISCOVER, PC1), now_s=0)
    [drop] = server.receive(say(REQUEST, PC1, server_id=ip(253), requested_ip=ip(80)), now_s=0)
    assert isinstance(drop, Drop) and drop.why.text == "the client chose another server"
    assert heard(server.receive(say(DISCOVER, PC2), now_s=0))[0].yiaddr == ip(1)


def test_an_offer_is_forgotten_when_the_client_takes_another_address(server: Server) -> None:
    server.receive(say(DISCOVER, PC1), now_s=0)
    server.receive(say(REQUEST, PC1, server_id=SERVER, requested_ip=ip(9)), now_s=0)
    assert heard(server.receive(say(DISCOVER, PC2), now_s=0))[0].yiaddr == ip(1)


def test_a_full_pool_gives_nothing_until_a_lease_ends_and_then_the_longest_idle_address() -> None:
    server = Server(Settings(SERVER, SUBNET, Pool(ip(1), ip(2)), lease_s=100), Leases())
    assert (lease(server, PC1, now_s=0), lease(server, PC2, now_s=50)) == (ip(1), ip(2))
    [drop] = server.receive(say(DISCOVER, PC3), now_s=99)
    assert isinstance(drop, Drop)
    assert drop.why == Reason("RFC 2131 §4.3.1", "no address left", pool="192.168.100.1-192.168.100.2")
    keep, _reply = server.receive(say(DISCOVER, PC3), now_s=100)
    assert isinstance(keep, Keep) and keep.lease == bound(PC1, 1, until_s=100, state=State.EXPIRED)
    assert heard(server.receive(say(DISCOVER, PC3), now_s=150))[0].yiaddr == ip(1)


def test_a_reservation_is_for_its_client_alone(server: Server) -> None:
    reservations = {PC2: ip(1)}
    server.settings = replace(
        server.settings, reservations=reservations, pool=parse_pool("192.168.100.1-100", SUBNET, [ip(1)])
    )
    assert heard(server.receive(say(DISCOVER, PC1, requested_ip=ip(1)), now_s=0))[0].yiaddr == ip(2)
    offer, why = heard(server.receive(say(DISCOVER, PC2, requested_ip=ip(9)), now_s=0))
    assert (offer.yiaddr, why.text) == (ip(1), "reserved for this client (manual allocation)")
    assert heard(server.receive(say(REQUEST, PC1, server_id=SERVER, requested_ip=ip(1)), now_s=0))[0].type == NAK


REQUESTS = {
    "selecting: taken by another": (say(REQUEST, PC1, server_id=SERVER, requested_ip=ip(2)), NAK),
    "selecting: outside the pool": (say(REQUEST, PC1, server_id=SERVER, requested_ip=ip(200)), NAK),
    "selecting: free, no offer on record": (say(REQUEST, PC1, server_id=SERVER, requested_ip=ip(9)), ACK),
    "selecting: without an address": (say(REQUEST, PC1, server_id=SERVER), None),
    "init-reboot: its own": (say(REQUEST, PC1, requested_ip=ip(1)), ACK),
    "init-reboot: not its own": (say(REQUEST, PC1, requested_ip=ip(9)), NAK),
    "init-reboot: another's": (say(REQUEST, PC1, requested_ip=ip(2)), NAK),
    "init-reboot: another network": (say(REQUEST, PC3, requested_ip=IPv4Address("10.0.0.5")), NAK),
    "init-reboot: a stranger": (say(REQUEST, PC3, requested_ip=ip(9)), None),
    "extending: its own": (say(REQUEST, PC1, ciaddr=ip(1)), ACK),
    "extending: another's": (say(REQUEST, PC1, ciaddr=ip(2)), NAK),
    "extending: free, no lease on record": (say(REQUEST, PC3, ciaddr=ip(9)), ACK),
    "extending: another server's": (say(REQUEST, PC3, ciaddr=ip(200)), None),
    "extending: another network": (say(REQUEST, PC3, ciaddr=IPv4Address("10.0.0.5")), NAK),
    "neither server nor address": (say(REQUEST, PC1), None),
}


@pytest.mark.parametrize(("data", "answer"), REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_is_answered_as_section_4_3_2_says(server: Server, data: bytes, answer: MessageType | None) -> None:
    server.leases.put(bound(PC1, 1, until_s=1000))
    server.leases.put(bound(PC2, 2, until_s=1000))
    *_, last = server.receive(data, now_s=500)
    if answer is None:
        assert isinstance(last, Drop)
    else:
        assert isinstance(last, Reply) and dhcp.parse(last.message).type == answer


def test_a_renewal_extends_the_lease_from_now_on(server: Server) -> None:
    lease(server, PC1, now_s=0)
    keep, _ = server.receive(say(REQUEST, PC1, ciaddr=ip(1)), now_s=1800)
    assert isinstance(keep, Keep) and keep.lease.until_s == 5400
    assert server.deadline_s() == 5400


def test_a_refusal_says_why_carries_no_address_and_is_broadcast(server: Server) -> None:
    server.leases.put(bound(PC2, 2, until_s=1000))
    [reply] = server.receive(say(REQUEST, PC1, ciaddr=ip(2)), now_s=0)
    assert isinstance(reply, Reply) and reply.to == Destination(EVERYONE, 68)
    nak = dhcp.parse(reply.message)
    assert (nak.type, nak.yiaddr, nak.ciaddr, nak.lease_s) == (NAK, dhcp.ANY, dhcp.ANY, None)
    assert nak.message == reply.why.text == "another client has the address"


def test_a_released_address_is_free_for_others_when_no_fresh_one_is_left() -> None:
    server = Server(Settings(SERVER, SUBNET, Pool(ip(1), ip(1))), Leases())
    lease(server, PC1)
    [keep] = server.receive(say(RELEASE, PC1, ciaddr=ip(1), server_id=SERVER), now_s=10)
    assert isinstance(keep, Keep) and (keep.lease.state, keep.lease.until_s) == (State.RELEASED, 10)
    assert lease(server, PC2, now_s=11) == ip(1)


def test_nobody_releases_or_declines_the_address_of_another(server: Server) -> None:
    lease(server, PC1)
    for data in (
        say(RELEASE, PC2, ciaddr=ip(1), server_id=SERVER),
        say(DECLINE, PC2, requested_ip=ip(1), server_id=SERVER),
        say(RELEASE, PC1, ciaddr=ip(1), server_id=ip(253)),
        say(DECLINE, PC1, requested_ip=ip(1), server_id=ip(253)),
    ):
        [drop] = server.receive(data, now_s=1)
        assert isinstance(drop, Drop)
    assert server.leases.at(ip(1)) == bound(PC1, 1, until_s=3600)


def test_nobody_declines_what_it_gave_back(server: Server) -> None:
    server.leases.put(bound(PC1, 1, until_s=5, state=State.RELEASED))
    [drop] = server.receive(say(DECLINE, PC1, requested_ip=ip(1), server_id=SERVER), now_s=10)
    assert isinstance(drop, Drop) and drop.why.text == "declines an address that it was not given"


def test_a_declined_address_rests_and_its_client_gets_another(server: Server) -> None:
    lease(server, PC1)
    [keep] = server.receive(say(DECLINE, PC1, requested_ip=ip(1), server_id=SERVER), now_s=1)
    assert isinstance(keep, Keep) and keep.lease == Lease(ip(1), NOBODY, PC1, State.DECLINED, 601)
    assert lease(server, PC1, now_s=2) == ip(2)
    assert heard(server.receive(say(DISCOVER, PC3, requested_ip=ip(1)), now_s=600))[0].yiaddr == ip(3)
    assert heard(server.receive(say(DISCOVER, PC2, requested_ip=ip(1)), now_s=601))[0].yiaddr == ip(1)


def test_an_inform_gets_settings_but_no_address(server: Server) -> None:
    [reply] = server.receive(say(INFORM, PC1, ciaddr=ip(150)), now_s=0)
    assert isinstance(reply, Reply) and reply.to == Destination(ip(150), 68)
    ack = dhcp.parse(reply.message)
    assert (ack.type, ack.yiaddr, ack.lease_s, ack.dns_servers) == (ACK, dhcp.ANY, None, (ip(254),))
    assert not len(server.leases)


def test_a_client_that_moves_to_another_address_leaves_the_first(server: Server) -> None:
    lease(server, PC1)
    server.settings = replace(server.settings, pool=Pool(ip(50), ip(60)))
    assert lease(server, PC1, now_s=10) == ip(50)
    assert server.leases.at(ip(1)) == bound(PC1, 1, until_s=10, state=State.RELEASED)


def test_a_new_pool_leaves_running_leases_alone(server: Server) -> None:
    lease(server, PC1)
    server.settings = replace(server.settings, pool=Pool(ip(50), ip(60)))
    ack, _ = heard(server.receive(say(REQUEST, PC1, ciaddr=ip(1)), now_s=1800))
    assert (ack.type, ack.yiaddr) == (ACK, ip(1))


def test_one_card_is_one_client_with_or_without_its_identifier(server: Server) -> None:
    lease(server, PC1)
    identifier = bytes.fromhex(key(PC1))
    offer, why = heard(server.receive(say(DISCOVER, PC1, client_id=identifier), now_s=1))
    assert (offer.yiaddr, offer.client_id, why.text) == (ip(1), identifier, "the client's current address")


def test_two_identifiers_on_one_card_are_two_clients(server: Server) -> None:
    lease(server, PC1)
    assert heard(server.receive(say(DISCOVER, PC1, client_id=b"\xffvm"), now_s=1))[0].yiaddr == ip(2)


RELAY, BROADCAST_BIT = ip(240), dhcp.BROADCAST
WHERE = {
    "to the card, for it has no address": (dhcp.ANY, dhcp.ANY, 0, Destination(ip(1), 68, PC1)),
    "to everyone, for the client wants it": (dhcp.ANY, dhcp.ANY, BROADCAST_BIT, Destination(EVERYONE, 68)),
    "to the address it has": (ip(1), dhcp.ANY, 0, Destination(ip(1), 68)),
    "to the relay": (dhcp.ANY, RELAY, BROADCAST_BIT, Destination(RELAY, 67)),
}


@pytest.mark.parametrize(("ciaddr", "giaddr", "flags", "to"), WHERE.values(), ids=WHERE.keys())
def test_replies_go_where_section_4_1_says(
    server: Server, ciaddr: IPv4Address, giaddr: IPv4Address, flags: int, to: Destination
) -> None:
    kind = REQUEST if ciaddr != dhcp.ANY else DISCOVER
    message = dhcp.parse(say(kind, PC1, ciaddr=ciaddr, giaddr=giaddr))
    *_, reply = server.receive(dhcp.build(replace(message, flags=flags)), now_s=0)
    assert isinstance(reply, Reply) and reply.to == to
    assert dhcp.parse(reply.message).giaddr == giaddr
    assert dhcp.parse(reply.message).flags == flags


def test_a_relay_of_another_subnet_gets_no_answer(server: Server) -> None:
    [drop] = server.receive(say(DISCOVER, PC1, giaddr=IPv4Address("10.0.0.1")), now_s=0)
    assert isinstance(drop, Drop) and drop.why.text == "the relay's subnet is not served"


@pytest.mark.parametrize("kind", [OFFER, ACK, NAK])
def test_a_servers_message_gets_no_answer(server: Server, kind: MessageType) -> None:
    [drop] = server.receive(say(kind, PC1), now_s=0)
    assert isinstance(drop, Drop) and drop.xid == 7


MESSAGES = st.builds(
    Message,
    st.sampled_from([1, 1, 1, 2]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**16 - 1),
    *[st.sampled_from([dhcp.ANY, ip(1), ip(2), ip(200), SERVER, IPv4Address("10.0.0.1")])] * 4,
    chaddr=st.sampled_from([PC1, PC2]),
    options=st.fixed_dictionaries(
        {53: st.integers(1, 8).map(lambda number: bytes((number,)))},
        optional={
            50: st.sampled_from([ip(1).packed, ip(2).packed, bytes(4), b"\xff" * 4]),
            51: st.binary(min_size=4, max_size=4),
            54: st.sampled_from([SERVER.packed, ip(253).packed]),
            61: st.binary(min_size=2, max_size=300),
            12: st.binary(min_size=1, max_size=300),
            55: st.binary(min_size=1, max_size=20),
        },
    ),
)


@given(st.lists(st.one_of(st.binary(max_size=400), MESSAGES.map(dhcp.build)), max_size=8))
def test_no_bytes_make_the_server_raise_and_each_datagram_has_a_reason(datagrams: list[bytes]) -> None:
    server = Server(Settings(SERVER, SUBNET, parse_pool("192.168.100.1-3", SUBNET)), Leases())
    for data in datagrams:
        actions = server.receive(data, now_s=0)
        assert actions and all(action.why.text for action in actions)
