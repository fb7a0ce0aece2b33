"""Where content ends: RFC 9112 §6, rule by rule, for what is received and for what is sent."""

import pytest

from lan.services.http.protocol.connection import Client, End, Server
from lan.services.http.protocol.events import Refused
from lan.services.http.protocol.framing import Kind, frame_request, frame_response
from lan.services.http.protocol.messages import HTTP_1_0, HTTP_1_1, Request, Response, Version, headers

from .dialogue import GET, POST, RESPONSE, fetch, fetched, heard, rule, serve, words

Pairs = list[tuple[str, str]]
LENGTH, ENCODING = "Content-Length", "Transfer-Encoding"


def request(fields: Pairs, *, method: str = "POST", version: Version = HTTP_1_1) -> Request:
    return Request(method, "/", headers=headers([("Host", "web"), *fields]), version=version)


def response(fields: Pairs, status: int = 200, *, version: Version = HTTP_1_1) -> Response:
    return Response(status, headers=headers(fields), version=version)


def refusal(fields: Pairs, *, version: Version = HTTP_1_1) -> str:
    with pytest.raises(Refused) as refused:
        frame_request(request(fields, version=version))
    return f"{refused.value.fault.status} {refused.value.fault.why.source}"


def response_refusal(fields: Pairs, *, version: Version = HTTP_1_1) -> str:
    with pytest.raises(Refused) as refused:
        frame_response(response(fields, version=version), "GET")
    return f"{refused.value.fault.status} {refused.value.fault.why.source}"


# §6.1, Transfer-Encoding


@pytest.mark.parametrize("value", ["chunked", "Chunked", "CHUNKED"])
def test_chunked_is_understood_in_any_case(value: str) -> None:
    assert frame_request(request([(ENCODING, value)])).kind is Kind.CHUNKED
    assert frame_response(response([(ENCODING, value)]), "GET").kind is Kind.CHUNKED


@pytest.mark.parametrize("version", [HTTP_1_0])
def test_an_encoding_in_a_message_of_1_0_is_faulty_even_with_a_length(version: Version) -> None:
    for more in ([], [(LENGTH, "5")]):
        fields = [(ENCODING, "chunked"), *more]
        assert refusal(fields, version=version) in ("400 RFC 9112 §6.1", "400 RFC 9112 §6.3 rule 3")
        assert response_refusal(fields, version=version) in ("502 RFC 9112 §6.1", "502 RFC 9112 §6.3 rule 3")


NOT_ONLY_CHUNKED = [
    *("identity", "gzip", "chunked, identity", "chunked, gzip", "chunked, chunked", "chunked,chunked", "chunked, "),
    *("", " ", ",", ",chunked", "chunked;q=1", 'chunked;a="b"', "chunke", "chunkedd", "x chunked", "chunked x"),
    *('"chunked"', "'chunked'", "chun ked", "chunked\t,x", "chunked\xa0", "\xa0chunked", "chunked\x85", "xchunked"),
    *("[chunked]", "chunked:", "chunked,,x", "chunKed, x", "ſchunked".encode().decode("latin-1"), "cow", "trailers"),
]


@pytest.mark.parametrize("value", NOT_ONLY_CHUNKED)
def test_a_request_whose_encoding_is_not_chunked_alone_is_refused(value: str) -> None:
    assert refusal([(ENCODING, value)]) in ("400 RFC 9112 §6.3 rule 4", "501 RFC 9112 §6.1")


@pytest.mark.parametrize("value", ["identity", "gzip", "chunked, gzip", "chunked, chunked", "", "chunked;q=1"])
def test_a_request_whose_last_coding_is_not_chunked_is_answered_with_400(value: str) -> None:
    assert refusal([(ENCODING, value)]) == "400 RFC 9112 §6.3 rule 4"


@pytest.mark.parametrize("value", ["gzip, chunked", "identity,chunked", "x-cow ,  chunked"])
def test_a_coding_that_is_not_known_here_is_answered_with_501(value: str) -> None:
    assert refusal([(ENCODING, value)]) == "501 RFC 9112 §6.1"


