"""Zones: how they are written, where their apex is, and which mistakes are named."""

import json

import pytest
from dnslib import QTYPE, DNSLabel
from hypothesis import given
from hypothesis import strategies as st

from lan.errors import UsageError
from lan.services.dns.zone import Zones, name_of, text_of
from lan.services.dns.zone_file import parse

MASTER = """
$ORIGIN lan.test.
$TTL 600
@       IN SOA ns1 admin ( 7 3600 600 604800 60 )
        IN NS  ns1
ns1     IN A   10.0.0.1
www 120 IN A   10.0.0.2
mail    IN MX  10 www
"""


def zones(document: object) -> Zones:
    return parse(json.dumps(document), where="zone.json", serial=5)


def records(found: Zones) -> set[str]:
    """Every record but what was made up for the apex."""
    made_up = (QTYPE.SOA, QTYPE.NS)
    return {
        f"{record.rname} {record.ttl} {QTYPE.get(record.rtype)} {record.rdata}"
        for zone in found
        for sets in zone.nodes.values()
        for rrset in sets.values()
        for record in rrset
        if record.rtype not in made_up
    }


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"www.lan.test": "10.0.0.2"}, {"www.lan.test. 300 A 10.0.0.2"}),
        ({"www.lan.test.": "::1"}, {"www.lan.test. 300 AAAA ::1"}),
        ({"w.lan.test": ["10.0.0.2", "::1"]}, {"w.lan.test. 300 A 10.0.0.2", "w.lan.test. 300 AAAA ::1"}),
        ({"w.lan.test": {"A": ["10.0.0.2"], "ttl_s": 9}}, {"w.lan.test. 9 A 10.0.0.2"}),
        ({"x.lan.test": {"CNAME": "www.lan.test"}}, {"x.lan.test. 300 CNAME www.lan.test."}),
        ({"lan.test": {"MX": "10 m.lan.test"}}, {"lan.test. 300 MX 10 m.lan.test."}),
        ({"t.lan.test": {"TXT": "two words"}}, {'t.lan.test. 300 TXT "two words"'}),
        ({"_s._tcp.lan.test": {"SRV": "1 2 80 w.lan.test"}}, {"_s._tcp.lan.test. 300 SRV 1 2 80 w.lan.test."}),
        ([{"name": "a.lan.test", "type": "A", "ttl_s": 60, "data": "10.0.0.2"}], {"a.lan.test. 60 A 10.0.0.2"}),
        ({"records": [{"name": "a.lan.test", "data": "10.0.0.2"}]}, {"a.lan.test. 300 A 10.0.0.2"}),
        ({"a.lan.test": ["10.0.0.2", "10.0.0.2"]}, {"a.lan.test. 300 A 10.0.0.2"}),
        ({"김.lan.test": "10.0.0.2"}, {"xn--4k0b.lan.test. 300 A 10.0.0.2"}),
    ],
)
def test_a_zone_is_written_as_people_write_it(document: object, expected: set[str]) -> None:
    assert records(zones(document)) == expected


def test_a_master_file_is_read_as_bind_reads_it() -> None:
    found = parse(MASTER, where="lan.zone")
    assert [text_of(zone.apex) for zone in found] == ["lan.test."]
    assert records(found) == {
        "ns1.lan.test. 600 A 10.0.0.1",
        "www.lan.test. 120 A 10.0.0.2",
        "mail.lan.test. 600 MX 10 www.lan.test.",
    }
    [zone] = found
    assert (zone.soa().rdata.times[0], str(zone.soa().rdata.mname)) == (7, "ns1.lan.test.")


@pytest.mark.parametrize(
    ("names", "apexes"),
    [
        ({"www.ark-inflearn.com": "10.0.0.1"}, ["ark-inflearn.com."]),
        ({"www.ark-inflearn.com": "10.0.0.1", "ark-inflearn.com": "10.0.0.1"}, ["ark-inflearn.com."]),
        ({"a.b.c.lan.test": "10.0.0.1", "x.lan.test": "10.0.0.1"}, ["lan.test."]),
        ({"www.a.test": "10.0.0.1", "www.b.test": "10.0.0.1"}, ["a.test.", "b.test."]),
        ({"printer": "10.0.0.1"}, ["printer."]),
        ({"x.test": {"CNAME": "www.lan.test"}}, ["test."]),
        ({"*.test": "10.0.0.1"}, ["test."]),
        ({"www.a.b.test": "10.0.0.1", "b.test": {"SOA": "ns.b.test admin.b.test 1 2 3 4 5"}}, ["b.test."]),
        ({"w.a.b.test": "10.0.0.1", "a.b.test": {"SOA": "n.b.test h.b.test 1 2 3 4 5"}}, ["a.b.test."]),
    ],
)
def test_the_apex_is_where_the_soa_is_or_where_domains_are_registered(names: object, apexes: list[str]) -> None:
    assert sorted(text_of(zone.apex) for zone in zones(names)) == apexes


