"""Heads, read and written: RFC 9112 §2 to §5, rule by rule.  What the grammar does not say is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.protocol import head, messages
from lan.services.http.protocol.events import Refused
from lan.services.http.protocol.messages import HTTP_1_0, HTTP_1_1, Request, Response, headers

from .dialogue import fetch, fetched, heard, rule, serve, words


def request(start: bytes = b"GET / HTTP/1.1", fields: bytes = b"Host: web\r\n") -> bytes:
    return start + b"\r\n" + fields + b"\r\n"


def response(start: bytes = b"HTTP/1.1 204 No Content", fields: bytes = b"") -> bytes:
    return start + b"\r\n" + fields + b"\r\n"


# §2.2, parsing a message


def test_a_message_is_read_as_octets_whatever_their_encoding() -> None:
    value = bytes([*range(0x21, 0x7F), *range(0x80, 0x100)])  # among them UTF-8 that is cut off, and U+010A's low byte
    read = head.read_request(request(fields=b"Host: web\r\nX: " + value + b"\r\n"))
    assert read.headers.get("X") == value.decode("latin-1")
    assert head.read_response(response(fields=b"X: " + value + b"\r\n")).headers.get("X") == value.decode("latin-1")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\nHost: web\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: web\n\r\n",
        b"GET / HTTP/1.1\r\nHost: web\r\n\n",
        b"GET / HTTP/1.1\nHost: web\n\n",
        b"GET / HTTP/1.1\r\nX: a\nHost: web\r\n\r\n",
        b"\nGET / HTTP/1.1\r\nHost: web\r\n\r\n",
        b"\r\n\nGET / HTTP/1.1\r\nHost: web\r\n\r\n",
    ],
)
def test_a_line_that_ends_in_a_bare_lf_is_refused(data: bytes) -> None:
    assert rule(heard(data)) == "400 RFC 9112 §2.2"


@pytest.mark.parametrize("end", [b"\n", b"\n\n", b"\r\n\n", b"\n\r\n"])
def test_a_line_of_a_response_that_ends_in_a_bare_lf_is_refused(end: bytes) -> None:
    assert rule(fetched(b"HTTP/1.1 200 OK" + end + b"Content-Length: 0\r\n\r\n")) == "502 RFC 9112 §2.2"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\rHost: web\r\n\r\n",
        b"GET /\r HTTP/1.1\r\nHost: web\r\n\r\n",
        b"GET / HTTP/1.1\r\r\nHost: web\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: web\r\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: web\r\nX: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: web\r\nX\r: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: web\r\n\rX: a\r\n\r\n",
        b"\rGET / HTTP/1.1\r\nHost: web\r\n\r\n",
    ],
)
def test_a_bare_cr_is_refused(data: bytes) -> None:
    assert words(heard(data)) == ["400"]


@pytest.mark.parametrize("fields", [b"X: a\rb\r\n", b"X: a\r\r\n", b"X\r: a\r\n", b"\rX: a\r\n"])
def test_a_bare_cr_in_a_response_is_refused(fields: bytes) -> None:
    assert words(fetched(response(fields=fields))) == ["502"]


def test_one_empty_line_before_a_request_is_ignored_and_two_are_not() -> None:
    assert words(heard(b"\r\n" + request())) == ["GET /", "End"]
    assert words(heard(request() + b"\r\n" + request())) == ["GET /", "End", "GET /", "End"]
    assert words(heard((b"\r\n" + request()) * 3)) == ["GET /", "End"] * 3
    assert rule(heard(b"\r\n\r\n" + request())) == "400 RFC 9112 §3"


def test_an_empty_line_before_a_response_is_no_response() -> None:
    assert rule(fetched(b"\r\n" + response())) == "502 RFC 9112 §4"


@pytest.mark.parametrize("blank", [b" ", b"\t", b" \t ", b"   "])
def test_a_blank_between_the_start_line_and_the_first_field_is_refused(blank: bytes) -> None:
    assert rule(heard(request(fields=blank + b"Host: web\r\n"))) == "400 RFC 9112 §2.2"
    assert rule(fetched(response(fields=blank + b"X: a\r\n"))) == "502 RFC 9112 §2.2"


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\0" * 40 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_1_request_is_answered_with_an_error_and_a_close(data: bytes) -> None:
    assert words(heard(data)) in (["400"], ["505"])


# §2.3, the version


@pytest.mark.parametrize(
    ("text", "version"),
    [(b"1.0", HTTP_1_0), (b"1.1", HTTP_1_1), (b"1.2", HTTP_1_1), (b"1.9", HTTP_1_1)],
)
def test_a_higher_minor_version_is_read_as_ours(text: bytes, version: tuple[int, int]) -> None:
    assert head.read_request(request(b"GET / HTTP/" + text)).version == version
    assert head.read_response(response(b"HTTP/" + text + b" 204 x")).version == version


@pytest.mark.parametrize("text", [b"0.9", b"2.0", b"3.1", b"0.0", b"9.9"])
def test_another_major_version_is_refused(text: bytes) -> None:
    assert rule(heard(request(b"GET / HTTP/" + text))) == "505 RFC 9110 §15.6.6"
    assert rule(fetched(response(b"HTTP/" + text + b" 204 x"))) == "502 RFC 9110 §15.6.6"


VERSIONS = [
    *(b"http/1.1", b"Http/1.1", b"HTTP/1", b"HTTP/1.", b"HTTP/.1", b"HTTP/11", b"HTTP/1.1.1", b"HTTP/01.1"),
    *(b"HTTP/1.10", b"HTTP/+1.1", b"HTTP/1,1", b"HTTP /1.1", b"HTTP/ 1.1", b"HTTP/1.1x", b"HTTPS/1.1", b"HTTP/1.\xb2"),
    *(b"HTTP/\xc2\xb9.1", b"HTTP", b"", b"ICY", b"HTTP\\1.1", b"HTTP/1.1\0", b"HTTP/1 .1", b"HTTP/a.b"),
]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_is_written_one_way_alone_and_its_case_counts(version: bytes) -> None:
    assert rule(heard(request(b"GET / " + version))) == "400 RFC 9112 §3"
    assert rule(fetched(response(version + b" 204 No Content"))) == "502 RFC 9112 §4"


# §3, the request line


REQUEST_LINES = {
    "no version (HTTP/0.9)": b"GET /",
    "two blanks after the method": b"GET  / HTTP/1.1",
    "two blanks after the target": b"GET /  HTTP/1.1",
    "a blank in front": b" GET / HTTP/1.1",
    "a blank at the end": b"GET / HTTP/1.1 ",
    "a tab": b"GET\t/ HTTP/1.1",
    "a tab before the version": b"GET /\tHTTP/1.1",
    "VT": b"GET\x0b/ HTTP/1.1",
    "FF": b"GET /\x0cHTTP/1.1",
    "a no-break space": b"GET\xa0/ HTTP/1.1",
    "a blank in the target": b"GET /a b HTTP/1.1",
    "a tab in the target": b"GET /a\tb HTTP/1.1",
    "NUL in the target": b"GET /\0 HTTP/1.1",
    "DEL in the target": b"GET /\x7f HTTP/1.1",
    "a byte beyond ASCII in the target": b"GET /\xc3\xa4 HTTP/1.1",
    "no target": b"GET HTTP/1.1",
    "an empty target": b"GET  HTTP/1.1",
    "an empty method": b" / HTTP/1.1",
    "a method that is no token": b"GE(T / HTTP/1.1",
    "a method with a colon": b"GET: / HTTP/1.1",
    "a method beyond ASCII": b"G\xc9T / HTTP/1.1",
    "four words": b"GET / / HTTP/1.1",
    "two versions": b"GET / HTTP/1.1 HTTP/1.1",
    "an empty line": b"",
    "the words of a response": b"HTTP/1.1 200 OK",
}


@pytest.mark.parametrize("name", REQUEST_LINES)
def test_a_request_line_is_three_words_with_single_blanks(name: str) -> None:
    assert rule(heard(b"\r\n" + request(REQUEST_LINES[name]))) == "400 RFC 9112 §3"


def test_a_request_without_a_version_is_told_apart() -> None:
    with pytest.raises(Refused, match=r"HTTP/0\.9"):
        head.read_request(request(b"GET /"))


def test_a_target_that_is_too_long_is_answered_with_414() -> None:
    for length in (9000, 20_000, 100_000):
        data = request(b"GET /" + b"a" * length + b" HTTP/1.1")
        for pieces in ([data], [data[at : at + 1000] for at in range(0, len(data), 1000)]):
            assert rule(serve(pieces)) == "414 RFC 9112 §3"


def test_request_lines_of_8000_octets_are_read() -> None:
    line = b"GET /" + b"a" * (8192 - 14) + b" HTTP/1.1"
    assert len(line) == 8192
    data = request(line)
    for pieces in ([data], [data[at : at + 1] for at in range(len(data))]):
        assert words(serve(pieces))[-1] == "End"
    longer = request(line[:5] + b"a" + line[5:])
    for pieces in ([longer], [longer[at : at + 1] for at in range(len(longer))]):
        assert rule(serve(pieces)) == "414 RFC 9112 §3"


def test_a_method_is_any_token_and_its_case_counts() -> None:
    for method in ("GET", "get", "Get", "M-SEARCH", "!#$%&'*+-.^_`|~09azAZ", "X" * 100):
        assert head.read_request(request(method.encode() + b" / HTTP/1.1")).method == method


# §4, the status line


@pytest.mark.parametrize(
    ("line", "status", "phrase"),
    [
        (b"HTTP/1.1 200 OK", 200, "OK"),
        (b"HTTP/1.1 404 Not \tFound\xe4", 404, "Not \tFoundä"),
        (b"HTTP/1.1 200 ", 200, ""),
        (b"HTTP/1.1 200", 200, ""),  # servers leave the blank out, and nothing else can be meant
        (b"HTTP/1.0 999 x", 999, "x"),
        (b"HTTP/1.1 299  two blanks ", 299, " two blanks "),
    ],
)
def test_a_status_line_is_read_and_its_phrase_decides_nothing(line: bytes, status: int, phrase: str) -> None:
    read = head.read_response(response(line))
    assert (read.status, read.phrase) == (status, phrase)


STATUS_LINES = [
    *(b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 2x0 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK"),
    *(b"HTTP/1.1 200\tOK", b" HTTP/1.1 200 OK", b"HTTP/1.1 -20 OK", b"HTTP/1.1 +20 OK", b"HTTP/1.1 \xb2\xb2\xb2 OK"),
    *(b"HTTP/1.1 200 O\0K", b"HTTP/1.1 200 O\x7fK", b"HTTP/1.1 200OK", b"HTTP/1.1", b"HTTP/1.1 ", b"200 OK", b""),
    *(b"HTTP/1.1 099 x", b"HTTP/1.1 000 x", b"HTTP/1.1\x0b200 OK", b"HTTP/1.1 200 O\x0bK", b"GET / HTTP/1.1"),
]


@pytest.mark.parametrize("line", STATUS_LINES)
def test_what_is_no_status_line_is_refused(line: bytes) -> None:
    assert rule(fetched(response(line))) == "502 RFC 9112 §4"


def test_the_blank_before_the_phrase_is_sent_also_without_a_phrase() -> None:
    assert messages.build(Response(299)) == b"HTTP/1.1 299 \r\n\r\n"


@pytest.mark.parametrize("status", [99, 0, -200, 1000])
def test_a_status_is_three_digits(status: int) -> None:
    with pytest.raises(ValueError, match="not a status line"):
        messages.build(Response(status))


# §5, fields


@pytest.mark.parametrize("blank", [b" ", b"\t", b"  ", b" \t"])
def test_a_blank_before_the_colon_is_refused_in_a_request(blank: bytes) -> None:
    assert rule(heard(request(fields=b"Host" + blank + b": web\r\n"))) == "400 RFC 9112 §5.1"
    assert rule(heard(request(fields=b"Host: web\r\nContent-Length" + blank + b": 5\r\n"))) == "400 RFC 9112 §5.1"


@pytest.mark.parametrize("blank", [b" ", b"\t", b"  ", b" \t"])
def test_a_blank_before_the_colon_is_removed_from_a_response(blank: bytes) -> None:
    read = head.read_response(response(fields=b"A: 1\r\nX" + blank + b": a : b\r\nB: 2\r\n"))
    assert read.headers == headers([("A", "1"), ("X", "a : b"), ("B", "2")])
    events = fetched(b"HTTP/1.1 200 OK\r\nContent-Length" + blank + b": 5\r\n\r\nhello")
    assert words(events) == ["Response", "hello", "End"]


NAMES = [bytes([byte]) for byte in range(256) if byte not in b"!#$%&'*+-.^_`|~:\n" and not bytes([byte]).isalnum()]


@pytest.mark.parametrize("byte", NAMES)
def test_a_name_is_a_token(byte: bytes) -> None:
    for name in (byte, b"X" + byte, byte + b"X", b"X" + byte + b"X"):
        fields = b"Host: web\r\n" + name + b": a\r\n"
        assert words(heard(request(fields=fields))) == ["400"], name
    if byte not in b" \t":  # a fold, or a blank before the colon: mended in a response
        assert words(fetch([response(fields=b"A: 1\r\nX" + byte + b": a\r\n")])[0]) == ["502"]


@pytest.mark.parametrize("line", [b"Host", b":", b": web", b":web", b"no colon here", b"=:"])
def test_a_field_line_is_a_name_a_colon_and_a_value(line: bytes) -> None:
    assert words(heard(request(fields=b"Host: web\r\n" + line + b"\r\n"))) == ["400"]


@pytest.mark.parametrize("around", [(b"", b""), (b" ", b""), (b"\t", b"\t"), (b"  ", b" \t ")])
def test_blanks_around_a_value_are_not_of_it(around: tuple[bytes, bytes]) -> None:
    line = b"X:" + around[0] + b"a \t b" + around[1] + b"\r\n"
    assert head.read_fields(line + b"\r\n") == headers([("X", "a \t b")])


@pytest.mark.parametrize("byte", [*range(0x09), *range(0x0B, 0x20), 0x7F])
def test_a_control_character_in_a_value_is_refused(byte: int) -> None:
    for value in (b"a" + bytes([byte]) + b"b", bytes([byte]) + b"b", b"a" + bytes([byte])):
        assert words(heard(request(fields=b"Host: web\r\nX: " + value + b"\r\n"))) == ["400"]
        assert words(fetch([response(fields=b"X: " + value + b"\r\n")])[0]) == ["502"]


def test_only_blank_and_tab_are_blanks_around_a_value() -> None:
    for byte in (b"\x85", b"\xa0"):
        read = head.read_fields(b"X: " + byte + b"a" + byte + b"\r\n\r\n")
        assert read.get("X") == (byte + b"a" + byte).decode("latin-1")


def test_only_blank_and_tab_are_blanks_around_an_element_of_a_list() -> None:
    for byte in ("\x85", "\xa0"):
        assert headers([("Connection", f"close{byte}, {byte}te")]).listed("Connection") == (f"close{byte}", f"{byte}te")


FOLDS = [b"X: a\r\n b\r\n", b"X: a\r\n\tb\r\n", b"X: a \r\n  b\r\n", b"X:\r\n a\r\n", b"X: a\r\n \r\n"]


@pytest.mark.parametrize("fold", FOLDS)
def test_a_folded_line_is_refused_in_a_request(fold: bytes) -> None:
    assert rule(heard(request(fields=b"Host: web\r\n" + fold))) == "400 RFC 9112 §5.2"


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        (b"X: a\r\n b\r\n", "a b"),
        (b"X: a\r\n\tb\r\n", "a b"),
        (b"X: a \t\r\n  b\r\n \tc\r\nY: 1\r\n", "a b c"),
        (b"X:\r\n a\r\n", "a"),
        (b"X: a\r\n \r\n", "a"),
        (b"X: a\r\n Y: b\r\n", "a Y: b"),
    ],
)
def test_a_folded_line_of_a_response_is_joined_by_a_blank(fields: bytes, value: str) -> None:
    assert head.read_response(response(fields=fields)).headers.get("X") == value
    assert words(fetched(response(fields=fields))) == ["Response", "End"]


def test_a_folded_length_counts_as_joined() -> None:
    events = fetched(b"HTTP/1.1 200 OK\r\nContent-Length:\r\n 5\r\n\r\nhello")
    assert words(events) == ["Response", "hello", "End"]
    assert words(fetched(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 5\r\n\r\nhello")) == ["502"]


# Limits


def test_more_than_a_hundred_fields_are_refused() -> None:
    lines = b"".join(b"X-%d: a\r\n" % number for number in range(99))
    assert len(head.read_request(request(fields=b"Host: web\r\n" + lines)).headers.items) == 100
    with pytest.raises(Refused, match="too many fields") as refused:
        head.read_request(request(fields=b"Host: web\r\nX: a\r\n" + lines))
    assert refused.value.fault.status == 431
    assert rule(fetch([response(fields=b"X: a\r\nX: b\r\n" + lines)])[0]) == "502 RFC 6585 §5"


@pytest.mark.timeout(60)  # the work grows with the bytes, not with their square: that would take minutes
def test_blanks_without_end_cost_no_more_than_their_reading() -> None:
    blanks = b" " * 64_000
    for block in (b"X:" + blanks + b"\0", b"X: a" + blanks + b"b", b"a" * 64_000 + blanks, b"X:" + b" \r\n" * 21_000):
        for _ in range(20):
            for read in (head.read_response, head.read_request):
                try:
                    read((b"HTTP/1.1 200 OK" if read is head.read_response else b"GET / HTTP/1.1") + b"\r\n" + block)
                except Refused:
                    pass


# §2.2, §5.2: what is written


@given(
    st.text(max_size=20).filter(lambda text: not text.isascii() or any(c in text for c in "\r\n\0\v\x7f")),
    st.sampled_from(["value", "name", "method", "target", "phrase"]),
)
def test_nothing_is_written_that_would_not_read_back(text: str, where: str) -> None:
    made: Request | Response
    if where in ("value", "name"):
        made = Response(200, headers=headers([("X", text) if where == "value" else (text, "a")]))
    elif where == "phrase":
        made = Response(200, text)
    else:
        made = Request(text, "/") if where == "method" else Request("GET", text)
    try:
        built = messages.build(made)
    except ValueError:
        return
    assert built.count(b"\r\n") == built.count(b"\n") == built.count(b"\r") == (3 if where in ("value", "name") else 2)
    assert b"\r\n " not in built and b"\r\n\t" not in built


@pytest.mark.parametrize("text", ["a\r\nb", "a\nb", "a\rb", "a\r\n b", "a\0", "a\x0bb", "a\x7f", "€"])
def test_a_sender_makes_no_bare_cr_no_fold_and_no_control_character(text: str) -> None:
    for made in (
        Response(200, headers=headers([("X", text)])),
        Response(200, text),
        Request("GET", "/", headers=headers([("X", text)])),
        Request("GET", "/" + text),
        Request("GET" + text, "/"),
    ):
        with pytest.raises(ValueError, match="not a"):
            messages.build(made)


def test_a_sender_puts_no_blank_before_the_first_field() -> None:
    for name in (" X", "\tX", ""):
        with pytest.raises(ValueError, match="not a header field"):
            messages.build(Response(200, headers=headers([(name, "a")])))
