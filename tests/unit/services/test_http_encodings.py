"""Accept-Encoding: which precompressed form a client gets.  RFC 9110 §12.5.3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.origin.encodings import ENDINGS, IDENTITY, choose, parse

ALL = tuple(ENDINGS)


@pytest.mark.parametrize(
    ("accepted", "available", "coding"),
    [
        (None, ALL, IDENTITY),
        ("", ALL, IDENTITY),
        ("gzip", ALL, "gzip"),
        ("gzip, br", ALL, "br"),
        ("gzip, br", ("gzip",), "gzip"),
        ("gzip, br", (), IDENTITY),
        ("GZIP", ALL, "gzip"),
        ("x-gzip", ALL, "gzip"),
        ("gzip;q=1.0, br;q=0.9", ALL, "gzip"),
        ("gzip ; q=0.5,br;q=0.001", ALL, "gzip"),
        ("gzip;q=0", ALL, IDENTITY),
        ("br;q=0.001", ALL, "br"),
        ("gzip;q=0.5, identity", ALL, IDENTITY),
        ("gzip;q=0.5, identity;q=0.5", ALL, "gzip"),
        ("*", ALL, "br"),
        ("*", (), IDENTITY),
        ("*;q=0, gzip", ALL, "gzip"),
        ("*;q=0", ALL, None),
        ("identity;q=0", (), None),
        ("identity;q=0, br", ("gzip",), None),
        ("*;q=0, identity;q=1", ALL, IDENTITY),
        ("br;q=0, *", ALL, "zstd"),
        ("gzip;q=2", ALL, IDENTITY),  # no weight: the element is ignored
        ("gzip;q=0.5;x", ALL, IDENTITY),
        ("deflate, compress", ALL, IDENTITY),
        ("gzip;q=0, gzip;q=1", ALL, IDENTITY),  # the first one counts
    ],
)
def test_the_client_gets_the_coding_it_likes_best(
    accepted: str | None, available: tuple[str, ...], coding: str | None
) -> None:
    assert choose(accepted, available).coding == coding


@given(
    st.text(st.sampled_from("gzipbr*;q=01.5, identity"), max_size=60) | st.text(max_size=20),
    st.sets(st.sampled_from(ALL)),
)
def test_any_text_chooses_something_that_is_there(accepted: str, available: set[str]) -> None:
    chosen = choose(accepted, tuple(available))
    assert chosen.coding in (None, IDENTITY, *available)
    assert all(0 <= weight <= 1 for weight in parse(accepted).values())
    if chosen.coding not in (None, IDENTITY):
        weights = parse(accepted)
        assert weights.get(chosen.coding or "", weights.get("*", 0)) > 0
