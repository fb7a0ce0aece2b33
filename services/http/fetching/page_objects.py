"""The objects of an HTML page: what a browser fetches with it.  HTML Living Standard §4.

Pure: text comes in pieces, URLs come out as soon as their tags are read.  Images (of several the one for
an ordinary screen: `responsive.py`), scripts, style sheets and icons, and what styles name, in the page
and in its sheets (`style_objects.py`); `base` turns where references lead.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Protocol

from lan.errors import UsageError
from lan.services.http.fetching import responsive, start_tag
from lan.services.http.fetching.style_objects import Reference, StyleScanner
from lan.services.http.protocol import url
from lan.services.http.protocol.url import Url

MAX_TEXT = 2 * 1024 * 1024
"""Characters of a page that are looked at."""
MAX_OBJECTS = 1000
"""Objects of one page; a page with more is no page."""
MAX_TAG = 64 * 1024
"""Characters that may wait for the end of their tag."""
MAX_ELEMENT = 1024 * 1024
"""Characters that may wait for the end of a script or style element."""
_LINKS = frozenset({"stylesheet", "icon"})
_RAW_TEXT = frozenset({"script", "style", "title", "textarea"})
"""Elements in which nothing but their own end tag is a tag (HTML §13.1.2)."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object of the page, and what names it: img, script, stylesheet, icon, css (a `url(…)`)."""

    url: Url
    kind: str


@dataclass(slots=True)
class Known:
    """What was found of one page, in it and in its style sheets: each object is given once."""

    page: Url
    _seen: set[str] = field(default_factory=set)

    def new(self, found: Iterable[Found]) -> list[Found]:
        """Those that were not given yet."""
        return [one for one in found if self._is_new(one)]

    def _is_new(self, found: Found) -> bool:
        text = str(found.url)
        if text in self._seen or text == str(self.page) or len(self._seen) >= MAX_OBJECTS:
            return False
        self._seen.add(text)
        return True


class Scanner(Protocol):
    """Reads a document on; gives its objects in their order."""

    def feed(self, text: str) -> list[Found]:
        """The objects that this piece names."""

    def end(self) -> list[Found]:
        """Those that are sure now that nothing follows."""


class PageScanner:
    """Reads an HTML page."""

    def __init__(self, page: Url, known: Known | None = None) -> None:
        self._reader = _Reader(page)
        self._known = known or Known(page)
        self._text = 0
        self.is_over = False
        """No further text is read: the page is too long, or no HTML at all."""

    def feed(self, text: str) -> list[Found]:
        if self.is_over:
            return []
        try:
            self._reader.feed(text[: MAX_TEXT - self._text])
        except AssertionError:  # html.parser, on a broken declaration
            self.is_over = True
        self._text += len(text)
        held = MAX_ELEMENT if self._reader.cdata_elem is not None else MAX_TAG
        if self._text >= MAX_TEXT or len(self._reader.rawdata) > held:
            self.is_over = True
        return self._known.new(self._reader.take())

    def end(self) -> list[Found]:
        if not self.is_over:
            self._reader.end_page()
        return self._known.new(self._reader.take())


class SheetScanner:
    """Reads a style sheet; its references are relative to itself (CSS Values 4 §4.5)."""

    def __init__(self, sheet: Url, known: Known) -> None:
        self._sheet, self._known, self._reader = sheet, known, StyleScanner()
        known.new([Found(sheet, "stylesheet")])  # where a redirection led here, nobody has named it yet

    def feed(self, text: str) -> list[Found]:
        return self._known.new(_resolved(self._sheet, self._reader.feed(text)))

    def end(self) -> list[Found]:
        return self._known.new(_resolved(self._sheet, self._reader.end()))


class _Reader(HTMLParser):
    def __init__(self, page: Url) -> None:
        super().__init__(convert_charrefs=True)
        self._page, self._base, self._has_base = page, page, False
        self._found: list[Found] = []
        self._is_picture, self._source = False, ""  # the chosen `source` of the picture that is read
        self._style: StyleScanner | None = None

    def take(self) -> list[Found]:
        found, self._found = self._found, []
        return found

    def parse_starttag(self, i: int) -> int:
        """Where the text behind the tag that begins at `i` begins; -1 while its end has not come."""
        if (tag := start_tag.read(self.rawdata, i)) is None:
            return -1
        self._begin(tag.name, tag.attributes)
        if tag.name in _RAW_TEXT:
            self.set_cdata_mode(tag.name)
        return tag.end

    def _begin(self, tag: str, given: dict[str, str]) -> None:
        if tag == "base" and "href" in given and not self._has_base:
            self._set_base(given["href"])
        elif tag == "picture":
            self._is_picture, self._source = True, ""
        elif tag == "source" and self._is_picture and not self._source:
            if responsive.is_shown(given.get("media", ""), given.get("type", "")):
                self._source = responsive.choose("", given.get("srcset", ""), given.get("sizes", ""))
        elif tag == "img":
            own = responsive.choose(given.get("src", ""), given.get("srcset", ""), given.get("sizes", ""))
            self._find(self._source or own, "img")
            self._is_picture, self._source = False, ""
        elif tag == "script":
            self._find(given.get("src", ""), "script")
        elif tag == "link":
            kinds = _LINKS.intersection(given.get("rel", "").lower().split())
            if kinds:
                self._find(given.get("href", ""), min(kinds))
        elif tag == "style":
            self._style = StyleScanner()
        if "style" in given:
            reader = StyleScanner()
            self._found += _resolved(self._base, reader.feed(given["style"]) + reader.end())

    def handle_data(self, data: str) -> None:
        if self._style is not None:
            self._found += _resolved(self._base, self._style.feed(data))

    def handle_endtag(self, tag: str) -> None:
        if tag == "picture":
            self._is_picture, self._source = False, ""
        elif tag == "style":
            self._end_style()

    def end_page(self) -> None:
        """Nothing follows; a style element whose end tag is missing ends here, and what is held is of it."""
        if self._style is not None and self.cdata_elem is not None:
            self.handle_data(self.rawdata)
        self._end_style()

    def _end_style(self) -> None:
        if self._style is not None:
            self._found += _resolved(self._base, self._style.end())
            self._style = None

    def _set_base(self, reference: str) -> None:
        """Only the first `base` counts; references are relative to it, it to the page (HTML §4.2.3)."""
        self._has_base = True
        try:
            self._base = url.join(self._page, reference)
        except UsageError:
            pass

    def _find(self, reference: str, kind: str) -> None:
        self._found += _resolved(self._base, [Reference(reference, kind)])


def _resolved(base: Url, references: Iterable[Reference]) -> list[Found]:
    """Where references lead; data:, javascript: and what is no URL name nothing to fetch."""
    found: list[Found] = []
    for one in references:
        if one.text.strip():
            try:
                found.append(Found(url.join(base, one.text), one.kind))
            except UsageError:
                pass
    return found
