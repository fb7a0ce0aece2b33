"""Redirections: where to, with which method, and which are not followed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.fetching.redirects import Follow, Stay, follow
from lan.services.http.protocol import url
from lan.services.http.protocol.messages import Response, headers

HERE = url.parse("http://web.lan.test/a/b?c")


def answer(status: int, location: str | None = "/next") -> Response:
    fields = [] if location is None else [("Location", location)]
    return Response(status, headers=headers(fields))


METHODS = {
    (301, "GET"): "GET", (301, "HEAD"): "HEAD", (301, "POST"): "GET", (301, "PUT"): "PUT",
    (302, "GET"): "GET", (302, "POST"): "GET", (302, "DELETE"): "DELETE",
    (303, "GET"): "GET", (303, "HEAD"): "HEAD", (303, "POST"): "GET", (303, "PUT"): "GET",
    (307, "POST"): "POST", (307, "PUT"): "PUT", (308, "POST"): "POST", (308, "GET"): "GET",
}  # fmt: skip


@pytest.mark.parametrize(("status", "method"), METHODS)
def test_the_status_says_whether_the_method_stays(status: int, method: str) -> None:
    found = follow(answer(status), HERE, method, hops=0)
    assert isinstance(found, Follow)
    assert (found.method, found.keeps_content) == (METHODS[status, method], METHODS[status, method] == method)


@pytest.mark.parametrize(
    ("location", "target", "is_elsewhere"),
    [
        ("/x", "http://web.lan.test/x", False),
        ("x?y", "http://web.lan.test/a/x?y", False),
        ("//other.test/z", "http://other.test/z", True),
        ("https://web.lan.test/a/b?c", "https://web.lan.test/a/b?c", True),
        ("http://web.lan.test:80/#part", "http://web.lan.test/", False),
        ("http://web.lan.test:8080/", "http://web.lan.test:8080/", True),
        ("", "http://web.lan.test/a/b?c", False),
    ],
)
def test_a_location_is_relative_to_what_was_asked(location: str, target: str, is_elsewhere: bool) -> None:
    found = follow(answer(302, location), HERE, "GET", hops=0)
    assert isinstance(found, Follow)
    assert (str(found.url), found.is_elsewhere) == (target, is_elsewhere)


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (answer(200), "no redirection"),
        (answer(304), "no redirection"),
        (answer(300), "no redirection"),
        (answer(302, None), "without Location"),
        (answer(302, "javascript:alert(1)"), "no URL to go to"),
        (answer(302, "http://[::1/"), "no URL to go to"),
        (answer(302, "http://a:b@c/"), "no URL to go to"),
    ],
)
def test_what_can_not_be_followed_is_the_answer(response: Response, text: str) -> None:
    found = follow(response, HERE, "GET", hops=0)
    assert isinstance(found, Stay)
    assert text in found.why.text


def test_the_twenty_first_redirection_in_a_row_is_not_followed() -> None:
    assert isinstance(follow(answer(302), HERE, "GET", hops=19), Follow)
    assert isinstance(follow(answer(302), HERE, "GET", hops=20), Stay)


def test_from_https_to_http_only_with_say_so() -> None:
    safe = url.parse("https://web.lan.test/")
    down = answer(301, "http://web.lan.test/")
    assert isinstance(follow(down, safe, "GET", hops=0), Stay)
    assert isinstance(follow(down, safe, "GET", hops=0, allow_downgrade=True), Follow)
    assert isinstance(follow(answer(301, "/x"), safe, "GET", hops=0), Follow)


@given(st.text(max_size=40), st.sampled_from([301, 302, 303, 307, 308]))
def test_any_location_leads_to_a_url_or_nowhere(location: str, status: int) -> None:
    found = follow(answer(status, location), HERE, "GET", hops=0)
    if isinstance(found, Follow):
        assert url.parse(str(found.url)) == found.url
