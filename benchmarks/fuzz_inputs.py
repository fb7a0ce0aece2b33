"""Inputs for a fuzzer: likely ones, cut, doubled, swapped and spliced, with what parsers have tripped over put in.

`mutants` changes text, `byte_mutants` what has numbers at fixed places.  Each goes from base to base and changes one
step by step: each step is an input.  Short bases are taken more often, for their inputs are read sooner: of a long
one and a short one, both get the same number of bytes.

Pure, but for the `Random` that is given: the same one makes the same inputs, of the same bases.
"""

from collections.abc import Callable, Iterator
from itertools import accumulate
from random import Random

LONGEST_BYTES = 4096

FROM_POOL = 0.25
"""This share of bases are inputs that were taken lately."""
BASES = 64
"""So many are drawn at a time."""
SHORT_BYTES = 32
"""Bases below this length are all alike."""

Mutation = Callable[[bytes, Random, list[bytes]], bytes]
Mutants = Callable[[list[bytes], list[bytes], Random], Iterator[bytes]]
"""Inputs without end, of a corpus and of a pool that others fill meanwhile."""

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


def bases(corpus: list[bytes], pool: list[bytes], random: Random) -> Iterator[bytes]:
    """What inputs are made of, without end; the pool may not be empty."""
    shares = list(accumulate(1 / max(len(data), SHORT_BYTES) for data in corpus))
    chance = random.random
    while True:
        for base in random.choices(corpus, cum_weights=shares, k=BASES):
            yield pool[int(chance() * len(pool))] if chance() < FROM_POOL else base


def mutants(corpus: list[bytes], pool: list[bytes], random: Random) -> Iterator[bytes]:
    """Text that was changed once, twice, and each time with half the chance once more."""
    chance, kinds = random.random, len(MUTATIONS)
    for data in bases(corpus, pool, random):
        while True:
            data = MUTATIONS[int(chance() * kinds)](data, random, corpus)[:LONGEST_BYTES]
            yield data
            if chance() < 0.5:
                break


ENDS = bytes((0, 1, 2, 3, 4, 7, 8, 0x0F, 0x10, 0x1F, 0x3F, 0x40, 0x7F, 0x80, 0xBF, 0xC0, 0xF0, 0xFE, 0xFF))
"""Numbers of a byte where something begins or ends."""
MAX_STEPS = 4
NOISE = 1 / 8
"""This share of bases is noise."""


def byte_mutants(corpus: list[bytes], pool: list[bytes], random: Random) -> Iterator[bytes]:
    """Bytes that were changed in one to four places; some are noise."""
    chance = random.random
    for base in bases(corpus, pool, random):
        if chance() < NOISE:
            yield random.randbytes(int(chance() * 128))
            continue
        made = bytearray(base)
        for _ in range(1 + int(chance() * MAX_STEPS)):
            edit(made, random.getrandbits(48), corpus)
            yield bytes(made)


def edit(made: bytearray, bits: int, others: list[bytes]) -> None:
    """One change, of 48 random bits: which, where, and how much."""
    kind, at, some = bits & 15, (bits >> 4 & 0xFFFF) * len(made) >> 16, bits >> 20
    if kind < 5:
        made[at : at + 1] = ENDS[some % 19 : some % 19 + 1]
    elif kind < 9:
        if at < len(made):
            made[at] ^= 1 << (some & 7)
    elif kind == 9:  # a length that is nearly right
        made[at : at + 1] = bytes((len(made) - at - (some & 7) & 0xFF,))
    elif kind == 10:
        made[at : at + 2] = (0, 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0xC000, len(made))[some & 7].to_bytes(2, "big")
    elif kind < 13:
        del made[at : at + 1 + (some & 15)]
    elif kind == 13:
        del made[at:]
    elif kind == 14:
        made[at:at] = made[at : at + 1 + (some & 31)]
    else:
        other = others[some % len(others)]
        first = (some >> 8 & 0xFFF) * len(other) >> 12
        made[at:at] = other[first : first + 1 + (some >> 20) % 48]
    del made[LONGEST_BYTES:]
