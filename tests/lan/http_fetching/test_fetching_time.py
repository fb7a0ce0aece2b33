"""How long lan-fetch waits: for a phase, for a name's next address, for everything."""

import socket
import threading
from typing import Any

import pytest

from lan.services.http.fetching import telling
from lan.services.http.fetching.client import Exchange

from ...fetching import Clock, asked, outcomes, shown
from ..scripted_server import OK, PATIENCE_S, Peer, Scripted


def test_a_connection_that_stalls_holds_up_no_other() -> None:
    go_on = threading.Event()

    def stall(peer: Peer) -> None:
        peer.request()
        assert go_on.wait(30)
        peer.send(f"{OK}Content-Length: 4\r\nConnection: close\r\n\r\nlate")
        peer.await_end()

    def release(peer: Peer) -> None:
        peer.answer("a", more="Connection: close\r\n")
        peer.await_end()
        if len(server.requests) == 5:  # all others are served by now
            go_on.set()

    with Scripted(stall, release) as server:
        code, said = asked("--strategy", "parallel", "--connections", "2", *server.urls(5))
    assert (code, outcomes(said)) == (0, ["200"] * 5)


def test_a_phase_may_take_so_long_and_no_longer_while_others_go_on(clock: Clock) -> None:
    served: list[Peer] = []

    def serve(peer: Peer) -> None:
        peer.serve()  # until the client closes: it has its answer
        served.append(peer)
        if len(served) == 2:
            clock.go_on(0.5)

    with Scripted(lambda peer: (peer.request(), peer.await_reset()), serve) as server:
        words = ["--strategy", "parallel", "--phase-timeout-s", "wait:0.3"]
        code, said = asked(*words, *server.urls(3))
    assert code == 1
    assert sorted(outcomes(said)) == ["200", "200", "waiting for the response: no end within 0.3 s"]


def test_an_answer_that_came_in_time_is_not_late_however_late_it_is_looked_at(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is not run for ten seconds: meanwhile an answer has come."""
    is_asked, go_on, is_here = threading.Event(), threading.Event(), threading.Event()

    def play(peer: Peer) -> None:
        is_second = b" /2 " in peer.request()
        if is_second:
            is_asked.set()
        assert (go_on if is_second else is_asked).wait(PATIENCE_S)
        peer.send(f"{OK}Content-Length: 2\r\n\r\nok")
        if is_second:
            peer.await_acknowledged()
            is_here.set()
        peer.await_end()

    def answered(_: telling.Quiet, exchange: Exchange) -> None:
        if exchange.number == 1:
            go_on.set()
            assert is_here.wait(PATIENCE_S)
            clock.go_on(10)

    monkeypatch.setattr(telling.Quiet, "answered", answered)
    with Scripted(play) as server:
        code, said = asked("--strategy", "parallel", "--phase-timeout-s", "wait:1", *server.urls(2))
    assert (code, outcomes(said)) == (0, ["200", "200"])


def test_after_a_connection_that_took_too_long_others_open(clock: Clock) -> None:
    with Scripted(lambda peer: (peer.request(), clock.go_on(0.5), peer.await_reset()), Peer.serve) as server:
        code, said = asked("--strategy", "serial", "--phase-timeout-s", "wait:0.2", *server.urls(3))
    assert code == 1
    assert outcomes(said) == ["waiting for the response: no end within 0.2 s", "200", "200"]
    assert [one["reason"]["source"] for one in said["decisions"] if one["what"] == "abort"] == ["book 4.7.4"]


def test_the_next_address_of_a_name_is_tried_and_the_name_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lookups = []

    def found(host: str, port: int, **how: Any) -> list[Any]:
        lookups.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with Scripted(Peer.serve) as server:
        code, said = asked("--strategy", "parallel", *[f"http://web.test:{server.port}/{n}" for n in range(4)])
    assert (code, outcomes(said), lookups) == (0, ["200"] * 4, ["web.test"])
    assert {one["peer"] for one in said["connections"]} == {f"127.0.0.1:{server.port}"}
    assert "dns" in said["objects"][0]["times_ms"]


def test_a_name_without_an_address_costs_its_own_urls_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(host: str, port: int, **how: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with Scripted(Peer.serve) as server:
        code, said = asked("--strategy", "persistent", "http://nowhere.test/", server.url())
    assert (code, outcomes(said)) == (1, ["no address: name or service not known", "200"])
    assert said["objects"][0]["error"]["where"] == "nowhere.test"


def test_everything_may_take_so_long_and_no_longer(clock: Clock) -> None:
    with Scripted(lambda peer: (peer.request(), clock.go_on(0.5), peer.await_reset())) as server:
        code, out, err = shown("--timeout-s", "0.3", server.url())
    assert (code, out) == (1, "")
    assert err.startswith(f"lan-fetch: 127.0.0.1:{server.port}: waiting for the response: no end within 0.3 s\n  try ")
