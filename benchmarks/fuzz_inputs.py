"""Inputs for a fuzzer: likely ones, cut, doubled, swapped and spliced, with what parsers have tripped over put in.

Pure, but for the `Random` that is given: the same one makes the same inputs.
"""

from collections.abc import Callable
from random import Random

LONGEST_BYTES = 4096

Mutation = Callable[[bytes, Random, list[bytes]], bytes]

INTERESTING = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n\r\n",
        b"\0",
        b" ",
        b"\t",
        b"\x0b",
        b"\x7f",
        b"\xff",
        b"\xa0",
        b":",
        b";",
        b",",
        b"=",
    ),
    *(
        b'"',
        b"\\",
        b'\\"',
        b"%",
        b"%00",
        b"%2e%2e/",
        b"/../",
        b"//",
        b"#",
        b"?",
        b"@",
        b"[",
        b"]",
        b"*",
        b"-",
        b"+",
        b"_",
    ),
    *(b"0", b"1", b"-1", b"00", b"5", b"0x5", b"18446744073709551616", b"9" * 20, b"f" * 16, b"0" * 300, b"A" * 300),
    *(b"Host: a\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b" a\r\n"),
    *(b"Connection: keep-alive, Upgrade\r\n", b"Upgrade: h2c\r\n", b"Expect: 100-continue\r\n", b"Trailer: T\r\n"),
    *(
        b"0\r\n\r\n",
        b"5\r\nhello\r\n",
        b"HTTP/1.1",
        b"HTTP/1.0",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"GET / HTTP/1.1\r\n",
    ),
    *(
        b"bytes=",
        b"max-age=",
        b"chunked",
        b"identity",
        b"gzip",
        b";q=0.5",
        b"W/",
        b"http://",
        b"\xc3\xa4",
        b"\xe2\x84\xaa",
    ),
]
NUMBERS = [b"0", b"1", b"-1", b"255", b"65536", b"2147483648", b"4294967296", b"18446744073709551616", b"1e9", b"0x10"]


def delete(data: bytes, random: Random, _: list[bytes]) -> bytes:
    at, count = place(data, random), short(random)
    return data[:at] + data[at + count :]


def double(data: bytes, random: Random, _: list[bytes]) -> bytes:
    at, count = place(data, random), short(random)
    return data[: at + count] + data[at:]


def swap(data: bytes, random: Random, _: list[bytes]) -> bytes:
    first, second = sorted((place(data, random), place(data, random)))
    count = min(short(random), second - first)
    last = second + count
    return data[:first] + data[second:last] + data[first + count : second] + data[first : first + count] + data[last:]


def insert(data: bytes, random: Random, _: list[bytes]) -> bytes:
    at = place(data, random)
    return data[:at] + random.choice(INTERESTING) + data[at:]


def replace(data: bytes, random: Random, _: list[bytes]) -> bytes:
    at = place(data, random)
    return data[:at] + random.choice(INTERESTING) + data[at + short(random) :]


def flip(data: bytes, random: Random, _: list[bytes]) -> bytes:
    at = place(data, random)
    return data[:at] + bytes([int(random.random() * 256)]) + data[at + 1 :]


def splice(data: bytes, random: Random, corpus: list[bytes]) -> bytes:
    other = random.choice(corpus)
    return data[: place(data, random)] + other[place(other, random) :]


def append(data: bytes, random: Random, corpus: list[bytes]) -> bytes:
    return data + random.choice(corpus)


def number(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """A run of digits becomes another number."""
    start = next((at for at in range(place(data, random), len(data)) if 48 <= data[at] <= 57), None)
    if start is None:
        return data + random.choice(NUMBERS)
    stop = start
    while stop < len(data) and 48 <= data[stop] <= 57:
        stop += 1
    return data[:start] + random.choice(NUMBERS) + data[stop:]


def lines(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """A line goes, comes twice, or changes places with another."""
    parts = data.split(b"\r\n")
    first, second = place(parts, random), place(parts, random)
    kind = int(random.random() * 3)
    if first >= len(parts) or second >= len(parts):
        return data
    if kind == 0:
        del parts[first]
    elif kind == 1:
        parts.insert(second, parts[first])
    else:
        parts[first], parts[second] = parts[second], parts[first]
    return b"\r\n".join(parts)


MUTATIONS: list[Mutation] = [
    delete,
    double,
    swap,
    insert,
    insert,
    replace,
    replace,
    flip,
    splice,
    append,
    number,
    lines,
]


def place(data: bytes | list[bytes], random: Random) -> int:
    return int(random.random() * (len(data) + 1))


def short(random: Random) -> int:
    """A small count, mostly; now and then a large one."""
    return 1 + int(16 * random.random() ** 4 * (20 if random.random() < 0.02 else 1))


def mutated(data: bytes, random: Random, corpus: list[bytes]) -> bytes:
    """One mutation, or up to eight."""
    data = random.choice(MUTATIONS)(data, random, corpus)
    while random.random() < 0.5:
        data = random.choice(MUTATIONS)(data, random, corpus)
    return data[:LONGEST_BYTES]
