"""The engine's pure parts: rtnetlink messages, user maps, environments, datapath ids."""

import ipaddress
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.engine import environment, idmap, settings
from lan.wire import netlink, rtnetlink
from lan.wire.rtnetlink import End, LinkState, Request


def test_a_cable_is_one_message_with_both_ends() -> None:
    request = rtnetlink.new_veth(
        End("s1-eth1", "02:00:00:00:00:01", 10_000, master=100), End("h1-eth0", "02:00:00:00:00:02", 11, netns=7)
    )
    assert (request.type, request.what) == (rtnetlink.RTM_NEWLINK, "veth s1-eth1 - h1-eth0")
    assert b"s1-eth1\0" in request.body and b"h1-eth0\0" in request.body and b"veth" in request.body
    assert struct.unpack_from("=i", request.body, 4)[0] == 10_000


def test_a_link_is_moved_renamed_and_down_in_one_message() -> None:
    """iproute2 6.1: ``ip link set index 10000 down netns … name c1a address …`` sends these attributes."""
    request = rtnetlink.move_link(10_000, 7, "c1a", "02:00:00:00:00:09")
    family, kind, index, flags, change = struct.unpack_from("=BxHiII", request.body)
    assert (family, kind, index, flags & rtnetlink.IFF_UP, change & rtnetlink.IFF_UP) == (
        0,
        0,
        10_000,
        0,
        rtnetlink.IFF_UP,
    )
    assert struct.pack("=HHI", 8, 28, 7) in request.body
    assert struct.pack("=HH", 8, 3) + b"c1a\0" in request.body
    assert request.what == "link 10000 moved to be c1a"


def test_attributes_are_padded_to_four_bytes() -> None:
    """iproute2 6.1: ``ip address add 10.0.0.1/8 dev X`` with index 11 sends these attributes."""
    request = rtnetlink.new_address(11, ipaddress.ip_interface("10.0.0.1/8"))
    assert len(request.body) % 4 == 0
    assert request.body.startswith(struct.pack("=BBBBI", 2, 8, 0, 0, 11))
    assert bytes([10, 255, 255, 255]) in request.body


@given(st.lists(st.binary(max_size=600), min_size=1, max_size=60))
def test_batches_hold_every_request_once_in_order_and_ask_once_each(bodies: list[bytes]) -> None:
    requests = [Request(rtnetlink.RTM_NEWLINK, 0, body + b"\0" * (-len(body) % 4), "x") for body in bodies]
    seen, asked = [], 0
    for datagram, last in rtnetlink.batch(requests, 1, max_bytes=2_000):
        at = 0
        while at < len(datagram):
            length, _, flags, seq, _ = struct.unpack_from("=IHHII", datagram, at)
            seen.append((seq, datagram[at + 16 : at + length]))
            asked += bool(flags & netlink.NLM_F_ACK)
            assert bool(flags & netlink.NLM_F_ACK) == (seq == last)
            at += length
    assert seen == [(number, request.body) for number, request in enumerate(requests, 1)]
    assert asked >= 1


@given(st.binary(max_size=400))
def test_any_bytes_can_be_read_as_acks(data: bytes) -> None:
    for seq, code in rtnetlink.parse_acks(data):
        assert isinstance(seq, int) and isinstance(code, int)


@given(st.binary(max_size=400))
def test_any_bytes_can_be_read_as_links(data: bytes) -> None:
    for state in rtnetlink.link_states(data):
        assert isinstance(state.index, int)


@pytest.mark.parametrize(
    ("carrier", "state", "carries"), [(1, 0, False), (1, 2, False), (1, 3, False), (1, 6, True), (0, 6, False)]
)
def test_a_link_carries_frames_with_a_carrier_and_the_state_up(carrier: int, state: int, carries: bool) -> None:
    """What the kernel sends to the group of links about a veth, other attributes left out."""
    flags = rtnetlink.IFF_UP | 0x1042 | carrier << 16
    body = struct.pack("=BxHiII", 0, 1, 11, flags, 0) + netlink.attribute(16, bytes([state]))
    body += netlink.attribute(13, struct.pack("=I", 1000))
    message = struct.pack("=IHHII", 16 + len(body), rtnetlink.RTM_NEWLINK, 0, 0, 0) + body
    assert list(rtnetlink.link_states(message + message[:20])) == [LinkState(11, True, bool(carrier), carries, 1000)]


def test_an_error_is_told_by_number_and_words() -> None:
    message = struct.pack("=IHHII", 36, netlink.NLMSG_ERROR, 0, 7, 0) + struct.pack("=i", -17) + bytes(16)
    assert list(rtnetlink.parse_acks(message)) == [(7, 17)]
    assert rtnetlink.explain(17) == "File exists (EEXIST)"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("root:0:1\n1001:100000:65536\n", (100000, 65536)),
        ("1001:5:3\n1001:100000:65536\n", (100000, 65536)),
        ("somebody:100000:65536\n", None),
        ("1001:x:65536\nbroken line\n\n", None),
        ("", None),
    ],
)
def test_the_largest_range_of_the_user_is_taken(text: str, found: tuple[int, int] | None, tmp_path: Path) -> None:
    file = tmp_path / "subuid"
    file.write_text(text)
    assert idmap.subordinate_range(file, 1001) == found


def test_a_missing_subuid_file_is_no_range(tmp_path: Path) -> None:
    assert idmap.subordinate_range(tmp_path / "none", 1001) is None


def test_a_device_sees_terminal_and_language_of_the_caller_and_nothing_else() -> None:
    caller = {"TERM": "xterm", "LC_ALL": "C", "http_proxy": "http://x", "PYTHONPATH": "/y", "HOME": "/h"}
    found = environment.of_device("pc1", environment.terminal_of(caller), {"EXTRA": "1"})
    assert (found["TERM"], found["LC_ALL"], found["HOME"], found["EXTRA"]) == ("xterm", "C", "/root", "1")
    assert not {"http_proxy", "PYTHONPATH", "LD_PRELOAD"} & set(found)
    assert found["SSL_CERT_FILE"] == found["CURL_CA_BUNDLE"] == found["REQUESTS_CA_BUNDLE"]


def test_a_setting_with_a_dot_in_an_interface_name_finds_its_file() -> None:
    assert str(settings.path_of("net.ipv4.conf.eth0/1.rp_filter")) == "/proc/sys/net/ipv4/conf/eth0.1/rp_filter"
