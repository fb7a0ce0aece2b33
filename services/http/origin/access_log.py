"""The access log: one line for each request, in the combined format that log readers know, and why.

Pure.  The fields: client's address, two that are not known (``-``), the moment in UTC, the request line,
status, bytes of the body, `Referer`, `User-Agent`, and last, in quotes, the reason of the answer.

    192.168.100.1 - - [28/Nov/2026:01:02:03 +0000] "GET / HTTP/1.1" 200 1024 "-" "curl/7.88.1" "the file"

What a client sent is escaped, so that it can't end a line or a quoted field, nor steer a terminal.
"""

from datetime import UTC, datetime

from lan.services.http.protocol.messages import Request

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def line(
    request: Request | None,
    *,
    client: str,
    moment_s: float,
    status: int,
    body_bytes: int,
    why: str,
    is_whole: bool = True,
) -> str:
    """The line, without its end.

    `request` is None where it could not be read.  `client` is an address without port.  `body_bytes`
    have left; not `is_whole`: the answer was cut, which the reason then says.
    """
    start = "-" if request is None else request.start_line()
    referer = user_agent = None
    if request is not None:
        referer, user_agent = request.headers.get("Referer"), request.headers.get("User-Agent")
    said = why if is_whole else f"{why}; cut"
    quoted = " ".join(f'"{escape(text or "-")}"' for text in (referer, user_agent, said))
    return f'{client} - - [{date(moment_s)}] "{escape(start)}" {status} {body_bytes or "-"} {quoted}'


def date(moment_s: float) -> str:
    """``28/Nov/2026:01:02:03 +0000``, whatever the machine's language."""
    moment = datetime.fromtimestamp(int(moment_s), UTC)
    clock = f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    return f"{moment.day:02}/{_MONTHS[moment.month - 1]}/{moment.year:04}:{clock} +0000"


def escape(text: str) -> str:
    r"""Printable ASCII as it is, but for quote and backslash; all else as ``\xHH`` of its UTF-8 bytes."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    data = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in data)
