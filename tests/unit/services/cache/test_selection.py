"""Which stored response a request may get: the key, `Vary`, and what must not poison it.  RFC 9111 §2, §4.1."""

import pytest

from lan.services.http.cache import selection
from lan.services.http.protocol.messages import Request, headers

from .world import Reply, World, date

FRESH = "max-age=60"


@pytest.mark.parametrize(
    ("target", "uri"),
    [
        ("/a?b", "http://web/a?b"),
        ("http://Web:80/a", "http://web/a"),
        ("HTTP://web", "http://web/"),
        ("http://web?x", "http://web/?x"),
        ("https://web:443/", "https://web/"),
        ("http://web:8080/", "http://web:8080/"),
        ("/%41", "http://web/%41"),
        ("//x/..", "http://web//x/.."),
        ("*", None),
        ("web:443", None),
        ("/a#b", None),
        ("http://u@web/", None),
        ("http://web:00080/", "http://web/"),
        ("http://web:081/", "http://web:81/"),
        ("http://[::01]/", "http://[::01]/"),
        ("http://[::1]:080/", "http://[::1]/"),
    ],
)
def test_the_target_uri(target: str, uri: str | None) -> None:
    request = Request("GET", target, headers=headers([("Host", "WEB:80")]))
    assert selection.target_uri(request) == uri


def test_a_request_without_a_host_has_no_key() -> None:
    assert selection.target_uri(Request("GET", "/")) is None
    assert selection.target_uri(Request("GET", "/", headers=headers([("Host", "a, b")]))) is None


@pytest.mark.parametrize(
    ("target", "words"),
    [("http://other/", {}), ("http://web:81/", {}), ("http://web/?", {}), ("https://web/", {}), ("http://web/A", {})],
)
def test_another_uri_is_another_response(target: str, words: dict[str, str]) -> None:
    world = World()
    world.ask("http://web/a", Reply(cache_control=FRESH))
    world.ask("http://web/", Reply(cache_control=FRESH))
    assert world.ask(target, Reply(body=b"other"), **words).body == b"other"


def test_the_scheme_of_the_connection_belongs_to_the_key() -> None:
    world = World()
    world.ask("/", Reply(cache_control=FRESH))
    assert world.ask("/", Reply(body=b"other"), scheme="https").body == b"other"


def test_absolute_and_origin_form_of_one_uri_share_a_response() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control=FRESH))
    assert world.ask("/").source == "store"


def test_a_response_is_used_only_for_the_method_that_it_answered_and_for_head() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control=FRESH))
    for method in ("POST", "OPTIONS", "PROPFIND"):
        assert world.ask("http://web/", Reply(404), method=method).source == "origin"
    world.ask("http://web/", Reply(cache_control=FRESH))
    head = world.ask(method="HEAD")
    assert (head.source, head.body, head["Content-Length"]) == ("store", b"", "4")


def test_vary_makes_the_request_fields_it_names_part_of_the_key() -> None:
    world = World()
    world.ask("http://web/", Reply(body=b"en", cache_control=FRESH, vary="Accept-Language"), accept_language="en")
    assert world.ask(accept_language="en").body == b"en"
    for other in ({"accept_language": "ko"}, {"accept_language": ""}, {}):
        got = world.ask("http://web/", Reply(body=b"x", vary="Accept-Language"), **other)
        assert (got.source, got.first.forwarded) == ("origin", "vary-miss")  # type: ignore[union-attr]
    world.ask("http://web/", Reply(body=b"ko", cache_control=FRESH, vary="Accept-Language"), accept_language="ko")
    assert [world.ask(accept_language=one).body for one in ("en", "ko")] == [b"en", b"ko"]


def test_all_fields_of_all_vary_lines_must_match() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control=FRESH, vary=["A, B", "C"]), a="1", b="2", c="3")
    assert world.ask(a="1", b="2", c="3", d="4").source == "store"
    for changed in ({"a": "9"}, {"b": "9"}, {"c": "9"}, {"c": None}):
        words: dict[str, str | None] = {"a": "1", "b": "2", "c": "3", **changed}
        assert world.ask("http://web/", Reply(404, vary="A, B, C"), **words).source == "origin"


def test_a_field_that_was_absent_matches_only_where_it_is_absent() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control=FRESH, vary="X"))
    assert world.ask().source == "store"
    assert world.ask("http://web/", Reply(404), x="1").source == "origin"


