"""May a stored response answer this request now?  RFC 9111 §4, §5.2; RFC 5861; RFC 8246."""

import pytest

from lan.services.http.cache.decisions import Forward, Refuse, Relay, Serve
from lan.services.http.protocol.messages import Request

from .world import Reply, World, date

ETAG = '"1"'
RENEWED = Reply(304, etag=ETAG)


def after(passed_s: float, *, world: World | None = None, cache_control: str = "max-age=60", **fields: str) -> World:
    """A world in which this response was stored so many seconds ago."""
    world = world or World()
    world.ask("http://web/", Reply(body=b"stored", cache_control=cache_control, etag=ETAG, **fields))
    assert world.is_stored()
    world.passes(passed_s)
    return world


def is_validated(world: World, **request: str) -> bool:
    got = world.ask("http://web/", Reply(304, etag=ETAG), **request)
    assert got.body == b"stored"
    return bool(got.sent)


def test_a_fresh_response_is_used_with_its_age_and_a_stale_one_is_validated() -> None:
    got = after(30).ask()
    assert (got.source, got["Age"], got.why.source) == ("store", "30", "RFC 9111 §4.2")
    assert is_validated(after(61))


def test_a_body_and_its_description_are_never_transformed() -> None:
    words = {"content_type": "text/plain", "content_encoding": "gzip", "content_location": "/x"}
    got = after(1, cache_control="max-age=60, no-transform", **words).ask()
    assert got.body == b"stored"
    assert [got[name.replace("_", "-")] for name in words] == list(words.values())


def test_directives_pass_through_on_both_sides() -> None:
    """A proxy passes all directives on, whatever it makes of them (§5.2)."""
    world = World()
    text = 'max-age=60, x-new="a, b", must-revalidate'
    got = world.ask("http://web/", Reply(cache_control=text), cache_control="max-age=5, x-other")
    assert got["Cache-Control"] == text and world.ask()["Cache-Control"] == text
    assert got.sent[0].headers.get("Cache-Control") == "max-age=5, x-other"


def test_no_cache_of_the_response_is_validated_each_time() -> None:
    for text in ("no-cache, max-age=60", "no-cache=, max-age=60", "max-age=60, no-cache"):
        assert is_validated(after(0, cache_control=text))


def test_no_cache_of_the_response_is_not_overruled_by_max_stale_or_a_dead_origin() -> None:
    world = after(0, cache_control="no-cache, max-age=60, stale-if-error=100, stale-while-revalidate=100")
    assert is_validated(world, cache_control="max-stale")
    assert world.ask("http://web/", None).status == 504
    assert world.ask("http://web/", Reply(503)).status == 503


def test_no_cache_of_the_request_asks_the_origin() -> None:
    assert is_validated(after(1), cache_control="no-cache")
    assert is_validated(after(1), cache_control="no-cache=x")


def test_pragma_no_cache_counts_where_there_is_no_cache_control() -> None:
    assert is_validated(after(1), pragma="no-cache")
    assert not is_validated(after(1), pragma="no-cache", cache_control="max-age=30")


def test_pragma_in_a_response_means_nothing() -> None:
    assert not is_validated(after(1, pragma="no-cache"))


@pytest.mark.parametrize(("text", "validated"), [("max-age=10", True), ("max-age=30", False), ("max-age=x", True)])
def test_max_age_of_the_request(text: str, validated: bool) -> None:
    assert is_validated(after(30), cache_control=text) is validated


@pytest.mark.parametrize(("text", "validated"), [("min-fresh=30", False), ("min-fresh=31", True), ("min-fresh", True)])
def test_min_fresh_of_the_request(text: str, validated: bool) -> None:
    assert is_validated(after(30), cache_control=text) is validated


@pytest.mark.parametrize(
    ("text", "validated"),
    [
        ("max-stale", False),
        ("max-stale=20", False),
        ("max-stale=19", True),
        ("max-stale=x", True),
        ("max-stale=", True),
    ],
)
def test_max_stale_of_the_request(text: str, validated: bool) -> None:
    assert is_validated(after(80), cache_control=text) is validated


def test_max_stale_does_not_take_what_is_older_than_max_age() -> None:
    assert is_validated(after(80), cache_control="max-age=70, max-stale")
    assert not is_validated(after(80), cache_control="max-age=90, max-stale")


