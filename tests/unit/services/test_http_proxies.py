"""Which proxy, and how requests look on their way to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.errors import UsageError
from lan.services.http.fetching import client, proxies
from lan.services.http.fetching.proxies import Proxy, ProxySettings
from lan.services.http.protocol import messages, url

ENVIRONMENT = {
    "http_proxy": "http://p1:3128/",
    "HTTPS_PROXY": "p2",
    "no_proxy": "localhost, .lan.test,10.0.0.0/8,::1,web:8080",
}


@pytest.mark.parametrize(
    ("asked", "proxy"),
    [
        ("http://a.test/", "p1:3128"),
        ("https://a.test/", "p2:3128"),
        ("http://localhost/", None),
        ("http://lan.test/", None),
        ("http://www.lan.test/", None),
        ("http://notlan.test/", "p1:3128"),
        ("http://10.9.8.7/", None),
        ("http://11.9.8.7/", "p1:3128"),
        ("http://[::1]/", None),
        ("http://web:8080/", None),
        ("http://web/", "p1:3128"),
    ],
)
def test_the_environment_chooses_the_proxy(asked: str, proxy: str | None) -> None:
    chosen = ProxySettings(ENVIRONMENT).proxy_for(url.parse(asked))
    assert (None if chosen is None else str(chosen)) == proxy


def test_the_command_line_beats_the_environment_and_capitals_are_not_read_for_http() -> None:
    asked = url.parse("http://localhost/")
    assert ProxySettings(ENVIRONMENT, "http://p3").proxy_for(asked) == Proxy("p3", 80)
    assert ProxySettings(ENVIRONMENT, "").proxy_for(url.parse("http://a.test/")) is None
    assert ProxySettings({"HTTP_PROXY": "p"}).proxy_for(asked) is None
    assert ProxySettings({**ENVIRONMENT, "no_proxy": "*"}).proxy_for(url.parse("http://a.test/")) is None


@pytest.mark.parametrize("text", ["https://p/", "ftp://p", "http://", "http://p:x", "http://[p"])
def test_a_proxy_that_can_not_be_spoken_to_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        ProxySettings({}, text).proxy_for(url.parse("a"))


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_words_choose_a_proxy_none_or_are_a_usage_error(proxy: str, exempt: str) -> None:
    try:
        ProxySettings({"http_proxy": proxy, "no_proxy": exempt}).proxy_for(url.parse("http://[::1]:8080/"))
    except UsageError:
        pass


def sent(*, proxy_connection: bool = False, user: str | None = None) -> list[str]:
    where = url.parse("http://a.test:8080/x?y")
    proxy = ProxySettings({}, "http://p:3128", user).proxy_for(where)
    assert proxy is not None
    request = proxies.to_proxy(client.request_for(where), where, proxy, proxy_connection=proxy_connection)
    return messages.build(request).decode().splitlines()


def test_a_request_to_a_proxy_has_the_absolute_form() -> None:
    assert sent()[:2] == ["GET http://a.test:8080/x?y HTTP/1.1", "Host: a.test:8080"]
    assert "Connection: close" in sent()


def test_as_old_browsers_did_proxy_connection_stands_in_place_of_connection() -> None:
    lines = sent(proxy_connection=True)
    assert "Proxy-Connection: Keep-Alive" in lines
    assert not any(line.startswith("Connection:") for line in lines)


def test_credentials_go_to_the_proxy_as_basic() -> None:
    assert "Proxy-Authorization: Basic cGM6Z2VoZWlt" in sent(user="pc:geheim")
    proxy = ProxySettings({}, "http://pc:geheim@p").proxy_for(url.parse("a"))
    assert proxy == Proxy("p", 80, "Basic cGM6Z2VoZWlt")


def test_a_proxy_is_told_no_zone_of_an_address() -> None:
    where, proxy = url.parse("https://[fe80::1%eth0]/x"), Proxy("p", 3128)
    assert proxies.connect(where, proxy).target == "[fe80::1]:443"
    assert proxies.route(where, proxy).tls_name == "fe80::1"


def test_https_goes_through_a_tunnel_and_its_request_names_host_and_port() -> None:
    where = url.parse("https://a.test/x")
    proxy = Proxy("p", 3128, "Basic eA==")
    assert messages.build(proxies.connect(where, proxy)).decode().splitlines() == [
        "CONNECT a.test:443 HTTP/1.1",
        "Host: a.test:443",
        "User-Agent: lan-fetch",
        "Proxy-Authorization: Basic eA==",
        "",
    ]
    assert str(proxies.route(where, proxy)) == "a.test:443 through p:3128"


def test_urls_share_a_connection_where_their_way_is_the_same() -> None:
    a, b = url.parse("http://a/1"), url.parse("http://b/2")
    proxy = Proxy("p", 3128)
    assert proxies.route(a, None) != proxies.route(b, None)
    assert proxies.route(a, proxy) == proxies.route(b, proxy)
    assert proxies.route(url.parse("https://a/1"), proxy) == proxies.route(url.parse("https://a/2"), proxy)
    assert proxies.route(url.parse("https://a/"), proxy) != proxies.route(url.parse("https://b/"), proxy)
