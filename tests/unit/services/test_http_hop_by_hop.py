"""Hop-by-hop fields end at each hop; a field meant for everybody is never stripped on a client's word."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.protocol import hop_by_hop
from lan.services.http.protocol.messages import Headers, headers

KNOWN = [
    "Connection",
    "Proxy-Connection",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Proxy-Authenticate",
    "Proxy-Authorization",
]


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_field_goes_though_nobody_names_it(name: str) -> None:
    removal = hop_by_hop.remove(headers([("Host", "web"), (name, "x"), ("Accept", "*/*")]))
    assert removal.headers == headers([("Host", "web"), ("Accept", "*/*")])
    assert removal.removed == (name.lower(),)
    assert removal.why.source.startswith("RFC 9110 §7.6.1")


def test_every_field_that_connection_names_goes_in_any_case_and_number() -> None:
    fields = headers([("X-A", "1"), ("connection", "close, x-A"), ("x-a", "2"), ("Connection", "X-B"), ("X-b", "3")])
    removal = hop_by_hop.remove(fields)
    assert removal.headers == Headers()
    assert removal.removed == ("x-a", "connection", "x-b")


def test_the_order_of_what_stays_is_kept() -> None:
    fields = headers([("B", "1"), ("Keep-Alive", "max=5"), ("A", "2"), ("b", "3")])
    assert hop_by_hop.remove(fields).headers == headers([("B", "1"), ("A", "2"), ("b", "3")])


def test_a_field_to_keep_stays_unless_connection_names_it() -> None:
    keep = frozenset(("trailer",))
    assert hop_by_hop.remove(headers([("Trailer", "X")]), keep=keep).removed == ()
    assert hop_by_hop.remove(headers([("Trailer", "X"), ("Connection", "trailer")]), keep=keep).removed == (
        "trailer",
        "connection",
    )


@pytest.mark.parametrize(
    "name",
    [
        *("Host", "Content-Length", "Content-Type", "Cache-Control", "Authorization", "Cookie", "Set-Cookie", "Via"),
        *("If-None-Match", "X-Forwarded-For", "Forwarded", "Vary", "Date", "Range", "Access-Control-Allow-Origin"),
    ],
)
def test_connection_must_not_name_a_field_meant_for_all(name: str) -> None:
    reason = hop_by_hop.abuse(headers([(name, "1"), ("Connection", f"close, {name.upper()}")]))
    assert reason is not None
    assert reason.facts == (("field", name.lower()),)
    assert hop_by_hop.abuse(headers([("Connection", name)])) is None  # nothing is there to be stripped


def test_what_is_no_token_is_no_option() -> None:
    fields = headers([("Connection", 'close, a b, "x", , (y), TE,te')])
    assert hop_by_hop.options(fields) == ("close", "te")


NAMES = st.text(string.ascii_letters + "-", min_size=1, max_size=12)


@given(st.lists(st.tuples(NAMES, st.text("ab ,", max_size=8))), st.lists(NAMES))
def test_nothing_named_or_known_is_left_and_all_else_is(pairs: list[tuple[str, str]], named: list[str]) -> None:
    fields = Headers((*pairs, ("Connection", ", ".join(named))))
    left = hop_by_hop.remove(fields).headers
    gone = set(hop_by_hop.options(fields)) | hop_by_hop.KNOWN
    assert left.items == tuple(pair for pair in fields.items if pair[0].lower() not in gone)


@given(st.text())
def test_any_value_of_connection_is_read(value: str) -> None:
    hop_by_hop.options(Headers((("Connection", value),)))


def test_trailers_lose_what_frames_routes_or_controls_and_what_the_head_names() -> None:
    trailers = headers([("X-Sum", "1"), ("X-Hop", "2"), ("Host", "y"), ("Content-Length", "3"), ("Cache-Control", "z")])
    left = hop_by_hop.remove_from_trailers(trailers, headers([("Connection", "x-hop")]))
    assert left == headers([("X-Sum", "1")])
