"""The DHCP client as a dialogue: what it sends in each state, when, and why."""

import random
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.dhcp.binding import Binding, binding_from_json, binding_of
from lan.services.dhcp.client import (
    EVERYONE,
    MOVES,
    Action,
    Client,
    Configure,
    Deconfigure,
    Event,
    Ignore,
    Probe,
    Send,
    State,
)
from lan.wire import dhcp
from lan.wire.dhcp import ACK, DECLINE, DISCOVER, NAK, OFFER, RELEASE, REQUEST, Message, MessageType

MAC = "02:00:00:00:00:01"
SERVER, OTHER, MINE = (IPv4Address(f"192.168.100.{n}") for n in (252, 253, 1))
MASK = IPv4Address("255.255.255.0")
OLD = Binding(IPv4Interface("192.168.100.1/24"), SERVER, (), (), None, 1000, 0, 500, 875, 1000)


def client(*, previous: Binding | None = None, probe_s: float = 0, middle: float = 0.5) -> Client:
    """A client for which chance always falls in the middle: no jitter."""
    return Client(MAC, chance=lambda: middle, hostname="pc1", previous=previous, probe_s=probe_s)


def sent(actions: list[Action]) -> Message:
    """The one message among the actions."""
    [send] = [action for action in actions if isinstance(action, Send)]
    return dhcp.parse(send.message)


def answer(
    kind: MessageType, to: Message, *, server: IPv4Address = SERVER, address: IPv4Address = MINE, **values: object
) -> bytes:
    if kind != NAK:
        values = {"lease_s": 1000, "subnet_mask": MASK, "routers": (OTHER,), "dns_servers": (SERVER,), **values}
    else:
        address = dhcp.ANY
    options = dhcp.options(type=kind, server_id=server, **values)
    return dhcp.build(Message(dhcp.BOOTREPLY, to.xid, yiaddr=address, chaddr=to.chaddr, options=options))


def bind(subject: Client, *, now_s: float = 0, **values: object) -> list[Action]:
    """The whole exchange; what the ACK causes."""
    discover = sent(subject.start(now_s=now_s))
    request = sent(subject.receive(answer(OFFER, discover), now_s=now_s))
    return subject.receive(answer(ACK, request, **values), now_s=now_s)


def test_four_messages_lead_to_an_address() -> None:
    subject = client()
    [send] = subject.start(now_s=5)
    assert isinstance(send, Send) and (send.to, send.type) == (EVERYONE, "DISCOVER")
    discover = sent([send])
    assert (discover.type, discover.op, discover.chaddr, discover.hostname) == (DISCOVER, dhcp.BOOTREQUEST, MAC, "pc1")
    assert discover.parameters == (1, 3, 6, 15, 28)
    assert (discover.flags, discover.ciaddr, discover.client_id) == (0, dhcp.ANY, b"\x01\x02\0\0\0\0\x01")
    request = sent(subject.receive(answer(OFFER, discover), now_s=6))
    assert (request.type, request.server_id, request.requested_ip, request.ciaddr) == (REQUEST, SERVER, MINE, dhcp.ANY)
    assert (request.xid, request.secs) == (discover.xid, discover.secs)
    [configure] = subject.receive(answer(ACK, request, domain_name="lan.test"), now_s=7)
    assert isinstance(configure, Configure) and configure.why.text == "the server keeps its offer"
    assert configure.binding == Binding(
        IPv4Interface("192.168.100.1/24"), SERVER, (OTHER,), (SERVER,), "lan.test", 1000, 6, 506, 881, 1006
    )
    assert subject.state is State.BOUND


@pytest.mark.parametrize(("chance", "jitter_s"), [(0.0, -1), (0.5, 0), (0.75, 0.5)])
def test_a_discover_is_repeated_after_4_8_16_32_64_64_seconds_and_chance(chance: float, jitter_s: float) -> None:
    subject = client(middle=chance)
    messages, now_s = [sent(subject.start(now_s=0))], 0.0
    for delay_s in (4, 8, 16, 32, 64, 64):
        assert subject.deadline_s() == now_s + delay_s + jitter_s
        assert subject.wake(now_s=now_s + delay_s + jitter_s - 0.01) == []
        now_s += delay_s + jitter_s
        messages.append(sent(subject.wake(now_s=now_s)))
    assert {message.type for message in messages} == {DISCOVER}
    assert len({message.xid for message in messages}) == 1
    assert messages[1].secs == int(4 + jitter_s)


def test_a_request_is_repeated_three_times_and_then_all_begins_anew() -> None:
    subject = client()
    discover = sent(subject.start(now_s=0))
    subject.receive(answer(OFFER, discover), now_s=0)
    types = []
    while len(types) < 4:
        deadline_s = subject.deadline_s()
        assert deadline_s is not None
        types.append(sent(subject.wake(now_s=deadline_s)).type)
    assert types == [REQUEST, REQUEST, REQUEST, DISCOVER]
    assert deadline_s == 4 + 8 + 16 + 32


