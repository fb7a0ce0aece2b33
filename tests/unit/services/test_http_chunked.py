"""The chunked coding: RFC 9112 §7.1, rule by rule, with every trick on its lines that is known."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.protocol import chunked
from lan.services.http.protocol.events import Refused
from lan.services.http.protocol.messages import Headers, headers

from .dialogue import each_way


def decode(pieces: list[bytes], *, status: int = 400) -> tuple[bytes, chunked.Decoder | Refused, bytes]:
    """Content; the decoder once done, or its refusal; the rest."""
    decoder, content = chunked.Decoder(status=status), b""
    for number, piece in enumerate(pieces):
        content += decoder.feed(piece)
        if decoder.refused is not None:
            return content, decoder.refused, b""
        if decoder.is_done:
            return content, decoder, decoder.rest + b"".join(pieces[number + 1 :])
    return content, decoder, b""


def read(data: bytes) -> tuple[bytes, Headers, bytes]:
    """Content, trailers and rest of a complete body, the same in any pieces."""
    results = []
    for pieces in each_way(data):
        content, decoder, rest = decode(pieces)
        assert isinstance(decoder, chunked.Decoder) and decoder.is_done, (pieces, decoder)
        results.append((content, decoder.trailers, rest))
    assert all(result == results[0] for result in results)
    return results[0]


def refusal(data: bytes) -> str:
    """Status and source of the refusal, the same in any pieces."""
    results = set()
    for pieces in each_way(data):
        content, refused, _ = decode(pieces)
        assert isinstance(refused, Refused), (pieces, content)
        results.add((content, f"{refused.fault.status} {refused.fault.why.source}"))
    assert len(results) == 1, results
    return results.pop()[1]


BODIES = {
    b"0\r\n\r\n": b"",
    b"5\r\nhello\r\n0\r\n\r\n": b"hello",
    b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n": b"abcde",
    b"0005\r\nhello\r\n000\r\n\r\n": b"hello",
    b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n": b"01234567890123456789",
    b"5\r\n\r\n\r\n\n\r\n0\r\n\r\n": b"\r\n\r\n\n",
    b"5\r\n0\r\n\r\n\r\n0\r\n\r\n": b"0\r\n\r\n",
}


@pytest.mark.parametrize("data", BODIES)
def test_chunks_are_taken_apart(data: bytes) -> None:
    assert read(data + b"rest") == (BODIES[data], Headers(), b"rest")


EXTENSIONS = [
    *(b";a", b";a=b", b";a=b;c=d", b'; a="b c"', b" ; a", b"\t;\ta\t=\tb", b';a="\\""', b';a=";"', b';a="\\\\"'),
    *(b";a;b", b';a=""', b';a="\xe4"', b";!#$%&'*+-.^_`|~=1", b';a="x\ty"'),
]


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_extensions_are_ignored(extension: bytes) -> None:
    assert read(b"5" + extension + b"\r\nhello\r\n0" + extension + b"\r\n\r\n")[0] == b"hello"


SIZES = [
    *(b"", b" 5", b"\t5", b"5 ", b"5\t", b"+5", b"-5", b"0x5", b"0X5", b"5h", b"g", b"5 5", b"5_0", b"5.0", b"5,"),
    *(b"\xb2", b"\x0b5", b"5\x0b", b"5\x0c", b"5\0", b"\xef\xbc\x95", b"5\xa0", b"'5'", b"5:", b"5#a", b"5\x85"),
    *(
        b"five",
        b"F" * 16,
        b"1" + b"0" * 15,
        b"f" * 200,
        b"-1",
        b"0" * 16 + b"5",
        b"8000000000000000",
        b"10000000000000005",
    ),
]


@pytest.mark.parametrize("size", SIZES)
def test_a_size_is_hexadecimal_digits_and_no_more_than_fit(size: bytes) -> None:
    assert refusal(size + b"\r\nhello\r\n0\r\n\r\n") == "400 RFC 9112 §7.1"
    assert refusal(b"5\r\nhello\r\n" + size + b"\r\nhello\r\n0\r\n\r\n") == "400 RFC 9112 §7.1"


BAD_EXTENSIONS = [
    *(b";", b";;a", b";a;", b";=b", b";a=", b"; ", b" ", b";a b", b";a=b c", b';a="b', b';a=b"', b';a="b"c', b";a:b"),
    *(b";a\0", b";a\x0b", b";a=\x7f", b';a="\0"', b';a="\x0b"', b"a=b", b",a", b";a=(b)", b';a="\\', b";\xe4"),
    *(b";a\rb", b"\r", b';a="\rb"', b";a\r"),
]


@pytest.mark.parametrize("extension", BAD_EXTENSIONS)
def test_an_extension_that_is_none_is_refused(extension: bytes) -> None:
    assert refusal(b"5" + extension + b"\r\nhello\r\n0\r\n\r\n") == "400 RFC 9112 §7.1"
    assert refusal(b"0" + extension + b"\r\n\r\n") == "400 RFC 9112 §7.1"


LINE_ENDS = {
    "bare LF after the size": (b"5\nhello\r\n0\r\n\r\n", "§7.1"),
    "bare CR after the size": (b"5\rhello\r\n0\r\n\r\n", "§7.1"),
    "bare LF in an extension": (b"5;a\n\r\nhello\r\n0\r\n\r\n", "§7.1"),
    "bare LF in a quoted extension": (b'5;a="\n"\r\nhello\r\n0\r\n\r\n', "§7.1"),
    "bare LF after the extension": (b"5;a\nhello\r\n0\r\n\r\n", "§7.1"),
    "two CRs": (b"5\r\r\nhello\r\n0\r\n\r\n", "§7.1"),
    "bare LF after the data": (b"5\r\nhello\n0\r\n\r\n", "§7.1"),
    "bare CR after the data": (b"5\r\nhello\r0\r\n\r\n", "§7.1"),
    "LF CR after the data": (b"5\r\nhello\n\r0\r\n\r\n", "§7.1"),
    "nothing after the data": (b"5\r\nhello0\r\n\r\n", "§7.1"),
    "more data than the size": (b"5\r\nhelloo\r\n0\r\n\r\n", "§7.1"),
    "less data than the size": (b"6\r\nhello\r\n0\r\n\r\n", "§7.1"),
    "an empty line before a size": (b"5\r\nhello\r\n\r\n0\r\n\r\n", "§7.1"),
    "an empty line in front": (b"\r\n5\r\nhello\r\n0\r\n\r\n", "§7.1"),
    "bare LF after the last size": (b"0\n\r\n", "§7.1"),
    "bare LF for the empty line": (b"0\r\n\n", "§2.2"),
    "bare LF in a trailer": (b"0\r\nT: 1\n\r\n\r\n", "§2.2"),
    "bare LF after the trailers": (b"0\r\nT: 1\r\n\n", "§2.2"),
}


@pytest.mark.parametrize("name", LINE_ENDS)
def test_lines_end_in_crlf_alone(name: str) -> None:
    data, section = LINE_ENDS[name]
    assert refusal(data) == f"400 RFC 9112 {section}"


# §7.1.2, trailers


def test_trailers_are_kept_apart_and_what_they_may_not_set_is_dropped() -> None:
    data = b"0\r\nX-Sum: 1\r\nContent-Length: 5\r\nHOST: other\r\nTransfer-Encoding: chunked\r\nX-Sum: 2\r\n\r\nrest"
    assert read(data) == (b"", headers([("X-Sum", "1"), ("X-Sum", "2")]), b"rest")
    _, decoder, _ = decode([data])
    assert isinstance(decoder, chunked.Decoder)
    assert decoder.dropped == ("Content-Length", "HOST", "Transfer-Encoding")


TRAILERS = [b"T : 1", b"T", b": 1", b"T: a\rb", b"T: a\0b", b"T\0: 1", b" T: 1", b"T: 1\r\n 2", b"\xe4: 1", b"\rT: 1"]


@pytest.mark.parametrize("line", TRAILERS)
def test_a_trailer_is_a_field_read_as_strictly(line: bytes) -> None:
    assert refusal(b"0\r\n" + line + b"\r\n\r\n").startswith("400 RFC 91")
    assert refusal(b"0\r\nA: 1\r\n" + line + b"\r\n\r\n").startswith("400 RFC 91")


# Limits


def test_a_size_line_without_end_is_refused() -> None:
    for data in (b"0" * 1000, b"5;a=" + b"b" * 1000, b'5;a="' + b"b" * 1000):
        assert refusal(data) == "400 RFC 9112 §7.1.1"


def test_a_size_line_as_long_as_may_be_is_read_in_any_pieces() -> None:
    line = b"5;" + b"a" * (chunked.MAX_SIZE_LINE_BYTES - 2)
    assert read(line + b"\r\nhello\r\n0\r\n\r\n")[0] == b"hello"
    assert refusal(line + b"a\r\nhello\r\n0\r\n\r\n") == "400 RFC 9112 §7.1.1"


def test_extensions_without_end_are_refused() -> None:
    chunk = b"1;" + b"a" * 200 + b"\r\nx\r\n"
    decoder = chunked.Decoder()
    for _ in range(20):
        decoder.feed(chunk)
    assert decoder.refused is None
    decoder.feed(chunk)
    assert decoder.refused is not None
    assert decoder.refused.fault.why.text == "too many chunk extensions"


@pytest.mark.parametrize(("status", "answered"), [(400, 431), (502, 502)])
def test_trailers_without_end_are_refused(status: int, answered: int) -> None:
    data = b"0\r\n" + b"X: " + b"x" * (chunked.MAX_TRAILER_BYTES + 10)
    for pieces in ([data], [data + b"\r\n\r\n"], [data[at : at + 100] for at in range(0, len(data), 100)]):
        _, refused, _ = decode(pieces, status=status)
        assert isinstance(refused, Refused)
        assert refused.fault.status == answered


def test_more_than_a_hundred_trailers_are_refused() -> None:
    _, refused, _ = decode([b"0\r\n" + b"X: a\r\n" * 101 + b"\r\n"])
    assert isinstance(refused, Refused)
    assert refused.fault.status == 431


def test_a_chunk_that_leads_beyond_the_limit_is_refused_at_its_size() -> None:
    decoder = chunked.Decoder(max_bytes=10)
    assert decoder.feed(b"5\r\nhello\r\n6\r\nworld!") == b"hello"
    assert decoder.refused is not None
    assert decoder.refused.fault.status == 413
    decoder = chunked.Decoder(max_bytes=10)
    assert decoder.feed(b"5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n") == b"helloworld"
    assert decoder.is_done


def test_a_decoder_keeps_no_content() -> None:
    decoder = chunked.Decoder()
    decoder.feed(b"fffffff\r\n")
    for _ in range(100):
        assert len(decoder.feed(b"x" * 1000)) == 1000
        assert decoder.kept_bytes == 0


def test_what_was_content_before_a_fault_is_given() -> None:
    decoder = chunked.Decoder()
    assert decoder.feed(b"5\r\nhello\r\nx\r\n") == b"hello"
    assert decoder.refused is not None
    kept_bytes = decoder.kept_bytes
    assert decoder.feed(b"5\r\nhello\r\n") == b""
    assert decoder.kept_bytes == kept_bytes


# What is sent


@given(st.lists(st.binary(max_size=300), max_size=10), st.lists(st.integers(0, 4000), max_size=5))
def test_what_is_encoded_is_decoded_in_any_pieces(contents: list[bytes], places: list[int]) -> None:
    trailers = headers([("X-Sum", "1"), ("X-Sum", "2")])
    data = b"".join(map(chunked.encode, contents)) + chunked.encode_end(trailers) + b"rest"
    cuts = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    content, decoder, rest = decode([data[a:b] for a, b in itertools.pairwise(cuts)])
    assert isinstance(decoder, chunked.Decoder)
    assert (content, decoder.trailers, rest) == (b"".join(contents), trailers, b"rest")


def test_nothing_is_no_chunk() -> None:
    assert chunked.encode(b"") == b""


@pytest.mark.parametrize("name", sorted(chunked.NOT_IN_TRAILERS))
def test_what_a_trailer_may_not_set_is_not_sent(name: str) -> None:
    with pytest.raises(ValueError, match="may not be a trailer"):
        chunked.encode_end(headers([(name.title(), "1")]))


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_no_bytes_crash_the_decoder(pieces: list[bytes]) -> None:
    decode(pieces)
