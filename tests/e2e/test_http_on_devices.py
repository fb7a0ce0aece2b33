"""The client's strategies and the book's bare sockets on devices of a LAN that is up."""

import json
from collections.abc import Iterator

import pytest

from ..command import Command, Up

NAME = "http://www.ark-inflearn.com/"


@pytest.fixture(scope="module")
def office(shared_lan: Command) -> Iterator[Up]:
    with shared_lan.up("office") as up:
        yield up


def test_a_pc_fetches_by_a_strategy_and_sees_the_waterfall(office: Up) -> None:
    done = office.exec(
        "pc1", "lan-fetch", "--strategy", "pipelined", NAME, NAME, "https://www.ark-inflearn.com/", check=0
    )
    lines = done.out.splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [["#1", "200"], ["#1", "200"], ["#2", "200"]]
    assert lines[-1].endswith("on 2 connections: pipelined (book 4.6)")


def test_a_page_is_told_as_json(office: Up) -> None:
    said = json.loads(office.exec("pc1", "lan-fetch", "--page", "--json", NAME, check=0).out)
    [page] = said["objects"]
    assert (page["kind"], page["status"], page["connection"]) == ("page", 200, 1)
    assert list(page["times_ms"]) == ["dns", "connect", "send", "wait", "receive", "total"]


def test_the_bare_server_and_client_meet_over_the_cable(office: Up) -> None:
    with office.start("exec", "web", "--", "lan-tcp-server", "--listen", ":8080") as server:
        assert server.stdout is not None
        while "LISTEN" not in (line := server.stdout.readline()):
            assert line, "the server ended"
        client = office.exec("pc1", "lan-tcp-client", "www.ark-inflearn.com", "8080", check=0).out
        heard = server.communicate(timeout=60)[0]
    assert [line[:2] for line in client.splitlines() if line.startswith("C")][:5] == ["C1", "C2", "C3", "C4", "C5"]
    assert "C4 connect     ESTABLISHED  192.168.100.1:" in client
    assert "   | Host: www.ark-inflearn.com:8080" in client
    assert "S9 close" in heard
