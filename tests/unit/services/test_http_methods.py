"""Methods, hosts and rules of an origin: TRACE without secrets, OPTIONS, Expect, virtual hosts, settings by path."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.errors import UsageError
from lan.services.http.origin import settings
from lan.services.http.origin.answer import Answer, Joined, Memory, Window
from lan.services.http.origin.assembly import Assembly
from lan.services.http.origin.faults import Faults, Stall
from lan.services.http.origin.origin import Origin, Rules, host_of
from lan.services.http.origin.routes import Routes
from lan.services.http.origin.site import OnePage
from lan.services.http.protocol.messages import STATUS_WORDS, Request, headers

NOW_S = 2_000_000_000.0
PAGE = Origin(OnePage(b"0123456789" * 100, 1))


def ask(origin: Origin, target: str, method: str = "GET", **fields: str) -> Answer:
    pairs = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return origin.answer(Request(method, target, headers=headers(pairs)), now_s=NOW_S)


def body_of(answer: Answer) -> bytes:
    assert answer.content is not None
    return answer.content.read(0, answer.length_bytes or 0)


def test_trace_shows_the_request_without_its_secrets() -> None:
    answer = ask(
        PAGE, "/any", "TRACE", Host="web", Via="1.1 proxy", Cookie="c=1", Authorization="Basic eA==", X_Y="1",
        Proxy_Authorization="Basic eA==",
    )  # fmt: skip
    assert answer.response.headers.get("Content-Type") == "message/http"
    assert body_of(answer) == b"TRACE /any HTTP/1.1\r\nHost: web\r\nVia: 1.1 proxy\r\nX-Y: 1\r\n\r\n"


def test_options_is_for_a_path_or_the_whole_server() -> None:
    for target in ("/", "/any", "*"):
        answer = ask(PAGE, target, "OPTIONS")
        assert (answer.response.status, answer.response.headers.get("Allow")) == (204, "GET, HEAD, OPTIONS, TRACE")
    assert ask(PAGE, "*").response.status == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "CONNECT"])
def test_a_method_that_a_file_does_not_take_names_those_it_takes(method: str) -> None:
    answer = ask(PAGE, "/", method)
    assert (answer.response.status, answer.response.headers.get("Allow")) == (405, "GET, HEAD, OPTIONS, TRACE")


def test_an_expectation_that_nobody_knows_fails() -> None:
    assert ask(PAGE, "/", Expect="miracles").response.status == 417
    assert ask(PAGE, "/", Expect="100-Continue").response.status == 200


def test_every_status_of_rfc_9110_has_its_words() -> None:
    section_15 = [
        100,
        101,
        *range(200, 207),
        *range(300, 306),
        307,
        308,
        *range(400, 418),
        421,
        422,
        426,
        *range(500, 506),
    ]
    assert set(section_15) <= set(STATUS_WORDS)


def test_last_modified_is_never_later_than_date() -> None:
    fields = ask(Origin(OnePage(b"page", int(NOW_S) + 99)), "/").response.headers
    assert fields.get("Last-Modified") == fields.get("Date")


# Ranges


@pytest.mark.parametrize(
    ("asked", "status", "said", "body"),
    [
        ("bytes=0-4", 206, "bytes 0-4/1000", b"01234"),
        ("bytes=-3", 206, "bytes 997-999/1000", b"789"),
        ("bytes=998-", 206, "bytes 998-999/1000", b"89"),
        ("bytes=1000-", 416, "bytes */1000", None),
        ("lines=1-2", 200, None, b"0123456789" * 100),
        ("bytes=5-2", 200, None, b"0123456789" * 100),
    ],
)
def test_a_part_of_a_file(asked: str, status: int, said: str | None, body: bytes | None) -> None:
    answer = ask(PAGE, "/", Range=asked)
    assert (answer.response.status, answer.response.headers.get("Content-Range")) == (status, said)
    assert (None if answer.content is None else body_of(answer)) == body


def test_several_parts_are_sent_in_one_answer_of_the_length_it_says() -> None:
    answer = ask(PAGE, "/", Range="bytes=0-1,500-501,-1")
    kind = answer.response.headers.get("Content-Type") or ""
    assert answer.response.status == 206
    boundary = kind.removeprefix("multipart/byteranges; boundary=").encode()
    parts = body_of(answer).split(b"--" + boundary)
    assert [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts[1:-1]] == [b"01", b"01", b"9"]
    assert answer.content is not None
    assert answer.content.read(answer.length_bytes or 0, 1) == b""


def test_a_part_is_not_sent_of_another_version() -> None:
    tag = ask(PAGE, "/").response.headers.get("ETag") or ""
    assert ask(PAGE, "/", Range="bytes=0-1", If_Range=tag).response.status == 206
    assert ask(PAGE, "/", Range="bytes=0-1", If_Range='"other"').response.status == 200
    assert ask(PAGE, "/", Range="bytes=0-1", If_None_Match=tag).response.status == 304
    assert ask(PAGE, "/", "HEAD", Range="bytes=0-1").response.status == 200


DATA = bytes(range(256))
PIECES = st.lists(st.binary(max_size=9) | st.tuples(st.integers(0, 255), st.integers(0, 40)), max_size=6)


@given(PIECES, st.integers(0, 300), st.integers(0, 300))
def test_joined_pieces_read_the_same_from_anywhere(
    pieces: list[bytes | tuple[int, int]], offset: int, count: int
) -> None:
    pieces = [one if isinstance(one, bytes) else (one[0], min(one[1], 256 - one[0])) for one in pieces]
    whole = b"".join(one if isinstance(one, bytes) else DATA[one[0] : one[0] + one[1]] for one in pieces)
    assert Joined(Memory(DATA), pieces).read(offset, count) == whole[offset : offset + count]


def test_content_that_became_shorter_ends_and_never_goes_on_with_the_next_piece() -> None:
    assert Joined(Memory(b"abc"), [(0, 9), b"next"]).read(0, 99) == b"abc"
    assert Window(Memory(b"abc"), 1, 9).read(0, 99) == b"bc"


# Hosts


@pytest.mark.parametrize(
    ("target", "fields", "page"),
    [
        ("/", {"Host": "a.example"}, b"a"),
        ("/", {"Host": "A.Example:8080"}, b"a"),
        ("http://a.example/", {"Host": "a.example"}, b"a"),
        ("http://a.example/", {"Host": "b.example"}, b"a"),  # the target says it: RFC 9112 §3.2.2
        ("/", {"Host": "b.example"}, b"default"),
        ("/", {"Host": ""}, b"default"),
        ("/", {}, b"default"),
        ("/", {"Host": "[::1]:80"}, b"six"),
    ],
)
def test_each_host_has_its_site(target: str, fields: dict[str, str], page: bytes) -> None:
    hosts = {"a.example": Origin(OnePage(b"a", 1)), "::1": Origin(OnePage(b"six", 1))}
    assert body_of(ask(Origin(OnePage(b"default", 1), hosts=hosts), target, **fields)) == page


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126)), st.text(max_size=20))
def test_any_target_and_host_have_a_host(target: str, host: str) -> None:
    assert isinstance(host_of(Request("GET", target, headers=headers([("Host", host)]))), str)


# Rules by path


@pytest.mark.parametrize(
    ("path", "value"),
    [("/", "root"), ("/a/b.css", "style"), ("/img/x", "img"), ("/img/", "img"), ("/imgs", None), ("/x\n.css", "style")],
)
def test_the_first_pattern_that_fits_decides(path: str, value: str | None) -> None:
    assert Routes({"/": "root", "*.css": "style", "/img/*": "img", "/img/x": "never"}).find(path) == value


@given(st.text("/*.a[]?(", max_size=12), st.text("/*.a[]?(", max_size=12))
def test_a_pattern_without_a_star_fits_itself_alone(pattern: str, path: str) -> None:
    fits = Routes({pattern: 1}).find(path) is not None
    assert fits == (pattern == path) or "*" in pattern
    assert Routes({pattern.replace("*", "") + "*": 1}).find(pattern.replace("*", "") + path) == 1


def test_rules_of_a_path_are_in_its_answers() -> None:
    rules = Rules(cache_control=Routes({"/": "max-age=60"}), faults=Routes({"/none": Faults(think_s=1)}))
    origin = Origin(OnePage(b"page", 1), rules=rules)
    tag = ask(origin, "/").response.headers.get("ETag") or ""
    assert ask(origin, "/").response.headers.get("Cache-Control") == "max-age=60"
    assert ask(origin, "/", If_None_Match=tag).response.headers.get("Cache-Control") == "max-age=60"
    assert ask(origin, "//none").faults == Faults(think_s=1)
    assert ask(origin, "/").faults is None


def test_a_request_gets_the_fault_it_asks_for_only_where_that_is_allowed() -> None:
    allowing = Origin(OnePage(b"page", 1), rules=Rules(faults_on_request=True))
    for fields in ({}, {"Lan-Fault": "reset:2"}):
        target = "/" if fields else "/?fault=reset:2"
        assert ask(allowing, target, **fields).faults == Faults(reset_bytes=2)
        assert ask(PAGE, target, **fields).faults is None
    refused = ask(allowing, "/?fault=nonsense")
    assert refused.response.status == 400
    assert b"reset:BYTES" in body_of(refused)
    assert ask(PAGE, "/?fault=nonsense").response.status == 200


# From the settings file to an origin


def assembled(tmp_path: Path, words: dict[str, object]) -> tuple[Origin, settings.Settings]:
    config = tmp_path / "http.json"
    config.write_text(json.dumps(words))
    now = settings.read(settings.parser().parse_args(["--config", str(config)]))
    return Assembly("machine", 1, b"secret").origin(now), now


def test_hosts_and_rules_come_from_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.css").write_text("css")
    words = {
        "app": "store",
        "faults": {"/slow/*": "stall:3"},
        "hosts": {"a.example": {"root": str(tmp_path / "a"), "cache_control": {"*.css": "no-cache"}, "listing": True}},
    }
    origin, _ = assembled(tmp_path, words)
    assert b"machine" in body_of(ask(origin, "/", Host="other"))
    assert ask(origin, "/slow/x", Host="other").faults == Faults(stall=Stall(3.0))
    assert ask(origin, "/slow/x", Host="a.example").faults is None
    css = ask(origin, "/x.css", Host="a.example")
    assert (body_of(css), css.response.headers.get("Cache-Control")) == (b"css", "no-cache")
    assert b"x.css" in body_of(ask(origin, "/", Host="a.example"))
    assert ask(origin, "/store/", Host="other").response.status == 200
    assert ask(origin, "/store/", Host="a.example").response.status == 404


def test_an_application_keeps_its_state_over_a_reload() -> None:
    assembly = Assembly("machine", 1, b"")
    now = settings.read(settings.parser().parse_args(["--app", "store"]))
    before = assembly.origin(now)
    assert ask(before, "/store/a", "PUT").response.status == 201
    assert ask(assembly.origin(now), "/store/a").response.status == 200


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ({"app": "chat"}, "--app chat: no such application"),
        ({"faults": {"/x": "rest:1"}}, "faults: no fault is called 'rest'"),
        ({"faults": {"/x": 3}}, "faults: /x: 3 is of the wrong kind"),
        ({"faults": "stall:3"}, 'faults: "stall:3" is of the wrong kind'),
        ({"cache_control": {"x": "no-store"}}, "cache_control: 'x' is no path"),
        ({"cache_control": {"/x": "a\r\nSet-Cookie: b"}}, "cache_control: /x: .* is of the wrong kind"),
        ({"hosts": {"a.example": {"rot": "/x"}}}, "hosts: a.example: unknown setting 'rot'"),
        ({"hosts": {"a.example": {"tls": True}}}, "hosts: a.example: unknown setting 'tls'"),
        ({"hosts": {"a.example": "/x"}}, "hosts: a.example: \"/x\" is of the wrong kind"),
        ({"hosts": {"a.example:80": {}}}, "hosts: 'a.example:80' is no host"),
        ({"hosts": {"": {}}}, "hosts: '' is no host"),
        ({"hosts": {"a.example": {"root": "/no/such"}}}, "no such folder"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_settings_file_is_named(tmp_path: Path, words: dict[str, object], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        assembled(tmp_path, words)


def test_a_store_lives_in_one_process(tmp_path: Path) -> None:
    config = tmp_path / "http.json"
    config.write_text(json.dumps({"hosts": {"a.example": {"app": "store"}}}))
    for words in (["--app", "store"], ["--config", str(config)]):
        with pytest.raises(UsageError, match="each worker would keep documents of its own"):
            settings.read(settings.parser().parse_args([*words, "--workers", "2"]))


def test_null_is_as_if_not_said(tmp_path: Path) -> None:
    _, now = assembled(tmp_path, {"hosts": None, "faults": None, "quickack": None, "root": None})
    assert (now.hosts, now.site.faults, now.quickack) == ({}, {}, True)
