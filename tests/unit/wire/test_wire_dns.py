"""DNS messages are shown as they are, and names can't lead a reader in circles."""

import dnslib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.wire import dns, dns_names
from lan.wire.frame import decode
from lan.wire.malformed import Malformed

HEAD = "1234 8180 0001 0001 0000 0000"
QUESTION = "03777777036c616e047465737400 0001 0001"  # www.lan.test A IN


def message(*parts: str) -> dns.Dns:
    data = bytes.fromhex("".join(parts))
    return dns.read(data, 0, len(data))


def answer(kind: int, data: str) -> str:
    length = len(bytes.fromhex(data))
    return f"c00c {kind:04x} 0001 0000012c {length:04x} {data}"


# Hand-built from RFC 1035, 2782, 3596, 9460.
RECORDS = [
    (1, "c0a864fd", "A", "192.168.100.253"),
    (28, "fe80" + "00" * 13 + "02", "AAAA", "fe80::2"),
    (2, "c010", "NS", "lan.test"),
    (5, "036d6169c010", "CNAME", "mai.lan.test"),
    (12, "00", "PTR", "."),
    (15, "000a 046d61696cc010", "MX", "10 mail.lan.test"),
    (16, "036f6e65 07 74776f20227822", "TXT", '"one" "two \\"x\\""'),
    (16, "01 1b", "TXT", '"\\x1b"'),
    (33, "0001 0002 0050 c010", "SRV", "1 2 80 lan.test"),
    (6, "c010 c00c 00000001 00000002 00000003 00000004 00000005", "SOA", "lan.test www.lan.test 1 2 3 4 5"),
    (65, "0001 00 0001 0003 026832", "HTTPS", '1 . alpn="h2"'),
    (999, "0102", "TYPE999", "\\# 2 0102"),
]


@pytest.mark.parametrize(("kind", "data", "name", "text"), RECORDS, ids=lambda value: str(value)[:12])
def test_a_record_is_said_as_a_zone_file_says_it(kind: int, data: str, name: str, text: str) -> None:
    read = message(HEAD, QUESTION, answer(kind, data))
    assert read.problems == ()
    assert read.questions == (("www.lan.test", "A", "IN"),)
    assert read.answers == (dns.Record("www.lan.test", name, 300, text),)


def test_a_text_record_shows_its_strings_apart(captured: dict[str, bytes]) -> None:
    packet = decode(captured["dns text"])
    assert packet.dns is not None
    assert packet.dns.answers[0].data == '"one" "two three"'


DAMAGED = [
    ("a pointer to itself", f"{HEAD} c00c 0001 0001", "DNS message: a DNS name pointer leads to 12, not back"),
    ("a pointer ahead", f"{HEAD} c020 0001 0001", "DNS message: a DNS name pointer leads to 32, not back"),
    ("two pointers in a ring", f"{HEAD} 0161 c00c 0001 0001", "DNS message: a DNS name pointer leads to 12, not back"),
    (
        "a label of a type unknown",
        f"{HEAD} 4161 00 0001 0001",
        "DNS message: a DNS label of type 1, only labels and pointers exist",
    ),
    ("a label too long", f"{HEAD} 2061", "DNS message: a DNS label runs past the message"),
    ("no end of name", f"{HEAD} 0161", "DNS message: a DNS name runs past the message"),
    ("half a pointer", f"{HEAD} c0", "DNS message: a DNS name pointer runs past the message"),
    ("half a question", f"{HEAD} 00 0001", "DNS message: a question runs past the message"),
    ("no answer", f"{HEAD} {QUESTION}", "DNS message: a DNS name runs past the message"),
    ("half a record", f"{HEAD} {QUESTION} c00c 0001 0001", "DNS message: a record runs past the message"),
    (
        "data too long",
        f"{HEAD} {QUESTION} c00c 0001 0001 00000001 0005 01020304",
        "DNS message: a record of type A says 5 bytes of data, 4 are here",
    ),
    (
        "an address of 3 bytes",
        f"{HEAD} {QUESTION} {answer(1, '010203')}",
        "DNS A record of www.lan.test: 3 bytes of data, expected 4",
    ),
    (
        "a byte too many",
        f"{HEAD} {QUESTION} {answer(1, '01020304')} 00",
        "DNS message is followed by 1 byte it does not announce",
    ),
    (
        "a name of 256 bytes",
        HEAD + ("3f" + "61" * 63) * 4 + "00 0001 0001",
        "DNS message: a DNS name of more than 255 bytes",
    ),
]


@pytest.mark.parametrize(("data", "problem"), [case[1:] for case in DAMAGED], ids=[case[0] for case in DAMAGED])
def test_damage_is_named_and_what_stands_before_it_is_kept(data: str, problem: str) -> None:
    read = message(data)
    assert read.problems == (problem,)
    assert read.id == 0x1234


LABELS = st.binary(min_size=1, max_size=63)


@given(st.lists(LABELS, max_size=4))
def test_a_name_reads_back_from_its_labels(labels: list[bytes]) -> None:
    data = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    if len(data) > 255:
        with pytest.raises(Malformed):
            dns_names.read_name(data, 0, 0, len(data))
        return
    text, after = dns_names.read_name(data, 0, 0, len(data))
    assert after == len(data)
    assert text == (".".join(map(dns_names.label_text, labels)) or ".")
    assert text.isprintable() and text.isascii()


ZONE = """
www.lan.test 60 CNAME web.lan.test
web.lan.test 300 A 192.168.100.253
web.lan.test 300 AAAA fe80::253
lan.test 300 NS ns.lan.test
lan.test 300 MX 10 mail.lan.test
"""


def test_a_compressed_message_of_dnslib_is_read_as_it_was_meant() -> None:
    reply = dnslib.DNSRecord.question("www.lan.test").reply()
    reply.add_answer(*dnslib.RR.fromZone(ZONE))
    data = reply.pack()
    read = dns.read(data, 0, len(data))
    assert read.problems == ()
    assert [f"{each.name} {each.ttl_s} {each.type} {each.data}" for each in read.answers] == ZONE.strip().splitlines()


def test_the_bytes_of_each_record_lie_one_behind_the_other(captured: dict[str, bytes]) -> None:
    read = decode(captured["dns answer"]).dns
    assert read is not None
    records = [*read.answers, *read.authorities, *read.additionals]
    assert [each.start for each in records] == [read.question_ends[-1], *(each.end for each in records[:-1])]
    assert records[-1].end == len(captured["dns answer"])


def test_over_tcp_the_length_comes_first(captured: dict[str, bytes]) -> None:
    packet = decode(captured["dns over tcp"])
    assert packet.dns is not None and packet.dns.over_tcp
    assert packet.layers[-1].fields[0].text == "75 bytes"
    assert packet.dns.answers[-1].data == "10.77.0.2"


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        ("8183", "NXDOMAIN (no such name)"),
        ("8182", "SERVFAIL (the server failed)"),
        ("8385", "REFUSED (the server refuses)"),
        ("8380", "truncated, ask again over TCP"),
        ("8180", "no such record"),
    ],
)
def test_an_answer_without_records_says_why(bits: str, words: str) -> None:
    assert message(f"1234 {bits} 0001 0000 0000 0000", QUESTION).summary() == f"DNS A www.lan.test → {words} id=0x1234"
