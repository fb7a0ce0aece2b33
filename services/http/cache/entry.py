"""A stored response, with what a cache needs to know of it.  RFC 9111 §3, §4.2.3.

Pure.  The body lies in a store; the entry carries the head and the two moments of its exchange.
"""

import re
from dataclasses import dataclass, field

from lan.services.http.cache import cache_control
from lan.services.http.cache.cache_control import MOST_S, Directives
from lan.services.http.protocol import dates
from lan.services.http.protocol.messages import Response

Variant = tuple[tuple[str, str | None], ...]
"""The request fields that the response depends on, in lower case, with their normalised values (None: absent)."""

_WORD = re.compile("[A-Za-z]+")
_DIGITS = re.compile("[0-9]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is stored under `key`, such as ``GET http://web/``, for requests like `variant`.

    `serial` is the store's number for it.  `requested_s` and `received_s` are the moments the request
    went out and the head came in, of the exchange that made the response or last validated it.
    `is_invalid`: it must be validated before any use (§4.3.5).  The other fields are read from the
    head, once.
    """

    serial: int
    key: str
    variant: Variant
    response: Response
    size_bytes: int
    requested_s: float
    received_s: float
    is_invalid: bool = False

    directives: Directives = field(init=False, compare=False, repr=False)
    date_s: float = field(init=False, compare=False, repr=False)
    modified_s: int | None = field(init=False, compare=False, repr=False)
    etag: str | None = field(init=False, compare=False, repr=False)
    initial_age_s: float = field(init=False, compare=False, repr=False)
    has_vary: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        fields = self.response.headers
        date_s = read_date(fields.get("Date"), now_s=self.received_s)
        derived = {
            "directives": cache_control.parse(fields.get("Cache-Control")),
            "date_s": self.received_s if date_s is None else float(date_s),
            "modified_s": read_date(fields.get("Last-Modified"), now_s=self.received_s),
            "etag": fields.get("ETag"),
            "has_vary": fields.get("Vary") is not None,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "initial_age_s", self._corrected_initial_age_s())

    def _corrected_initial_age_s(self) -> float:
        """§4.2.3, the careful way: what the clocks say or what the caches on the path say, whichever is more."""
        apparent_age_s = max(0.0, self.received_s - self.date_s)
        response_delay_s = max(0.0, self.received_s - self.requested_s)
        return max(apparent_age_s, read_age(self.response.headers.get("Age")) + response_delay_s)

    def current_age_s(self, now_s: float) -> float:
        """Seconds since the origin made or validated it (§4.2.3)."""
        return self.initial_age_s + now_s - self.received_s

    @property
    def has_validator(self) -> bool:
        return self.etag is not None or self.modified_s is not None

    @property
    def has_strong_etag(self) -> bool:
        return self.etag is not None and not self.etag.startswith("W/")


def read_age(text: str | None) -> int:
    """The seconds of an `Age` field: its first member; 0 for what is no number (RFC 9111 §5.1)."""
    first = (text or "").split(",")[0].strip(" \t")
    if not _DIGITS.fullmatch(first):
        return 0
    digits = first.lstrip("0") or "0"
    return min(int(digits), MOST_S) if len(digits) <= 10 else MOST_S


def read_date(text: str | None, *, now_s: float) -> int | None:
    """A date in any of HTTP's forms and in any case (RFC 9111 §4.2); another zone than GMT makes it invalid.

    `now_s`: see `dates.parse`.
    """
    if text is None:
        return None
    text = _WORD.sub(lambda word: "GMT" if word[0].upper() == "GMT" else word[0].capitalize(), text)
    return dates.parse(text, now_s=now_s)
