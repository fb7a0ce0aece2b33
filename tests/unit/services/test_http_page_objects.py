"""What a page names, however it is written and however it is cut."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lan.services.http.fetching import page_objects
from lan.services.http.fetching.page_objects import PageScanner
from lan.services.http.protocol import url

PAGE = url.parse("http://web.lan.test/dir/index.html")


def found(*pieces: str) -> list[str]:
    """``img http://…`` for each object of a page."""
    scanner = PageScanner(PAGE)
    given = [one for piece in pieces for one in scanner.feed(piece)] + scanner.end()
    return [f"{one.kind} {one.url}" for one in given]


HTML = """<!doctype html><html><head><title>x</title>
<link rel=stylesheet href="/site.css"><link rel="shortcut icon" href=favicon.ico><link rel=canonical href=/c>
<script src='//cdn.test/lib.js'></script><script>document.write('<img src="no.png">')</script></head>
<body><!-- <img src=comment.png> --><IMG SRC="a.png"><img src="a.png"><img src=b.png srcset="b1.png 1x, b2.png 2x">
<img alt=none><img src="data:image/gif;base64,AAAA"><img src=""><a href=/elsewhere>x</a>
<img src="http://other.test:8080/c.png?x=1&amp;y=2#frag"></body></html>"""
OBJECTS = [
    "stylesheet http://web.lan.test/site.css",
    "icon http://web.lan.test/dir/favicon.ico",
    "script http://cdn.test/lib.js",
    "img http://web.lan.test/dir/a.png",
    "img http://web.lan.test/dir/b1.png",
    "img http://other.test:8080/c.png?x=1&y=2",
]


def test_images_scripts_style_sheets_and_icons_are_found_once_in_their_order() -> None:
    assert found(HTML) == OBJECTS


@given(st.lists(st.integers(0, len(HTML)), max_size=8))
def test_a_page_in_pieces_has_the_same_objects(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(HTML)]
    assert found(*(HTML[start:end] for start, end in itertools.pairwise(places))) == OBJECTS


def test_byte_by_byte_too() -> None:
    assert found(*HTML) == OBJECTS


@pytest.mark.parametrize(
    ("html", "objects"),
    [
        ("<base href=/up/><base href=/no/><img src=x>", ["img http://web.lan.test/up/x"]),
        ("<base href='https://cdn.test/'><img src=x>", ["img https://cdn.test/x"]),
        ("<base href='mailto:x'><img src=x>", ["img http://web.lan.test/dir/x"]),
        ("<img src=1><base href=/up/><img src=1>", ["img http://web.lan.test/dir/1", "img http://web.lan.test/up/1"]),
        ("<img srcset=' , a,b.png 2x'>", ["img http://web.lan.test/dir/a,b.png"]),
        ("<img srcset='a.png, b.png'>", ["img http://web.lan.test/dir/a.png"]),
        ("<img src=one src=two>", ["img http://web.lan.test/dir/one"]),
        ("<link REL='StyleSheet alternate' href=s>", ["stylesheet http://web.lan.test/dir/s"]),
        ("<img src='http://u:p@x/'><img src='ftp://x/'><img src='http://[/'>", []),
        ("<img src='index.html'>", []),
        ("<![if !IE]><img src=x>", ["img http://web.lan.test/dir/x"]),
        ("<img src='?a=1&copy=2&lt;3&amp4'>", ["img http://web.lan.test/dir/index.html?a=1&copy=2%3C3&amp4"]),
        ("<img src=&#x61;&#98>", ["img http://web.lan.test/dir/ab"]),
        (
            "<title><img src=no.png></title><textarea><img src=no.png></textarea><img src=x>",
            ["img http://web.lan.test/dir/x"],
        ),
        ("<style/>@import 's.css';</style>", ["stylesheet http://web.lan.test/dir/s.css"]),
        ("<script/src=x><img src=no.png></script>", ["script http://web.lan.test/dir/x"]),
    ],
)
def test_references_are_read_as_a_browser_reads_them(html: str, objects: list[str]) -> None:
    assert found(html) == objects


TAGS = st.sampled_from(["<img src=", "<script ", "<base href=", "<![CDATA[", "<!--", "-->", "<!x [", "</", ">", "'"])


@settings(max_examples=300)
@given(st.lists(st.one_of(TAGS, st.text(max_size=12)), max_size=30))
def test_any_text_is_read_without_a_fault(pieces: list[str]) -> None:
    for said in found(*pieces):
        url.parse(said.partition(" ")[2])


def test_a_page_without_end_is_not_read_without_end() -> None:
    scanner = PageScanner(PAGE)
    assert len(scanner.feed("".join(f"<img src={n}>" for n in range(5000)))) == page_objects.MAX_OBJECTS
    scanner.feed("x" * page_objects.MAX_TEXT)
    assert scanner.is_over and scanner.feed("<img src=late>") == []
    tag = PageScanner(PAGE)
    tag.feed("<img " + "x" * page_objects.MAX_TAG)
    assert tag.is_over


@pytest.mark.parametrize(
    "tag",
    [
        '<img src=a.png x= "><img src=no.png>">',
        "<img x= '>' src=a.png>",
        '<img =" src=a.png>',
        '<img a=b"c= src=a.png>',
    ],
)
def test_a_tag_is_the_same_wherever_the_text_is_cut(tag: str) -> None:
    """Python's parser before 3.14 ends a tag within a quoted value when there is a blank before the quote."""
    assert however_cut(f"{tag}<script src=b.js></script>")[0] == "img http://web.lan.test/dir/a.png"


@pytest.mark.parametrize(
    ("tag", "objects"),
    [
        ("<img src==a>j'>k", ["img http://web.lan.test/dir/=a"]),
        ("<img src=='a >j'>k", ["img http://web.lan.test/dir/='a"]),
        (
            '<p style=="<!-- a\r\n --><style>@import url(i.css)<style><link rel="icon" href="a"><img src=a>',
            ["stylesheet http://web.lan.test/dir/i.css"],
        ),
        ('<base href=="a >1<img src="d.png" srcset="e.png 2x,>f.png">', ["img http://web.lan.test/dir/%3Ef.png"]),
        ('<base h\x1cef="/x/"><img src=a>', ["img http://web.lan.test/dir/a"]),
    ],
)
def test_a_second_equals_sign_is_of_the_value(tag: str, objects: list[str]) -> None:
    """HTML §13.2.5.35: where no quote is next to the sign, the value ends at a blank or ``>``."""
    assert however_cut(tag) == objects


def however_cut(text: str) -> list[str]:
    """What is found, the same wherever the text is cut."""
    read = {tuple(found(text[:at], text[at:])) for at in range(len(text))}
    assert len(read) == 1, read
    return list(read.pop())
