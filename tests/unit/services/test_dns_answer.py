"""Answers: RFC 1034 §4.3.2 step by step, negative ones, EDNS, and what is no query at all."""

import json
import struct

import pytest
from dnslib import EDNS0, QTYPE, RCODE, DNSHeader, DNSLabel, DNSQuestion, DNSRecord, EDNSOption
from hypothesis import given
from hypothesis import strategies as st

from lan.services.dns.answer import Answer, Responder
from lan.services.dns.cache import LONGEST_QUERY_BYTES, AnswerCache, weight_bytes
from lan.services.dns.stream import Stream, framed
from lan.services.dns.zone_file import parse

ZONE = {
    "lan.test": {"SOA": "ns.lan.test admin.lan.test 1 3600 600 604800 60", "A": "10.0.0.1", "MX": "10 www.lan.test"},
    "www.lan.test": {"A": "10.0.0.2", "AAAA": "fd00::2"},
    "a.deep.lan.test": "10.0.0.3",
    "old.lan.test": {"CNAME": "older.lan.test"},
    "older.lan.test": {"CNAME": "www.lan.test"},
    "out.lan.test": {"CNAME": "www.example.com"},
    "dangling.lan.test": {"CNAME": "nowhere.lan.test"},
    "one.lan.test": {"CNAME": "two.lan.test"},
    "two.lan.test": {"CNAME": "one.lan.test"},
    "*.wild.lan.test": {"A": "10.0.0.9", "TXT": "wild"},
    "known.wild.lan.test": {"TXT": "known"},
    "*.alias.lan.test": {"CNAME": "www.lan.test"},
    "sub.lan.test": {"NS": ["ns.sub.lan.test", "ns.example.com"]},
    "ns.sub.lan.test": "10.0.0.5",
    "big.lan.test": {"TXT": ["x" * 200 + str(number) for number in range(10)]},
    "other.net": "10.1.0.1",
}


@pytest.fixture(scope="module")
def responder() -> Responder:
    return Responder(parse(json.dumps(ZONE), where="zone.json"))


def query(name: str, kind: str = "A", *, opt: EDNS0 | None = None, number: int = 7, dns_class: int = 1) -> bytes:
    header, question = DNSHeader(id=number, bitmap=0x0100), DNSQuestion(DNSLabel(name), getattr(QTYPE, kind), dns_class)
    return bytes(DNSRecord(header, [question], ar=[opt] if opt else []).pack())


def read(answer: Answer) -> DNSRecord:
    assert answer.data is not None
    return DNSRecord.parse(answer.data)