def test_two_lines_of_transfer_encoding_are_one_list() -> None:
    assert refusal([(ENCODING, "chunked"), (ENCODING, "chunked")]) == "400 RFC 9112 §6.3 rule 4"
    assert refusal([(ENCODING, "chunked"), (ENCODING, "identity")]) == "400 RFC 9112 §6.3 rule 4"
    assert refusal([(ENCODING, "identity"), (ENCODING, "chunked")]) == "501 RFC 9112 §6.1"
    assert response_refusal([(ENCODING, "chunked"), (ENCODING, "chunked")]) == "502 RFC 9112 §6.1"


@pytest.mark.parametrize("value", [value for value in NOT_ONLY_CHUNKED if value not in ("chunked, ", ",chunked")])
def test_a_response_in_a_coding_that_nobody_asked_for_and_nothing_here_decodes_is_refused(value: str) -> None:
    assert response_refusal([(ENCODING, value)]) == "502 RFC 9112 §6.1"


@pytest.mark.parametrize("status", [199, 204])
def test_no_encoding_is_sent_with_1xx_and_204(status: int) -> None:
    server = Server()
    server.receive(GET)
    made = response([(ENCODING, "chunked"), (LENGTH, "5"), ("X", "a")], status)
    sent = server.inform(made) if status < 200 else server.respond(made)
    assert b"Transfer-Encoding" not in sent and b"Content-Length" not in sent and b"X: a\r\n" in sent


def test_no_encoding_and_no_length_is_sent_with_a_2xx_to_connect() -> None:
    server = Server()
    server.receive(b"CONNECT web:443 HTTP/1.1\r\nHost: web\r\n\r\n")
    sent = server.respond(response([(ENCODING, "chunked"), (LENGTH, "5"), ("X", "a")]))
    assert sent == b"HTTP/1.1 200 OK\r\nX: a\r\n\r\n"


def test_chunks_are_sent_to_nobody_who_speaks_1_0() -> None:
    server = Server()
    server.receive(b"GET / HTTP/1.0\r\n\r\n")
    assert b"Transfer-Encoding" not in server.respond(response([(ENCODING, "chunked")]))
    server = Server()
    server.receive(GET)
    sent = server.respond(response([], version=HTTP_1_0))
    assert b"Transfer-Encoding" not in sent and b"Connection: close" in sent


def test_a_request_of_1_0_is_not_sent_in_chunks() -> None:
    with pytest.raises(ValueError, match=r"HTTP/1\.0"):
        Client().begin(request([(ENCODING, "chunked")], version=HTTP_1_0))


@pytest.mark.parametrize("value", ["chunked, chunked", "gzip", "chunked, gzip", "gzip, chunked"])
def test_a_request_is_not_sent_in_another_coding_nor_in_chunks_twice(value: str) -> None:
    with pytest.raises(ValueError, match="RFC 9112"):
        Client().begin(request([(ENCODING, value)]))


# §6.2 and §6.3, Content-Length


@pytest.mark.parametrize(("value", "length"), [("0", 0), ("5", 5), ("005", 5), ("999999999999999999", 10**18 - 1)])
def test_a_length_is_a_decimal_number(value: str, length: int) -> None:
    assert frame_request(request([(LENGTH, value)])).length == length
    assert frame_response(response([(LENGTH, value)]), "GET").length == length


NO_LENGTHS = [
    *("", " ", "+5", "-5", "-0", "5.0", "5e3", "0x5", "0b1", "0o5", "5_0", "5 5", "five", "5a", "a5", "5;", "'5'"),
    *(
        '"5"',
        "5\xa0",
        "\xa05",
        "\x855",
        "\xb2",
        "\xb9",
        "٥".encode().decode("latin-1"),
        "5\t5",
        "inf",
        "NaN",
        "٥",
        "1" * 19,
    ),
    *("5, 6", "5,", ",5", "5,,5", "5; 5", "6, 5, 5", "5, five", "5, +5", "05, 5", "5,\xa05"),
]


@pytest.mark.parametrize("value", NO_LENGTHS)
def test_what_is_no_length_is_an_error_that_ends_the_connection(value: str) -> None:
    assert refusal([(LENGTH, value)]) == "400 RFC 9112 §6.3 rule 5"
    assert response_refusal([(LENGTH, value)]) == "502 RFC 9112 §6.3 rule 5"


