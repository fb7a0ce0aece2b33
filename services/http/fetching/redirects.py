"""Where a redirection leads, and with which method.  RFC 9110 §15.4.

Pure: a response in, the next request or the reason for none out.
"""

from dataclasses import dataclass

from lan.errors import UsageError
from lan.reasons import Reason
from lan.services.http.protocol import url
from lan.services.http.protocol.messages import Response
from lan.services.http.protocol.url import Url

LIMIT = 20
"""Redirections in a row; more is a circle (RFC 9110 §15.4: a client SHOULD detect and intervene)."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Ask there next.  `keeps_content`: with the same content; `is_elsewhere`: another origin, which gets no
    credentials that were meant for the first."""

    url: Url
    method: str
    keeps_content: bool
    is_elsewhere: bool
    why: Reason


@dataclass(frozen=True, slots=True)
class Stay:
    """This response is the answer."""

    why: Reason


def is_redirection(response: Response) -> bool:
    """Whether this status asks the client to go elsewhere by itself."""
    return response.status in (301, 302, 303, 307, 308)


def follow(
    response: Response, asked: Url, method: str, *, hops: int, limit: int = LIMIT, allow_downgrade: bool = False
) -> Follow | Stay:
    """What a redirection means after `hops` of them; `allow_downgrade`: from https to http too."""
    if not is_redirection(response):
        return Stay(Reason("RFC 9110 §15.4", "no redirection", status=response.status))
    location = response.headers.get("Location")
    if location is None:
        return Stay(Reason("RFC 9110 §15.4", "a redirection without Location can't be followed"))
    if hops >= limit:
        return Stay(Reason("RFC 9110 §15.4", "too many redirections, they may go in a circle", limit=limit))
    try:
        target = url.join(asked, location)
    except UsageError as error:
        return Stay(Reason("RFC 9110 §10.2.2", f"the Location is no URL to go to: {error.what}"))
    if asked.scheme == "https" and target.scheme == "http" and not allow_downgrade:
        return Stay(Reason("RFC 9110 §17.1", "from https to http only with --allow-downgrade", location=str(target)))
    changed = _method(response.status, method)
    elsewhere = target.origin != asked.origin
    text = (
        f"{response.status}: {method} becomes {changed}" if changed != method else f"{response.status}: {method} again"
    )
    return Follow(
        target, changed, changed == method, elsewhere, Reason(_SECTIONS[response.status], text, location=str(target))
    )


_SECTIONS = {
    301: "RFC 9110 §15.4.2",
    302: "RFC 9110 §15.4.3",
    303: "RFC 9110 §15.4.4",
    307: "RFC 9110 §15.4.8",
    308: "RFC 9110 §15.4.9",
}


def _method(status: int, method: str) -> str:
    """303 asks for GET; 301 and 302 turn POST into GET, as browsers always did; 307 and 308 change nothing."""
    if status == 303 and method != "HEAD":
        return "GET"
    return "GET" if status in (301, 302) and method == "POST" else method
