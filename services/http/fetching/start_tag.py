"""A start tag of HTML, read as browsers do: HTML Living Standard §13.2.5.6 to 40.

Pure.  Of what Python's html.parser makes of a tag some hangs on its version and on where the text was cut:
``a=="b``, ``a= "b``.  Here a tag is what stands before its own ``>``, however the text came.
"""

import re
from dataclasses import dataclass
from html import unescape
from html.entities import html5

_BLANK = r"\t\n\f\r "
_TAG_NAME = re.compile(rf"<([a-zA-Z][^{_BLANK}/>]*)")
_BETWEEN = re.compile(rf"[{_BLANK}/]*")
_NAME = re.compile(rf"=?[^{_BLANK}/>=]*")
_EQUALS = re.compile(rf"[{_BLANK}]*=[{_BLANK}]*")
_UNQUOTED = re.compile(rf"[^{_BLANK}>]*")
_REFERENCE = re.compile(r"&(?:#(?:[xX][0-9a-fA-F]+|[0-9]+);?|[a-zA-Z][a-zA-Z0-9]*[;=]?)")


@dataclass(frozen=True, slots=True)
class StartTag:
    """`name` and the names of `attributes` are in lower case; of two attributes of a name the first counts."""

    name: str
    attributes: dict[str, str]
    end: int
    """Where the text behind the tag begins."""


def read(text: str, at: int) -> StartTag | None:
    """The start tag whose ``<`` is at `at`; None while its ``>`` has not come, or where none begins."""
    if (tag := _TAG_NAME.match(text, at)) is None:
        return None
    attributes: dict[str, str] = {}
    at = tag.end()
    while True:
        begun = _end(_BETWEEN, text, at)
        at = _end(_NAME, text, begun)
        if at == begun:
            return StartTag(tag[1].lower(), attributes, at + 1) if at < len(text) else None
        name, value = text[begun:at].lower(), ""
        if (equals := _EQUALS.match(text, at)) is not None:
            begun = equals.end()
            quote = text[begun : begun + 1]
            if quote in ("'", '"'):
                begun += 1
                if (at := text.find(quote, begun)) < 0:
                    return None
                value, at = text[begun:at], at + 1
            else:
                at = _end(_UNQUOTED, text, begun)
                value = text[begun:at]
        attributes.setdefault(name, _REFERENCE.sub(_character, value))


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()


def _character(found: re.Match[str]) -> str:
    """What a character reference stands for; ``a?x=1&copy=2`` has none in it (§13.2.5.73)."""
    reference = found[0]
    is_meant = reference.startswith("&#") or reference[1:] in html5
    return unescape(reference) if is_meant else reference
