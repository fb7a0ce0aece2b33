"""What an answer depends on: a request without the fields that nobody here asks about.  RFC 9112 §2 to §5.

Two requests of one essence get the same answer for a file, so an answer that is known to the one is known
to the other: a browser's cookies and languages change, what it asks for does not.  The essence is itself a
request, its lines as they came, and means nothing before the engine has read and answered it as a whole
(`shortcuts.py` learns it then).  Here nothing is understood but lines: a strict subset of plain requests has
an essence, and whatever could be read in two ways is its own, for the engine to judge.

Pure, and a function of the bytes alone.
"""

import re
from functools import lru_cache

from lan.services.http.protocol.head import MAX_FIELDS

MAX_REQUEST_BYTES = 2048

ASKED_ABOUT = frozenset(
    {
        b"accept-encoding", b"connection", b"content-length", b"expect", b"host", b"if-match", b"if-modified-since",
        b"if-none-match", b"if-range", b"if-unmodified-since", b"keep-alive", b"lan-fault", b"range", b"te",
        b"trailer", b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
"""The fields by which an answer for a file is made, and those by which any reader frames a message.

The test of this file asks the origin which fields it looks at.
"""

_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t\x20-\x7e\x80-\xff]*")
_WITH_QUERY = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+ /[!\"$->@-~]*)\?[!\"$-~]*( HTTP/1\.[01])")


def essence(data: bytes, *, has_query: bool = True) -> bytes:
    """One whole request without content → the same without fields that nobody asks about; else `data` itself.

    Not `has_query`: the answer does not depend on the target's query either.
    """
    if len(data) > MAX_REQUEST_BYTES or data.find(b"\r\n\r\n") != len(data) - 4:
        return data
    start_line, *fields = data[:-4].split(b"\r\n")
    if not start_line or len(fields) > MAX_FIELDS:
        return data
    try:
        kept = [line for line in fields if _is_asked_about(line)]
    except ValueError:
        return data
    if not has_query and b"?" in start_line and (found := _WITH_QUERY.fullmatch(start_line)) is not None:
        start_line = b"%b%b" % found.groups()
    return b"\r\n".join([start_line, *kept, b"\r\n"])


@lru_cache(1024)  # most lines are the same in all of a browser's requests
def _is_asked_about(line: bytes) -> bool:
    """Whether this field line matters.  Raises ValueError for what is no field line."""
    found = _FIELD.fullmatch(line)
    if found is None:
        raise ValueError("no field line")
    return found[1].lower() in ASKED_ABOUT
