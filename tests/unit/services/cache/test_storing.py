"""What may be stored, and what of it.  RFC 9111 §3; book 4.7.2 and 7.8."""

import pytest

from lan.services.http.cache.freshness import HEURISTICALLY_CACHEABLE
from lan.services.http.cache.memory_store import MemoryStore

from .world import Reply, World, date

FRESH = "max-age=60"


def stored_after(reply: Reply, **request: str) -> bool:
    world = World()
    world.ask("http://web/", reply, **request)
    return world.is_stored()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "BREW"])
def test_answers_to_other_methods_than_get_are_not_stored(method: str) -> None:
    assert not stored_after(Reply(cache_control=FRESH), method=method)


def test_only_a_final_status_is_stored() -> None:
    for status in (100, 103):
        assert not stored_after(Reply(status, cache_control=FRESH))


@pytest.mark.parametrize("status", [206, 304])
def test_statuses_whose_meaning_is_not_implemented_for_storing_are_not_stored(status: int) -> None:
    assert not stored_after(Reply(status, cache_control="public, max-age=60", content_range="bytes 0-3/10"))


def test_must_understand_keeps_out_a_status_that_is_not_understood() -> None:
    assert not stored_after(Reply(299, cache_control="must-understand, max-age=60"))
    assert stored_after(Reply(299, cache_control="max-age=60"))


def test_must_understand_sets_no_store_aside_for_a_status_that_is_understood() -> None:
    assert stored_after(Reply(cache_control="must-understand, no-store, max-age=60"))
    assert not stored_after(Reply(299, cache_control="must-understand, no-store, max-age=60"))


@pytest.mark.parametrize("text", ["no-store", "NO-STORE", "no-store=yes", "max-age=9, no-store", 'x="no end, no-store'])
def test_no_store_of_the_response_keeps_it_out_however_it_is_written(text: str) -> None:
    assert not stored_after(Reply(cache_control=text, expires=date(60)))


def test_no_store_on_a_second_line_counts() -> None:
    assert not stored_after(Reply(cache_control=[FRESH, "no-store"]))


def test_no_store_of_the_request_keeps_the_answer_out() -> None:
    assert not stored_after(Reply(cache_control=FRESH), cache_control="no-store")


def test_no_store_of_the_request_does_not_hide_what_is_already_stored() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control=FRESH))
    assert world.ask(cache_control="no-store").source == "store"


def test_private_keeps_a_response_out_of_a_shared_cache() -> None:
    for text in ("private, max-age=60", 'private="", max-age=60', "private=, max-age=60"):
        assert not stored_after(Reply(cache_control=text))


def test_private_lets_a_private_cache_store() -> None:
    world = World(is_shared=False)
    world.ask("http://web/", Reply(299, cache_control="private"))
    assert world.is_stored()


@pytest.mark.parametrize("name", ["private", "no-cache"])
def test_fields_that_a_qualified_directive_names_are_not_stored(name: str) -> None:
    world = World()
    fields = {"set_cookie": "a=b", "x_user": "me", "x_other": "kept"}
    first = world.ask("http://web/", Reply(cache_control=f'max-age=60, {name}="Set-Cookie, X-User"', **fields))
    assert (first["Set-Cookie"], first["X-User"]) == ("a=b", "me")
    second = world.ask()
    assert second.source == "store"
    assert (second["Set-Cookie"], second["X-User"], second["X-Other"]) == (None, None, "kept")


def test_a_qualified_private_means_nothing_to_a_private_cache() -> None:
    world = World(is_shared=False)
    world.ask("http://web/", Reply(cache_control='max-age=60, private="X-User"', x_user="me"))
    assert world.ask()["X-User"] == "me"


def test_a_directive_that_names_what_the_cache_needs_is_about_the_whole_response() -> None:
    assert not stored_after(Reply(cache_control='max-age=60, private="Vary"', vary="Accept"))
    world = World()
    world.ask("http://web/", Reply(cache_control='max-age=60, no-cache="Cache-Control"', etag='"1"'))
    assert world.ask("http://web/", Reply(304, etag='"1"')).sent


AUTHORIZED = {"authorization": "Basic eDp5"}


def test_an_answer_to_an_authorized_request_is_not_stored_by_itself() -> None:
    assert not stored_after(Reply(cache_control=FRESH), **AUTHORIZED)
    assert not stored_after(Reply(expires=date(60)), **AUTHORIZED)


@pytest.mark.parametrize("text", ["public, max-age=60", "must-revalidate, max-age=60", "s-maxage=60"])
def test_directives_that_let_authorized_answers_be_shared(text: str) -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control=text), **AUTHORIZED)
    assert world.ask().source == "store"


@pytest.mark.parametrize("text", ["public=yes, max-age=60", "must-revalidate=0, max-age=60", "s-maxage=x, max-age=60"])
def test_a_malformed_permission_lets_no_authorized_answer_be_shared(text: str) -> None:
    assert not stored_after(Reply(cache_control=text), **AUTHORIZED)


def test_a_private_cache_stores_answers_to_authorized_requests() -> None:
    world = World(is_shared=False)
    world.ask("http://web/", Reply(cache_control=FRESH), **AUTHORIZED)
    assert world.is_stored()


@pytest.mark.parametrize(
    "fields",
    [
        {"cache_control": "public"},
        {"cache_control": "max-age=60"},
        {"cache_control": "s-maxage=60"},
        {"expires": date(60)},
    ],
)
def test_something_in_the_response_must_speak_for_storing(fields: dict[str, str]) -> None:
    assert stored_after(Reply(299, **fields))
    assert not stored_after(Reply(299))
    assert not stored_after(Reply(299, cache_control="must-revalidate, x=y"))


