"""The echo application: each of its paths, what comes back of a request, and that nothing is injected by it."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.origin.answer import Answer
from lan.services.http.origin.echo import HELP, ROUTES, Echo, Numbers
from lan.services.http.origin.origin import Origin
from lan.services.http.origin.site import OnePage
from lan.services.http.origin.upgrade import Echo as EchoProtocol
from lan.services.http.protocol.head import read_request, read_response
from lan.services.http.protocol.messages import NO_HEADERS, Headers, Request, build, headers

NOW_S = 2_000_000_000.0
ORIGIN = Origin(OnePage(b"page", 1), app=Echo())


def ask(target: str, method: str = "GET", body: bytes = b"", trailers: Headers = NO_HEADERS, **fields: str) -> Answer:
    pairs = [("Host", "web"), *((name.replace("_", "-"), value) for name, value in fields.items())]
    return ORIGIN.answer(Request(method, target, headers=headers(pairs)), body, now_s=NOW_S, trailers=trailers)


def body_of(answer: Answer) -> bytes:
    if answer.content is None:
        return b""
    length = answer.length_bytes
    return answer.content.read(0, 10**6 if length is None else length)


def test_the_front_page_says_what_there_is() -> None:
    answer = ask("/")
    assert answer.response.status == 200
    assert all(form in body_of(answer).decode() for form in HELP)


def test_echo_gives_the_head_as_it_came() -> None:
    head = b"GET /echo/x?y=1 HTTP/1.1\r\nHost: web\r\nX-Odd:  \xe9 ,a\r\nx-odd: b\r\nCookie: c=1\r\n\r\n"
    answer = ORIGIN.answer(read_request(head), now_s=NOW_S)
    assert body_of(answer) == head.replace(b":  ", b": ")  # blanks around a value are no part of it (RFC 9110 §5.5)


def test_echo_gives_body_and_trailers_too() -> None:
    answer = ask("/echo", "POST", b"body", headers([("X-After", "1")]), Content_Length="4")
    assert body_of(answer).endswith(b"Content-Length: 4\r\n\r\nbodyX-After: 1\r\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
@pytest.mark.parametrize("target", ["/", "/anything", "/status/500"])
def test_any_body_comes_back(method: str, target: str) -> None:
    answer = ask(target, method, b"\0body\r\n", Content_Type="a/b")
    assert (answer.response.status, body_of(answer)) == (200, b"\0body\r\n")
    assert answer.response.headers.get("Content-Type") == "a/b"


def test_made_up_bytes_have_their_size_and_their_ranges() -> None:
    whole = body_of(ask("/1k"))
    assert len(whole) == 1024
    assert body_of(ask("/bytes/3000")) == (whole * 3)[:3000]
    part = ask("/bytes/1000000000000", Range="bytes=999999999990-")
    assert part.response.status == 206
    assert len(body_of(part)) == 10
    assert ask("/1k", If_None_Match=ask("/1k").response.headers.get("ETag") or "").response.status == 304
    assert ask("/bytes/0").response.headers.get("Content-Length") == "0"


@given(st.integers(0, 5000), st.integers(0, 6000), st.integers(0, 3000))
def test_numbers_are_the_same_from_wherever_they_are_read(size: int, offset: int, count: int) -> None:
    assert Numbers(size).read(offset, count) == Numbers(size).read(0, size)[offset : offset + count]


@pytest.mark.parametrize("status", [200, 201, 204, 205, 301, 304, 401, 404, 407, 426, 418, 500, 503, 599])
def test_any_final_status_can_be_had(status: int) -> None:
    answer = ask(f"/status/{status}")
    assert answer.response.status == status
    assert (answer.content is None) is (status in (204, 205, 304))
    assert build(answer.response)
    wanted = {301: "Location", 401: "WWW-Authenticate", 407: "Proxy-Authenticate", 426: "Upgrade", 503: "Retry-After"}
    if status in wanted:
        assert answer.response.headers.get(wanted[status]) is not None


def test_an_answer_can_be_late() -> None:
    assert ask("/delay/1.5").delay_s == 1.5
    assert ask("/delay/1.5").is_planned


def test_content_of_unknown_length_and_trailers() -> None:
    answer = ask("/chunked/5000")
    assert (answer.length_bytes, len(body_of(answer))) == (None, 5000)
    answer = ask("/trailers")
    crc = zlib.crc32(body_of(answer))
    assert answer.length_bytes is None
    assert answer.trailers.items == (("Lan-Crc32", f"{crc:08x}"), ("Lan-Bytes", "4096"))
    assert ask("/trailers", "HEAD").trailers == NO_HEADERS


def test_redirects_end() -> None:
    target, seen = "/redirect/3", []
    while (answer := ask(target)).response.status == 302:
        target = answer.response.headers.get("Location") or ""
        seen.append(target)
    assert seen == ["/redirect/2", "/redirect/1", "/redirect/0"]
    assert answer.response.status == 200


WRONG = ["/bytes/x", "/bytes/", "/bytes/-1", "/bytes/1e3", "/bytes/٣", f"/bytes/{10**13}", "/status/100", "/status/600",
         "/status/0200", "/delay/x", "/delay/601", "/delay/", "/delay/nan", "/delay/inf", "/delay/1e3", "/chunked/x",
         "/redirect/101", "/redirect/x"]  # fmt: skip


@pytest.mark.parametrize("target", WRONG)
def test_a_wrong_number_is_told(target: str) -> None:
    answer = ask(target)
    assert answer.response.status == 400 or target == "/status/0200"


def test_a_path_that_is_none_is_answered_with_those_that_are() -> None:
    answer = ask("/nothing")
    assert answer.response.status == 404
    assert b"/bytes/N" in body_of(answer)


def test_a_switch_names_the_protocol_and_takes_the_first_known_of_those_asked_for() -> None:
    answer = ask("/", Connection="upgrade", Upgrade="websocket, echo")
    assert (answer.response.status, answer.response.headers.get("Upgrade")) == (101, "echo")
    assert answer.response.headers.get("Connection") == "Upgrade"
    assert answer.upgrade is not None
    assert answer.upgrade.receive(b"hello") == b"hello"
    assert EchoProtocol().receive(b"") == b""


@pytest.mark.parametrize("fields", [{"Connection": "upgrade", "Upgrade": "h2c"}, {"Connection": "upgrade"}])
def test_there_is_no_switch_to_what_the_client_did_not_ask_for(fields: dict[str, str]) -> None:
    assert ask("/", **fields).response.status == 200


def test_an_upgrade_that_connection_does_not_name_is_not_for_us() -> None:
    assert ask("/", Upgrade="echo").response.status == 200


def test_an_upgrade_in_http_1_0_is_ignored() -> None:
    old = Request("GET", "/", headers=headers([("Connection", "upgrade"), ("Upgrade", "echo")]), version=(1, 0))
    assert ORIGIN.answer(old, now_s=NOW_S).response.status == 200


PIECES = st.sampled_from(["/", "%0d%0a", "%0D%0ASet-Cookie:x=1", "\r", "a", "?", "#", "%", "%00", ";", '"', "<", "é"])
TARGETS = st.tuples(st.sampled_from(sorted(ROUTES)), st.lists(PIECES, max_size=8)).map(
    lambda pair: f"/{pair[0]}/" + "".join(pair[1])
)


@given(TARGETS, st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "TRACE"]), st.text(st.characters(max_codepoint=255)))
def test_no_request_puts_a_field_of_its_own_into_the_head(target: str, method: str, value: str) -> None:
    """Either the head reads back as it was meant, or `build` refuses it."""
    request = Request(method, target, headers=headers([("Content-Type", value)]))
    answer = ORIGIN.answer(request, b"x" if method == "POST" else b"", now_s=NOW_S) if method != "TRACE" else None
    if answer is None:
        return
    try:
        built = build(answer.response)
    except ValueError:
        assert set(value) & {chr(code) for code in (*range(32), 127)}
        return
    assert read_response(built).headers.items == tuple(
        (name, said.strip(" \t")) for name, said in answer.response.headers.items
    )