def shown(records: list[object]) -> list[str]:
    return [" ".join(str(record).split()) for record in records]


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "authoritative", "answers", "why"),
    [
        ("www.lan.test", "A", "NOERROR", 1, ["www.lan.test. 300 IN A 10.0.0.2"], "from the zone"),
        ("www.lan.test", "AAAA", "NOERROR", 1, ["www.lan.test. 300 IN AAAA fd00::2"], "from the zone"),
        ("WWW.Lan.tesT", "A", "NOERROR", 1, ["WWW.Lan.tesT. 300 IN A 10.0.0.2"], "from the zone"),
        ("lan.test", "NS", "NOERROR", 1, ["lan.test. 300 IN NS ns.lan.test."], "from the zone"),
        ("other.net", "A", "NOERROR", 1, ["other.net. 300 IN A 10.1.0.1"], "from the zone"),
        ("www.lan.test", "TXT", "NOERROR", 1, [], "the name exists, without this type"),
        ("deep.lan.test", "A", "NOERROR", 1, [], "the name exists, without this type"),
        ("wild.lan.test", "A", "NOERROR", 1, [], "the name exists, without this type"),
        ("nope.lan.test", "A", "NXDOMAIN", 1, [], "no such name in the zone"),
        ("x.www.lan.test", "A", "NXDOMAIN", 1, [], "no such name in the zone"),
        ("www.example.com", "A", "REFUSED", 0, [], "outside our zones"),
        ("test", "A", "REFUSED", 0, [], "outside our zones"),
        (".", "NS", "REFUSED", 0, [], "outside our zones"),
        (
            "old.lan.test",
            "A",
            "NOERROR",
            1,
            [
                "old.lan.test. 300 IN CNAME older.lan.test.",
                "older.lan.test. 300 IN CNAME www.lan.test.",
                "www.lan.test. 300 IN A 10.0.0.2",
            ],
            "from the zone",
        ),
        ("old.lan.test", "CNAME", "NOERROR", 1, ["old.lan.test. 300 IN CNAME older.lan.test."], "from the zone"),
        (
            "out.lan.test",
            "A",
            "NOERROR",
            1,
            ["out.lan.test. 300 IN CNAME www.example.com."],
            "the alias leads out of our zones",
        ),
        (
            "dangling.lan.test",
            "A",
            "NXDOMAIN",
            1,
            ["dangling.lan.test. 300 IN CNAME nowhere.lan.test."],
            "no such name in the zone",
        ),
        (
            "one.lan.test",
            "A",
            "NOERROR",
            1,
            ["one.lan.test. 300 IN CNAME two.lan.test.", "two.lan.test. 300 IN CNAME one.lan.test."],
            "aliases in a loop",
        ),
        ("x.wild.lan.test", "A", "NOERROR", 1, ["x.wild.lan.test. 300 IN A 10.0.0.9"], "made from a wildcard"),
        ("x.y.wild.lan.test", "A", "NOERROR", 1, ["x.y.wild.lan.test. 300 IN A 10.0.0.9"], "made from a wildcard"),
        ("x.wild.lan.test", "MX", "NOERROR", 1, [], "the name exists, without this type"),
        ("known.wild.lan.test", "A", "NOERROR", 1, [], "the name exists, without this type"),
        ("x.known.wild.lan.test", "A", "NXDOMAIN", 1, [], "no such name in the zone"),
        ("*.wild.lan.test", "A", "NOERROR", 1, ["*.wild.lan.test. 300 IN A 10.0.0.9"], "from the zone"),
        (
            "x.alias.lan.test",
            "A",
            "NOERROR",
            1,
            ["x.alias.lan.test. 300 IN CNAME www.lan.test.", "www.lan.test. 300 IN A 10.0.0.2"],
            "from the zone",
        ),
        ("www.lan.test", "ANY", "NOERROR", 1, ["www.lan.test. 300 IN A 10.0.0.2"], "one set of records for ANY"),
        ("deep.lan.test", "ANY", "NOERROR", 1, [], "the name exists, without this type"),
        ("www.lan.test", "AXFR", "REFUSED", 0, [], "not a type of data"),
    ],
)
def test_the_answer_to_a_question_and_why(
    responder: Responder, name: str, kind: str, rcode: str, authoritative: int, answers: list[str], why: str
) -> None:
    answer = responder.answer(query(name, kind))
    message = read(answer)
    assert (RCODE.get(message.header.rcode), message.header.aa) == (rcode, authoritative)
    assert (shown(message.rr), answer.why.text) == (answers, why)
    assert (message.header.id, message.header.qr, message.header.rd, message.header.ra) == (7, 1, 1, 0)
    assert str(message.q.qname) == str(DNSLabel(name))


@pytest.mark.parametrize("name", ["nope.lan.test", "www.lan.test", "deep.lan.test", "dangling.lan.test"])
def test_a_no_says_how_long_it_may_be_kept(responder: Responder, name: str) -> None:
    [soa] = read(responder.answer(query(name, "TXT"))).auth
    assert (str(soa.rname), soa.rtype, soa.ttl) == ("lan.test.", QTYPE.SOA, 60)


@pytest.mark.parametrize("name", ["sub.lan.test", "www.sub.lan.test", "ns.sub.lan.test"])
def test_what_was_given_away_is_referred_to_with_the_addresses_on_hand(responder: Responder, name: str) -> None:
    answer = responder.answer(query(name))
    message = read(answer)
    assert (message.header.aa, message.rr, answer.why.text) == (0, [], "delegated")
    assert sorted(str(record.rdata) for record in message.auth) == ["ns.example.com.", "ns.sub.lan.test."]
    assert shown(message.ar) == ["ns.sub.lan.test. 300 IN A 10.0.0.5"]


@pytest.mark.parametrize(
    ("data", "what", "why"),
    [
        (b"", "dropped", "shorter than a header"),
        (bytes(11), "dropped", "shorter than a header"),
        (query("www.lan.test")[:2] + b"\x84" + query("www.lan.test")[3:], "dropped", "a response, not a query"),
    ],
)
def test_what_is_no_query_gets_no_answer(responder: Responder, data: bytes, what: str, why: str) -> None:
    answer = responder.answer(data)
    assert (answer.data, answer.what, answer.why.text) == (None, what, why)


def header(*, flags: int = 0, questions: int = 1) -> bytes:
    return struct.pack("!HHHHHH", 7, flags, questions, 0, 0, 0)


QUESTION = query("www.lan.test")[12:]
TOO_LONG = b"".join(b"\x3f" + b"a" * 63 for _ in range(4)) + b"\0\0\1\0\1"


