"""Connections that are not secured for what is asked of them: by TLS for another virtual host, or by none.
RFC 9110 §7.4, §15.5.20."""

import pytest

from lan.services.http.origin.misdirected import in_clear, secured_for
from lan.services.http.origin.origin import Origin
from lan.services.http.origin.site import OnePage
from lan.services.http.protocol.messages import Request, headers

NOW_S = 2_000_000_000.0
ORIGIN = Origin(OnePage(b"default", 1), hosts={"a.test": Origin(OnePage(b"a", 1)), "b.test": Origin(OnePage(b"b", 1))})


@pytest.mark.parametrize(
    ("name", "host", "page"),
    [
        ("a.test", "a.test", b"a"),
        ("A.Test", "a.TEST:8443", b"a"),
        ("a.test", "b.test", None),
        ("a.test", "elsewhere.test", None),  # that is the site of all other names
        ("elsewhere.test", "a.test", None),
        ("elsewhere.test", "nowhere.test", b"default"),  # two names of one site
        (None, "a.test", b"a"),  # an address was asked for, or SNI is not spoken
        ("a.test", "", b"default"),  # HTTP/1.0 need not say for whom it is
    ],
)
def test_the_name_of_the_handshake_and_of_the_request_are_of_one_site(
    name: str | None, host: str, page: bytes | None
) -> None:
    request = Request("GET", "/", headers=headers([("Host", host)]))
    origin = secured_for(ORIGIN, name)
    answer, early = origin.answer(request, now_s=NOW_S), origin.before_body(request, now_s=NOW_S)
    if page is None:
        assert early is not None
        assert (answer.response.status, early.response.status) == (421, 421)
        assert (answer.why.source, dict(answer.why.facts)["sni"]) == ("RFC 9110 §15.5.20", name)
    else:
        assert answer.content is not None and early is None
        assert answer.content.read(0, 99) == page


def test_one_site_alone_answers_to_every_name() -> None:
    origin = Origin(OnePage(b"page", 1))
    assert secured_for(origin, "a.test") is origin


@pytest.mark.parametrize("target", ["https://a.test/", "HTTPS://a.test/x?y", "https://nowhere.test:8443"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "TRACE"])
def test_a_url_of_https_is_not_served_without_tls(method: str, target: str) -> None:
    """The same for the host that serves it, its neighbour, and one that nobody knows."""
    request = Request(method, target, headers=headers([("Host", "a.test")]))
    origin = in_clear(ORIGIN)
    for answer in (origin.answer(request, b"body", now_s=NOW_S), origin.before_body(request, now_s=NOW_S)):
        assert answer is not None
        assert (answer.response.status, answer.why.source) == (421, "RFC 9110 §7.4")


@pytest.mark.parametrize("target", ["/", "/https://a.test/", "http://a.test/", "HTTP://A.test", "/?https://"])
def test_whatever_else_is_answered_without_tls_as_ever(target: str) -> None:
    request = Request("GET", target, headers=headers([("Host", "a.test")]))
    origin = in_clear(ORIGIN)
    assert origin.answer(request, now_s=NOW_S).response == ORIGIN.answer(request, now_s=NOW_S).response
    assert origin.before_body(request, now_s=NOW_S) is None


def test_over_tls_a_url_of_https_is_served() -> None:
    request = Request("GET", "https://a.test/", headers=headers([("Host", "a.test")]))
    for name in ("a.test", None):
        answer = secured_for(ORIGIN, name).answer(request, now_s=NOW_S)
        assert answer.content is not None and answer.content.read(0, 99) == b"a"
