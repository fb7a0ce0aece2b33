"""The origin server on real sockets: every method, all framings, parts of large files, hosts, rude paths."""

import json
import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from ..pem import write_pem
from ..program import Program
from .proxying import PATIENCE_S, web_command

LARGE = os.urandom(3_000_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder beside a secret, with links and things that are no files."""
    folder = tmp_path_factory.mktemp("origin")
    www = folder / "www"
    (www / "sub").mkdir(parents=True)
    (www / "page.html").write_text("<p>page</p>")
    (www / "page.html.gz").write_bytes(b"compressed")
    (www / "large").write_bytes(LARGE)
    (folder / "secret").write_text("secret")
    (www / "link").symlink_to(folder / "secret")
    (www / "up").symlink_to(folder)
    os.mkfifo(www / "fifo")
    (www / "null").symlink_to("/dev/null")
    return folder


@pytest.fixture(scope="module")
def web(folder: Path) -> Iterator[Program]:
    """Files by default; the echo application and the store under names of their own."""
    config = folder / "http.json"
    hosts = {"echo.test": {"app": "echo"}, "store.test": {"app": "store"}, "list.test": {"listing": True}}
    hosts["list.test"]["root"] = str(folder / "www")
    config.write_text(json.dumps({"root": str(folder / "www"), "hosts": hosts}))
    with Program(web_command("--config", str(config)), folder / "decisions") as program:
        yield program


def exchange(web: Program, request: bytes) -> bytes:
    """What comes until the server's FIN for these bytes and ours."""
    with socket.create_connection(("127.0.0.1", web.port), PATIENCE_S) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        data = bytearray()
        while piece := sock.recv(1 << 20):
            data += piece
    return bytes(data)


def ask(web: Program, target: str, *fields: str, method: str = "GET", host: str = "web", body: bytes = b"") -> bytes:
    length = [f"Content-Length: {len(body)}"] if body else []
    head = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *length, *fields, "", ""]
    return exchange(web, "\r\n".join(head).encode("latin-1") + body)


def status(answer: bytes) -> int:
    return int(answer[9:12])


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def unchunked(data: bytes) -> tuple[bytes, bytes]:
    """A chunked body → its content, and what stands behind the last chunk."""
    content = b""
    while (size := int(data.partition(b"\r\n")[0], 16)) > 0:
        start = data.index(b"\r\n") + 2
        content += data[start : start + size]
        assert data[start + size :][:2] == b"\r\n"
        data = data[start + size + 2 :]
    return content, data.partition(b"\r\n")[2]


def test_every_method_leaves_its_trace_in_the_store(web: Program) -> None:
    def store(method: str, target: str, *fields: str, body: bytes = b"") -> bytes:
        return ask(web, target, *fields, method=method, host="store.test", body=body)

    assert status(store("PUT", "/store/a", body=b'{"n": 1}')) == 201
    assert body_of(store("GET", "/store/a")) == b'{"n": 1}'
    assert body_of(store("HEAD", "/store/a")) == b""
    assert b"\r\nContent-Length: 8\r\n" in store("HEAD", "/store/a")
    patch = "Content-Type: application/merge-patch+json"
    assert status(store("PATCH", "/store/a", patch, body=b'{"m": 2}')) == 204
    assert json.loads(body_of(store("GET", "/store/a"))) == {"n": 1, "m": 2}
    assert b"\r\nLocation: /store/1\r\n" in store("POST", "/store/", body=b"x")
    assert b"\r\nAllow: GET, HEAD, OPTIONS, TRACE, PUT, PATCH, DELETE\r\n" in store("OPTIONS", "/store/a")
    assert status(store("DELETE", "/store/a")) == 204
    assert status(store("GET", "/store/a")) == 404
    traced = body_of(store("TRACE", "/store/a", "Cookie: c=1", "X-Seen: yes"))
    assert traced == b"TRACE /store/a HTTP/1.1\r\nHost: store.test\r\nConnection: close\r\nX-Seen: yes\r\n\r\n"


def test_a_refused_put_is_answered_before_its_body_comes(web: Program) -> None:
    with socket.create_connection(("127.0.0.1", web.port), PATIENCE_S) as sock:
        sock.sendall(b"PUT /x HTTP/1.1\r\nHost: store.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert sock.recv(12) == b"HTTP/1.1 405"


def test_100_comes_before_101(web: Program) -> None:
    """RFC 9110 §7.8: a server that gets both Upgrade and Expect sends 100 first."""
    fields = b"Expect: 100-continue\r\nConnection: upgrade\r\nUpgrade: echo\r\nContent-Length: 2\r\n"
    with socket.create_connection(("127.0.0.1", web.port), PATIENCE_S) as sock:
        sock.sendall(b"POST /any HTTP/1.1\r\nHost: echo.test\r\n" + fields + b"\r\n")
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"ok")
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += sock.recv(1000)
        assert data.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        sock.sendall(b"other protocol")
        assert sock.recv(1000) == b"other protocol"


