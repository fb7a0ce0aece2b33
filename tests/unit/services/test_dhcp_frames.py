"""The frames that go by the DHCP shells' raw sockets: what is taken for a datagram, and what is not."""

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from lan.services.dhcp.sockets import udp_frame, udp_payload

PC1, SERVER = "02:00:00:00:00:01", "02:00:00:00:00:fc"
ADDRESSES = IPv4Address("192.168.100.252"), IPv4Address("192.168.100.1")
FRAME = udp_frame((SERVER, PC1), ADDRESSES, (67, 68), b"an offer")


def changed(at: int, value: int) -> bytes:
    return FRAME[:at] + bytes((value,)) + FRAME[at + 1 :]


def test_a_frame_gives_back_its_sender_and_payload_padding_left_out() -> None:
    assert udp_payload(FRAME, 68) == (SERVER, b"an offer")
    assert udp_payload(FRAME + bytes(18), 68) == (SERVER, b"an offer")


def test_a_checksum_left_to_the_card_is_no_fault_and_a_wrong_one_is() -> None:
    pseudo = sum(int.from_bytes(FRAME[at : at + 2], "big") for at in range(26, 34, 2)) + 17 + 16
    unfinished = FRAME[:40] + ((pseudo & 0xFFFF) + (pseudo >> 16)).to_bytes(2, "big") + FRAME[42:]
    assert udp_payload(unfinished, 68) == (SERVER, b"an offer")
    assert udp_payload(changed(41, FRAME[41] ^ 1), 68) is None


def test_what_is_no_whole_datagram_to_that_port_is_left() -> None:
    assert udp_payload(FRAME, 67) is None
    assert udp_payload(FRAME[:-1], 68) is None
    assert udp_payload(changed(13, 6), 68) is None              # ethertype
    assert udp_payload(changed(23, 6), 68) is None              # protocol
    assert udp_payload(changed(20, 0x20), 68) is None           # a fragment
    assert udp_payload(changed(39, 7), 68) is None              # UDP length


@given(st.binary(max_size=80), st.integers(0, len(FRAME)))
def test_no_bytes_raise(data: bytes, cut: int) -> None:
    udp_payload(data, 68)
    udp_payload(FRAME[:cut] + data, 68)