def test_equal_lengths_are_one_in_a_response_and_refused_in_a_request() -> None:
    for fields in ([(LENGTH, "5, 5")], [(LENGTH, "5"), (LENGTH, "5")], [(LENGTH, "5,5"), (LENGTH, "5")]):
        assert refusal(fields) == "400 RFC 9112 §6.3 rule 5"
        assert frame_response(response(fields), "GET").length == 5
    for fields in ([(LENGTH, "5, 6")], [(LENGTH, "5"), (LENGTH, "6")]):
        assert response_refusal(fields) == "502 RFC 9112 §6.3 rule 5"


def test_a_length_and_an_encoding_in_one_message_are_refused() -> None:
    for fields in ([(LENGTH, "5"), (ENCODING, "chunked")], [(ENCODING, "chunked"), (LENGTH, "x")]):
        assert refusal(fields) == "400 RFC 9112 §6.3 rule 3"
        assert response_refusal(fields) == "502 RFC 9112 §6.3 rule 3"


def test_a_length_and_an_encoding_are_never_sent_together() -> None:
    server = Server()
    server.receive(GET)
    assert b"Transfer-Encoding" not in server.respond(response([(LENGTH, "5"), (ENCODING, "chunked")]))
    with pytest.raises(ValueError, match="Transfer-Encoding and Content-Length"):
        Client().begin(request([(LENGTH, "5"), (ENCODING, "chunked")]))
    with pytest.raises(ValueError, match="Transfer-Encoding and Content-Length"):
        Client().send(request([(ENCODING, "chunked")]), b"hello")


def test_a_server_sends_no_length_that_is_none() -> None:
    for value in ("+5", "x", "5, 5", "\xb2", "-1", ""):
        server = Server()
        server.receive(GET)
        with pytest.raises(ValueError, match="Content-Length"):
            server.respond(response([(LENGTH, value)]))


# §6.3, the rules in their order


@pytest.mark.parametrize("fields", [[], [(LENGTH, "5")], [(ENCODING, "chunked")], [(LENGTH, "5"), (ENCODING, "x")]])
def test_rule_1_a_response_to_head_and_1xx_204_and_304_have_no_content(fields: Pairs) -> None:
    for status in (100, 103, 199, 204, 304):
        assert frame_response(response(fields, status), "GET").kind is Kind.NONE
    for status in (200, 304, 404, 500):
        assert frame_response(response(fields, status), "HEAD").kind is Kind.NONE


@pytest.mark.parametrize("fields", [[], [(LENGTH, "5")], [(ENCODING, "chunked")], [(LENGTH, "5"), (ENCODING, "x")]])
def test_rule_2_a_2xx_to_connect_is_a_tunnel_whatever_its_fields_say(fields: Pairs) -> None:
    for status in (200, 201, 299):
        assert frame_response(response(fields, status), "CONNECT").kind is Kind.TUNNEL
    assert frame_response(response([(LENGTH, "5")], 407), "CONNECT").length == 5


def test_101_switches_whatever_the_method() -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        assert frame_response(response([(LENGTH, "5")], 101), method).kind is Kind.TUNNEL


def test_rule_7_a_request_without_length_and_encoding_has_no_content() -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "X"):
        assert frame_request(request([], method=method)).kind is Kind.NONE


def test_a_request_is_framed_the_same_whatever_its_method() -> None:
    for method in ("GET", "HEAD", "DELETE", "TRACE", "X"):
        assert frame_request(request([(LENGTH, "5")], method=method)).length == 5
        assert frame_request(request([(ENCODING, "chunked")], method=method)).kind is Kind.CHUNKED


@pytest.mark.parametrize("field", [(LENGTH, "5"), (LENGTH, "x"), (ENCODING, "chunked")])
def test_connect_with_content_is_refused(field: tuple[str, str]) -> None:
    with pytest.raises(Refused, match="no content"):
        frame_request(request([field], method="CONNECT"))
    assert frame_request(request([(LENGTH, "0")], method="CONNECT")).length == 0


