"""The strict reader and the judge of the differential fuzzer: what is one request, and what is another."""

from random import Random

import pytest

from benchmarks.differ_judge import Stream, judge, judge_origin, judge_other, judge_site
from benchmarks.differ_reader import Answer, read_all, read_answers
from benchmarks.differ_requests import DECK, cases, made

HEAD = b"POST /a HTTP/1.1\r\nHost: a\r\n"
GET = b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n"


def of(*lines: str, body: bytes = b"") -> bytes:
    return HEAD + "".join(line + "\r\n" for line in lines).encode("latin-1") + b"\r\n" + body


READ = {
    "lengths and chunks": (of("Content-Length: 2", body=b"hi") + GET, [b"hi", b""]),
    "chunks with extension and trailer": (
        of("Transfer-Encoding: Chunked", body=b"2;a=b\r\nhi\r\n0\r\nT: 1\r\n\r\n") + GET, [b"hi", b""]
    ),
    "an empty line before it": (b"\r\n" + GET, [b""]),
    "nothing behind a close": (of("Connection: X, Close") + GET, [b""]),
    "HTTP/1.0 ends": (b"GET / HTTP/1.0\r\n\r\n" + GET, [b""]),
    "HTTP/1.0 asks to be kept": (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + GET, [b"", b""]),
    "it goes on": (of("Content-Length: 3", body=b"hi"), []),
}  # fmt: skip
UNCLEAR = {
    "two lengths": of("Content-Length: 2", "Content-Length: 2", body=b"hi"),
    "length and coding": of("Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "a signed length": of("Content-Length: +2", body=b"hi"),
    "a list of lengths": of("Content-Length: 2, 2", body=b"hi"),
    "another coding": of("Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "chunks in 1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a size with 0x": of("Transfer-Encoding: chunked", body=b"0x2\r\nhi\r\n0\r\n\r\n"),
    "a size before a blank": of("Transfer-Encoding: chunked", body=b"2 \r\nhi\r\n0\r\n\r\n"),
    "a size line that ends in LF": of("Transfer-Encoding: chunked", body=b"2\nhi\r\n0\r\n\r\n"),
    "no end behind a chunk": of("Transfer-Encoding: chunked", body=b"2\r\nhi0\r\n\r\n"),
    "a bare LF": of("X: y\nZ: z"),
    "a bare CR": of("X: y\rZ: z"),
    "a NUL": of("X: y\0"),
    "a blank before the colon": of("X : y"),
    "a folded line": of("X: y", " z"),
    "two hosts": of("Host: a"),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "another host than the URL": b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("what", READ)
def test_the_reader_takes_what_is_clear(what: str) -> None:
    data, bodies = READ[what]
    read = read_all(data)
    assert [one.body for one in read.seen] == bodies and not read.fault


@pytest.mark.parametrize("what", UNCLEAR)
def test_the_reader_takes_nothing_that_is_unclear(what: str) -> None:
    read = read_all(UNCLEAR[what])
    assert not read.seen and read.fault


def test_answers_are_read_as_their_client_does() -> None:
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    data += b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nHTTP/1.0 404 No\r\n\r\nrest"
    assert [(one.status, one.body) for one in read_answers(data, ["HEAD"])] == [
        (200, b""),
        (200, b"hi"),
        (404, b"rest"),
    ]
    assert read_answers(b"what?", [])[0].status == 0


def stream(data: bytes, serial: int = 1) -> Stream:
    read = read_all(data)
    return Stream(
        data, [serial] * len(read.seen), read, b"" if len(read.seen) < 2 and read.at == len(data) else b"more"
    )


def answer(serial: int, path: str) -> Answer:
    return Answer(200, (("recorded", f"{serial}"),), f"{serial} GET {path}".encode())


SENT = of("Content-Length: 2", "X: y", "Connection: Z", "Z: 1", body=b"hi")
PASSED = of("X: y", "Via: 1.1 p", "Content-Length: 2", body=b"hi")
FAULTS = {
    "another method": ("differs", PASSED.replace(b"POST", b"PUT")),
    "another path": ("differs", PASSED.replace(b"/a", b"/b")),
    "another content": ("differs", PASSED.replace(b"hi", b"ho")),
    "bytes behind it": ("differs", PASSED + b"X"),
    "two requests": ("differs", PASSED + GET),
    "a changed field": ("another field", PASSED.replace(b"X: y", b"X: z")),
    "a lost field": ("another field", PASSED.replace(b"X: y\r\n", b"")),
    "a field that Connection names": ("another field", PASSED.replace(b"X: y", b"X: y\r\nZ: 1")),
    "a field of one hop": ("another field", PASSED.replace(b"Via", b"Keep-Alive: 1\r\nVia")),
    "no Via": ("another field", PASSED.replace(b"Via: 1.1 p\r\n", b"")),
    "two lengths": ("unclear", PASSED.replace(b"Via", b"Content-Length: 3\r\nVia")),
}


def test_a_proxy_may_pass_a_request_on_in_its_own_framing_or_refuse_it() -> None:
    said = read_all(SENT)
    chunks = of("X: y", "Via: 1.1 p", "Transfer-Encoding: chunked", body=b"2\r\nhi\r\n0\r\n\r\n")
    for passed in (PASSED, chunks):
        assert judge(said, [stream(passed)], [answer(1, "/a")], is_cache=False) == []
    assert judge(said, [], [Answer(400, (("connection", "close"),), b"")], is_cache=False) == []


@pytest.mark.parametrize("what", FAULTS)
def test_the_judge_finds_what_a_proxy_changes(what: str) -> None:
    kind, passed = FAULTS[what]
    assert kind in [one for one, _ in judge(read_all(SENT), [stream(passed)], [], is_cache=False)]


def test_the_judge_finds_an_answer_to_another_request_and_one_behind_the_last() -> None:
    two = read_all(GET.replace(b"/b", b"/1") + GET.replace(b"/b", b"/2"))
    assert judge(two, [], [answer(1, "/1"), answer(2, "/2")], is_cache=True) == []
    assert judge(two, [], [answer(2, "/2"), answer(1, "/1")], is_cache=True)[0][0] == "answers"
    same = read_all(GET + GET)
    kept = [stream(GET[:-2] + b"Via: 1.1 p\r\n\r\n")]
    assert judge(same, kept, [answer(1, "/b"), answer(1, "/b")], is_cache=True) == []
    assert judge(same, kept, [answer(1, "/b"), answer(1, "/b")], is_cache=False)[0][0] == "answers"
    last = read_all(of("Connection: close") + GET)
    refusal = Answer(400, (("connection", "close"),), b"")
    assert judge(last, [], [answer(1, "/a"), refusal], is_cache=True)[0][0] == "answers"


def test_the_judge_finds_what_is_no_answer_where_one_could_be() -> None:
    head_first = GET.replace(b"GET", b"HEAD").replace(b"/b", b"/1") + GET.replace(b"/b", b"/2")
    said, given = read_all(head_first), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    fits, has_content = given + given + b"hi", given + b"hi" + given + b"hi"
    assert judge(said, [], read_answers(fits, ["HEAD", "GET"]), is_cache=True) == []
    assert judge(said, [], read_answers(has_content, ["HEAD", "GET"]), is_cache=True) == [
        ("answers", "answer 2 is none: b'hiHTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi'")
    ]


def test_the_judge_knows_an_origin_by_its_echo_and_by_its_files() -> None:
    said, kind = read_all(GET.replace(b"/b", b"/echo/a")), ("content-type", "text/plain; charset=latin-1")
    whole = Answer(200, (kind,), b"GET /echo/a HTTP/1.1\r\nHost: a\r\n\r\n")
    other = Answer(200, (kind,), b"GET /echo/a HTTP/1.1\r\nHost: b\r\n\r\n")
    assert judge_origin(said, [whole]) == [] and judge_origin(said, [other])[0][0] == "another field"
    assert judge_site(said, [Answer(200, (), b"/echo/a")]) == []
    assert judge_site(said, [Answer(200, (), b"/echo/b")])[0][0] == "answers"


def test_the_judge_is_lenient_with_the_words_of_others_alone() -> None:
    said = read_all(PASSED)
    assert judge_other(said, [stream(PASSED.replace(b"X: y", b"x:  y\r\nX-Forwarded-For: 1"))]) == []
    assert judge_other(said, [stream(PASSED), stream(GET)])[0][0] == "differs"
    assert judge_other(said, [stream(PASSED.replace(b"X: y", b"X: y\r\nZ: 1"))])[0][0] == "another field"


def test_every_trick_makes_cases_and_the_same_chance_makes_the_same() -> None:
    first, second = ([next(source) for _ in range(3 * len(DECK))] for source in (cases(Random(5)), cases(Random(5))))
    assert first == second
    assert all(made(trick, Random(1)) for trick in DECK)
    readings = [read_all(data) for data in first]
    clear = sum(1 for one in readings if one.seen and not one.fault)
    assert 0.2 < clear / len(first) < 0.8, "neither all right nor all wrong"