def test_statuses_that_are_cacheable_by_themselves_are_stored() -> None:
    found = {status for status in range(200, 600) if stored_after(Reply(status, last_modified=date(-1000)))}
    assert found == HEURISTICALLY_CACHEABLE - {206}


@pytest.mark.parametrize("status", [407, 412, 416, 417, 421, 426, 428, 429, 431, 511])
def test_a_status_about_one_request_is_not_stored(status: int) -> None:
    assert not stored_after(Reply(status, cache_control="public, max-age=60"))


def test_unknown_fields_are_stored_too() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control=FRESH, x_new="1", test=["a", "b"]))
    again = world.ask()
    assert (again["X-New"], again["Test"]) == ("1", "a, b")


def test_hop_by_hop_fields_and_those_that_connection_names_are_not_stored() -> None:
    world = World()
    hop = {"connection": "X-Hop, close", "x_hop": "1", "keep_alive": "max=5", "upgrade": "h2c", "te": "x"}
    world.ask("http://web/", Reply(cache_control=FRESH, **hop, transfer_encoding="chunked", content_length=None))
    again = world.ask()
    assert again.source == "store"
    for name in (*hop, "transfer-encoding"):
        assert again[name.replace("_", "-")] is None
    assert again["Content-Length"] == "4"


def test_fields_of_the_proxy_on_the_way_are_not_stored() -> None:
    world = World()
    names = ("Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization")
    world.ask("http://web/", Reply(cache_control=FRESH, **{name.replace("-", "_").lower(): "x" for name in names}))
    assert all(world.ask()[name] is None for name in names)


def test_trailers_are_never_taken_for_header_fields() -> None:
    """The core takes no trailers at all: `Storing` has content and an end, nothing else."""
    world = World()
    world.ask(
        "http://web/", Reply(cache_control=FRESH, trailer="X-Sum", transfer_encoding="chunked", content_length=None)
    )
    assert world.ask()["Trailer"] is None and world.ask()["X-Sum"] is None


@pytest.mark.parametrize("fields", [{}, {"transfer_encoding": "chunked", "content_length": None}])
def test_a_body_that_breaks_off_is_not_stored(fields: dict[str, str | None]) -> None:
    for came in (0, 1, 3):
        assert not stored_after(Reply(cache_control=FRESH, came=came, **fields))


@pytest.mark.parametrize("length", ["3", "5", "0", "4, 5", "-4", "x", "٤"])
def test_a_body_of_another_length_than_announced_is_not_stored(length: str) -> None:
    assert not stored_after(Reply(cache_control=FRESH, content_length=length))


def test_a_body_that_only_the_close_ends_is_not_stored() -> None:
    assert not stored_after(Reply(cache_control=FRESH, content_length=None))
    assert not stored_after(Reply(cache_control=FRESH, content_length=None, transfer_encoding="chunked, gzip"))


def test_a_partial_answer_is_passed_on_as_206_and_not_stored() -> None:
    world = World()
    got = world.ask("http://web/", Reply(206, content_range="bytes 0-3/10", cache_control=FRESH), range="bytes=0-3")
    assert (got.status, got.stored) == (206, None)
    assert not world.is_stored()


def test_a_broken_body_leaves_what_was_stored_before() -> None:
    world = World()
    world.ask("http://web/", Reply(body=b"old", cache_control="max-age=5", etag='"1"'))
    world.passes(10)
    world.ask("http://web/", Reply(body=b"newer", cache_control=FRESH, came=2))
    got = world.ask("http://web/", Reply(304, etag='"1"'))
    assert got.body == b"old"


def test_a_get_with_content_is_neither_stored_nor_answered_from_the_store() -> None:
    for content in ({"content_length": "3"}, {"transfer_encoding": "chunked"}):
        assert not stored_after(Reply(cache_control=FRESH), **content)
        world = World()
        world.ask("http://web/", Reply(cache_control=FRESH))
        assert world.ask("http://web/", Reply(body=b"other"), **content).source == "origin"
        assert world.ask().body == b"body"


def test_set_cookie_is_shared_only_where_the_response_says_how_long() -> None:
    assert not stored_after(Reply(set_cookie="a=b", last_modified=date(-1000)))
    assert stored_after(Reply(set_cookie="a=b", cache_control=FRESH))


def test_a_response_without_a_date_gets_the_moment_it_came() -> None:
    world = World()
    first = world.ask("http://web/", Reply(cache_control=FRESH, date=None))
    assert first["Date"] == world.ask()["Date"] == date()


def test_what_is_larger_than_an_object_may_be_is_passed_on_and_not_stored() -> None:
    world = World(max_object_bytes=10)
    got = world.ask("http://web/", Reply(body=b"12345678901", cache_control=FRESH))
    assert got.body == b"12345678901" and got.stored is not None and got.stored.entry is None
    assert not world.is_stored() and world.store.size_bytes == 0


@pytest.mark.parametrize("words", [{}, {"content_length": None, "transfer_encoding": "chunked"}])
def test_one_large_answer_does_not_drive_the_others_out(words: dict[str, str | None]) -> None:
    world = World(MemoryStore(20_000))
    world.ask("http://web/small", Reply(cache_control=FRESH))
    got = world.ask("http://web/", Reply(body=bytes(15_000), cache_control=FRESH, **words))
    assert len(got.body) == 15_000 and not world.is_stored()
    assert world.ask("http://web/small").source == "store"


def test_the_reason_names_the_rule() -> None:
    world = World()
    got = world.ask("http://web/", Reply(cache_control="no-store"))
    assert got.why.source == "RFC 9111 §5.2.2.5"
