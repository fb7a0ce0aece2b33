"""Faults on demand: the words for them, in a request's query and field, and what they say when they are wrong."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.origin.faults import FAULTS, Drip, Faults, Stall, UnknownFaultError, parse, parse_text, requested
from lan.services.http.protocol.messages import Request, headers
from lan.services.http.protocol.persistence import Side

WORDS = [
    ("content-length:none", Faults(content_length="none")),
    ("content-length:unclosed", Faults(content_length="unclosed")),
    ("content-length:short", Faults(content_length="short")),
    ("content-length:long", Faults(content_length="long")),
    ("early-close:7", Faults(early_close_bytes=7)),
    ("reset:0", Faults(reset_bytes=0)),
    ("stall:3", Faults(stall=Stall(3.0))),
    ("stall:0.25:100", Faults(stall=Stall(0.25, 100))),
    ("half-close", Faults(half_close_bytes=-1)),
    ("half-close:5", Faults(half_close_bytes=5)),
    ("drip:1:50", Faults(drip=Drip(1, 0.05))),
    ("ignore-keep-alive:claims", Faults(ignore_keep_alive="claims")),
    ("ignore-keep-alive:silent", Faults(ignore_keep_alive="silent")),
    ("endless", Faults(endless=True)),
    ("lying-chunk:bad", Faults(lying_chunk="bad")),
    ("nagle:on", Faults(nagle=True)),
    ("nagle:off", Faults(nagle=False)),
    ("split-writes", Faults(split_writes=True)),
    ("think:0.5", Faults(think_s=0.5)),
    ("closes-first:server", Faults(closes_first=Side.SERVER)),
]


@pytest.mark.parametrize(("word", "faults"), WORDS)
def test_each_word_sets_one_fault(word: str, faults: Faults) -> None:
    assert parse([word]) == faults
    assert requested(Request("GET", f"/any?fault={word}")) == faults
    assert requested(Request("GET", "/any", headers=headers([("lan-fault", word)]))) == faults


def test_every_fault_there_is_stands_in_the_table_of_this_test() -> None:
    assert {word.partition(":")[0] for word, _ in WORDS} == set(FAULTS)


def test_faults_add_up() -> None:
    expected = Faults(reset_bytes=100, drip=Drip(1, 0.05), think_s=1.0)
    target = "/any?x=1&fault=reset:100&fault=drip%3A1%3A50#fault=endless"
    assert requested(Request("GET", target, headers=headers([("Lan-Fault", "think:1,")]))) == expected
    assert parse_text("reset:100, drip:1:50,think:1") == expected


def test_a_request_that_asks_for_none_gets_none() -> None:
    assert requested(Request("GET", "/any?faults=reset:1&a")) is None
    assert parse_text("") is None


@pytest.mark.parametrize(
    "word",
    ["", "rest:1", "reset", "reset:-1", "reset:1:2", "reset:٣", "drip:0:1", "stall:1e9", "stall:99999",
     "endless:1", "content-length:0", "nagle:maybe", "reset:" + "9" * 4999],
)  # fmt: skip
def test_a_wrong_word_is_told_in_one_short_line(word: str) -> None:
    with pytest.raises(UnknownFaultError, match=r"no fault is called|is not of the form|is longer than") as told:
        parse([word])
    assert len(str(told.value)) < 150
    assert "\n" not in str(told.value)


@given(st.text(max_size=40) | st.sampled_from([word for word, _ in WORDS]).flatmap(
    lambda word: st.integers(0, len(word)).map(lambda cut: word[:cut] + ":" + word[cut:])
))  # fmt: skip
def test_any_text_is_faults_or_told_to_be_none(text: str) -> None:
    try:
        faults = parse_text(text)
    except UnknownFaultError:
        return
    assert faults is None or isinstance(faults, Faults)
    assert faults is not None or not re.search(r"[^,\s]", text)
