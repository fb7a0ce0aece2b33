"""The proxy's own answers, in words: refusals, trouble upstream, the end of TRACE.

Pure.  Errors say their reason, for this is a proxy to learn from.
"""

from lan.services.http.protocol import dates
from lan.services.http.protocol.messages import STATUS_WORDS, Response, headers
from lan.services.http.proxy.forwarding import Here

_WORDS = {200: "OK", 407: "Proxy Authentication Required", 508: "Loop Detected"}


def notice(here: Here, *, now_s: float) -> tuple[Response, bytes]:
    """The response, with Content-Length, and its content."""
    phrase = STATUS_WORDS.get(here.status) or _WORDS.get(here.status, "")
    fields = [("Date", dates.build(now_s)), *here.fields]
    content = here.content
    if content is None:
        content = f"{here.status} {phrase}: {here.why.text}\n".encode()
        fields.append(("Content-Type", "text/plain; charset=utf-8"))
    fields.append(("Content-Length", str(len(content))))
    return Response(here.status, phrase, headers=headers(fields)), content
