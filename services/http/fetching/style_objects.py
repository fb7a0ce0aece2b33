"""The objects of a style sheet: what it imports, and what its `url(…)` name.  CSS Syntax 3 §4, CSS Cascade 5 §2.

Pure: text comes in pieces, references come out as soon as they are read.  Only tokens are told apart, no
rules: a browser fetches a picture when an element is drawn with it, here each one that is named counts.
"""

import re
from dataclasses import dataclass

MAX_TEXT = 2 * 1024 * 1024
"""Characters of a sheet that are looked at."""
MAX_HELD = 256 * 1024
"""Characters that may wait for the end of their token."""
_BLANK = r"[ \t\r\n\f]"
_DOUBLE, _SINGLE = (rf"""{quote}(?:[^{quote}\\\n\r\f]|\\(?>\r\n|.))*+""" for quote in "\"'")
_TOKEN = re.compile(
    rf"""
    /\*.*?\*/
    | (?P<string>{_DOUBLE}"|{_SINGLE}')
    | (?P<function>url\({_BLANK}*(?=["']))
    | url\({_BLANK}*(?P<bare>(?:[^"'()\\\x00-\x20\x7f]|\\[^\r\n\f])*){_BLANK}*\)
    | (?!url\()(?P<word>@?(?:[-\w]|[^\x00-\x7f]|\\[^\r\n\f])+)
    | (?P<mark>[;{{}}])
    | {_BLANK}+
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_OPENED = re.compile(r"/\*|[\"']|url\(|/\Z|\\\Z|@\Z", re.IGNORECASE)
"""What begins a token whose end has not come."""
_LONE = re.compile(r"(?<!\\)(?:\\\\)*(\\)\Z")
"""A backslash that stands before the end."""
_BAD = re.compile(rf"(?:{_DOUBLE}|{_SINGLE})[\n\r\f]|url\((?:[^)\\]|\\.)*+\)", re.DOTALL | re.IGNORECASE)
"""A string that a line's end breaks off; a URL with what no URL holds."""
_CLOSERS = {'"': '"', "'": "'", "u": ")", "U": ")"}
"""What ends a token, by its first character: a string, or what may be a URL."""
_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})(?:\r\n|[ \t\r\n\f])?|(\r\n|[\n\r\f])|(.))", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a sheet names, as it stands there; `kind`: stylesheet (an import), or css."""

    text: str
    kind: str


class StyleScanner:
    """Reads a sheet on, or the text of a `style` element or attribute."""

    def __init__(self) -> None:
        self._text = ""  # a token whose end has not come
        self._taken = 0
        self._is_cut = False  # there is more that is not looked at
        self._at = ""  # the at-rule that the next token belongs to
        self._in_url = False  # the next token is what `url(` names
        self._may_import = True

    def feed(self, text: str) -> list[Reference]:
        """The references of this piece."""
        taken = text[: MAX_TEXT - self._taken]
        self._is_cut = self._is_cut or len(taken) < len(text)
        text = taken
        self._taken += len(text)
        return self._read(text, is_last=False)

    def end(self) -> list[Reference]:
        """Those of what was held: nothing follows, which closes what is open (CSS Syntax 3 §4.3.5, §4.3.6)."""
        if (closer := _CLOSERS.get(self._text[:1])) is None or self._is_cut:
            return self._read("", is_last=True)
        if (lone := _LONE.search(self._text)) is not None:
            self._text = self._text[: lone.start(1)] + ("\ufffd" if closer == ")" else "")
        return self._read(closer, is_last=True)

    def _read(self, text: str, *, is_last: bool) -> list[Reference]:
        text, at, found = self._text + text, 0, list[Reference]()
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None:
                bad = _BAD.match(text, at)
                if bad is None and _OPENED.match(text, at):
                    at = len(text) if is_last or len(text) - at > MAX_HELD else at
                    break
                at = bad.end() if bad is not None else at + 1
            elif token["word"] and not is_last and text[token.end() : token.end() + 2] in ("", "\\"):
                break  # it may go on
            else:
                at = token.end()
                found += self._take(token)
        self._text = text[at:]
        return found

    def _take(self, token: re.Match[str]) -> list[Reference]:
        in_url, self._in_url = self._in_url, token["function"] is not None
        if (mark := token["mark"]) is not None:
            self._at, self._may_import = "", self._may_import and mark == ";"
        elif (word := token["word"]) is not None:
            self._at = word.lower() if word.startswith("@") else self._at
        elif (string := token["string"]) is not None:
            return self._name(_unescaped(string[1:-1]), is_url=in_url)
        elif (bare := token["bare"]) is not None:
            return self._name(_unescaped(bare), is_url=True)
        return []

    def _name(self, text: str, *, is_url: bool) -> list[Reference]:
        if self._at == "@import":
            self._at = "@imported"  # what follows are its conditions
            return [Reference(text, "stylesheet")] if self._may_import else []
        if not is_url or self._at in ("@imported", "@namespace") or text.startswith("#"):
            return []
        return [Reference(text, "css")]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_meant, text)


def _meant(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[3] or ""  # a line that goes on, or a character that stands for itself
    number = int(escape[1], 16)
    return chr(number) if 0 < number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else "\ufffd"
