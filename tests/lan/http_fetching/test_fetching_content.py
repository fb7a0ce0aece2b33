"""Requests of lan-fetch with content: 100 Continue, refusals, what was said on the command line."""

import threading
from pathlib import Path

from ...fetching import Clock, asked, outcomes, shown
from ..scripted_server import OK, Peer, Scripted


def test_content_waits_for_100_continue() -> None:
    def willing(peer: Peer) -> None:
        head = peer.request()
        assert b"\r\nExpect: 100-continue\r\n" in head
        peer.send("HTTP/1.1 100 Continue\r\n\r\n")
        assert peer.content(3) == b"a=1"
        peer.send(f"{OK}Content-Length: 2\r\n\r\nok")
        peer.await_end()

    with Scripted(willing) as server:
        assert shown("--data", "a=1", "--expect-100", server.url()) == (0, "ok", "")


def test_content_that_is_not_wanted_is_not_sent(clock: Clock) -> None:
    """The clock stands: after a second it would be sent unasked."""
    left = []

    def unwilling(peer: Peer) -> None:
        peer.request()
        peer.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
        left.append(peer.await_end())

    with Scripted(unwilling) as server:
        code, said = asked("--data", "a=1", "--expect-100", "-X", "PUT", server.url())
    assert (code, said["status"], said["persistence"]["keep"]) == (1, 417, False)
    assert left == [b""]


def test_content_that_is_refused_on_its_way_is_not_sent_to_its_end() -> None:
    """The server answers when it has seen the head, and reads no further."""
    go_on = threading.Event()

    def refuse(peer: Peer) -> None:
        while b"\r\n\r\n" not in (peer.sock.recv(1024)):
            pass
        peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")
        assert go_on.wait(30)

    with Scripted(refuse) as server:
        code, said = asked("--strategy", "persistent", "-X", "PUT", "--data", "x" * 20_000_000, server.url())
        go_on.set()
    assert (code, outcomes(said)) == (1, ["413"])
    assert said["connections"][0]["closed_first"] is None


def test_a_server_that_knows_no_100_gets_the_content_after_a_while() -> None:
    def silent(peer: Peer) -> None:
        peer.request()
        assert peer.content(3) == b"a=1"
        peer.send(f"{OK}Content-Length: 2\r\n\r\nok")
        peer.await_end()

    with Scripted(silent) as server:
        assert shown("--data", "a=1", "--expect-100", server.url())[:2] == (0, "ok")


def test_methods_fields_and_content_are_what_was_said(tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(b"\x00\xff" * 100_000)
    with Scripted(Peer.serve) as server:
        words = ["-X", "PATCH", "--data", f"@{tmp_path / 'content'}", "-H", "Content-Type: application/octet-stream"]
        assert shown(*words, server.url("/x"))[:2] == (0, "fine")
    [[request]] = server.requests
    head, _, content = request.partition(b"\r\n\r\n")
    assert head.startswith(b"PATCH /x HTTP/1.1\r\n")
    assert b"\r\nContent-Length: 200000" in head and b"octet-stream" in head
    assert content == b"\x00\xff" * 100_000