def test_an_apex_without_soa_and_ns_gets_them() -> None:
    [zone] = zones({"www.lan.test": "10.0.0.2"})
    assert str(zone.soa().rdata) == "ns.lan.test. hostmaster.lan.test. 5 3600 600 604800 300"
    [server] = zone.nodes[zone.apex][QTYPE.NS]
    assert (str(server.rname), str(server.rdata)) == ("lan.test.", "ns.lan.test.")


def test_a_made_up_soa_names_the_server_that_is_stated() -> None:
    [zone] = zones({"lan.test": {"NS": "dns.lan.test"}})
    assert str(zone.soa().rdata.mname) == "dns.lan.test."


def test_records_of_one_set_share_the_lowest_ttl() -> None:
    rows = [{"name": "a.lan.test", "ttl_s": ttl_s, "data": f"10.0.0.{ttl_s}"} for ttl_s in (90, 30, 60)]
    assert {text.split()[1] for text in records(zones(rows))} == {"30"}


def test_the_zone_nearest_above_a_name_speaks_for_it() -> None:
    soa = {"SOA": "n.test h.test 1 2 3 4 5"}
    found = zones({"lan.test": soa, "sub.lan.test": soa})
    for name, apex in (("w.sub.lan.test", "sub.lan.test."), ("w.lan.test", "lan.test."), ("sub.lan.test",) * 2):
        zone = found.find(name_of(DNSLabel(name)))
        assert zone is not None and text_of(zone.apex) == apex.rstrip(".") + "."
    assert found.find(name_of(DNSLabel("test"))) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no record"),
        ("{}", "no record"),
        ("[]", "no record"),
        ('{"a.test": ', "not JSON"),
        ('{"www.lan.test": "10.0.0.256"}', "zone.json: www.lan.test: '10.0.0.256'"),
        ('{"www.lan.test": 7}', "zone.json: www.lan.test: 7"),
        ('{"www.lan.test": null}', "None"),
        ('{"www.lan.test": {"A": "::1"}}', "expected  an IPv4 address"),
        ('{"www.lan.test": {"AAAA": "10.0.0.1"}}', "expected  an IPv6 address"),
        ('{"www.lan.test": {"CNAM": "x.test"}}', "expected  CNAME"),
        ('{"www.lan.test": {"MX": "mail"}}', "the data of a MX record"),
        ('{"www.lan.test": {"A": "10.0.0.1", "ttl_s": -1}}', "TTL -1"),
        ('{"www.lan.test": {"A": "10.0.0.1", "ttl_s": "1h"}}', "TTL '1h'"),
        ('{"a..test": "10.0.0.1"}', "'a..test' is not a name"),
        ('{"": "10.0.0.1"}', "'' is not a name"),
        ('{"' + "a" * 64 + '.test": "10.0.0.1"}', "labels of 1 to 63 characters"),
        ('{"' + "a." * 127 + 'test": "10.0.0.1"}', "is not a name"),
        ('{"a.test": {"CNAME": "' + "a" * 64 + '.test"}}', "the data of a CNAME record"),
        ('{"a.b.test": {"CNAME": "x.test", "A": "10.0.0.1"}}', "a.b.test. is an alias and has other records too"),
        ('{"a.b.test": {"CNAME": ["x.test", "y.test"]}}', "is an alias and has other records"),
        ('[{"name": "a.test"}]', "record 1: not a record"),
        ('[{"name": "a.test", "data": "10.0.0.1", "tll": 3}]', "record 1: not a record"),
        ('["a.test"]', "record 1: not a record"),
        ("www.lan.test. IN A", "not a record"),
        ("www.lan.test. IN QQ 10.0.0.1", "not a record"),
        ("www.lan.test. CH A 10.0.0.1", "where only IN is served"),
        ("a.test. IN A 10.0.0.1\nb.test. IN A", "after a.test. A: not a record"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, what: str) -> None:
    with pytest.raises(UsageError) as fault:
        parse(text, where="zone.json")
    assert what in str(fault.value) and "zone.json" in str(fault.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("10.0.0.1"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["A", "CNAME", "a.test", "name", "TXT"]), inner)
    ),
    max_leaves=8,
)


@given(JSON.filter(lambda document: isinstance(document, (dict, list))))
def test_any_json_is_a_zone_or_a_named_mistake(document: object) -> None:
    try:
        zones(document)
    except UsageError as fault:
        assert str(fault).startswith("zone.json")


@given(st.text(max_size=60) | st.text("a.@() \n\tINA10$;", max_size=60))
def test_any_text_is_a_zone_or_a_named_mistake(text: str) -> None:
    try:
        parse(text, where="zone.json")
    except UsageError as fault:
        assert str(fault).startswith("zone.json")
