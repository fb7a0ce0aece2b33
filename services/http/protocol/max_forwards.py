"""The `Max-Forwards` field: how many intermediaries a TRACE or OPTIONS may still pass.  RFC 9110 §7.6.2.

Pure.
"""

import enum
import re
from dataclasses import dataclass

from lan.reasons import Reason
from lan.services.http.protocol.messages import Headers, Request

METHODS = ("TRACE", "OPTIONS")
_SENSITIVE = ("authorization", "cookie", "proxy-authorization")


class Step(enum.StrEnum):
    """What the field asks of us."""

    FORWARD = "forward"
    ANSWER = "answer"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Decision:
    """Forward these fields, answer here as the last recipient, or refuse."""

    step: Step
    headers: Headers
    why: Reason


def decide(request: Request) -> Decision:
    """What is to be done with this request, as far as `Max-Forwards` says.  Other methods may ignore it, and do."""
    value = request.headers.get("Max-Forwards")
    if value is None or request.method not in METHODS:
        why = Reason("RFC 9110 §7.6.2", "no Max-Forwards that counts here")
        return Decision(Step.FORWARD, request.headers, why)
    if not re.fullmatch(r"[0-9]{1,9}", value):
        why = Reason("RFC 9110 §7.6.2", "Max-Forwards is no number", value=value[:40])
        return Decision(Step.REFUSE, request.headers, why)
    if int(value) == 0:
        why = Reason("RFC 9110 §7.6.2", "Max-Forwards is 0: the request ends here", method=request.method)
        return Decision(Step.ANSWER, request.headers, why)
    fewer = str(int(value) - 1)
    why = Reason("RFC 9110 §7.6.2", "Max-Forwards is one less for the next hop", was=value, now=fewer)
    return Decision(Step.FORWARD, request.headers.with_field("Max-Forwards", fewer), why)


def reflection(request: Request) -> bytes:
    """What TRACE gives back: the request's head as it came, but for fields that hold secrets (RFC 9110 §9.3.8)."""
    fields = [f"{name}: {value}" for name, value in request.headers.items if name.lower() not in _SENSITIVE]
    return "\r\n".join([request.start_line(), *fields, "", ""]).encode("latin-1")
