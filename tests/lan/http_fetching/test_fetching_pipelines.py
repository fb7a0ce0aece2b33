"""lan-fetch's pipelines: begun behind a first response, and what is asked again when they break.  Book 4.6."""

import socket

from ...fetching import asked, outcomes, sources
from ..scripted_server import OK, Peer, Scripted


def test_a_pipeline_begins_behind_the_first_response_and_its_answers_come_in_order() -> None:
    def fill(peer: Peer) -> None:
        peer.answer("one")
        for body in ("two", "three", "four"):  # all are here before the first of them is answered
            peer.request()
            del body
        for body in ("two", "three", "four"):
            peer.send(f"{OK}Content-Length: {len(body)}\r\n\r\n{body}")
        peer.await_end()

    with Scripted(fill) as server:
        code, said = asked("--strategy", "pipelined", *server.urls(4))
    assert (code, outcomes(said)) == (0, ["200"] * 4)
    assert [one["body_bytes"] for one in said["objects"]] == [3, 3, 5, 4]
    assert server.paths() == [["/1", "/2", "/3", "/4"]]


def test_a_server_of_http_1_0_is_asked_one_request_after_the_other() -> None:
    def old(peer: Peer) -> None:
        while peer.request():
            peer.send("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok")

    with Scripted(old) as server:
        code, said = asked("--strategy", "pipelined", *server.urls(5))
    assert (code, outcomes(said)) == (0, ["200"] * 5)
    assert [peer.most_waiting for peer in server.peers] == [1]


def test_a_server_that_closes_in_a_pipeline_is_asked_again_for_the_rest_one_by_one() -> None:
    def tired(peer: Peer) -> None:
        peer.answer("a", "b", "c")
        peer.sock.shutdown(socket.SHUT_WR)
        peer.await_end()

    with Scripted(tired, Peer.serve) as server:
        code, said = asked("--strategy", "pipelined", *server.urls(8))
    assert (code, outcomes(said)) == (0, ["200"] * 8)
    assert server.paths()[1] == ["/4", "/5", "/6", "/7", "/8"]
    assert server.peers[1].most_waiting == 1
    assert set(sources(said, "retry")) == {"RFC 9112 §9.3.2; book 4.6"}


def test_a_reset_in_a_pipeline_costs_what_it_cuts_and_nothing_is_asked_twice_that_had_begun() -> None:
    """Book 4.7.4: answers that lie in the client's buffer outlive the reset here, as Linux keeps them readable."""

    def rude(peer: Peer) -> None:
        peer.answer("a", "b")
        peer.await_acknowledged()
        peer.reset()

    with Scripted(rude, Peer.serve) as server:
        code, said = asked("--strategy", "pipelined", *server.urls(6))
    assert (code, outcomes(said)) == (0, ["200"] * 6)
    assert server.paths()[1] == ["/3", "/4", "/5", "/6"]


def test_a_server_that_says_close_in_a_pipeline_loses_nothing() -> None:
    def last(peer: Peer) -> None:
        peer.answer("a")
        peer.answer("b", more="Connection: close\r\n")
        peer.sock.shutdown(socket.SHUT_WR)
        peer.await_end()

    with Scripted(last) as server:
        code, said = asked("--strategy", "pipelined", *server.urls(6))
    assert (code, outcomes(said)) == (0, ["200"] * 6)
    assert [path for paths in server.paths() for path in paths] == ["/1", "/2", "/3", "/4", "/5", "/6"]


def test_a_response_cut_short_is_not_asked_for_again_and_those_behind_it_are() -> None:
    def cut(peer: Peer) -> None:
        peer.answer("a")
        for _ in range(3):  # what is left unread would make the close a reset
            peer.request()
        peer.send(f"{OK}Content-Length: 100\r\n\r\nhalf of i")

    with Scripted(cut, Peer.serve) as server:
        code, said = asked("--strategy", "pipelined", *server.urls(4))
    assert code == 1
    assert outcomes(said) == [
        "200",
        "the response is cut short: the server's stream ended within a response",
        *["200"] * 2,
    ]
    assert server.paths()[1] == ["/3", "/4"]


def test_a_response_that_begins_in_the_bytes_behind_another_has_begun() -> None:
    def cut(peer: Peer) -> None:
        peer.answer("a")
        for _ in range(3):
            peer.request()
        answer = f"{OK}Content-Length: 2\r\n\r\nok"
        peer.send(answer + answer[:20])
        peer.sock.shutdown(socket.SHUT_WR)
        peer.await_end()

    with Scripted(cut, Peer.serve) as server:
        code, said = asked("--strategy", "pipelined", *server.urls(4))
    assert code == 1
    assert [one["ok"] for one in said["objects"]] == [True, True, False, True]
    assert server.paths()[1] == ["/4"]


def test_a_reset_within_a_response_is_said_in_words() -> None:
    def torn(peer: Peer) -> None:
        peer.request()
        peer.send(f"{OK}Content-Length: 100\r\n\r\nhalf")
        peer.await_acknowledged()
        peer.reset()

    with Scripted(torn) as server:
        code, said = asked("--strategy", "persistent", server.url())
    assert (code, outcomes(said)) == (1, ["the response is cut short: connection reset by peer"])
    assert len(server.requests) == 1
