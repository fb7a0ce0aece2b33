"""DHCP, strictly: what RFC 2131 and 2132 allow comes through whole, the rest is refused by name."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.wire import dhcp, dhcp_options
from lan.wire.frame import decode

PC = "02:77:00:00:00:01"


def offer(**options: object) -> dhcp.Message:
    values = dhcp.options(type=dhcp.OFFER, server_id="10.77.0.2", **options)
    return dhcp.Message(dhcp.BOOTREPLY, 0x1234, yiaddr=IPv4Address("10.77.0.1"), chaddr=PC, options=values)


def tampered(at: int, value: int) -> bytes:
    """A good offer with one byte changed."""
    data = bytearray(dhcp.build(offer()))
    data[at] = value
    return bytes(data)


def with_options(tail: str, *, sname: str = "", file: str = "") -> bytes:
    """A message whose options field, `sname` and `file` are the given hex."""
    data = dhcp.build(offer())
    names = bytes.fromhex(sname).ljust(64, b"\0") + bytes.fromhex(file).ljust(128, b"\0")
    return data[:44] + names + data[236:240] + bytes.fromhex(tail)


def test_a_real_client_asks(captured: dict[str, bytes]) -> None:
    message = dhcp.parse(decode(captured["dhcp request, dhclient"]).payload)
    assert message.type is dhcp.REQUEST
    assert (message.chaddr, message.requested_ip, message.server_id) == (
        PC,
        IPv4Address("10.77.0.1"),
        IPv4Address("10.77.0.2"),
    )
    assert message.parameters[:3] == (1, 28, 2)
    assert message.hostname == "vm"
    assert not message.is_broadcast()


def test_a_message_has_its_options_by_name() -> None:
    message = offer(
        lease_s=3600,
        t1_s=1800,
        t2_s=3150,
        subnet_mask="255.255.255.0",
        routers=["10.77.0.2", "10.77.0.3"],
        dns_servers="10.77.0.2",
        domain_name="lan.test",
        hostname="pc1",
        message="hello",
        client_id=bytes.fromhex("01027700000001"),
        max_size=1500,
    )
    read = dhcp.parse(dhcp.build(message))
    assert read == message
    assert (read.lease_s, read.t1_s, read.t2_s, read.max_size) == (3600, 1800, 3150, 1500)
    assert read.subnet_mask == IPv4Address("255.255.255.0")
    assert read.routers == (IPv4Address("10.77.0.2"), IPv4Address("10.77.0.3"))
    assert read.dns_servers == (IPv4Address("10.77.0.2"),)
    assert (read.domain_name, read.hostname, read.message) == ("lan.test", "pc1", "hello")
    assert read.client_id == bytes.fromhex("01027700000001")


def test_a_message_without_options_has_none_of_their_values() -> None:
    message = dhcp.Message(dhcp.BOOTREQUEST, 1)
    assert (message.type, message.lease_s, message.routers, message.hostname) == (None, None, (), None)


def test_a_message_is_never_shorter_than_bootp_relays_carry() -> None:
    assert len(dhcp.build(offer())) == 300
    assert len(dhcp.build(offer(message="x" * 200))) > 300


def test_the_message_type_comes_first() -> None:
    message = dhcp.Message(dhcp.BOOTREQUEST, 1, chaddr=PC, options=dhcp.options(lease_s=1, type=dhcp.DISCOVER))
    assert dhcp.build(message)[240:243] == bytes((53, 1, 1))


@pytest.mark.parametrize("length", [255, 256, 510, 511])
def test_a_long_value_is_split_and_joined_again(length: int) -> None:
    message = offer(message="".join(chr(33 + at % 90) for at in range(length)))
    assert dhcp.parse(dhcp.build(message)) == message


ADDRESSES = st.ip_addresses(v=4).map(str)
SECONDS = st.integers(0, 2**32 - 1)
TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=255), min_size=1, max_size=600)
MESSAGES = st.builds(
    dhcp.Message,
    st.sampled_from([1, 2]),
    SECONDS,
    st.sampled_from([0, dhcp.BROADCAST]),
    *[st.ip_addresses(v=4)] * 4,
    chaddr=st.binary(min_size=6, max_size=6).map(lambda data: data.hex(":")),
    secs=st.integers(0, 65535),
    hops=st.integers(0, 255),
    sname=st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=63),
    file=st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=127),
    options=st.fixed_dictionaries(
        {"type": st.sampled_from(dhcp.MessageType)},
        optional={
            "lease_s": SECONDS,
            "server_id": ADDRESSES,
            "routers": st.lists(ADDRESSES, min_size=1, max_size=70),
            "hostname": TEXTS,
            "client_id": st.binary(min_size=2, max_size=300),
            "parameters": st.binary(min_size=1, max_size=300),
        },
    ).map(lambda values: dhcp.options(**values)),
)


@given(MESSAGES)
def test_what_is_built_is_parsed_as_it_was(message: dhcp.Message) -> None:
    assert dhcp.parse(dhcp.build(message)) == message


@given(st.binary(max_size=120))
def test_whatever_is_parsed_can_be_built_again(tail: bytes) -> None:
    try:
        message = dhcp.parse(with_options("350102" + tail.hex() + "ff"))
    except dhcp.Malformed:
        return
    assert dhcp.parse(dhcp.build(message)) == message


@given(st.binary(max_size=600))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    with pytest.raises(dhcp.Malformed):  # such bytes never have the cookie in place
        dhcp.parse(data)


# Hand-built from RFC 2131 §4.1 and RFC 3396.
OVERLOADS = [
    ("both", with_options("350102 340103 ff", file="0c03706331ff", sname="33040000000aff"), ("pc1", 10), ("", "")),
    ("file alone", with_options("350102 340101 ff", file="0c03706331ff", sname="6162"), ("pc1", None), ("ab", "")),
    ("sname alone", with_options("350102 340102 ff", file="6162", sname="33040000000aff"), (None, 10), ("", "ab")),
    ("padding inside", with_options("00 350102 00 340101 ff", file="00000c03706331ff"), ("pc1", None), ("", "")),
    ("split over both", with_options("350102 340103 ff", file="0c027063ff", sname="0c0131ff"), ("pc1", None), ("", "")),
]


@pytest.mark.parametrize(
    ("data", "values", "names"), [case[1:] for case in OVERLOADS], ids=[case[0] for case in OVERLOADS]
)
def test_options_in_sname_and_file_are_read(data: bytes, values: tuple[object, ...], names: tuple[str, str]) -> None:
    message = dhcp.parse(data)
    assert (message.hostname, message.lease_s) == values
    assert (message.sname, message.file) == names
    assert dhcp_options.OVERLOAD not in message.options


def test_what_follows_the_end_is_not_read() -> None:
    assert dhcp.parse(with_options("350102 ff 0c03706331")).hostname is None


REFUSED = [
    ("no END", with_options("350102"), "DHCP options have no END"),
    ("a code without length", with_options("350102 0c"), "DHCP option 12 (host name) runs past the options' end"),
    ("a length too long", with_options("350102 0c09 7063"), "DHCP option 12 (host name) runs past the options' end"),
    ("no type", with_options("0c0161 ff"), "no DHCP message type (option 53)"),
    ("type 9", with_options("350109 ff"), "DHCP message type 9 is unknown"),
    ("type 0", with_options("350100 ff"), "DHCP message type 0 is unknown"),
    ("type of 2 bytes", with_options("35020101 ff"), "DHCP option 53 (DHCP message type) has 2 bytes, expected 1 byte"),
    (
        "short address",
        with_options("350101 3203010203 ff"),
        "DHCP option 50 (requested address) has 3 bytes, expected 4 bytes",
    ),
    ("no router", with_options("350102 0300 ff"), "DHCP option 3 (routers) has 0 bytes, expected 4 bytes per address"),
    ("overload 4", with_options("350102 340104 ff"), "DHCP option overload is 4, expected 1, 2 or 3"),
    ("overloaded file without END", with_options("350102 340101 ff", file="0c0161"), "DHCP options have no END"),
    ("op 3", tampered(0, 3), "DHCP op 3 is neither request nor reply"),
    ("hlen 7", tampered(2, 7), "DHCP hardware address length 7 under hardware type 1"),
    ("no cookie", tampered(236, 0), "no DHCP magic cookie (99.130.83.99)"),
    ("239 bytes", dhcp.build(offer())[:239], "239 bytes, a DHCP message has at least 240"),
    ("sname not ended", with_options("350102 ff", sname="61" * 64), "DHCP sname is not ended by a zero byte"),
]


@pytest.mark.parametrize(("data", "fault"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_the_rfc_forbids_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(dhcp.Malformed) as caught:
        dhcp.parse(data)
    assert str(caught.value) == fault


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (dhcp_options.LEASE_TIME, -1),
        (dhcp_options.LEASE_TIME, 2**32),
        (dhcp_options.ROUTERS, []),
        (dhcp_options.ROUTERS, ["10.0.0"]),
        (dhcp_options.HOSTNAME, ""),
        (dhcp_options.HOSTNAME, "컴퓨터"),
        (dhcp_options.CLIENT_ID, b"\1"),
        (dhcp_options.END, b""),
        (dhcp_options.PAD, b""),
    ],
)
def test_a_value_that_does_not_fit_its_option_is_refused(code: int, value: object) -> None:
    with pytest.raises(dhcp.Malformed):
        dhcp_options.encode(code, value)


@pytest.mark.parametrize(
    ("code", "data", "words"),
    [
        (53, "05", "ACK (5)"),
        (51, "00000e10", "3600 s (1 h)"),
        (51, "000000b4", "180 s (3 min)"),
        (51, "ffffffff", "for ever"),
        (3, "0a4d00020a4d0003", "10.77.0.2, 10.77.0.3"),
        (55, "010306fa", "subnet mask, routers, DNS servers, option 250"),
        (61, "01027700000001", "02:77:00:00:00:01 (Ethernet)"),
        (12, "706331", "pc1"),
        (12, "1b5b41", "\\x1b[A"),
        (3, "0a", "0a"),
        (250, "0102", "01 02"),
    ],
)
def test_an_option_is_said_in_words(code: int, data: str, words: str) -> None:
    assert dhcp_options.words(code, bytes.fromhex(data)) == words
