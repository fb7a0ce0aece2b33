"""Request smuggling and response splitting: RFC 9112 §11.  Each known trick, at every place its bytes may be cut.

A trick hides ``GET /hidden`` in what one reader takes for content and another for a request.  Either the
message is refused whole, or it has one reading alone: then the test says which.
"""

import pytest

from .dialogue import CHUNKED, GET, fetched, heard, words

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: web\r\n\r\n"


def post(fields: bytes, content: bytes = b"", version: bytes = b"1.1") -> bytes:
    return b"POST / HTTP/%s\r\nHost: web\r\n%s\r\n\r\n%s" % (version, fields, content)


CL, TE = b"Content-Length: %d" % len(b"0\r\n\r\n" + HIDDEN), b"Transfer-Encoding: chunked"
ENDED = b"0\r\n\r\n" + HIDDEN

OBFUSCATIONS = {
    "a blank before the colon": b"Transfer-Encoding : chunked",
    "a tab before the colon": b"Transfer-Encoding\t: chunked",
    "VT before the colon": b"Transfer-Encoding\x0b: chunked",
    "NUL before the colon": b"Transfer-Encoding\0: chunked",
    "VT after the colon": b"Transfer-Encoding:\x0bchunked",
    "FF after the colon": b"Transfer-Encoding:\x0cchunked",
    "NUL after the colon": b"Transfer-Encoding: \0chunked",
    "CR after the colon": b"Transfer-Encoding:\rchunked",
    "LF after the colon": b"Transfer-Encoding:\nchunked",
    "a no-break space": b"Transfer-Encoding:\xa0chunked",
    "a no-break space after": b"Transfer-Encoding: chunked\xa0",
    "NEL after": b"Transfer-Encoding: chunked\x85",
    "VT after": b"Transfer-Encoding: chunked\x0b",
    "NUL after": b"Transfer-Encoding: chunked\0",
    "CR after": b"Transfer-Encoding: chunked\r",
    "folded": b"Transfer-Encoding:\r\n chunked",
    "folded by a tab": b"Transfer-Encoding:\r\n\tchunked",
    "folded behind another": b"X: a\r\n Transfer-Encoding: chunked",
    "behind a bare LF": b"X: a\nTransfer-Encoding: chunked",
    "behind a bare CR": b"X: a\rTransfer-Encoding: chunked",
    "behind NUL": b"X: a\0\r\nTransfer-Encoding: chunked",
    "a blank in front": b" Transfer-Encoding: chunked",
    "a CR in front": b"\rTransfer-Encoding: chunked",
    "VT in front": b"\x0bTransfer-Encoding: chunked",
    "quoted": b'Transfer-Encoding: "chunked"',
    "in single quotes": b"Transfer-Encoding: 'chunked'",
    "a word before": b"Transfer-Encoding: x chunked",
    "a word behind": b"Transfer-Encoding: chunked x",
    "a letter more": b"Transfer-Encoding: xchunked",
    "a letter behind": b"Transfer-Encoding: chunkedx",
    "a parameter": b"Transfer-Encoding: chunked;q=1",
    "a comment": b"Transfer-Encoding: chunked (x)",
    "a comma before": b"Transfer-Encoding: ,chunked",
    "a comma behind": b"Transfer-Encoding: chunked,",
    "identity": b"Transfer-Encoding: identity",
    "identity, chunked": b"Transfer-Encoding: identity, chunked",
    "chunked, identity": b"Transfer-Encoding: chunked, identity",
    "twice": b"Transfer-Encoding: chunked, chunked",
    "two lines": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    "two lines, turned": b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    "two lines, the first empty": b"Transfer-Encoding:\r\nTransfer-Encoding: chunked",
    "empty": b"Transfer-Encoding:",
    "a long s": "Tran\u017ffer-Encoding: chunked".encode(),
    "a Kelvin sign": "Transfer-Encoding: chun\u212aed".encode(),
    "two colons": b"Transfer-Encoding:: chunked",
    "no colon": b"Transfer-Encoding chunked",
    "an equals sign": b"Transfer-Encoding=chunked",
    "a byte in the name": b"Transfer\xadEncoding: chunked\r\nTransfer-Encoding: x",
}
"""What some reader takes for Transfer-Encoding: chunked and another for nothing, or the other way round."""


@pytest.mark.parametrize("name", OBFUSCATIONS)
def test_an_obfuscated_encoding_beside_a_length_is_refused(name: str) -> None:
    for fields in (CL + b"\r\n" + OBFUSCATIONS[name], OBFUSCATIONS[name] + b"\r\n" + CL):
        assert words(heard(post(fields, ENDED)))[-1:] in (["400"], ["501"]), fields
        assert not [word for word in words(heard(post(fields, ENDED))) if "/" in word]


@pytest.mark.parametrize("name", OBFUSCATIONS)
def test_an_obfuscated_encoding_beside_a_plain_one_is_refused(name: str) -> None:
    for fields in (TE + b"\r\n" + OBFUSCATIONS[name], OBFUSCATIONS[name] + b"\r\n" + TE):
        assert words(heard(post(fields, ENDED))) in (["400"], ["501"]), fields


