"""What the client asks for, and what the service answers: one LAN for all tests of the file."""

import pytest

pytestmark = pytest.mark.lan("notes_lan.py", scope="module")


def test_a_note_is_taken_and_listed(take, trace):
    assert take("milk").stdout == "1. milk\n"
    added = trace.http(method="POST").one()
    assert added.status == 201
    assert added.request.json() == {"text": "milk"}
    assert added.response.header("Location") == "/notes/1"
    assert trace.http(method="GET", path="/notes").one().response.json() == [{"number": 1, "text": "milk"}]


def test_an_empty_note_is_refused(take, trace):
    assert take("").returncode == 1
    assert trace.http.one().status == 400  # and so the list was never asked for


def test_the_name_is_asked_for_before_the_connection_is_opened(take, trace):
    take()
    trace.order("dns.question", "dns.answer", "tcp.syn", "http.request", "http.response")
    assert "10.0.0.80" in trace.dns(name="notes.test", type="A").one().answers
