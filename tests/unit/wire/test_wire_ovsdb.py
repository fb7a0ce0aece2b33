"""OVSDB messages: cut from a stream however it comes, and understood."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.wire import ovsdb
from lan.wire.ovsdb import Messages, OvsdbError

MESSAGES = st.lists(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8), max_size=4), max_size=5)


@given(MESSAGES, st.lists(st.integers(1, 40), max_size=30))
def test_a_stream_gives_its_messages_however_it_is_cut(messages: list[dict[str, object]], cuts: list[int]) -> None:
    stream = b"".join(json.dumps(message, ensure_ascii=False).encode() for message in messages)
    cutter, found, place = Messages(), [], 0
    for size in [*cuts, len(stream)]:
        found += cutter.feed(stream[place : place + size])
        place += size
    assert found == messages


@given(st.binary(max_size=60))
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    try:
        Messages().feed(data)
    except OvsdbError as fault:
        assert "JSON" in str(fault)


def test_the_progress_of_the_daemon_is_read_from_answers_and_updates() -> None:
    tables = {"Open_vSwitch": {"u": {"new": {"cur_cfg": 7}}}}
    assert ovsdb.progress({"id": 1, "error": None, "result": tables}) == 7
    assert ovsdb.progress({"id": None, "method": "update", "params": [None, tables]}) == 7
    assert ovsdb.progress({"id": 1, "error": None, "result": [{}, {"rows": []}]}) is None


def test_a_fault_in_a_transaction_is_raised_with_its_details() -> None:
    with pytest.raises(OvsdbError, match="duplicate name: s1"):
        ovsdb.results({"id": 1, "error": None, "result": [{}, {"error": "duplicate name", "details": "s1"}, None]})


@given(st.lists(st.text(min_size=1, max_size=15), unique=True, min_size=2, max_size=20))
def test_interfaces_of_different_names_are_different_rows(names: list[str]) -> None:
    rows = [op["uuid-name"] for op in ovsdb.new_ports("s1", [(name, 1) for name in names]) if "uuid-name" in op]
    assert len(set(rows)) == 2 * len(names)
    assert all(row.isascii() and row.replace("_", "a").isalnum() for row in rows)
