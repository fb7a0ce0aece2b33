"""The `Keep-Alive` field: ``timeout=120, max=5``.  RFC 2068 §19.7.1; book 4.5.4.

Pure.  It is an estimate, not a promise: `timeout` is for how long the sender will likely keep an
idle connection, `max` for how many more messages.  It counts only next to ``Connection: keep-alive``
in HTTP/1.0, and peers of HTTP/1.1 send it too.
"""

import re
from dataclasses import dataclass

from lan.reasons import Reason
from lan.services.http.protocol.messages import HTTP_1_1, Headers, Request, Response
from lan.services.http.protocol.persistence import persistence

_PARAMETER = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:\"([0-9]{1,9})\"|([0-9]{1,9}))")


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """`timeout_s` and `max_messages` as the sender estimates them; None where it does not say."""

    timeout_s: int | None = None
    max_messages: int | None = None

    def __str__(self) -> str:
        """The field's value; empty where nothing is said."""
        said = (("timeout", self.timeout_s), ("max", self.max_messages))
        return ", ".join(f"{name}={value}" for name, value in said if value is not None)


SILENT = KeepAlive()


def parse(headers: Headers) -> KeepAlive:
    """What `Keep-Alive` says; parameters that are unknown or no numbers are passed over, the first of a name counts."""
    value = headers.get("Keep-Alive")
    if value is None:
        return SILENT
    numbers: dict[str, int] = {}
    for element in value.split(","):
        if found := _PARAMETER.fullmatch(element.strip(" \t")):
            numbers.setdefault(found[1].lower(), int(found[2] or found[3]))
    return KeepAlive(numbers.get("timeout"), numbers.get("max"))


def exhausted(setting: KeepAlive | None, answered: int) -> Reason | None:
    """Why a server closes after its next answer, when it has answered so many requests on this connection."""
    if setting is None or setting.max_messages is None or answered + 1 < setting.max_messages:
        return None
    return Reason("book 4.5.4", "as many requests on one connection as allowed", max=setting.max_messages)


def promise(
    response: Response, request: Request, setting: KeepAlive, answered: int, *, request_complete: bool = True
) -> Response:
    """The response with how long, and for how many requests more, its connection is kept; as it is where it closes.

    ``Connection: keep-alive`` names the field's hop, in HTTP/1.1 too.
    """
    is_delimited = request.version >= HTTP_1_1 or response.headers.get("Content-Length") is not None
    kept = persistence(request, response, request_complete=request_complete, response_delimited=is_delimited)
    if not kept.keep or exhausted(setting, answered) is not None:
        return response
    left = None if setting.max_messages is None else setting.max_messages - answered - 1
    promised = KeepAlive(setting.timeout_s, left)
    return response.with_field("Connection", "keep-alive").with_field("Keep-Alive", str(promised))
