"""Request targets and Host: RFC 9112 §3.2 and §3.3, rule by rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.protocol.target import Authority, parse_authority, split_absolute

from .dialogue import heard, rule, words


def ask(line: str, *hosts: str, version: str = "1.1") -> bytes:
    fields = "".join(f"Host: {host}\r\n" for host in hosts)
    return f"{line} HTTP/{version}\r\n{fields}\r\n".encode("latin-1")


HOSTS = {
    "web": Authority("web", 0),
    "WEB.Lan.Test": Authority("web.lan.test", 0),
    "web:8080": Authority("web", 8080),
    "web:": Authority("web", 0),
    "web:65535": Authority("web", 65535),
    "web.": Authority("web.", 0),
    "192.168.100.253": Authority("192.168.100.253", 0),
    "[::1]": Authority("::1", 0),
    "[2001:DB8::1]:443": Authority("2001:db8::1", 443),
    "[::ffff:1.2.3.4]": Authority("::ffff:1.2.3.4", 0),
    "a_b-c~d.e": Authority("a_b-c~d.e", 0),
    "a%20b": Authority("a%20b", 0),
    "": Authority("", 0),
}

NO_HOSTS = [
    *("user@web", "user:secret@web", "web/", "web/a", "/web", "web?a", "web#a", "web web", "web\tx", "http://web"),
    *("web:x", "web:80:80", "web:-1", "web:+80", "web:80x", "web: 80", "web :80", "web:65536", "web:999999", "web:0"),
    *("web:00000", ":80", ":", "::1", "[::1", "::1]", "[]", "[web]", "[::1]x", "[::1]:x", "[:::::]", "[1.2.3.4]"),
    *("[::1%25eth0]", "[::1%lo]", "a%2", "a%zz", "a%", "w\\eb", 'w"b', "<web>", "w{b}", "w|b", "w^b", "w`b", "wéb"),
    *("web\xa0", "\x85web", "web, other", "a;b c"),
]


@pytest.mark.parametrize("text", HOSTS)
def test_a_host_is_a_name_or_an_address_with_or_without_port(text: str) -> None:
    assert parse_authority(text) == HOSTS[text]
    assert words(heard(ask("GET /", text))) == ["GET /", "End"]


@pytest.mark.parametrize("text", NO_HOSTS)
def test_a_host_field_that_names_no_host_is_answered_with_400(text: str) -> None:
    assert parse_authority(text) is None
    for version in ("1.1", "1.0"):
        assert words(heard(ask("GET /", text, version=version))) == ["400"]


def test_a_request_of_1_1_without_host_is_answered_with_400() -> None:
    assert rule(heard(ask("GET /"))) == "400 RFC 9112 §3.2"
    assert rule(heard(ask("GET http://web/"))) == "400 RFC 9112 §3.2"
    assert rule(heard(ask("GET /", version="1.2"))) == "400 RFC 9112 §3.2"
    assert words(heard(ask("GET /", version="1.0"))) == ["GET /", "End"]


@pytest.mark.parametrize("hosts", [("web", "web"), ("web", "other"), ("web", ""), ("", "")])
def test_a_request_with_two_host_fields_is_answered_with_400(hosts: tuple[str, str]) -> None:
    for version in ("1.1", "1.0"):
        assert rule(heard(ask("GET /", *hosts, version=version))) == "400 RFC 9112 §3.2"
    assert rule(heard(ask("GET /", *hosts).replace(b"Host", b"hOST", 1))) == "400 RFC 9112 §3.2"


# §3.2.1 to §3.2.4, the four forms


@pytest.mark.parametrize("target", ["/", "/a/b?c=d&e", "/?", "//a", "/a|b", "/%2e%2e/", "/a:b@c", "/http://x/", "/*"])
def test_the_origin_form_is_a_path_with_or_without_a_query(target: str) -> None:
    assert words(heard(ask(f"GET {target}", "web"))) == [f"GET {target}", "End"]


@pytest.mark.parametrize("target", ["/a#b", "/#", "/a?b#c"])
def test_a_fragment_is_no_part_of_a_target(target: str) -> None:
    assert rule(heard(ask(f"GET {target}", "web"))) == "400 RFC 9112 §3.2.1"
    assert words(heard(ask(f"GET http://web{target}", "web"))) == ["400"]


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("http://web/", "web"),
        ("http://web", "web"),
        ("HTTP://WEB/a?b", "web"),
        ("http://web:80/", "web"),
        ("http://web/", "web:80"),
        ("https://web:443/", "web"),
        ("http://[::1]:8080/x", "[::1]:8080"),
        ("http://web?query", "web"),
        ("foo://web/", "web"),
    ],
)
def test_the_absolute_form_is_accepted(target: str, host: str) -> None:
    assert words(heard(ask(f"GET {target}", host))) == [f"GET {target}", "End"]
    assert words(heard(ask(f"GET {target}", version="1.0"))) == [f"GET {target}", "End"]


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("http://web/", "other"),
        ("http://web/", "web:8080"),
        ("http://web:8080/", "web"),
        ("https://web/", "web:80"),
        ("http://web/", ""),
        ("http://web/", "web.other"),
    ],
)
def test_an_absolute_form_and_a_host_that_differ_are_refused(target: str, host: str) -> None:
    for version in ("1.1", "1.0"):
        assert rule(heard(ask(f"GET {target}", host, version=version))) == "400 RFC 9112 §3.2.2"


@pytest.mark.parametrize(
    "target",
    ["http:///", "http://", "http://user@web/", "http://u:p@web/", "http://web:x/", "http://:80/", "http://web:0/"],
)
def test_an_absolute_form_without_a_host_or_with_a_user_is_refused(target: str) -> None:
    assert rule(heard(ask(f"GET {target}", "web"))) == "400 RFC 9110 §4.2"


@pytest.mark.parametrize("target", ["web", "web:80", "a/b", "?a", "http:/web/", "http:web", "://web/", "1http://web/"])
def test_any_other_target_is_refused(target: str) -> None:
    assert rule(heard(ask(f"GET {target}", "web"))) == "400 RFC 9112 §3.2"


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("www.example.com:80", "www.example.com"),  # the RFC's own example
        ("web:443", "web"),
        ("web:443", "web:443"),
        ("WEB:8443", "web:8443"),
        ("[::1]:443", "[::1]"),
    ],
)
def test_connect_takes_the_authority_form(target: str, host: str) -> None:
    assert words(heard(ask(f"CONNECT {target}", host))) == [f"CONNECT {target}", "End"]


NO_AUTHORITY_FORMS = ["web", "web:", "/", "*", "http://web:80/", ":443", "web:0", "u@web:443", "web:443/"]


@pytest.mark.parametrize("target", NO_AUTHORITY_FORMS)
def test_connect_takes_no_other_form(target: str) -> None:
    assert rule(heard(ask(f"CONNECT {target}", "web"))) == "400 RFC 9112 §3.2.3"


@pytest.mark.parametrize(("target", "host"), [("web:443", "other"), ("web:443", "web:80"), ("web:443", "")])
def test_connect_with_another_host_is_refused(target: str, host: str) -> None:
    assert rule(heard(ask(f"CONNECT {target}", host))) == "400 RFC 9112 §3.2.2"


def test_only_options_takes_the_asterisk_form() -> None:
    assert words(heard(ask("OPTIONS *", "web"))) == ["OPTIONS *", "End"]
    for method in ("GET", "HEAD", "options", "POST"):
        assert rule(heard(ask(f"{method} *", "web"))) == "400 RFC 9112 §3.2.4"
    assert words(heard(ask("OPTIONS **", "web"))) == ["400"]


def test_a_target_uri_is_taken_apart() -> None:
    assert split_absolute("HTTP://Web:80/a?b") == ("http", "Web:80", "/a?b")
    assert split_absolute("http://web") == ("http", "web", "")
    assert split_absolute("/a") is split_absolute("web:80") is split_absolute("http://web/#a") is None


@given(st.text(max_size=30))
def test_an_authority_reads_back_or_is_none(text: str) -> None:
    found = parse_authority(text)
    if found is not None and found.host:
        shown = f"[{found.host}]" if ":" in found.host else found.host
        assert parse_authority(f"{shown}:{found.port}" if found.port else shown) == found
