"""`Cache-Control`: what its directives say, on either side.  RFC 9111 §5.2.

Pure.  A field that can't be read as its grammar wants is read so that the cache keeps less and asks
more: what restricts counts however it is written (``no-store=yes``, ``foo="no end, no-store``), what
permits counts only where it is well-formed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_S = 2**31 - 1
"""Longer times count as this: 68 years (RFC 9111 §1.2.2)."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive as it stood.  `argument` is None where there is no ``=``; `is_valid`: the grammar holds."""

    name: str
    argument: str | None = None
    is_valid: bool = True


@dataclass(frozen=True, slots=True)
class Directives:
    """All directives of a message, in their order; an unknown one changes nothing (RFC 9111 §5.2.3)."""

    items: tuple[Directive, ...] = ()

    def restricts(self, name: str) -> bool:
        """Is this directive here in any form?  For those that forbid: no-store, must-revalidate."""
        return any(item.name == name for item in self.items)

    def permits(self, name: str) -> bool:
        """Is it here as its definition wants it, without argument?  For those that allow: public."""
        return any(item.name == name and item.argument is None and item.is_valid for item in self.items)

    def age_s(self, name: str) -> int | None:
        """The argument of max-age and the like: the shortest where there are several, 0 where one is
        no number (RFC 9111 §4.2.1: stale); None where the directive is not here."""
        found = [_seconds(item) for item in self.items if item.name == name]
        return min(0 if value is None else value for value in found) if found else None

    def grace_s(self, name: str) -> int | None:
        """The argument of stale-while-revalidate and the like, which allow: None unless all are numbers."""
        found = [_seconds(item) for item in self.items if item.name == name]
        known = [value for value in found if value is not None]
        return min(known) if known and len(known) == len(found) else None

    def max_stale_s(self) -> int | None:
        """How stale an answer the client takes: `MOST_S` without a number; None: not stale (§5.2.1.2)."""
        if self.permits("max-stale") and all(item.argument is None for item in self.items if item.name == "max-stale"):
            return MOST_S
        return self.grace_s("max-stale")

    def wants_fresh_for_s(self) -> int | None:
        """min-fresh, §5.2.1.3: the longest asked for; one that is no number asks for ever."""
        found = [_seconds(item) for item in self.items if item.name == "min-fresh"]
        return max(MOST_S if value is None else value for value in found) if found else None

    def fields_of(self, name: str) -> frozenset[str] | None:
        """The fields that a qualified ``no-cache="…"`` or ``private="…"`` names, in lower case.

        None where the directive is not here; the empty set where it is unqualified, that is about the
        whole response: without argument, with an empty one, or with one that lists no field names.
        """
        found = [item for item in self.items if item.name == name]
        if not found:
            return None
        fields = [_field_names(item) for item in found]
        return frozenset().union(*fields) if all(fields) else frozenset()


NONE = Directives()


def parse(text: str | None) -> Directives:
    """The directives of a `Cache-Control` field's combined value; no text makes it fail."""
    return Directives(tuple(_read(text))) if text else NONE


def _read(text: str) -> Iterator[Directive]:
    """After a quoted string without end, or with more than a comma behind it, nothing is well-formed any more:
    quotes mean nothing from there on, so that what they may hide is seen."""
    at, is_sound = 0, True
    while at < len(text):
        name = _TOKEN.match(text, at)
        if name is None:
            at += 1  # a comma, a blank, or what belongs nowhere
            continue
        argument, end, is_valid = _argument(text, name.end(), may_be_quoted=is_sound)
        at = _past_blanks(text, end)
        is_sound = is_sound and not text.startswith('"', at)
        yield Directive(name[0].lower(), argument, is_sound and is_valid and text[at : at + 1] in ("", ","))


def _argument(text: str, at: int, *, may_be_quoted: bool) -> tuple[str | None, int, bool]:
    """What follows a name: (argument, where it ends, whether its grammar holds)."""
    if not text.startswith("=", at):
        return None, at, True
    quoted = _QUOTED.match(text, at + 1) if may_be_quoted else None
    if quoted is not None and _next(text, quoted.end()) in ("", ","):
        return re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL), quoted.end(), True
    token = _TOKEN.match(text, at + 1)
    return (token[0], token.end(), True) if token else ("", at + 1, False)


def _next(text: str, at: int) -> str:
    """The next character that is no blank; "" at the end."""
    at = _past_blanks(text, at)
    return text[at : at + 1]


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t":
        at += 1
    return at


def _seconds(directive: Directive) -> int | None:
    """delta-seconds, RFC 9111 §1.2.2, as token or quoted."""
    if not directive.is_valid or directive.argument is None or not _DIGITS.fullmatch(directive.argument):
        return None
    digits = directive.argument.lstrip("0") or "0"
    return min(int(digits), MOST_S) if len(digits) <= 10 else MOST_S


def _field_names(directive: Directive) -> frozenset[str]:
    names = [name.strip(" \t") for name in (directive.argument or "").lower().split(",")]
    named = [name for name in names if name]
    is_list = directive.is_valid and all(_TOKEN.fullmatch(name) for name in named)
    return frozenset(named) if is_list else frozenset()
