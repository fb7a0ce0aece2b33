"""What lan-fetch asks again, and what never.  RFC 9110 §9.2.2; book 4.7.3."""

from ...fetching import asked, outcomes, shown, sources
from ..scripted_server import Peer, Scripted


def test_a_connection_that_went_stale_costs_a_retry_and_no_answer() -> None:
    with Scripted(lambda peer: (peer.answer("a"), peer.request()), Peer.serve) as server:
        code, said = asked("--strategy", "persistent", *server.urls(2))
    assert (code, outcomes(said)) == (0, ["200", "200"])
    assert said["objects"][1]["sent"] == 2
    assert sources(said, "retry") == ["RFC 9112 §9.3.1; book 4.7.3"]


def test_a_post_is_not_sent_twice_without_say_so() -> None:
    words = ["--strategy", "persistent", "--data", "a=1"]
    with Scripted(Peer.request, Peer.serve) as server:
        code, said = asked(*words, server.url())
        assert code == 1
        assert "POST may have been applied" in outcomes(said)[0]
    assert len(server.requests) == 1
    with Scripted(Peer.request, Peer.serve) as server:
        code, said = asked(*words, "--retry-non-idempotent", server.url())
        assert (code, outcomes(said)) == (0, ["200"])
    assert [read[0].partition(b" ")[0] for read in server.requests] == [b"POST"] * 2


def test_a_single_url_is_asked_once_unless_retries_are_wished() -> None:
    with Scripted(Peer.request, Peer.serve) as server:
        assert shown(server.url())[0] == 1
        assert len(server.requests) == 1
    with Scripted(Peer.request, Peer.serve) as server:
        assert shown(server.url(), "--retries", "1") == (0, "fine", "")


def test_the_servers_keep_alive_bounds_the_requests_of_a_connection() -> None:
    with Scripted(lambda peer: peer.serve(more="Keep-Alive: timeout=5, max=2\r\n")) as server:
        code, _ = asked("--strategy", "persistent", *server.urls(5))
    assert code == 0
    assert server.paths()[0] == ["/1", "/2", "/3"]