def test_content_of_unknown_length_is_chunked_with_its_trailers_or_ends_with_the_connection(web: Program) -> None:
    answer = exchange(web, b"GET /trailers HTTP/1.1\r\nHost: echo.test\r\n\r\n")
    content, behind = unchunked(body_of(answer))
    assert b"\r\nTransfer-Encoding: chunked" in answer
    assert len(content) == 4096
    assert re.fullmatch(rb"Lan-Crc32: [0-9a-f]{8}\r\nLan-Bytes: 4096\r\n\r\n", behind)
    old = exchange(web, b"GET /chunked/100000 HTTP/1.0\r\nHost: echo.test\r\n\r\n")
    assert b"Transfer-Encoding" not in old
    assert len(body_of(old)) == 100_000
    new = exchange(web, b"GET /chunked/100000 HTTP/1.1\r\nHost: echo.test\r\n\r\n")
    assert unchunked(body_of(new)) == (body_of(old), b"\r\n")


def test_a_chunked_body_comes_back_whole_and_echo_shows_its_trailers(web: Program) -> None:
    head = b"POST %b HTTP/1.1\r\nHost: echo.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunks = b"3\r\nabc\r\n2\r\nde\r\n0\r\nX-After: 1\r\n\r\n"
    assert body_of(exchange(web, head % b"/any" + chunks)) == b"abcde"
    assert body_of(exchange(web, head % b"/echo" + chunks)).endswith(b"\r\n\r\nabcdeX-After: 1\r\n")