def test_vary_star_is_never_used_again() -> None:
    for vary in ("*", "Accept, *"):
        world = World()
        world.ask("http://web/", Reply(cache_control=FRESH, vary=vary))
        assert world.ask("http://web/", Reply(body=b"new", cache_control=FRESH, vary=vary)).body == b"new"


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("accept_encoding", "gzip, br", "br,gzip"),
        ("accept_encoding", "GZIP;q=1", "gzip ; q=1"),
        ("accept_language", "en, KO", "en,ko"),
        ("accept_language", ["en", "ko"], "en, ko"),
        ("x_any", ["a", "b"], "a, b"),
        ("x_any", " a ", "a"),
    ],
)
def test_spellings_that_mean_the_same_match(name: str, one: str | list[str], other: str) -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control=FRESH, vary=name.replace("_", "-")), **{name: one})
    assert world.ask("http://web/", **{name: other}).source == "store"


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("x_any", "a, b", "b, a"),
        ("x_any", "A", "a"),
        ("x_any", "a,b", "a, b"),
        ("accept_language", "en, ko", "ko, en"),
        ("accept", "text/a;x=A", "text/a;x=a"),
        ("accept_encoding", "gzip", "gzip;q=0"),
    ],
)
def test_spellings_that_may_mean_something_else_do_not_match(name: str, one: str, other: str) -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control=FRESH, vary=name.replace("_", "-")), **{name: one})
    assert world.ask("http://web/", Reply(404), **{name: other}).source == "origin"


def test_of_several_matching_responses_the_most_recent_that_varies_is_used() -> None:
    world = World()
    world.ask("http://web/", Reply(body=b"ko", cache_control=FRESH, vary="A"), a="ko")
    world.ask("http://web/", Reply(body=b"plain", cache_control=FRESH))
    assert world.ask(a="ko").body == b"ko"
    assert world.ask(a="de").body == b"plain"


def test_of_several_matching_responses_the_one_with_the_latest_date_is_used() -> None:
    world = World()
    world.ask("http://web/", Reply(body=b"young", cache_control=FRESH, vary="A", date=date(-1)), a="1", b="2")
    world.ask("http://web/", Reply(body=b"old", cache_control=FRESH, vary="B", date=date(-5)), a="9", b="2")
    assert world.ask(a="1", b="2").body == b"young"


def test_variants_of_one_uri_are_bounded() -> None:
    world = World(most_variants=3)
    for number in range(10):
        world.ask("http://web/", Reply(cache_control=FRESH, vary="A"), a=str(number))
    assert len(world.store) == 3
    assert world.ask(a="9").source == "store"


POISONS = {
    "x_forwarded_host": "evil",
    "x_forwarded_scheme": "nothttps",
    "x_forwarded_proto": "http",
    "x_forwarded_port": "1",
    "x_host": "evil",
    "x_original_url": "/admin",
    "x_rewrite_url": "/admin",
    "x_http_method_override": "POST",
    "forwarded": "host=evil",
}


@pytest.mark.parametrize(("name", "value"), POISONS.items())
def test_a_field_that_no_key_holds_poisons_nothing(name: str, value: str) -> None:
    """The origin builds its page from the field and forgets `Vary`: only who sends the same gets that page."""
    world = World()
    world.ask("http://web/", Reply(body=b"evil", cache_control=FRESH), **{name: value})
    assert world.ask("http://web/", Reply(body=b"good", cache_control=FRESH)).body == b"good"
    assert world.ask().body == b"good"
    assert world.ask("http://web/", **{name: value}).body == b"evil"
    assert world.ask("http://web/", Reply(body=b"else", cache_control=FRESH), **{name: value + "2"}).body == b"else"


def test_a_field_of_a_proxy_that_all_requests_carry_does_not_keep_the_cache_empty() -> None:
    world = World()
    words = {"x_forwarded_proto": "https", "x_forwarded_host": "web"}
    world.ask("http://web/", Reply(cache_control=FRESH), **words)
    assert world.ask("http://web/", **words).source == "store"


def test_a_host_field_beside_an_absolute_target_is_not_the_key() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control=FRESH), host="evil")
    assert world.ask("http://web/").source == "store"
    assert not world.is_stored("http://evil/")


def test_two_host_fields_have_no_key() -> None:
    world = World()
    world.ask("/", Reply(cache_control=FRESH), host=["web", "evil"])
    assert len(world.store) == 0
