"""lan-nslookup: words, resolv.conf, which answers count, and what is printed."""

import pytest
from dnslib import RR, DNSHeader, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from lan.errors import UsageError
from lan.services.dns.lookup import (
    Outcome,
    Request,
    Settings,
    build_query,
    candidates,
    check_answer,
    lines,
    parse,
    read_settings,
)

SERVER = "192.168.100.254"


def test_resolv_conf_is_read_and_what_is_odd_in_it_passed_over() -> None:
    text = f"# made by dhcp\nnameserver {SERVER} ; ours\nnameserver ::1\nsearch lan.test net\n"
    text += "options timeout:2 attempts:9 x\nodd\n"
    assert read_settings(text) == Settings((SERVER, "::1"), ("lan.test", "net"), 1, 2, 5)
    assert read_settings("") == Settings()
    assert len(read_settings("nameserver 1.1.1.1\n" * 9).servers) == 3


@given(st.text(max_size=100) | st.text("nameserver options:19 \n#;", max_size=100))
def test_no_resolv_conf_is_too_odd(text: str) -> None:
    assert read_settings(text).servers


@pytest.mark.parametrize(
    ("name", "ndots", "expected"),
    [
        ("web", 1, ["web.lan.test.", "web.net.", "web."]),
        ("www.a", 1, ["www.a.", "www.a.lan.test.", "www.a.net."]),
        ("www.a", 2, ["www.a.lan.test.", "www.a.net.", "www.a."]),
        ("web.", 1, ["web."]),
    ],
)
def test_a_short_name_is_tried_below_each_suffix(name: str, ndots: int, expected: list[str]) -> None:
    assert candidates(name, Settings(search=("lan.test", "net."), ndots=ndots)) == expected


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (["www.a"], Request("www.a")),
        (["www.a", SERVER, "-type=mx", "--json"], Request("www.a", SERVER, ("MX",), as_json=True)),
        (["-q=TXT", "-port=5353", "-timeout=1.5", "www.a"], Request("www.a", None, ("TXT",), 5353, 1.5)),
        (["192.168.100.253"], Request("192.168.100.253", None, ("PTR",))),
    ],
)
def test_the_words_of_a_command(arguments: list[str], request_: Request) -> None:
    assert parse(arguments) == request_


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([], "a name to look up"),
        (["a", "b", "c"], "a name to look up"),
        (["a", "-type=CNAM"], "expected  CNAME"),
        (["a", "-tipe=A"], "expected  -type"),
        (["a", "-port=0"], "-port=0"),
        (["a", "-timeout=soon"], "expected  seconds"),
    ],
)
def test_a_wrong_word_is_named(arguments: list[str], what: str) -> None:
    with pytest.raises(UsageError) as fault:
        parse(arguments)
    assert what in str(fault.value)


def test_a_name_that_can_t_be_asked_for_is_named() -> None:
    with pytest.raises(UsageError, match="is not a name"):
        build_query("a" * 64, "A", 1)


def answer(zone: str, *, number: int = 7, name: str = "www.a.test", rcode: int = 0, aa: int = 1) -> bytes:
    record = DNSRecord.question(name).reply(ra=0, aa=aa)
    record.header.id, record.header.rcode = number, rcode
    record.add_answer(*RR.fromZone(zone))
    return bytes(record.pack())


QUERY = build_query("www.a.test", "A", 7)


@pytest.mark.parametrize(
    ("data", "counts"),
    [
        (answer("www.a.test 60 A 10.0.0.2"), True),
        (answer("www.a.test 60 A 10.0.0.2", name="WWW.A.test"), True),
        (answer("", rcode=3), True),
        (answer("www.a.test 60 A 10.0.0.2", number=8), False),
        (answer("www.b.test 60 A 10.0.0.2", name="www.b.test"), False),
        (QUERY, False),
        (b"", False),
        (bytes(12), False),
        (bytes(DNSRecord(DNSHeader(id=7, qr=1, rcode=1)).pack()), True),
        (bytes(DNSRecord(DNSHeader(id=7, qr=1, rcode=0)).pack()), False),
    ],
)
def test_only_an_answer_to_what_was_asked_counts(data: bytes, counts: bool) -> None:
    assert (check_answer(QUERY, data) is not None) == counts


@given(st.binary(max_size=100))
def test_any_bytes_are_an_answer_or_none(data: bytes) -> None:
    check_answer(QUERY, data)
    check_answer(QUERY, QUERY[:2] + data)


def printed(data: bytes) -> str:
    outcome = Outcome(SERVER, "www.a.test.", "A", "udp", DNSRecord.parse(data), 1.0)
    return "\n".join(lines([outcome], 53))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (answer("www.a.test 60 A 10.0.0.2"), "Name:\twww.a.test\nAddress: 10.0.0.2"),
        (answer("www.a.test 60 A 10.0.0.2", aa=0), "Non-authoritative answer:\nName:\twww.a.test\nAddress: 10.0.0.2"),
        (answer("www.a.test 60 CNAME b.test"), "www.a.test\tcanonical name = b.test."),
        (answer("www.a.test 60 MX 10 m.test"), "www.a.test\tmail exchanger = 10 m.test."),
        (answer("", rcode=3), "** server can't find www.a.test: NXDOMAIN"),
        (answer("", rcode=5), "** server can't find www.a.test: REFUSED"),
        (answer(""), "*** Can't find www.a.test: No answer"),
    ],
)
def test_it_prints_as_nslookup_does(data: bytes, text: str) -> None:
    assert printed(data) == f"Server:\t\t{SERVER}\nAddress:\t{SERVER}#53\n\n{text}"
