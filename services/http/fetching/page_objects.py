"""The objects of an HTML page: what a browser fetches with it.  HTML Living Standard §4.

Pure: text comes in pieces, URLs come out as soon as their tags are read.  Images, scripts, style
sheets and icons; of a `srcset` the first candidate; `base` turns where references lead.
"""

from dataclasses import dataclass
from html.parser import HTMLParser

from lan.errors import UsageError
from lan.services.http.protocol import url
from lan.services.http.protocol.url import Url

MAX_TEXT = 2 * 1024 * 1024
"""Characters of a page that are looked at."""
MAX_OBJECTS = 1000
"""Objects of one page; a page with more is no page."""
MAX_TAG = 64 * 1024
"""Characters that may wait for the end of their tag."""
_LINKS = frozenset({"stylesheet", "icon"})


@dataclass(frozen=True, slots=True)
class Found:
    """An object of the page, and the element that names it: img, script, stylesheet, icon."""

    url: Url
    kind: str


class Scanner:
    """Reads a page on; each object is given once, in the order of the page."""

    def __init__(self, page: Url) -> None:
        self._reader = _Reader(page)
        self._seen: set[str] = {str(page)}
        self._text = 0
        self.is_over = False
        """No further text is read: the page is too long, or no HTML at all."""

    def feed(self, text: str) -> list[Found]:
        """The objects that this piece of the page names."""
        if self.is_over:
            return []
        try:
            self._reader.feed(text[: MAX_TEXT - self._text])
        except AssertionError:  # html.parser, on a broken declaration
            self.is_over = True
        self._text += len(text)
        if self._text >= MAX_TEXT or len(self._reader.rawdata) > MAX_TAG:
            self.is_over = True
        return [found for found in self._reader.take() if self._is_new(found)]

    def _is_new(self, found: Found) -> bool:
        if str(found.url) in self._seen or len(self._seen) > MAX_OBJECTS:
            return False
        self._seen.add(str(found.url))
        return True


class _Reader(HTMLParser):
    def __init__(self, page: Url) -> None:
        super().__init__(convert_charrefs=True)
        self._page, self._base, self._has_base = page, page, False
        self._found: list[Found] = []

    def take(self) -> list[Found]:
        found, self._found = self._found, []
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, str] = {}
        for name, value in attrs:
            given.setdefault(name, value or "")  # of two attributes the first counts (HTML §13.2.5.33)
        if tag == "base" and "href" in given and not self._has_base:
            self._set_base(given["href"])
        elif tag == "img":
            self._find(_first_candidate(given.get("srcset", "")) or given.get("src", ""), "img")
        elif tag == "script":
            self._find(given.get("src", ""), "script")
        elif tag == "link":
            kinds = _LINKS.intersection(given.get("rel", "").lower().split())
            if kinds:
                self._find(given.get("href", ""), min(kinds))

    def _set_base(self, reference: str) -> None:
        """Only the first `base` counts; references are relative to it, it to the page (HTML §4.2.3)."""
        self._has_base = True
        try:
            self._base = url.join(self._page, reference)
        except UsageError:
            pass

    def _find(self, reference: str, kind: str) -> None:
        if not reference.strip():
            return
        try:
            self._found.append(Found(url.join(self._base, reference), kind))
        except UsageError:  # data:, javascript: and what is no URL: nothing to fetch
            pass


def _first_candidate(srcset: str) -> str:
    """``a.png 1x, b.png 2x`` → a.png; a URL may hold commas, but ends at a blank (HTML §4.8.4.2.1)."""
    words = srcset.lstrip(" \t\n\f\r,").split(None, 1)
    return words[0].rstrip(",") if words else ""
