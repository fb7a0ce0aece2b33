"""Text measured in a terminal's cells: a Korean syllable takes two.  Unicode Standard Annex 11.  Pure."""

import unicodedata


def cells(text: str) -> int:
    """How many cells a text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(character) for character in text)


def pad(text: str, width: int) -> str:
    """The text, with spaces up to a width."""
    return text + " " * max(width - cells(text), 0)


def cut(text: str, width: int) -> str:
    """As much of the text as a width has room for."""
    return text if cells(text) <= width else text[: _fitting(text, width)]


def wrap(text: str, width: int, *, initial_indent: str = "", subsequent_indent: str = "") -> list[str]:
    """As `textwrap.wrap`, by cells: lines of words, a word that no line takes is cut."""
    lines, line, is_empty = list[str](), initial_indent, True
    for word in text.split():
        if not is_empty and cells(line) + 1 + cells(word) > width:
            lines.append(line)
            line, is_empty = subsequent_indent, True
        line, is_empty = line + ("" if is_empty else " ") + word, False
        while cells(line) > width:
            at = _fitting(line, width)
            if at <= len(subsequent_indent):
                break
            lines.append(line[:at])
            line = subsequent_indent + line[at:]
    return [*lines, line] if not is_empty else lines


def _fitting(text: str, width: int) -> int:
    """How many characters of it fit."""
    taken = 0
    for at, character in enumerate(text):
        taken += _cells_of(character)
        if taken > width:
            return at
    return len(text)


def _cells_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