@pytest.mark.parametrize(
    "change",
    [{"xid": 1}, {"chaddr": "02:00:00:00:00:02"}, {"op": dhcp.BOOTREQUEST}, {"yiaddr": dhcp.ANY}],
    ids=["another transaction", "another client", "a client's", "no address"],
)
def test_an_offer_that_is_not_for_it_is_ignored(change: dict[str, object]) -> None:
    subject = client()
    offer = dhcp.parse(answer(OFFER, sent(subject.start(now_s=0))))
    [ignored] = subject.receive(dhcp.build(replace(offer, **change)), now_s=0)  # type: ignore[arg-type]
    assert isinstance(ignored, Ignore) and subject.state is State.SELECTING


def test_an_ack_counts_only_from_the_chosen_server() -> None:
    subject = client()
    request = sent(subject.receive(answer(OFFER, sent(subject.start(now_s=0))), now_s=0))
    [ignored] = subject.receive(answer(ACK, request, server=OTHER), now_s=0)
    assert isinstance(ignored, Ignore) and ignored.why.text == "an answer from a server that was not chosen"
    assert subject.receive(answer(NAK, request, server=OTHER), now_s=0)[0].__class__ is Ignore
    assert subject.state is State.REQUESTING


def test_a_server_that_refuses_its_own_offer_is_not_asked_again_at_once() -> None:
    subject = client()
    request = sent(subject.receive(answer(OFFER, sent(subject.start(now_s=0))), now_s=0))
    [said] = subject.receive(answer(NAK, request), now_s=0)
    assert isinstance(said, Ignore) and subject.deadline_s() == 10.5
    assert sent(subject.wake(now_s=10.5)).type == DISCOVER


def test_it_renews_at_t1_from_its_server_and_at_t2_from_anyone() -> None:
    subject = client()
    bind(subject)
    assert subject.deadline_s() == 500
    [renewal] = subject.wake(now_s=500)
    assert isinstance(renewal, Send) and renewal.to == SERVER
    message = sent([renewal])
    assert (message.type, message.ciaddr, message.server_id, message.requested_ip) == (REQUEST, MINE, None, None)
    assert subject.deadline_s() == 500 + 375 / 2
    assert sent(subject.wake(now_s=688)).xid == message.xid
    [rebinding] = subject.wake(now_s=875)
    assert isinstance(rebinding, Send) and rebinding.to == EVERYONE
    assert (sent([rebinding]).ciaddr, subject.state) == (MINE, State.REBINDING)
    [configure] = subject.receive(answer(ACK, message, server=OTHER), now_s=876)
    assert isinstance(configure, Configure) and configure.binding.until_s == 1875
    assert (configure.before and configure.before.until_s, configure.binding.server) == (1000, OTHER)


def test_a_lease_that_nobody_extends_is_given_up_and_a_new_one_sought() -> None:
    subject = client()
    bind(subject)
    subject.wake(now_s=500)
    subject.wake(now_s=875)
    lost, again = subject.wake(now_s=1000)
    assert isinstance(lost, Deconfigure) and (lost.binding.ip, lost.why.text) == (MINE, "the lease ran out")
    assert sent([again]).type == DISCOVER and subject.binding is None


def test_a_machine_that_slept_through_its_lease_does_not_use_it() -> None:
    subject = client()
    bind(subject)
    lost, again = subject.wake(now_s=5000)
    assert isinstance(lost, Deconfigure) and sent([again]).type == DISCOVER


def test_a_renewal_that_is_refused_takes_the_address_off() -> None:
    subject = client()
    bind(subject)
    lost, again = subject.receive(answer(NAK, sent(subject.renew(now_s=100))), now_s=100)
    assert isinstance(lost, Deconfigure) and sent([again]).type == DISCOVER


def test_a_lease_for_ever_has_no_timers() -> None:
    subject = client()
    bind(subject, lease_s=0xFFFFFFFF)
    assert subject.deadline_s() is None


def test_a_remembered_address_is_asked_for_without_a_server() -> None:
    subject = client(previous=OLD)
    request = sent(subject.start(now_s=600))
    assert (request.type, request.requested_ip, request.server_id, request.ciaddr) == (REQUEST, MINE, None, dhcp.ANY)
    [configure] = subject.receive(answer(ACK, request), now_s=600)
    assert isinstance(configure, Configure) and configure.why.source == "RFC 2131 §4.4.2"


def test_a_remembered_address_that_is_refused_is_taken_off() -> None:
    subject = client(previous=OLD)
    lost, again = subject.receive(answer(NAK, sent(subject.start(now_s=600))), now_s=600)
    assert isinstance(lost, Deconfigure) and lost.binding == OLD
    assert sent([again]).type == DISCOVER


def test_a_remembered_address_that_nobody_knows_is_forgotten_after_two_questions() -> None:
    subject = client(previous=OLD)
    subject.start(now_s=0)
    assert sent(subject.wake(now_s=4)).type == REQUEST
    _lost, again = subject.wake(now_s=12)
    assert sent([again]).type == DISCOVER


def test_a_remembered_lease_that_is_over_is_not_asked_for() -> None:
    assert sent(client(previous=OLD).start(now_s=1000)).type == DISCOVER


