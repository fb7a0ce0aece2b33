"""Which of several images is fetched.  HTML Living Standard §4.8.4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.fetching import responsive
from lan.services.http.fetching.page_objects import PageScanner
from lan.services.http.fetching.responsive import MAX_CANDIDATES, Candidate, candidates, choose, is_media
from lan.services.http.protocol import url


@pytest.mark.parametrize(
    ("srcset", "found"),
    [
        ("a.png", [Candidate("a.png", 1.0)]),
        ("a.png, b.png 2x,c.png 1.5x", [Candidate("a.png", 1.0), Candidate("b.png", 2.0), Candidate("c.png", 1.5)]),
        (" , a,b.png 2x", [Candidate("a,b.png", 2.0)]),
        ("a.png 640w, b.png 1280w 720h", [Candidate("a.png", 0.5), Candidate("b.png", 1.0)]),
        ("a.png nonsense, b.png -1x, c.png 0w, d.png 1x 2x, e.png", [Candidate("e.png", 1.0)]),
        ("data:,x 1x", [Candidate("data:,x", 1.0)]),
        ("", []),
    ],
)
def test_candidates_are_read_by_the_standards_steps(srcset: str, found: list[Candidate]) -> None:
    assert candidates(srcset) == found


@pytest.mark.parametrize(
    ("src", "srcset", "sizes", "chosen"),
    [
        ("s.png", "", "", "s.png"),
        ("s.png", "a.png 1x, b.png 2x", "", "a.png"),
        ("s.png", "b.png 2x, c.png 3x", "", "s.png"),  # src is the one of density 1
        ("", "b.png 2x, c.png 3x", "", "b.png"),
        ("", "a.png 0.5x, b.png 0.75x", "", "b.png"),  # none is sharp enough
        ("", "a.png 320w, b.png 640w, c.png 1280w, d.png 2560w", "", "c.png"),
        ("", "a.png 320w, b.png 640w, c.png 1280w", "50vw", "b.png"),
        ("", "a.png 320w, b.png 640w, c.png 1280w", "(max-width: 600px) 100vw, (min-width: 60em) 300px, 50vw", "a.png"),
        ("", "", "", ""),
    ],
)
def test_the_least_image_that_is_sharp_enough_is_chosen(src: str, srcset: str, sizes: str, chosen: str) -> None:
    assert choose(src, srcset, sizes) == chosen


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("", True), ("all", True), ("screen", True), ("print", False), ("(min-width: 800px)", True),
        ("(max-width: 80em)", True), ("(max-width: 799px)", False), ("only screen and (min-width: 1px)", True),
        ("print, screen", True), ("(prefers-color-scheme: dark)", False), ("not all", False),
    ],
)  # fmt: skip
def test_media_queries_as_far_as_a_width_goes(query: str, holds: bool) -> None:
    assert is_media(query) is holds


PAGE = url.parse("http://web.test/")


@pytest.mark.parametrize(
    ("html", "images"),
    [
        ("<picture><source srcset=a.avif type=image/avif><source srcset=b.webp><img src=c.png></picture>", ["a.avif"]),
        ("<picture><source srcset=a media='(max-width: 9px)'><source srcset=b><img src=c></picture>", ["b"]),
        ("<picture><source srcset=a type=video/mp4><img src=c></picture>", ["c"]),
        ("<picture><source media=print srcset=a><img srcset='d, e 2x' src=c></picture>", ["d"]),
        ("<picture><source srcset=a></picture><img src=c>", ["c"]),
        ("<picture><source srcset=a><img src=c><img src=d></picture>", ["a", "d"]),
        ("<video><source src=a.mp4 srcset=b></video><img src=c>", ["c"]),
    ],
)
def test_of_a_picture_one_image_is_fetched(html: str, images: list[str]) -> None:
    assert [one.url.target[1:] for one in PageScanner(PAGE).feed(html)] == images


@given(st.text(alphabet=" ,\t0123456789.xwha()%", max_size=60), st.text(max_size=40), st.text(max_size=40))
def test_any_text_chooses_something_that_it_holds(srcset: str, sizes: str, src: str) -> None:
    chosen = choose(src, srcset, sizes)
    assert chosen in srcset or chosen == src
    responsive.is_shown(sizes, src)


def test_an_endless_srcset_is_not_read_without_end() -> None:
    assert len(candidates("a," * 100_000 + "b")) <= MAX_CANDIDATES
    assert len(candidates("a 1x," * 20_000)) == MAX_CANDIDATES