@pytest.mark.parametrize("name", OBFUSCATIONS)
def test_an_obfuscated_encoding_alone_is_refused(name: str) -> None:
    assert words(heard(post(OBFUSCATIONS[name], ENDED))) in (["400"], ["501"])


SPELLINGS = [b"transfer-encoding:chunked", b"TRANSFER-ENCODING: \tCHUNKED\t ", b"Transfer-Encoding: Chunked"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_plain_encoding_has_one_reading_however_it_is_spelt(spelling: bytes) -> None:
    assert words(heard(post(spelling, ENDED))) == ["POST /", "End", "GET /hidden", "End"]
    assert words(heard(post(CL + b"\r\n" + spelling, ENDED))) == ["400"]
    assert words(heard(post(spelling + b"\r\n" + CL, ENDED))) == ["400"]
    assert words(heard(post(spelling, ENDED, b"1.0"))) == ["400"]


def test_names_that_only_look_like_it_are_other_fields() -> None:
    for name in (b"Transfer_Encoding", b"Transfer-Encoding-", b"X-Transfer-Encoding", b"Transfer.Encoding"):
        assert words(heard(post(CL + b"\r\n" + name + b": chunked", ENDED))) == ["POST /", ENDED.decode(), "End"]


LENGTHS = {
    "two that differ": b"Content-Length: 0\r\nContent-Length: 40",
    "two that differ, turned": b"Content-Length: 40\r\nContent-Length: 0",
    "two equal": b"Content-Length: 40\r\nContent-Length: 40",
    "a list": b"Content-Length: 40, 0",
    "a list of equals": b"Content-Length: 40,40",
    "a sign": b"Content-Length: +40",
    "negative": b"Content-Length: -1",
    "hexadecimal": b"Content-Length: 0x28",
    "octal": b"Content-Length: 0o50",
    "a fraction": b"Content-Length: 40.0",
    "an exponent": b"Content-Length: 4e1",
    "an underscore": b"Content-Length: 4_0",
    "digits of another script": "Content-Length: ٤٠".encode(),
    "wide digits": "Content-Length: ４０".encode(),
    "superscript digits": b"Content-Length: \xb2\xb3",
    "a blank between": b"Content-Length: 4 0",
    "a tab between": b"Content-Length: 4\t0",
    "empty": b"Content-Length:",
    "a blank alone": b"Content-Length: \t ",
    "a blank before the colon": b"Content-Length : 40",
    "VT in front": b"Content-Length: \x0b40",
    "NUL behind": b"Content-Length: 40\0",
    "a no-break space": b"Content-Length:\xa040",
    "folded": b"Content-Length:\r\n 40",
    "folded digits": b"Content-Length: 4\r\n 0",
    "a bare CR": b"Content-Length: 4\r0",
    "a bare LF": b"Content-Length: 4\n0",
    "a word": b"Content-Length: forty",
    "quoted": b'Content-Length: "40"',
    "a semicolon": b"Content-Length: 40;",
    "more digits than fit": b"Content-Length: 18446744073709551656",
    "twenty noughts": b"Content-Length: " + b"0" * 20 + b"40",
    "a name in front": b"X: a\r\n Content-Length: 40",
}


@pytest.mark.parametrize("name", LENGTHS)
def test_a_length_that_two_readers_may_take_for_two_numbers_is_refused(name: str) -> None:
    assert words(heard(post(LENGTHS[name], HIDDEN + b"x" * 40))) == ["400"]
    assert words(heard(post(b"X: a\r\n" + LENGTHS[name] + b"\r\nY: b", HIDDEN + b"x" * 40))) == ["400"]


def test_content_that_looks_like_a_request_is_content() -> None:
    data = post(b"Content-Length: %d" % len(HIDDEN), HIDDEN) + GET
    assert words(heard(data)) == ["POST /", HIDDEN.decode(), "End", "GET /", "End"]
    data = post(TE, b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)) + GET
    assert words(heard(data)) == ["POST /", HIDDEN.decode(), "End", "GET /", "End"]