@pytest.mark.parametrize(
    ("data", "rcode", "why"),
    [
        (header(questions=0), "FORMERR", "a query has one question"),
        (header(questions=2) + QUESTION * 2, "FORMERR", "a query has one question"),
        (header(), "FORMERR", "can't be read"),
        (header() + QUESTION[:-1], "FORMERR", "can't be read"),
        (header() + b"\xc0\x0c\0\1\0\1", "FORMERR", "can't be read"),
        (header() + b"\x80ab\0\0\1\0\1", "FORMERR", "can't be read"),
        (header() + TOO_LONG, "FORMERR", "the name is too long"),
        (header(flags=4 << 11), "NOTIMP", "an operation that is not implemented"),
        (header(flags=5 << 11, questions=0), "NOTIMP", "an operation that is not implemented"),
    ],
)
def test_a_query_that_can_t_be_understood_gets_a_header_that_says_so(
    responder: Responder, data: bytes, rcode: str, why: str
) -> None:
    answer = responder.answer(data)
    assert answer.data is not None and len(answer.data) == 12
    message = DNSRecord.parse(answer.data)
    assert (message.header.id, message.header.qr, RCODE.get(message.header.rcode)) == (7, 1, rcode)
    assert message.header.opcode == data[2] >> 3 & 0xF
    assert answer.why.text.startswith(why)


def test_an_operation_that_is_not_implemented_is_still_spoken_of_in_edns(responder: Responder) -> None:
    data = bytearray(query("www.lan.test", opt=EDNS0(udp_len=1232)))
    data[2] = 4 << 3
    message = read(responder.answer(bytes(data)))
    assert (message.header.opcode, message.header.rcode, message.header.aa) == (4, RCODE.NOTIMP, 0)
    assert [record.rtype for record in message.ar] == [QTYPE.OPT]


def test_a_class_that_is_not_served_is_refused_and_any_class_is_ours(responder: Responder) -> None:
    assert read(responder.answer(query("www.lan.test", dns_class=3))).header.rcode == RCODE.REFUSED
    assert shown(read(responder.answer(query("www.lan.test", dns_class=255))).rr) == ["www.lan.test. 300 IN A 10.0.0.2"]


@pytest.mark.parametrize(
    ("opt", "version", "flag"), [(EDNS0(udp_len=4096), 0, 0), (EDNS0(udp_len=512, flags="do"), 0, 1)]
)
def test_an_opt_record_is_answered_by_one(responder: Responder, opt: EDNS0, version: int, flag: int) -> None:
    [back] = read(responder.answer(query("www.lan.test", opt=opt))).ar
    assert (back.rtype, back.rclass, back.edns_ver, back.edns_do) == (QTYPE.OPT, 1232, version, flag)


def test_without_an_opt_record_none_comes_back(responder: Responder) -> None:
    assert read(responder.answer(query("www.lan.test"))).ar == []


def test_options_that_are_not_known_are_passed_over(responder: Responder) -> None:
    opt = EDNS0(udp_len=1232, opts=[EDNSOption(10, b"12345678"), EDNSOption(65001, b"?")])
    message = read(responder.answer(query("www.lan.test", opt=opt)))
    assert (len(message.rr), message.ar[0].rdata) == (1, [])


def test_a_later_version_of_edns_is_told_which_is_spoken(responder: Responder) -> None:
    answer = responder.answer(query("www.lan.test", opt=EDNS0(version=1, udp_len=1232)))
    message = read(answer)
    [back] = message.ar
    assert (back.edns_rcode << 4 | message.header.rcode, back.edns_ver, message.rr) == (16, 0, [])


def test_two_opt_records_are_one_too_many(responder: Responder) -> None:
    request = DNSRecord.parse(query("www.lan.test"))
    request.add_ar(EDNS0(udp_len=1232), EDNS0(udp_len=1232))
    assert read(responder.answer(bytes(request.pack()))).header.rcode == RCODE.FORMERR


@pytest.mark.parametrize(
    ("opt", "tcp", "truncated", "limit"),
    [
        (None, False, 1, 512),
        (EDNS0(udp_len=0), False, 1, 512),
        (EDNS0(udp_len=1232), False, 1, 1232),
        (EDNS0(udp_len=65535), False, 1, 1232),
        (None, True, 0, 65535),
    ],
)
def test_what_does_not_fit_is_cut_and_says_so(
    responder: Responder, opt: EDNS0 | None, tcp: bool, truncated: int, limit: int
) -> None:
    answer = responder.answer(query("big.lan.test", "TXT", opt=opt), tcp=tcp)
    message = read(answer)
    assert (message.header.tc, len(message.rr)) == (truncated, 0 if truncated else 10)
    assert answer.data is not None and len(answer.data) <= limit
    assert len(message.ar) == (opt is not None)


def test_a_client_that_can_take_less_than_512_bytes_gets_512(responder: Responder) -> None:
    message = read(responder.answer(query("old.lan.test", opt=EDNS0(udp_len=0))))
    assert (message.header.tc, len(message.rr)) == (0, 3)


