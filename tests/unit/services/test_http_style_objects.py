"""What a style sheet names, however it is written and however it is cut."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lan.services.http.fetching import style_objects
from lan.services.http.fetching.page_objects import MAX_OBJECTS, Known, PageScanner, SheetScanner
from lan.services.http.fetching.style_objects import StyleScanner
from lan.services.http.protocol import url

SHEET = """@charset "utf-8"; /* url(no.png) @import "no.css"; */
@import "one.css"; @IMPORT url( 'two.css' ) screen and (min-width: 1px) url(no.css);
@namespace svg url(http://no.test/svg);
body { background: url(a.png) no-repeat, URL( "b,\\)b.png" ); content: "url(no.png)"; --x: myurl(no.png) }
@font-face { src: url(f\\6fnt.woff2) format("woff2"), url(data:font/woff2;base64,AA) }
p { background: url(b ad.png); cursor: url('c.cur'), auto; filter: url(#shape) }
i { content: "broken
; background: url(d.png) }
@import "late.css";
b { background: url( e.png"""
NAMED = [
    "stylesheet one.css",
    "stylesheet two.css",
    "css a.png",
    "css b,)b.png",
    "css font.woff2",
    "css data:font/woff2;base64,AA",
    "css c.cur",
    "css d.png",
    "css e.png",
]


def named(*pieces: str) -> list[str]:
    """``css a.png`` for each reference of a sheet."""
    scanner = StyleScanner()
    found = [one for piece in pieces for one in scanner.feed(piece)] + scanner.end()
    return [f"{one.kind} {one.text}" for one in found]


def test_imports_and_urls_are_found_as_a_browser_reads_tokens() -> None:
    assert named(SHEET) == NAMED


@given(st.lists(st.integers(0, len(SHEET)), max_size=8))
def test_a_sheet_in_pieces_names_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(SHEET)]
    assert named(*(SHEET[start:end] for start, end in itertools.pairwise(places))) == NAMED


def test_character_by_character_too() -> None:
    assert named(*SHEET) == NAMED


@pytest.mark.parametrize(
    ("sheet", "references"),
    [
        ("@layer a; @import 'x.css';", ["stylesheet x.css"]),
        ("a{} @import 'x.css';", []),
        ("@import 'x.css' layer(y) supports(display: grid)", ["stylesheet x.css"]),
        ("@import url(x.css); @import url(y.css)", ["stylesheet x.css", "stylesheet y.css"]),
        ("a { b: url() } c { d: url(x) }", ["css ", "css x"]),
        ("a { b: url('x' crossorigin(anonymous)) }", ["css x"]),
        ("<!-- a { b: url(x) } -->", ["css x"]),
        (r"a { b: url('\0 \110000 \d800 \a0 x') }", ["css \ufffd\ufffd\ufffd\xa0x"]),
    ],
)
def test_odd_sheets(sheet: str, references: list[str]) -> None:
    assert named(sheet) == references


@pytest.mark.parametrize(
    ("sheet", "references"),
    [
        ("a { b: url(x", ["css x"]),
        ("a { b: url( x \n", ["css x"]),
        ("a { b: url('x y", ["css x y"]),
        ('a { b: url("x', ["css x"]),
        ("@import 'x.css", ["stylesheet x.css"]),
        ('@import url("x.css" ', ["stylesheet x.css"]),
        ("@import url(x.css", ["stylesheet x.css"]),
        ("a { content: 'x", []),
        ("a { b: url(", ["css "]),
        ("a { b: url(x y", []),
        ("a { b: url(x'", []),
        (r"a { b: url(x\29", ["css x)"]),
        ("a { b: url(x\\", ["css x\ufffd"]),
        ("a { b: url('x\\", ["css x"]),
        ("a { b: url('x\\\\", ["css x\\"]),
        ("a { b: url('x\n", []),
        ("a { b: url(x)/* url(y", ["css x"]),
        ("a { b: url(x) url", ["css x"]),
    ],
)
def test_the_end_of_a_sheet_closes_what_is_open(sheet: str, references: list[str]) -> None:
    """CSS Syntax 3 §4.3.5, §4.3.6."""
    assert named(sheet) == references
    assert named(*sheet) == references


def test_where_we_look_no_further_is_no_end_of_a_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style_objects, "MAX_TEXT", 20)
    assert named("a { b: url(x/y/z.png", "") == ["css x/y/z.png"]
    assert named("a { b: url(xx/y/z.png") == []
    assert named("a { b: url(x/y/z.png", "abc") == []


PIECES = st.sampled_from(["@import", "url(", "'", '"', ")", ";", "{", "}", "/*", "*/", "\\", " ", "\n", "@", "a.png"])
SHEETS = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=40)


@settings(max_examples=300)
@given(SHEETS, st.integers(1, 9))
def test_any_sheet_names_the_same_whole_and_in_pieces(pieces: list[str], size: int) -> None:
    sheet = "".join(pieces)
    assert named(*(sheet[at : at + size] for at in range(0, len(sheet), size))) == named(sheet)


@pytest.mark.parametrize("opening", ["/*", "'", "url(", 'url("', "@", "\\", "url('x' url("])
def test_a_token_without_end_is_not_held_without_end(opening: str) -> None:
    """Nor looked at again and again: that would take hours."""
    scanner = StyleScanner()
    for _ in range(3):
        scanner.feed(opening * (style_objects.MAX_HELD // len(opening)))
    assert scanner.end() == []


def test_a_page_knows_what_its_sheets_have_named() -> None:
    page = url.parse("http://web.test/dir/")
    known = Known(page)
    html = """<style>@import "/s.css"; a { background: url(a.png) }</style><p style="background: url('b.png')">
    <style>i { background: url(../c.png"""
    scanner = PageScanner(page, known)
    found = scanner.feed(html) + scanner.end()
    assert [f"{one.kind} {one.url}" for one in found] == [
        "stylesheet http://web.test/s.css", "css http://web.test/dir/a.png", "css http://web.test/dir/b.png",
        "css http://web.test/c.png",
    ]  # fmt: skip
    sheet = SheetScanner(url.parse("http://cdn.test/x/s.css"), known)
    found = (
        sheet.feed("p { a: url(http://web.test/dir/a.png); b: url(d.png); c: url(data:,); d: url( e f") + sheet.end()
    )
    assert [str(one.url) for one in found] == ["http://cdn.test/x/d.png"]
    assert len(sheet.feed("".join(f"p {{ a: url({n}) }}" for n in range(2 * MAX_OBJECTS)))) == MAX_OBJECTS - 6