@pytest.mark.parametrize("text", ["must-revalidate", "proxy-revalidate", "s-maxage=60", "must-revalidate=x"])
def test_what_must_not_be_used_stale_is_validated_whatever_the_request_allows(text: str) -> None:
    text = f"max-age=60, {text}, stale-while-revalidate=100, stale-if-error=100"
    assert not is_validated(after(59, cache_control=text))
    assert is_validated(after(61, cache_control=text), cache_control="max-stale")
    assert after(61, cache_control=text).ask("http://web/", None).status == 504
    assert after(61, cache_control=text).ask("http://web/", Reply(503)).status == 503


def test_proxy_revalidate_and_s_maxage_mean_nothing_to_a_private_cache() -> None:
    for text in ("max-age=60, proxy-revalidate", "max-age=60, s-maxage=5"):
        world = after(61, world=World(is_shared=False), cache_control=text)
        assert not is_validated(world, cache_control="max-stale")
    assert is_validated(after(61, world=World(is_shared=False), cache_control="max-age=60, must-revalidate"))


def test_only_if_cached_never_reaches_the_origin() -> None:
    world = World()
    assert world.ask(cache_control="only-if-cached").status == 504
    world = after(1, world=world)
    assert world.ask(cache_control="only-if-cached").body == b"stored"
    world.passes(100)
    assert world.ask(cache_control="only-if-cached").status == 504
    assert world.ask(cache_control="only-if-cached, max-stale").body == b"stored"
    assert world.ask(cache_control="only-if-cached", if_match='"1"').status == 504  # what only the origin may judge
    assert world.ask(cache_control="only-if-cached", content_length="4").status == 504
    assert world.ask("/x", cache_control="only-if-cached", host=None).status == 504
    assert world.ask(method="HEAD", cache_control="only-if-cached", if_unmodified_since=date()).status == 504


def test_unsafe_requests_are_written_through() -> None:
    world = after(1)
    for method in ("POST", "PUT", "DELETE", "PATCH", "BREW"):
        assert world.ask("http://web/x", Reply(404), method=method, cache_control="only-if-cached").sent


def test_immutable_spares_a_reload_the_validation_but_not_a_forced_one() -> None:
    text = "max-age=60, immutable"
    assert not is_validated(after(5, cache_control=text), cache_control="max-age=0")
    assert is_validated(after(5, cache_control=text), cache_control="no-cache")
    assert is_validated(after(65, cache_control=text), cache_control="max-age=0")
    assert is_validated(after(5, cache_control="max-age=60, immutable=x"), cache_control="max-age=0")


def test_stale_while_revalidate_serves_at_once_and_validates_once() -> None:
    world = after(70, cache_control="max-age=60, stale-while-revalidate=20")
    first, second = world.ask(), world.ask()
    assert first.body == second.body == b"stored"
    assert first.refresh is not None and second.refresh is None
    assert first.refresh.request.headers.get("If-None-Match") == ETAG
    renewed = world.go_on(first.refresh.original, first.refresh, [Reply(304, etag=ETAG)])
    assert renewed.source == "store"
    assert world.ask()["Age"] == "0"


def test_a_background_validation_carries_nothing_of_the_client_that_the_response_does_not_vary_on() -> None:
    world = World()
    reply = Reply(cache_control="max-age=60, stale-while-revalidate=20", vary="Accept-Language", etag=ETAG)
    world.ask("http://web/", reply, accept_language="ko")
    world.passes(70)
    words = {"cookie": "me", "range": "bytes=0-1", "if_none_match": '"x"', "x_any": "1"}
    got = world.ask("http://web/", accept_language="ko", **words)
    assert got.refresh is not None
    names = [name for name, _ in got.refresh.request.headers.items]
    assert names == ["Host", "Accept-Language", "If-None-Match"]


def test_after_the_grace_of_stale_while_revalidate_or_with_a_max_age_it_is_validated() -> None:
    text = "max-age=60, stale-while-revalidate=20"
    assert is_validated(after(81, cache_control=text))
    assert is_validated(after(70, cache_control=text), cache_control="max-age=100, min-fresh=1")
    assert is_validated(after(70, cache_control="max-age=60, stale-while-revalidate=x"))


