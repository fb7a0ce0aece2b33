"""Bytes that two readers might understand differently: right requests, known tricks, and all broken by chance.

For `differ_http.py`.  A case is a few bytes: a request with one trick of `differ_tricks.py`, sometimes behind a
right one, often with another behind it that must not be read as a part of the first, and sometimes with bytes
that go, come, or change.  All tricks come by turns, in an order by chance, so that none is left out for long.  And
some requests come alone and three times: our programs remember what they have met, and take a shorter way.
"""

import re
from collections.abc import Iterator
from random import Random

from benchmarks.differ_tricks import TRICKS, WORDS

BEFORE = (
    b"GET /echo/first HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"POST /echo/first HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nxyz",
    b"POST /echo/first HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n",
    b"GET /echo/kept HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
)
BEHIND = (
    b"GET /echo/second HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /echo/second HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"POST /echo/second HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nxyz",
    b"GET /echo/second HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
    b"\r\nGET /echo/second HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"0\r\n\r\nGET /echo/second HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /echo/second HTTP/1.0\r\n\r\n",
    b"junk",
)
SMUGGLED = BEHIND[0].decode()
CONTENTS = ("hello", "a", "0\r\n\r\n", "x" * 100, "0\r\n\r\n" + SMUGGLED, SMUGGLED, "1\r\nz\r\n0\r\n\r\n")
NOISE = b'\r\n \t:;,\x00\x0b\x0c\x80\xff0aAfF="\\/?#%_+-'
BROKEN, REPEATED = 0.15, 0.1
WORD = re.compile(r"\{([a-zA-Z_0-9]+)\}")
DECK = [
    trick
    for trick in TRICKS
    for _ in range(1 + max((len(WORDS.get(word, ())) for word in WORD.findall(trick)), default=0) // 8)
]
"""Each trick, and those of many spellings more often."""


def cases(chance: Random, broken: float = BROKEN) -> Iterator[bytes]:
    """One case after the other, without end; so many of them have bytes that are changed by chance."""
    while True:
        for trick in chance.sample(DECK, len(DECK)):
            is_known = chance.random() < REPEATED
            data = made(trick, chance, alone=is_known)
            if chance.random() < broken:
                data = mutated(data, chance)
            yield from [data] * (3 if is_known else 1)


def made(trick: str, chance: Random, *, alone: bool = False) -> bytes:
    """The case of one trick, with nothing before or behind it where it is `alone`."""
    content = chance.choice(CONTENTS)
    hexed = f"{len(content):x}"
    cut = chance.randrange(len(content) + 1)
    pieces = [piece for piece in (content[:cut], content[cut:]) if piece]
    chunks = "".join(f"{len(piece):x}\r\n{piece}\r\n" for piece in pieces) + "0\r\n\r\n"
    number = len(content)
    facts = {
        "content": content, "chunks": chunks, "whole": f"{len(chunks)}", "hex": hexed, "HEX": hexed.upper(),
        "n": f"{number}", "m": f"{chance.choice((0, number + 1, 3))}",
        "wrapped32": f"{2**32 + number}", "wrapped64": f"{2**64 + number}",
    }  # fmt: skip

    def word(found: re.Match[str]) -> str:
        return facts[found[1]] if found[1] in facts else chance.choice(WORDS[found[1]]).format(**facts)

    data = WORD.sub(word, trick).encode("latin-1")
    if alone:
        return data
    before = chance.choice(BEFORE) if chance.random() < 0.25 else b""
    behind = chance.choice(BEHIND) if chance.random() < 0.7 else b""
    return before + data + behind


def mutated(data: bytes, chance: Random) -> bytes:
    """A byte or three go, come, or are others."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = chance.randrange(len(data) + 1)
        noise = bytes([chance.choice(NOISE)])
        data = data[:at] + chance.choice((b"", noise, noise + data[at : at + 1])) + data[at + 1 :]
    return data