def test_rule_8_any_other_response_goes_on_until_the_close() -> None:
    framing = frame_response(response([]), "GET")
    assert (framing.kind, framing.is_delimited) == (Kind.CLOSE, False)
    events, client = fetch([b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo", b""])
    assert words(events) == ["Response", "hello", "End"]
    assert client.persistence is not None and not client.persistence.keep


def test_a_message_that_ends_before_its_length_is_incomplete() -> None:
    assert words(serve([POST[:-1], b""])) == ["POST /form", "hell", "400"]
    assert words(fetch([RESPONSE[:-1], b""])[0]) == ["Response", "hell", "502"]
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r"
    assert words(fetch([chunked, b""])[0]) == ["Response", "hello", "502"]


def test_a_server_prefers_a_framing_that_tells_the_end() -> None:
    server = Server()
    server.receive(GET)
    assert b"\r\nTransfer-Encoding: chunked\r\n" in server.respond(response([]))
    assert (server.body(b"hello"), server.end()) == (b"5\r\nhello\r\n", b"0\r\n\r\n")
    assert server.persistence is not None and server.persistence.keep


def test_a_client_gives_a_known_length_and_otherwise_only_chunks() -> None:
    sent = Client().send(request([]), b"hello")
    assert b"\r\nContent-Length: 5\r\n" in sent and sent.endswith(b"\r\n\r\nhello")
    assert b"\r\nContent-Length: 0\r\n" in Client().send(request([]))
    client = Client()
    client.begin(request([]))
    with pytest.raises(ValueError, match="more content"):
        client.body(b"hello")


def test_bytes_after_the_last_response_are_no_response() -> None:
    events = fetched(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert words(events) == ["Response", "ok", "End", "502"]
    assert rule(events) == "502 RFC 9112 §9.2"


def test_a_line_end_after_a_body_is_not_of_it() -> None:
    assert words(heard(b"POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 2\r\n\r\nab\r\n" + GET))[:3] == [
        "POST /",
        "ab",
        "End",
    ]
    client = Client()
    assert not client.send(request([]), b"ab").endswith(b"\r\n")
    assert isinstance(client.receive(b"HTTP/1.1 204 x\r\n\r\n")[-1], End)
    assert client.send(request([], method="GET")).startswith(b"GET")


@pytest.mark.parametrize("fields", [b"Content-Length: 5, 5", b"Content-Length: 5\r\nX: a\r\nContent-Length: 5"])
def test_equal_lengths_are_given_on_as_one(fields: bytes) -> None:
    events = fetched(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\nhello")
    assert words(events) == ["Response", "hello", "End"]
    assert isinstance(events[0], Response)
    assert [value for name, value in events[0].headers.items if name == LENGTH] == ["5"]


def test_lengths_that_differ_are_not_given_on_where_no_content_follows() -> None:
    for status, method in ((304, "GET"), (200, "HEAD")):
        data = b"HTTP/1.1 %d x\r\nContent-Length: 5\r\nContent-Length: 6\r\nX: a\r\n\r\n" % status
        events = fetched(data, method)
        assert isinstance(events[0], Response)
        assert events[0].headers == headers([("X", "a")])


@pytest.mark.parametrize("value", ["gzip", "gzip, chunked", "chunked, chunked"])
def test_a_response_is_not_sent_in_another_coding_nor_in_chunks_twice(value: str) -> None:
    server = Server()
    server.receive(GET)
    with pytest.raises(ValueError, match="no transfer coding but chunked"):
        server.respond(response([(ENCODING, value)]))


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: web\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
    ],
)
def test_the_answer_to_a_refused_request_says_close_and_nothing_more_is_read(data: bytes) -> None:
    server = Server()
    assert words(server.receive(data + GET)) == ["400"]
    assert b"\r\nConnection: close\r\n" in server.respond(response([(LENGTH, "0")], 400))
    assert server.finish() == server.receive(GET) == []


def test_after_a_refused_response_the_connection_carries_nothing_more() -> None:
    events, client = fetch([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"])
    assert words(events) == ["502"]
    assert not client.is_idle
    with pytest.raises(ValueError, match="no further request"):
        client.send(request([]))