def test_a_failed_background_validation_may_be_tried_again() -> None:
    world = after(70, cache_control="max-age=60, stale-while-revalidate=20")
    first = world.ask().refresh
    assert first is not None
    world.cache.failed(first, now_s=world.now_s)
    assert world.ask().refresh is not None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_stale_if_error_of_either_side_answers_in_place_of_an_error(status: int) -> None:
    got = after(70, cache_control="max-age=60, stale-if-error=20").ask("http://web/", Reply(status))
    assert (got.source, got.body, got.why.source) == ("store", b"stored", "RFC 5861 §4")
    assert after(70).ask("http://web/", Reply(status), cache_control="stale-if-error=20").body == b"stored"


def test_without_stale_if_error_or_after_its_grace_the_error_is_passed_on() -> None:
    assert after(70).ask("http://web/", Reply(503)).status == 503
    assert after(90, cache_control="max-age=60, stale-if-error=20").ask("http://web/", Reply(503)).status == 503
    assert after(70, cache_control="max-age=60, stale-if-error=20").ask("http://web/", Reply(501)).status == 501
    assert after(70, cache_control="max-age=60, stale-if-error=20").ask("http://web/", Reply(404)).status == 404


def test_a_stale_answer_rather_than_none_while_the_origin_is_out_of_reach() -> None:
    got = after(500).ask("http://web/", None)
    assert (got.source, got.body, got["Age"], got.why.source) == ("store", b"stored", "500", "RFC 9111 §4.2.4")
    assert after(500, world=World(stale_when_disconnected=False)).ask("http://web/", None).status == 504


def test_a_request_with_max_age_or_no_cache_gets_nothing_stale_from_a_dead_origin() -> None:
    for text in ("max-age=100", "max-age=0", "no-cache"):
        assert after(500).ask("http://web/", None, cache_control=text).status == 504


def test_without_anything_stored_a_dead_origin_is_told() -> None:
    world = World()
    assert world.ask("http://web/", None).status == 502
    assert world.ask("http://web/", None, method="POST").status == 502


def test_what_only_the_origin_may_judge_goes_to_it() -> None:
    for name in ("if_match", "if_unmodified_since"):
        got = after(1).ask("http://web/", Reply(412), **{name: '"2"'})
        assert got.status == 412 and got.sent[0].headers.get("If-None-Match") is None


def test_a_body_that_the_store_lost_is_a_miss() -> None:
    world = after(1)
    entry = world.store.find("GET http://web/")[0]
    world.store.drop([entry])
    got = world.ask("http://web/", Reply(body=b"new"))
    assert got.body == b"new" and isinstance(got.first, Forward)


def decision(world: World, **words: str) -> Serve | Forward | Refuse:
    return world.cache.lookup(Request("GET", "http://web/"), now_s=world.now_s)


def test_two_hits_in_the_same_second_share_their_head() -> None:
    world = after(1)
    first, second = decision(world), decision(world)
    world.passes(1)
    third = decision(world)
    assert isinstance(first, Serve) and isinstance(second, Serve) and isinstance(third, Serve)
    assert first.response is second.response
    assert (second.response.headers.get("Age"), third.response.headers.get("Age")) == ("1", "2")
    assert date() == third.response.headers.get("Date")


def test_the_cache_writes_no_directives_and_no_expires_of_its_own() -> None:
    world = World()
    got = world.ask("http://web/", Reply(body=b"stored", etag=ETAG, last_modified=date(-1000)))
    assert (got["Cache-Control"], got["Expires"]) == (None, None)
    world.passes(1000)
    got = world.ask("http://web/", RENEWED)
    assert (got["Cache-Control"], got["Expires"]) == (None, None)
    assert got.sent[0].headers.get("Cache-Control") is None
    got = after(70, cache_control='max-age="60"').ask("http://web/", RENEWED)
    assert got.sent[0].headers.get("Cache-Control") is None and got["Cache-Control"] == 'max-age="60"'


def test_of_what_must_not_be_stored_nothing_reaches_the_store() -> None:
    world = World()
    forward = decision(world)
    assert isinstance(forward, Forward)
    response = Reply(cache_control="no-store").at(world.now_s)
    relay = world.cache.receive(forward, response, requested_s=world.now_s, now_s=world.now_s)
    assert isinstance(relay, Relay) and relay.storing is None and world.store.draft().serial == 1


def test_unknown_directives_change_nothing() -> None:
    text = 'max-age=60, community="UCI", x-y'
    assert not is_validated(after(59, cache_control=text), cache_control="foo, bar=1")
    assert is_validated(after(61, cache_control=text))
