"""The origin server: which answer a request gets, and why; over a folder of real files."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.errors import UsageError
from lan.services.http.origin import paths
from lan.services.http.origin.answer import Answer
from lan.services.http.origin.origin import Origin
from lan.services.http.origin.paths import Path as HttpPath
from lan.services.http.origin.site import Directory, OnePage
from lan.services.http.protocol import dates
from lan.services.http.protocol.messages import Request, build, headers

from .descriptors import open_below

NOW_S = 2_000_000_000.0
MODIFIED_S = 1_000_000_000
MODIFIED = "Sun, 09 Sep 2001 01:46:40 GMT"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "www"
    (root / "img").mkdir(parents=True)
    (root / "empty").mkdir()
    files = {
        "index.html": "<p>home</p>",
        "img/index.html": "<p>images</p>",
        "a b.txt": "blank",
        "한글.txt": "글",
        "x": "?",
    }
    for name, text in files.items():
        (root / name).write_text(text)
        os.utime(root / name, (MODIFIED_S, MODIFIED_S))
    (tmp_path / "secret.txt").write_text("secret")
    (root / "out").symlink_to(tmp_path / "secret.txt")
    (root / "up").symlink_to(tmp_path)
    (root / "in").symlink_to("a b.txt")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "fifo")
    return root


def ask(root: Path, target: str, method: str = "GET", **fields: str) -> Answer:
    pairs = [("Host", "web"), *((name.replace("_", "-"), value) for name, value in fields.items())]
    return Origin(Directory(root)).answer(Request(method, target, headers=headers(pairs)), now_s=NOW_S)


def body(answer: Answer) -> str:
    if answer.content is None:
        return ""
    length = int(answer.response.headers.get("Content-Length") or "0")
    data = answer.content.read(0, length + 1)
    assert len(data) == length
    answer.content.close()
    return data.decode()


FOUND = [
    ("/", "<p>home</p>", "text/html; charset=utf-8"),
    ("/index.html", "<p>home</p>", "text/html; charset=utf-8"),
    ("/index.html?q=1#f", "<p>home</p>", "text/html; charset=utf-8"),
    ("http://web/img/", "<p>images</p>", "text/html; charset=utf-8"),
    ("/img/../index.html".replace("..", "."), "<p>images</p>", "text/html; charset=utf-8"),
    ("//img//index.html", "<p>images</p>", "text/html; charset=utf-8"),
    ("http://[::1", "<p>home</p>", "text/html; charset=utf-8"),
    ("/index.html?u=http://other/x", "<p>home</p>", "text/html; charset=utf-8"),
    ("/a%20b.txt", "blank", "text/plain; charset=utf-8"),
    ("/%ED%95%9C%EA%B8%80.txt", "글", "text/plain; charset=utf-8"),
    ("/x", "?", "application/octet-stream"),
    ("/in", "blank", "application/octet-stream"),
]


@pytest.mark.parametrize("target", ["ftp://web/x", "gopher://web/", "h2c://web/x"])
def test_a_url_of_another_scheme_is_misdirected(root: Path, target: str) -> None:
    answer = ask(root, target)
    assert (answer.response.status, answer.why.source) == (421, "RFC 9110 §7.4, §15.5.20")


@pytest.mark.parametrize(("target", "text", "media_type"), FOUND)
def test_a_file_is_found_and_described(root: Path, target: str, text: str, media_type: str) -> None:
    answer = ask(root, target)
    fields = answer.response.headers
    assert (answer.response.status, body(answer), fields.get("Content-Type")) == (200, text, media_type)
    assert fields.get("Date") == dates.build(NOW_S)
    assert fields.get("Server") == "lan"
    assert fields.get("Last-Modified") == MODIFIED


REFUSED = [
    ("/nothing", 404, "no such file"),
    ("/index.html/", 404, "no such file"),
    ("/index.html/x", 404, "no such file"),
    ("/" + "n" * 300, 404, "File name too long"),
    ("/loop", 404, "Too many levels of symbolic links"),
    ("/empty/", 403, "a folder without index.html"),
    ("/../secret.txt", 403, "the path leads upwards"),
    ("/img/..%2f..%2fsecret.txt", 400, "a name holds a slash or NUL"),
    ("/img/%2e%2e/%2e%2e/secret.txt", 403, "the path leads upwards"),
    ("/index.html%00.png", 400, "a name holds a slash or NUL"),
    ("/out", 403, "a link that leads out of the root"),
    ("/up/secret.txt", 403, "a link that leads out of the root"),
    ("/up/www/index.html", 200, "the file"),
    ("/fifo", 403, "not a regular file"),
    ("*", 400, "the target is no path"),
]


@pytest.mark.parametrize(("target", "status", "why"), REFUSED)
def test_what_is_no_file_of_the_site_is_refused_with_its_reason(root: Path, target: str, status: int, why: str) -> None:
    answer = ask(root, target)
    assert (answer.response.status, answer.why.text) == (status, why)
    assert "secret" not in body(answer).replace("secret.txt", "")


def test_a_folder_without_its_slash_is_pointed_to_and_never_to_another_host(root: Path) -> None:
    assert ask(root, "/img").response.headers.get("Location") == "/img/"
    assert ask(root, "//img").response.headers.get("Location") == "/img/"
    (root / "a b").mkdir()
    assert ask(root, "/a%20b").response.headers.get("Location") == "/a%20b/"


@pytest.mark.parametrize("target", ["/", "/nothing", "/img"])
def test_head_is_get_without_the_body(root: Path, target: str) -> None:
    head, get = ask(root, target, "HEAD"), ask(root, target)
    assert head.response == get.response
    assert head.content is None


@pytest.mark.parametrize(
    ("method", "status"), [("POST", 405), ("PUT", 405), ("DELETE", 405), ("CONNECT", 405), ("BREW", 501), ("get", 501)]
)
def test_other_methods_are_refused(root: Path, method: str, status: int) -> None:
    answer = ask(root, "/", method)
    assert answer.response.status == status
    assert (answer.response.headers.get("Allow") is not None) is (status == 405)


def test_options_names_the_methods(root: Path) -> None:
    assert ask(root, "*", "OPTIONS").response.headers.get("Allow") == "GET, HEAD, OPTIONS, TRACE"


def test_a_client_with_the_same_version_is_told_so(root: Path) -> None:
    tag = ask(root, "/").response.headers.get("ETag") or ""
    for value in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = ask(root, "/", If_None_Match=value)
        assert (answer.response.status, answer.content) == (304, None)
        assert answer.response.headers.get("ETag") == tag


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"If_Modified_Since": MODIFIED}, 304),
        ({"If_Modified_Since": dates.build(MODIFIED_S + 9)}, 304),
        ({"If_Modified_Since": dates.build(MODIFIED_S - 1)}, 200),
        ({"If_Modified_Since": "soon"}, 200),
        ({"If_None_Match": '"other"', "If_Modified_Since": MODIFIED}, 200),  # the tag decides, RFC 9110 §13.2.2
    ],
)
def test_a_date_decides_only_where_no_tag_does(root: Path, fields: dict[str, str], status: int) -> None:
    assert ask(root, "/", **fields).response.status == status


def test_another_version_has_another_tag(root: Path) -> None:
    before = ask(root, "/").response.headers.get("ETag")
    (root / "index.html").write_text("<p>HOME</p>")
    assert ask(root, "/").response.headers.get("ETag") != before


def test_no_descriptor_stays_open(root: Path) -> None:
    for target, *_ in (*FOUND, *REFUSED):
        for method in ("GET", "HEAD"):
            body(ask(root, target, method))
            body(ask(root, target, method, If_None_Match="*"))
    assert open_below(root) == []


def test_one_page_is_the_whole_site() -> None:
    origin = Origin(OnePage(b"<p>page</p>", MODIFIED_S))
    asked = {
        target: origin.answer(Request("GET", target), now_s=NOW_S)
        for target in ("/", "/index.html", "/x", "/index.html/")
    }
    assert [answer.response.status for answer in asked.values()] == [200, 200, 404, 404]


def test_a_root_that_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        Directory(tmp_path / "missing")


PIECES = st.sampled_from(
    ["/", "..", "http://", "[", "]", "%", "%ff", "%00", "?", "#", "index.html", ":", "@", "*", "~"]
)
TARGETS = st.lists(PIECES | st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=9)).map("".join)


@given(TARGETS.filter(bool), st.sampled_from(["GET", "HEAD", "OPTIONS", "PUT", "BREW"]))
def test_any_target_gets_an_answer(target: str, method: str) -> None:
    origin = Origin(OnePage(b"<p>page</p>", MODIFIED_S))
    assert build(origin.answer(Request(method, target), now_s=NOW_S).response).startswith(b"HTTP/1.1 ")


@given(st.text(st.characters(codec="latin-1"), max_size=30))
def test_no_target_names_a_place_above_the_root(target: str) -> None:
    found = paths.parse("/" + target)
    if isinstance(found, HttpPath):
        assert all(segment not in ("", ".", "..") and "/" not in segment for segment in found.segments)
