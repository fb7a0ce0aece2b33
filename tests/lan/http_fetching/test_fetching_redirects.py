"""Where lan-fetch follows, with which method, and what it leaves at home.  RFC 9110 §15.4."""

from ...fetching import asked, shown
from ..scripted_server import Peer, Scripted


def test_redirections_are_followed_with_their_methods_and_credentials_stay_at_home() -> None:
    def lead(peer: Peer) -> None:
        peer.answer(
            "gone", start="HTTP/1.1 302 Found\r\n", more=f"Location: {other.url('/there')}\r\nConnection: close\r\n"
        )

    with Scripted(Peer.serve) as other, Scripted(lead) as server:
        words = ["-L", "--data", "a=1", "-H", "Authorization: Basic eA==", "-H", "X-Mine: yes"]
        code, out, _ = shown(*words, server.url())
    assert (code, out) == (0, "fine")
    [[first]], [[second]] = server.requests, other.requests
    assert first.startswith(b"POST / ") and b"Authorization" in first and first.endswith(b"a=1")
    assert second.startswith(b"GET /there ") and b"Authorization" not in second and b"X-Mine: yes" in second


def test_a_redirection_is_the_answer_where_nobody_follows_it() -> None:
    with Scripted(lambda peer: peer.answer("gone", start="HTTP/1.1 302 Found\r\n", more="Location: /x\r\n")) as server:
        assert shown(server.url())[:2] == (0, "gone")


def test_a_circle_of_redirections_ends() -> None:
    def circle(peer: Peer) -> None:
        while peer.request():
            peer.send("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")

    with Scripted(circle) as server:
        _, said = asked("-L", "--strategy", "persistent", server.url())
    assert len(said["objects"]) == 21
    assert [one["status"] for one in said["objects"]] == [302] * 21