def test_a_probed_address_is_used_when_nobody_answers() -> None:
    subject = client(probe_s=0.2)
    [probe] = bind(subject, now_s=1)
    assert isinstance(probe, Probe) and probe.ip == MINE
    assert subject.deadline_s() == 1.2
    [configure] = subject.wake(now_s=1.2)
    assert isinstance(configure, Configure) and configure.why.text == "nobody else has the address"


def test_an_address_that_somebody_has_is_declined_and_ten_seconds_later_another_sought() -> None:
    subject = client(probe_s=0.2)
    bind(subject)
    [send] = subject.conflict(now_s=0.1, mac="02:00:00:00:00:09")
    decline = sent([send])
    assert (decline.type, decline.requested_ip, decline.server_id) == (DECLINE, MINE, SERVER)
    assert send.why.facts == (("mac", "02:00:00:00:00:09"),)
    assert subject.deadline_s() == 10.1
    assert sent(subject.wake(now_s=10.1)).type == DISCOVER


def test_a_release_says_so_before_the_address_goes() -> None:
    subject = client()
    bind(subject)
    send, gone = subject.release(now_s=100)
    assert isinstance(send, Send) and (send.to, send.source) == (SERVER, MINE)
    release = sent([send])
    assert (release.type, release.ciaddr, release.server_id, release.hostname) == (RELEASE, MINE, SERVER, None)
    assert isinstance(gone, Deconfigure) and subject.deadline_s() is None
    assert subject.release(now_s=101) == []


@pytest.mark.parametrize(
    ("t1_s", "t2_s", "expected"),
    [(100, 200, (100, 200)), (None, None, (500, 875)), (900, 800, (500, 875)), (100, 1000, (500, 875))],
)
def test_t1_and_t2_are_the_servers_if_they_make_sense(
    t1_s: int | None, t2_s: int | None, expected: tuple[float, float]
) -> None:
    message = Message(dhcp.BOOTREPLY, 1, yiaddr=MINE)
    options = dhcp.options(type=ACK, server_id=SERVER, lease_s=1000, t1_s=t1_s, t2_s=t2_s)
    binding = binding_of(replace(message, options=options), 0)
    assert binding and (binding.renew_s, binding.rebind_s) == expected


@pytest.mark.parametrize("domain", ["lan.test\nnameserver 6.6.6.6", "a b", ""])
def test_a_domain_that_would_add_lines_to_resolv_conf_is_not_taken(domain: str) -> None:
    ack = dhcp.parse(answer(ACK, Message(1, 1, chaddr=MAC)))
    ack = replace(ack, options=ack.options | {15: domain.encode() or b"\0"})
    binding = binding_of(ack, 0)
    assert binding and binding.domain is None


def test_a_binding_is_the_same_after_json() -> None:
    assert binding_from_json(OLD.as_json()) == OLD


def test_every_state_can_be_reached_and_left() -> None:
    begin = {State.INIT, State.INIT_REBOOT}
    assert {move.to for move in MOVES.values()} | begin == set(State)
    assert {state for state, _ in MOVES} == set(State)


FRAMES = st.one_of(
    st.binary(max_size=400),
    st.tuples(
        st.sampled_from([OFFER, ACK, NAK]),
        st.sampled_from([SERVER, OTHER]),
        st.sampled_from([MINE, OTHER, dhcp.ANY, EVERYONE]),
        st.dictionaries(st.sampled_from([1, 3, 6, 12, 15, 51, 54, 58, 59]), st.binary(max_size=8), max_size=4),
    ),
    st.sampled_from([*Event]),
)


@given(st.lists(FRAMES, max_size=12), st.integers(), st.booleans(), st.sampled_from([0, 0.2]))
def test_nothing_makes_the_client_raise(frames: list[object], seed: int, again: bool, probe_s: float) -> None:
    chance, now_s = random.Random(seed).random, 0.0
    subject = Client(MAC, chance=chance, previous=OLD if again else None, probe_s=probe_s)
    last = sent(subject.start(now_s=now_s))
    for frame in frames:
        actions: list[Action]
        if isinstance(frame, bytes):
            actions = subject.receive(frame, now_s=now_s)
        elif isinstance(frame, Event):
            now_s = max(now_s, subject.deadline_s() or 0)
            actions = subject.conflict(now_s=now_s, mac=MAC) if frame is Event.CONFLICT else subject.wake(now_s=now_s)
        else:
            kind, server, address, extra = frame  # type: ignore[misc]
            message = dhcp.parse(answer(kind, last, server=server))
            raw = dhcp.Message(
                dhcp.BOOTREPLY, last.xid, yiaddr=address, chaddr=MAC, options={**message.options, **extra}
            )
            try:
                data = dhcp.build(raw)
            except dhcp.Malformed:
                continue
            actions = subject.receive(data, now_s=now_s)
        messages = [action for action in actions if isinstance(action, Send)]
        last = dhcp.parse(messages[-1].message) if messages else last
        assert all(action.why.text for action in actions)
        assert (subject.deadline_s() or now_s) >= now_s
