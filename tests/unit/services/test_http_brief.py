"""Plain requests are answered in one go, and nothing else is.  That both ways give the same bytes is shown beside
the essence of a request (`test_http_essence.py`)."""

import os
from functools import partial
from pathlib import Path

import pytest

from lan.services.http.origin.application import Application
from lan.services.http.origin.brief import brief
from lan.services.http.origin.echo import Echo
from lan.services.http.origin.faults import Faults
from lan.services.http.origin.origin import Origin, Rules
from lan.services.http.origin.routes import Routes
from lan.services.http.origin.shortcuts import MAX_ANSWER_BYTES, Shortcuts
from lan.services.http.origin.site import SMALL_BYTES, Directory, OnePage

from .descriptors import open_below

NOW_S = 4_000_000_000.0  # long after the files of a test were made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in ("page", "sub/a-b_c.css", "packed", "packed.gz"):
        (tmp_path / name).write_text("one")
        os.utime(tmp_path / name, (1000, 1000))
    return tmp_path


def get(*fields: str, start: str = "GET /page HTTP/1.1") -> bytes:
    return "\r\n".join([start, *fields, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    ("start", "fields"),
    [
        ("GET /page HTTP/1.1", ["Host: web"]),
        ("GET /sub/a-b_c.css HTTP/1.1", ["host: 127.0.0.1:8080"]),
        ("GET /page HTTP/1.1", ["Accept-Encoding: gzip, br;q=0.5, *", "HOST: web:59999", "Connection: Keep-Alive"]),
    ],
)
def test_a_plain_request_is_answered(root: Path, start: str, fields: list[str]) -> None:
    made = brief(Origin(Directory(root)), get(*fields, start=start), NOW_S)
    assert made is not None and made.is_current is not None
    assert (made.head[:17], made.body) == (b"HTTP/1.1 200 OK\r\n", b"one")
    assert made.is_current(1.0)


@pytest.mark.parametrize(
    "start",
    [
        "HEAD /page HTTP/1.1", "POST /page HTTP/1.1", "GET /page HTTP/1.0", "GET /page HTTP/1.2", "GET / HTTP/1.1",
        "GET /sub HTTP/1.1", "GET /sub/ HTTP/1.1", "GET /none HTTP/1.1", "GET /%70age HTTP/1.1", "GET /page? HTTP/1.1",
        "GET //page HTTP/1.1", "GET /sub/../page HTTP/1.1", "GET /./page HTTP/1.1", "GET /packed HTTP/1.1",
        "GET http://web/page HTTP/1.1", "GET page HTTP/1.1", "GET  /page HTTP/1.1", "GET /page HTTP/1.1 ", "",
    ],
)  # fmt: skip
def test_another_start_goes_the_long_way(root: Path, start: str) -> None:
    assert brief(Origin(Directory(root)), get("Host: web", start=start), NOW_S) is None


@pytest.mark.parametrize(
    "fields",
    [
        [], ["Host: web", "Host: web"], ["Host: "], ["Host: web:"], ["Host: web:0"], ["Host: web:65536"],
        ["Host: a@b"], ["Host: web "], ["Host:web"], ["Host : web"], ["Host: [::1]"],
        *(["Host: web", more] for more in [
            "Connection: close", "Connection: keep-alive, close", "Content-Length: 0", "Transfer-Encoding: chunked",
            "Range: bytes=0-", "If-None-Match: *", "Expect: 100-continue", "Upgrade: echo", "Accept-Encoding: \xe9",
            "Accept-Encoding : gzip", "Cookie: not left out yet", " folded", "", "Lan-Fault: reset:1",
        ]),
    ],
)  # fmt: skip
def test_other_fields_go_the_long_way(root: Path, fields: list[str]) -> None:
    assert brief(Origin(Directory(root)), get(*fields), NOW_S) is None


@pytest.mark.parametrize(
    ("rules", "hosts", "app"),
    [
        (Rules(cache_control=Routes({"/x": "no-store"})), [], None),
        (Rules(faults=Routes({"/x": Faults()})), [], None),
        (Rules(faults_on_request=True), [], None),
        (None, ["other"], None),
        (None, [], Echo()),
    ],
)
def test_a_site_of_which_more_is_said_goes_the_long_way(
    root: Path, rules: Rules | None, hosts: list[str], app: Application | None
) -> None:
    site = Directory(root)
    origin = Origin(site, rules=rules, hosts={name: Origin(site) for name in hosts}, app=app)
    assert brief(origin, get("Host: web"), NOW_S) is None


def test_a_large_file_goes_the_long_way_and_leaves_no_descriptor(root: Path) -> None:
    (root / "large").write_bytes(b"x" * (SMALL_BYTES + 1))
    assert brief(Origin(Directory(root)), get("Host: web", start="GET /large HTTP/1.1"), NOW_S) is None
    assert open_below(root) == []


def test_what_has_just_changed_is_given_once_and_not_remembered(root: Path) -> None:
    changed_s = (root / "page").stat().st_ctime
    origin, now_s = Origin(Directory(root)), [changed_s + 1]
    shortcuts = Shortcuts(lambda: now_s[0], make=partial(brief, origin))
    assert shortcuts.answer(get("Host: web"), 1.0) is not None and len(shortcuts) == 0
    (root / "page").write_text("two")
    second = shortcuts.answer(get("Host: web"), 2.0)
    assert second is not None and second[0].endswith(b"two") and len(shortcuts) == 0
    now_s[0] += 60
    assert shortcuts.answer(get("Host: web"), 3.0) is not None and len(shortcuts) == 1


def test_what_is_made_is_remembered_within_the_same_bounds(root: Path) -> None:
    origin = Origin(OnePage(b"x" * (MAX_ANSWER_BYTES + 1), 1))
    shortcuts = Shortcuts(lambda: NOW_S, make=partial(brief, origin))
    assert shortcuts.answer(get("Host: web", start="GET /index.html HTTP/1.1"), 1.0) is None
    small = Origin(Directory(root))
    few = Shortcuts(lambda: NOW_S, make=partial(brief, small), max_entries=2)
    for port in range(1, 9):
        assert few.answer(get(f"Host: web:{port}"), float(port)) is not None
        assert len(few) <= 2


def test_pipelined_plain_requests_are_answered_together_and_only_where_all_are_plain(root: Path) -> None:
    origin = Origin(Directory(root))
    shortcuts = Shortcuts(lambda: NOW_S, make=partial(brief, origin))
    one = shortcuts.answer(get("Host: web"), 1.0)
    assert one is not None
    assert shortcuts.answer(get("Host: web") * 3, 2.0) == (one[0] * 3, None)
    assert shortcuts.answer(get("Host: web") + get("Host: web", start="GET /none HTTP/1.1"), 3.0) is None