def test_pipelined_requests_of_all_kinds_are_answered_in_order(web: Program) -> None:
    asked = [
        b"GET /1k HTTP/1.1\r\nHost: echo.test\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: echo.test\r\nContent-Length: 3\r\n\r\none",
        b"HEAD /bytes/9 HTTP/1.1\r\nHost: echo.test\r\n\r\n",
        b"GET /delay/0.05 HTTP/1.1\r\nHost: echo.test\r\n\r\n",
        b"GET /page.html HTTP/1.1\r\nHost: web\r\n\r\n",
        b"POST /b HTTP/1.1\r\nHost: echo.test\r\nContent-Length: 3\r\n\r\ntwo",
    ]
    answer = exchange(web, b"".join(asked))
    assert answer.count(b"HTTP/1.1 200 OK") == 6
    bodies = [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert [len(body) for body in bodies] == [1024, 3, 0, 13, 11, 3]
    assert (bodies[1], bodies[3], bodies[5]) == (b"one", b"0.05 s later\n", b"two")


@pytest.mark.parametrize(
    ("asked", "spans"),
    [("0-99", [(0, 100)]), ("1000000-2999998", [(1_000_000, 2_999_999)]), ("-70000", [(2_930_000, 3_000_000)]),
     ("0-0,1000-100000,-1", [(0, 1), (1000, 100_001), (2_999_999, 3_000_000)])],
)  # fmt: skip
def test_parts_of_a_large_file_are_its_bytes(web: Program, asked: str, spans: list[tuple[int, int]]) -> None:
    answer = ask(web, "/large", f"Range: bytes={asked}")
    assert status(answer) == 206
    body = body_of(answer)
    for start, end in spans:
        assert LARGE[start:end] in body
    if len(spans) == 1:
        assert len(body) == spans[0][1] - spans[0][0]
    length = re.search(rb"\r\nContent-Length: (\d+)\r\n", answer)
    assert length is not None
    assert len(body) == int(length[1])


def test_a_large_file_comes_whole_again_and_again_on_one_connection(web: Program) -> None:
    get = b"GET /large HTTP/1.1\r\nHost: web\r\n\r\n"
    answer = exchange(web, get * 3)
    assert answer.count(LARGE) == 3
    assert len(answer) < 3 * len(LARGE) + 3000


def test_a_compressed_form_and_a_condition(web: Program) -> None:
    answer = ask(web, "/page.html", "Accept-Encoding: gzip")
    assert body_of(answer) == b"compressed"
    tag = re.search(rb"\r\nETag: (\S+)\r\n", answer)
    assert tag is not None
    assert status(ask(web, "/page.html", "Accept-Encoding: gzip", f"If-None-Match: {tag[1].decode()}")) == 304
    assert body_of(ask(web, "/page.html")) == b"<p>page</p>"


def test_each_host_has_its_site_and_the_listing_where_it_is_allowed(web: Program) -> None:
    assert status(ask(web, "/", host="web")) == 403
    listed = body_of(ask(web, "/", host="list.test"))
    assert re.findall(rb'href="([^"]+)"', listed) == [b"./sub/", b"./large", b"./page.html", b"./page.html.gz"]
    assert status(ask(web, "http://list.test/", host="list.test")) == 200
    assert status(ask(web, "http://list.test/", host="web")) == 400


RUDE = [
    "/../secret", "/sub/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/sub/..%2f..%2fsecret", "/%2e%2e%2fsecret",
    "/.%2e/secret", "/%252e%252e/secret", "/..;/secret", "/..\\secret", "/%5c..%5csecret", "//secret", "/./../secret",
    "/page.html/../../secret", "/link", "/up/secret", "/up/up/secret", "/%00", "/page.html%00", "/secret%00.html",
    "/fifo", "/null", "/sub/%ff%fe", "/" + "a/" * 3000, "/" + "%2e" * 2000, "/proc/self/environ", "/~root/",
    "http://web/../secret", "http://web/%2e%2e/secret", "/.%00./secret", "/%c0%ae%c0%ae/secret", "/%u002e%u002e/secret",
]  # fmt: skip


@pytest.mark.parametrize("target", RUDE, ids=lambda target: target[:30])
def test_no_path_leads_out_of_the_root_or_to_what_is_no_file(web: Program, folder: Path, target: str) -> None:
    for method in ("GET", "HEAD"):
        answer = ask(web, target, method=method)
        assert status(answer) in (400, 403, 404, 414)
        assert (folder / "secret").read_bytes() not in body_of(answer).replace(b"/secret", b"")


VALIDATORS = {b"ETag", b"Last-Modified", b"Accept-Ranges"}


@pytest.mark.parametrize(
    "target",
    ["/redirect/%0d%0aSet-Cookie:x=1", "/sub%0d%0aSet-Cookie:x=1", "/status/301%0d%0aX:y", "/?fault=%0d%0aX:y", "/sub"],
)
def test_no_request_writes_a_field_into_an_answer(web: Program, target: str) -> None:
    for host in ("web", "echo.test", "store.test"):
        head = ask(web, target, host=host).partition(b"\r\n\r\n")[0]
        names = {line.partition(b":")[0] for line in head.split(b"\r\n")[1:]}
        assert names <= set(b"Date Server Content-Type Content-Length Connection Location".split()) | VALIDATORS


def test_a_name_with_a_line_break_is_quoted_in_a_redirect(web: Program, folder: Path) -> None:
    (folder / "www" / "a\r\nSet-Cookie: x=1").mkdir()
    answer = ask(web, "/a%0d%0aSet-Cookie:%20x=1")
    assert b"\r\nLocation: /a%0D%0ASet-Cookie%3A%20x%3D1/\r\n" in answer


def test_over_tls_an_early_close_is_no_orderly_end(tmp_path: Path) -> None:
    """No close_notify comes before the FIN, so a client can tell that the body was cut (RFC 8446 §6.1)."""
    words = ["--app", "echo", "--faults", "--closes-first", "server"]
    tls = ["--tls", "--tls-listen", "127.0.0.1:0", *write_pem(tmp_path, "localhost")]
    context = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    with Program(web_command(*words, *tls), tmp_path / "decisions") as program:
        for fault, is_cut in (
            ("", False), ("content-length:none", False), ("early-close:99", True), ("reset:99", True),
        ):  # fmt: skip
            plain = socket.create_connection(("127.0.0.1", program.ports["https"]), PATIENCE_S)
            with context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as sock:
                sock.sendall(f"GET /1k HTTP/1.1\r\nHost: a\r\nLan-Fault: {fault}\r\nConnection: close\r\n\r\n".encode())
                with pytest.raises((ssl.SSLError, ConnectionResetError)) if is_cut else nullcontext():
                    data = whole(sock)
                    assert len(body_of(data)) == 1024


def test_keep_alive_is_said_and_held(tmp_path: Path) -> None:
    """The book, 4.5.4: so many requests more, so long when idle; then the server closes."""
    with Program(web_command("--keep-alive", "timeout=1, max=3"), tmp_path / "decisions") as program:
        for line in (b"GET / HTTP/1.1\r\nHost: web\r\n", b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n"):
            with socket.create_connection(("127.0.0.1", program.port), PATIENCE_S) as sock:
                sock.sendall((line + b"\r\n") * 4)  # the fourth gets no answer
                heads = whole(sock).split(b"HTTP/1.1 200 OK\r\n")[1:]
            said = [sorted(re.findall(rb"(?m)^(?:Connection|Keep-Alive): .*(?=\r$)", head)) for head in heads]
            assert said == [
                [b"Connection: keep-alive", b"Keep-Alive: timeout=1, max=2"],
                [b"Connection: keep-alive", b"Keep-Alive: timeout=1, max=1"],
                [b"Connection: close"],
            ]
        with socket.create_connection(("127.0.0.1", program.port), PATIENCE_S) as idle:
            idle.sendall(b"GET / HTTP/1.1\r\nHost: web\r\n\r\n")
            assert whole(idle).count(b"HTTP/1.1 200 OK") == 1
        [closing] = [one for one in program.decisions("closing") if "idle" in one["reason"]["text"]]
        assert closing["first"] == "server"


def whole(sock: socket.socket) -> bytes:
    """What comes until the server's FIN."""
    data = b""
    while piece := sock.recv(1 << 16):
        data += piece
    return data
