"""What the client does when the network or the service fails: a LAN for each test, which may break it."""

import sys

import pytest

pytestmark = pytest.mark.lan("notes_lan.py")


@pytest.fixture
def ask(pc1):
    return lambda server: pc1.run(sys.executable, "-m", "services.notes_client", server)


def test_without_the_service_the_connection_is_refused(ask, trace):
    assert "refused" in ask("notes.test:8000").stderr
    conn = trace.tcp(server="web").one()
    assert conn.is_refused
    assert conn.reset_by == "server"
    trace.http.none()


def test_an_unplugged_server_is_given_up_once_nobody_answers_for_its_address(ask, web, trace):
    web.unplug()
    assert "No route to host" in ask("10.0.0.80:8000").stderr
    assert not trace.arp(client="pc1", target="10.0.0.80").one().is_answered
    trace.tcp.none()


def test_a_name_that_nobody_knows_costs_no_connection(ask, trace):
    assert ask("old.notes.test:8000").returncode == 1
    assert {query.rcode for query in trace.dns(client="pc1")} == {"NXDOMAIN"}
    trace.never("tcp.syn")