CHUNKS = {
    "a sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a blank before": b" 5\r\nhello\r\n0\r\n\r\n",
    "a blank behind": b"5 \r\nhello\r\n0\r\n\r\n",
    "an underscore": b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
    "65 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "64 bits": b"fffffffffffffffb\r\nhello\r\n0\r\n\r\n",
    "a bare LF after the size": b"5\nhello\r\n0\r\n\r\n",
    "a bare CR after the size": b"5\rXhello\r\n0\r\n\r\n",
    "a bare LF in an extension": b"5;\nhello\r\n0\r\n\r\n" + HIDDEN,
    "a bare LF that ends an extension": b"2;\nxx\r\n2d\r\n0\r\n\r\n" + HIDDEN,
    "a bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a line end in a quoted extension": b'5;a="\r\n"\r\nhello\r\n0\r\n\r\n',
    "a bare LF after the data": b"5\r\nhello\n0\r\n\r\n",
    "a bare CR after the data": b"5\r\nhello\r0\r\n\r\n",
    "two bytes that are no line end": b"5\r\nhelloXX0\r\n\r\n" + HIDDEN,
    "no line end at all": b"5\r\nhello0\r\n\r\n",
    "a word after the size": b"5 x\r\nhello\r\n0\r\n\r\n",
    "a letter that is no digit": b"g\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "a semicolon alone": b"5;\r\nhello\r\n0\r\n\r\n",
    "NUL in an extension": b"5;a=\0\r\nhello\r\n0\r\n\r\n",
    "a bare LF after nought": b"0\n\n" + HIDDEN,
    "a bare LF for the last line": b"0\r\n\n" + HIDDEN,
    "a bare LF in a trailer": b"0\r\nX: a\n\r\n" + HIDDEN,
    "a bare CR in a trailer": b"0\r\nX: a\rY: b\r\n\r\n" + HIDDEN,
    "a blank before a trailer's colon": b"0\r\nX : a\r\n\r\n" + HIDDEN,
    "a folded trailer": b"0\r\nX: a\r\n b\r\n\r\n" + HIDDEN,
    "a request for a trailer": b"0\r\n" + HIDDEN,
    "a blank trailer": b"0\r\n \r\n\r\n" + HIDDEN,
}


@pytest.mark.parametrize("name", CHUNKS)
def test_chunks_that_two_readers_may_cut_in_two_ways_are_refused(name: str) -> None:
    said = words(heard(post(TE, CHUNKS[name])))
    assert said[0] == "POST /" and said[-1] == "400" and "End" not in said
    said = words(fetched(b"HTTP/1.1 200 OK\r\n" + TE + b"\r\n\r\n" + CHUNKS[name]))
    assert said[0] == "Response" and said[-1] == "502" and "End" not in said


def test_a_trailer_sets_nothing_for_the_request_after_it() -> None:
    data = CHUNKED.replace(b"T: 1", b"Content-Length: 40\r\nTransfer-Encoding: chunked\r\nConnection: close") + HIDDEN
    assert words(heard(data)) == ["POST /", "abcde", "End", "GET /hidden", "End"]


HEADS = {
    "two Hosts": b"GET / HTTP/1.1\r\nHost: web\r\nHost: other\r\n\r\n",
    "a Host with a blank before its colon": b"GET / HTTP/1.1\r\nHost : other\r\nHost: web\r\n\r\n",
    "a folded Host": b"GET / HTTP/1.1\r\nHost: web\r\n other\r\n\r\n",
    "a user in Host": b"GET / HTTP/1.1\r\nHost: web@other\r\n\r\n",
    "a path in Host": b"GET / HTTP/1.1\r\nHost: web/x\r\n\r\n",
    "a blank in Host": b"GET / HTTP/1.1\r\nHost: web other\r\n\r\n",
    "two names in Host": b"GET / HTTP/1.1\r\nHost: web, other\r\n\r\n",
    "another host in the target": b"GET http://other/ HTTP/1.1\r\nHost: web\r\n\r\n",
    "a user in the target": b"GET http://web@other/ HTTP/1.1\r\nHost: other\r\n\r\n",
    "a fragment": b"GET /#/x HTTP/1.1\r\nHost: web\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: web\r\n\r\n",
    "lower case": b"GET / http/1.1\r\nHost: web\r\n\r\n",
    "two blanks": b"GET  / HTTP/1.1\r\nHost: web\r\n\r\n",
    "a blank in the target": b"GET / x HTTP/1.1\r\nHost: web\r\n\r\n",
    "a line in the target": b"GET /\nHost:x HTTP/1.1\r\nHost: web\r\n\r\n",
    "a line end in the target": b"GET /\r\nHost: web\r\n\r\n",
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_two_readers_may_take_for_two_requests_is_refused(name: str) -> None:
    assert words(heard(HEADS[name] + HIDDEN)) in (["400"], ["505"])


SPLITTING = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
    "a length and an encoding": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "an encoding in 1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "an encoding with a no-break space": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\xa0\r\n\r\n",
    "a length with a no-break space": b"HTTP/1.1 200 OK\r\nContent-Length: 5\xa0\r\n\r\n",
    "a bare CR": b"HTTP/1.1 200 OK\r\nX: a\rContent-Length: 0\r\n\r\n",
    "a bare LF": b"HTTP/1.1 200 OK\r\nX: a\nContent-Length: 0\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nX: a\0\r\nContent-Length: 0\r\n\r\n",
    "status 099": b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "a second response behind the first": b"HTTP/1.1 204 x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("name", SPLITTING)
def test_a_response_that_two_readers_may_cut_in_two_ways_is_refused(name: str) -> None:
    said = words(fetched(SPLITTING[name] + b"hello"))
    assert said[-1] == "502" and said.count("Response") <= 1
