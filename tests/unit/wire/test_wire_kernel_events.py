"""What kernels tell over netlink, as Linux 6.18 told it to iproute2 6.1 and nftables 1.0.6; cut anywhere: no error."""

import pytest

from lan.wire import netlink, nftables, rtnetlink_events
from lan.wire.nftables import Trace
from lan.wire.rtnetlink_events import Event, Interface, Neighbour, PolicyRule, Route, as_record, from_record

ROW = "0a000002"
EVENTS: dict[str, tuple[str, Event]] = {
    "ip neighbour add 10.0.0.2 … nud stale": (
        f"4c0000001c000000000000005a2000000200000003000000040000010800"
        f"0100{ROW}0a000200020000000002000008000400"
        "000000001400030070170000000000000000000001000000",
        Neighbour(3, "10.0.0.2", "02:00:00:00:00:02", "STALE"),
    ),
    "ip neighbour delete 10.0.0.2": (
        f"400000001d00000000000000000000000200000003000000200000010800"
        f"0100{ROW}080004000000000014000300"
        "71170000010000000100000000000000",
        Neighbour(3, "10.0.0.2", "", "FAILED", is_gone=True),
    ),
    "ip address add 10.0.0.1/24": (
        "3c00000018000006000000000000000002200000ff02fe020000000008000f00ff000000080001000a000001080007000a000001"
        "0800040003000000",
        Route(255, "local", "10.0.0.1/32", "", 3, "10.0.0.1"),
    ),
    "ip route replace default via 10.0.0.253": (
        "340000001800000190ba0a6b5f20000002000000fe0300010000000008000f00fe000000080005000a0000fd0800040003000000",
        Route(254, "unicast", "0.0.0.0/0", "10.0.0.253", 3, replaces=True),
    ),
    "ip route delete prohibit 10.8.0.0/16": (
        "2c0000001900000090ba0a6b6020000002100000fe0300080000000008000f00fe000000080001000a080000",
        Route(254, "prohibit", "10.8.0.0/16", "", 0, is_gone=True),
    ),
    "ip route add 10.7.0.0/16 nexthop … nexthop …": (
        "500000001800000690ba0a6b6b20000002100000fe0300010000000008000f00fe000000080001000a0700002400090010000000"
        "03000000080005000a0000051000000003000000080005000a000006",
        Route(254, "unicast", "10.7.0.0/16", "", 0, is_simple=False),
    ),
    "ip link set v1 up (IPv6)": (
        "740000001800000600000000000000000a400000fe0200010000000008000f00fe00000014000100fe8000000000000000000000"
        "000000000800060000010000080004000300000024000c0000000000000000000000000000000000000000000000000000000000"
        "000000000500140000000000",
        Route(254, "unicast", "fe80::/64", "", 3, metric=256),
    ),
    "ip rule add from 10.0.0.9 table 9": (
        "440000002000000090ba0a6b6420000002002000090000010000000008000f000900000008000e00ffffffff0500150000000000"
        "08000600fd7f0000080002000a000009",
        PolicyRule(2),
    ),
}
DROPPED = (
    "a8000000110a000000000000000000000100000008000f0000000002080004000000000308000600a522ba79060002006300000006000100"
    "770000000c00030000000000000000030c000500080001000000000008000a000000000106000b0003040000180008004500003c20384000"
    "40061c827f0000017f00000118000900a08c00518001cd3400000000a002ffd7fe3000001200070000000000000000000000000008000000"
)
JUMPED = (
    "ac000000110a000000000000000000000100000008000f0000000002080004000000000308000600058956050600020063000000060001"
    "00770000000c00030000000000000000041800050008000100fffffffd090002006d6f72650000000008000a000000000106000b000304"
    "0000180008004500001de4164000401158b77f0000017f0000010d000900ea6900090009fe1c780000001200070000000000000000000000"
    "000008000000"
)
BY_POLICY = (
    "44000000110a000000000000000000000100000008000f0000000002080004000000000108000600fd2c891906000200630000000600010077"
    "0000000800100000000000"
)


@pytest.mark.parametrize("command", EVENTS)
def test_an_event_is_what_the_command_did(command: str) -> None:
    told, event = EVENTS[command]
    assert list(rtnetlink_events.events(bytes.fromhex(told))) == [event]
    assert from_record(as_record(event)) == event


@pytest.mark.parametrize("command", EVENTS)
def test_an_event_that_is_cut_anywhere_is_no_error(command: str) -> None:
    whole = bytes.fromhex(EVENTS[command][0])
    for length in range(len(whole)):
        cut = whole[:length]
        assert list(rtnetlink_events.events(cut)) == []
        if length > 16:  # its header says so
            list(rtnetlink_events.events(length.to_bytes(4, "little") + cut[4:]))


def test_a_link_that_is_set_up_is_told_with_its_address() -> None:
    attributes = netlink.attribute(3, b"pc1-eth0\0") + netlink.attribute(1, bytes.fromhex("020000000007"))
    body = bytes.fromhex("000001000b0000004310010000000000") + attributes
    [link] = rtnetlink_events.events(netlink.build(rtnetlink_events.NEWLINK, 0, 0, body))
    assert link == Interface(11, "pc1-eth0", is_up=True, mac="02:00:00:00:00:07")


@pytest.mark.parametrize(
    ("tos", "more", "is_simple"), [(0, b"", True), (0x10, b"", False), (0, netlink.attribute(22, b"mpls"), False)]
)
def test_a_route_that_not_all_packets_take_as_it_stands_is_not_simple(tos: int, more: bytes, is_simple: bool) -> None:
    """``ip route add 10.7.0.0/16 tos 0x10 …``, ``… encap mpls …``"""
    body = bytes((2, 16, 0, tos, 254, 3, 0, 1, 0, 0, 0, 0)) + netlink.attribute(1, bytes((10, 7, 0, 0))) + more
    [route] = rtnetlink_events.events(netlink.build(rtnetlink_events.NEWROUTE, 0, 0, body))
    assert isinstance(route, Route) and (route.destination, route.is_simple) == ("10.7.0.0/16", is_simple)


def test_a_traced_packet_is_told_with_its_rule_and_headers() -> None:
    told = traced(DROPPED)
    assert told is not None
    assert (told.family, told.table, told.chain, told.handle, told.verdict) == ("ip", "w", "c", 3, "drop")
    assert (told.network[12:20].hex(), told.transport[:4].hex(), told.iif) == ("7f0000017f000001", "a08c0051", 1)
    jumped, policy = traced(JUMPED), traced(BY_POLICY)
    assert jumped is not None and (jumped.verdict, jumped.handle) == ("jump", 4)
    assert policy is not None and (policy.verdict, policy.by, policy.handle) == ("drop", nftables.POLICY, 0)


@pytest.mark.parametrize("told", [DROPPED, JUMPED, BY_POLICY])
def test_a_trace_that_is_cut_anywhere_is_no_error(told: str) -> None:
    [message] = netlink.messages(bytes.fromhex(told))
    for length in range(len(message.body)):
        nftables.trace(message._replace(body=message.body[:length]))


def traced(told: str) -> Trace | None:
    [message] = netlink.messages(bytes.fromhex(told))
    assert nftables.is_trace(message) and not nftables.is_change(message)
    return nftables.trace(message)
