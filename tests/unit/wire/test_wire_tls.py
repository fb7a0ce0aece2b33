"""TLS records: what is in the clear is read, what is encrypted is not guessed at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.wire import tls
from lan.wire.frame import decode


def read(text: str) -> tls.Tls:
    data = bytes.fromhex(text)
    return tls.read(data, 0, len(data))


def test_a_client_hello_names_the_server_and_what_is_offered(captured: dict[str, bytes]) -> None:
    packet = decode(captured["client hello"])
    assert packet.tls is not None and packet.tls.server_name == "web.lan.test"
    [record] = packet.tls.records
    assert (record.content_type, record.version, record.handshake_types) == ("handshake", "TLS 1.0", ("ClientHello",))
    assert record.hello is not None
    assert (record.hello.version, record.hello.protocols) == ("TLS 1.3", ("h2", "http/1.1"))
    assert "TLS_AES_256_GCM_SHA384" in record.hello.ciphers


def test_a_server_hello_names_the_version_and_cipher_it_chose(captured: dict[str, bytes]) -> None:
    chosen = []
    for name in ("server hello, 1.3", "server hello, 1.2"):
        packet = decode(captured[name])
        assert packet.tls is not None and packet.tls.records[0].hello is not None
        chosen.append((packet.tls.records[0].hello.version, packet.tls.records[0].hello.ciphers))
    assert chosen == [
        ("TLS 1.3", ("TLS_AES_256_GCM_SHA384",)),
        ("TLS 1.2", ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",)),
    ]


def test_after_change_cipher_spec_a_handshake_is_not_guessed_at(captured: dict[str, bytes]) -> None:
    packet = decode(captured["client key exchange"])
    assert packet.tls is not None
    assert [record.handshake_types for record in packet.tls.records] == [("ClientKeyExchange",), (), ("encrypted",)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("1503030002 0100", "TLS alert: close notify"),
        ("1503030002 0230", "TLS alert: unknown CA"),
        ("1503030013" + "7f" * 19, "TLS encrypted alert"),
        ("1703030003 010203", "TLS application data, 3 bytes"),
        ("1703034000 01", "TLS application data, 16384 bytes"),
        ("140303000101 1703030001 00", "TLS change cipher spec; application data, 1 byte"),
        ("1603030004 0e000000", "TLS ServerHelloDone"),
        ("1603030004 63000000", "TLS encrypted handshake"),
        ("1603030004 01000001", "TLS encrypted handshake"),
        ("0102", "TLS middle of a record, 2 bytes"),
        ("1703050001 00", "TLS middle of a record, 6 bytes"),
        ("1703030000", "TLS middle of a record, 5 bytes"),
    ],
)
def test_a_record_is_said_in_words(data: str, words: str) -> None:
    assert read(data).summary() == words


def test_a_damaged_hello_is_named() -> None:
    assert read("1603010008 01000004 03030000").problems == ("TLS ClientHello is damaged",)


@given(st.data())
def test_any_change_to_a_hello_can_be_looked_at(captured: dict[str, bytes], data: st.DataObject) -> None:
    payload = bytearray(decode(captured["client hello"]).payload)
    at = data.draw(st.integers(5, len(payload) - 1))
    payload[at] = data.draw(st.integers(0, 255))
    stop = data.draw(st.integers(at, len(payload)))
    assert tls.read(bytes(payload), 0, stop).summary().isprintable()


def test_values_that_are_only_sent_to_keep_servers_tolerant_are_left_out() -> None:
    # hand-built: a ClientHello with the suites 0x1a1a (RFC 8701) and 0x1301
    hello = "0303" + "00" * 32 + "00" + "0004 1a1a 1301" + "0100"
    record = f"16030100{4 + len(bytes.fromhex(hello)):02x} 010000{len(bytes.fromhex(hello)):02x} {hello}"
    [first] = read(record).records
    assert first.hello is not None and first.hello.ciphers == ("TLS_AES_128_GCM_SHA256",)
