"""The words of lan-fetch: socket options, pages with their objects, folders, the waterfall, misuse."""

import json
import re
import resource
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from ...command import CHECKOUT
from ...fetching import asked, outcomes, shown
from ...program import module
from ..scripted_server import OK, Peer, Scripted


def test_linger_0_closes_by_a_reset() -> None:
    ends: list[BaseException | bytes] = []

    def see(peer: Peer) -> None:
        peer.answer("a")
        try:
            ends.append(peer.await_end())
        except ConnectionResetError as reset:
            ends.append(reset)

    with Scripted(see) as server:
        code, said = asked("--linger-s", "0", server.url())
    assert (code, said["closed_first"], said["is_closed"]) == (0, None, False)
    assert isinstance(ends[0], ConnectionResetError)


def test_socket_options_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    kept = socket.socket.setsockopt

    class Watched(socket.socket):
        def setsockopt(self, level: int, name: int, value: Any, *more: Any) -> None:  # type: ignore[override]
            seen.append((name, value))
            kept(self, level, name, value, *more)

    with Scripted(Peer.serve) as server:
        monkeypatch.setattr(socket, "socket", Watched)
        words = ["--no-nodelay", "--no-quickack", "--sndbuf-bytes", "9000", "--rcvbuf-bytes", "8000"]
        assert shown(*words, server.url())[0] == 0
    wanted = {
        (socket.TCP_NODELAY, False),
        (socket.TCP_QUICKACK, False),
        (socket.SO_SNDBUF, 9000),
        (socket.SO_RCVBUF, 8000),
    }
    assert wanted <= set(seen)


def test_a_page_is_fetched_with_its_objects_from_several_hosts_while_it_still_comes() -> None:
    go_on = threading.Event()

    def page(peer: Peer) -> None:
        peer.request()
        head = f"<html><img src=/1.png><img src='{other.url('/2.png')}'>"
        tail = "<img src=/3.png><a href=/no></a>"
        peer.send(f"{OK}Content-Type: text/html\r\nContent-Length: {len(head + tail)}\r\n\r\n{head}")
        assert go_on.wait(30)
        peer.send(tail)
        peer.serve()

    def image(peer: Peer) -> None:
        peer.request()
        go_on.set()  # an object of the page is asked for before the page is complete
        peer.send(f"{OK}Content-Length: 1\r\nConnection: close\r\n\r\nx")
        peer.await_end()

    with Scripted(image, Peer.serve) as other, Scripted(page, Peer.serve) as server:
        code, said = asked("--page", server.url("/index.html"))
    assert (code, outcomes(said)) == (0, ["200"] * 4)
    assert [one["kind"] for one in said["objects"]] == ["page", "img", "img", "img"]
    assert sorted(path for paths in server.paths() for path in paths) == ["/1.png", "/3.png", "/index.html"]
    assert other.paths() == [["/2.png"]]


def test_a_page_is_fetched_with_what_its_style_sheets_name_by_way_of_a_redirection_too() -> None:
    bodies = {
        "/": (
            "text/html",
            "<link rel=stylesheet href=/moved.css><picture><source srcset=/p.webp><img src=/no></picture>",
        ),
        "/css/one.css": ("text/css", "@import 'two.css'; a { background: url(a.png) }"),
        "/css/two.css": ("text/css; charset=latin-1", "@import 'one.css'; b { background: url(/p.webp), url(b.png"),
    }

    def site(peer: Peer) -> None:
        while request := peer.request():
            path = request.split()[1].decode()
            kind, body = bodies.get(path, ("image/png", "x"))
            start = "HTTP/1.1 302 Found\r\nLocation: /css/one.css\r\n" if path == "/moved.css" else OK
            peer.send(f"{start}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n{body}")

    with Scripted(site) as server:
        code, said = asked("--page", "--strategy", "persistent", server.url())
    assert (code, len(said["objects"])) == (0, 7)
    assert sorted(path for paths in server.paths() for path in paths) == sorted(
        ["/", "/moved.css", "/css/one.css", "/css/two.css", "/css/a.png", "/css/b.png", "/p.webp"]
    )


def test_bodies_of_many_objects_go_into_a_folder(tmp_path: Path) -> None:
    with Scripted(lambda peer: peer.answer("one", "two", "three")) as server:
        words = ["--strategy", "persistent", "-o", str(tmp_path)]
        code, out, _ = shown(*words, server.url("/a/../x.png?q"), server.url("/"), server.url("/%2e%2e"))
    assert code == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "001-x.png": "one", "002-index": "two", "003-_2e_2e": "three",
    }  # fmt: skip
    assert "3 objects, 11 B in " in out