def test_an_answer_that_fits_by_edns_alone_is_whole() -> None:
    zone = {"t.lan.test": {"TXT": ["x" * 200 + str(number) for number in range(4)]}}
    responder = Responder(parse(json.dumps(zone), where="zone.json"))
    assert read(responder.answer(query("t.lan.test", "TXT"))).header.tc == 1
    whole = read(responder.answer(query("t.lan.test", "TXT", opt=EDNS0(udp_len=1232))))
    assert (whole.header.tc, len(whole.rr)) == (0, 4)


NAMES = st.sampled_from([*ZONE, "nope.lan.test", "x.wild.lan.test", "example.com", "WWW.lan.TEST", "."])
KINDS = st.sampled_from(["A", "AAAA", "CNAME", "NS", "SOA", "MX", "TXT", "ANY", "AXFR", "PTR"])
OPTS = st.none() | st.builds(
    EDNS0, udp_len=st.integers(0, 65535), version=st.integers(0, 2), flags=st.sampled_from(["", "do"])
)
QUERIES = st.builds(
    lambda name, kind, opt, number: query(name, kind, opt=opt, number=number), NAMES, KINDS, OPTS, st.integers(0, 65535)
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A query with some bytes changed, or cut."""
    data = bytearray(draw(QUERIES))
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(2, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))])


@given(
    st.binary(max_size=100) | damaged() | st.builds(lambda tail: header() + tail, st.binary(max_size=60)), st.booleans()
)
def test_any_bytes_are_answered_readably_or_dropped(responder: Responder, data: bytes, tcp: bool) -> None:
    answer = responder.answer(data, tcp=tcp)
    assert answer.why.source
    if answer.data is not None:
        message = DNSRecord.parse(answer.data)
        assert (answer.data[:2], message.header.qr) == (data[:2], 1)


def test_a_chain_of_pointers_does_not_exhaust_the_server(responder: Responder) -> None:
    hops = b"".join(struct.pack("!H", 0xC000 | 12 + 2 * max(0, hop - 1)) for hop in range(2000))
    assert responder.answer(header() + hops + b"\0\1\0\1").why.source
    longest = header() + b"\0\0\1\0\1" + hops
    assert responder.answer(longest).data is not None


@given(st.lists(QUERIES | damaged() | st.binary(max_size=20), max_size=10), st.integers(1, 30))
def test_the_cache_answers_as_the_plain_path_does(responder: Responder, queries: list[bytes], capacity: int) -> None:
    cache = AnswerCache(responder, capacity=capacity)
    for tcp in (False, True, False):
        for data in queries:
            for same in (data, b"\xaa\x55" + data[2:]):
                assert cache.answer(same, tcp=tcp) == responder.answer(same, tcp=tcp)


def test_the_cache_keeps_apart_what_only_tcp_can_carry(responder: Responder) -> None:
    cache, data = AnswerCache(responder), query("big.lan.test", "TXT")
    assert [read(cache.answer(data, tcp=tcp)).header.tc for tcp in (False, True, False, True)] == [1, 0, 1, 0]


def test_the_cache_asks_once_and_keeps_its_bounds(responder: Responder) -> None:
    class Counting(Responder):
        asked = 0

        def answer(self, query: bytes, *, tcp: bool = False) -> Answer:
            Counting.asked += 1
            return super().answer(query, tcp=tcp)

    cache = AnswerCache(Counting(responder.zones), capacity=2)
    for number in range(5):
        cache.answer(query("www.lan.test", number=number))
    assert Counting.asked == 1
    for name in ("a.lan.test", "b.lan.test", "c.lan.test"):
        cache.answer(query(name))
    assert len(cache._udp) <= 2


@given(st.lists(st.binary(max_size=40), max_size=5), st.integers(1, 50))
def test_a_stream_is_cut_into_its_messages_however_it_arrives(messages: list[bytes], size: int) -> None:
    data, stream = b"".join(framed(message) for message in messages), Stream()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert [message for piece in pieces for message in stream.feed(piece)] == messages


def test_what_the_cache_keeps_is_bounded_by_its_bytes(responder: Responder) -> None:
    """Else queries of 64 KiB over TCP, each another one, would fill the memory."""
    cache, most_bytes = AnswerCache(responder, most_bytes=100_000), 0
    for number in range(100):
        for tcp in (False, True):
            long = query("big.lan.test", "TXT") + bytes(number * 10)
            cache.answer(long, tcp=tcp)
            most_bytes = max(most_bytes, cache.size_bytes)
    kept = [*cache._udp.items(), *cache._tcp.items()]
    assert cache.size_bytes == sum(weight_bytes(key, answer) for key, answer in kept)
    assert 50_000 < most_bytes <= 100_000
    assert max(len(key) for key, _ in kept) < LONGEST_QUERY_BYTES
