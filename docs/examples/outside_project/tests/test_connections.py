"""How the client uses connections."""

import pytest

pytestmark = pytest.mark.lan("notes_lan.py", scope="module")


def test_all_requests_share_one_connection(take, trace):
    take("bread", "butter", "jam")
    trace.tcp(client="pc1", server="web").one()
    assert [fetch.position for fetch in trace.http.exactly(4)] == [1, 2, 3, 4]


def test_the_client_closes_and_keeps_the_time_wait(take, trace):
    take()
    conn = trace.tcp(client="pc1").one()
    assert conn.closed_by == "client"
    assert conn.time_wait_at == "pc1"


def test_nothing_is_reset_and_no_address_is_disputed(take, trace):
    with trace.recording() as seen:
        take("tea")
    seen.never("tcp.rst")
    seen.never("arp.conflict")
    assert seen.tcp(client="pc1").count == 1