def test_what_a_server_says_steers_no_terminal() -> None:
    """CSI is a byte, too (ECMA-48 §5.3): what follows it on the line moves the cursor, or worse."""
    steering = "\x9b31mred"
    for start in (f"HTTP/1.1 404 {steering}\r\n", f"HTTP/1.1 200 OK\r\nX: {steering}\r\n"):

        def script(peer: Peer, start: str = start) -> None:
            peer.request()
            peer.sock.sendall(f"{start}Content-Length: 0\r\n\r\n".encode("latin-1"))

        with Scripted(script) as server:
            _, out, err = shown("-v", server.url())
        assert "\\x9b31mred" in err
        assert "\x9b" not in out + err


@pytest.mark.parametrize("words", [[], ["--strategy", "persistent"]])
def test_what_a_stranger_wrote_steers_no_terminal_in_json_either(words: list[str]) -> None:
    def lead(peer: Peer) -> None:
        assert peer.request()
        peer.sock.sendall(b"HTTP/1.1 200 OK\x9b2J\r\nServer: \xc2\x9b31m\r\nContent-Length: 0\r\n\r\n")
        peer.await_end()

    with Scripted(lead) as server:
        _, out, _ = shown(*words, "--json", server.url())
    assert json.loads(out)["schema"] == 1
    assert not re.search(r"[\x7f-\x9f]", out)
    assert r"\u009b" in out


def test_more_objects_than_descriptors_go_into_a_folder(tmp_path: Path) -> None:
    """Each file is open no longer than it is written to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Scripted(Peer.serve) as server:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 20, hard))
        try:
            words = ["--strategy", "persistent", "-o", str(tmp_path)]
            code, out, err = shown(*words, *server.urls(60))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert code == 0, err
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["fine"] * 60
    assert "60 objects" in out


@pytest.mark.parametrize("words", [["-o", "/dev/full"], ["-o", "full", "--strategy", "serial"]])
def test_a_full_disk_is_said_in_words(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "001-index").symlink_to("/dev/full")
    with Scripted(Peer.serve) as server:
        code, _, err = shown(*words, server.url())
    assert code == 1
    assert "can't be written: No space left on device" in err


def test_a_full_disk_behind_the_screen_too() -> None:
    command = module("lan.services.http.fetch")
    with Scripted(Peer.serve) as server, Path("/dev/full").open("wb") as full:
        done = subprocess.run([*command, server.url()], cwd=CHECKOUT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr.decode().splitlines()[0]) == (
        1, "lan-fetch: standard output: can't be written: No space left on device",
    )  # fmt: skip


def test_a_waterfall_shows_each_object_with_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with Scripted(Peer.serve) as server:
        code, out, err = shown("-v", "--strategy", "persistent", *server.urls(3))
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[:5] for line in lines[1:4]] == [["#1", "200", "4", "B", f"/{n}"] for n in (1, 2, 3)]
    assert all(len(line) <= 80 for line in lines[:-1])
    assert "on 1 connection: persistent (book 4.5)" in lines[-1]
    assert "send object 2 on #1: used again: no new handshake (served 1; RFC 9112 §9.3; book 4.5.8)" in err


@pytest.mark.parametrize(
    "words",
    [
        ["--strategy", "fast", "http://a/"],
        ["--strategy", "serial", "--depth", "3", "http://a/"],
        ["--phase-timeout-s", "wait", "http://a/"],
        ["--phase-timeout-s", "lunch:3", "http://a/"],
        ["--timeout-s", "0", "http://a/"],
        ["--expect-100", "http://a/"],
        ["-X", "CONNECT", "http://a/"],
        ["-X", "G T", "http://a/"],
        ["-H", "Content-Length: 3", "http://a/"],
        ["--page", "--data", "x", "http://a/"],
        ["--proxy", "https://p/", "http://a/"],
        ["--data", "@/no/such/file", "http://a/"],
        ["-o", "/no/such/folder", "http://a/", "http://b/"],
        ["--linger-s", "-1", "http://a/"],
        ["--retries", "-1", "http://a/"],
        ["http://a/", "ftp://b/"],
    ],
)
def test_wrong_words_are_said_and_nothing_is_asked(words: list[str]) -> None:
    code, out, err = shown(*words)
    assert (code, out) == (2, "")
    assert err.startswith("lan-fetch: ")
