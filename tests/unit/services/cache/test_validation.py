"""Asking the origin, and being asked.  RFC 9111 §4.3, §3.2; RFC 9110 §13."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.cache import validation

from .world import Got, Reply, World, date

MODIFIED = date(-1000)


def stale(*, world: World | None = None, body: bytes = b"stored", **fields: str | None) -> World:
    """A world with a stored response that is to be validated now."""
    world = world or World()
    words: dict[str, str | None] = {"etag": '"1"', "cache_control": "max-age=60", **fields}
    world.ask("http://web/", Reply(body=body, **words))
    world.passes(61)
    return world


def conditions(got: Got) -> tuple[str | None, str | None]:
    fields = got.sent[0].headers
    return fields.get("If-None-Match"), fields.get("If-Modified-Since")


def test_the_stored_tag_and_date_are_sent() -> None:
    got = stale(last_modified=MODIFIED).ask("http://web/", Reply(304, etag='"1"'))
    assert conditions(got) == ('"1"', MODIFIED)
    got = stale(etag=None, last_modified=MODIFIED).ask("http://web/", Reply(304, last_modified=MODIFIED))
    assert conditions(got) == (None, MODIFIED)
    got = stale(etag=None).ask("http://web/", Reply(body=b"new"))
    assert conditions(got) == (None, None)


def test_the_date_is_not_sent_for_a_part() -> None:
    got = stale(last_modified=MODIFIED).ask("http://web/", Reply(304, etag='"1"'), range="bytes=0-1")
    assert conditions(got) == ('"1"', None)
    assert (got.status, got.body) == (206, b"st")


def test_the_dates_of_several_stored_responses_are_not_sent() -> None:
    world = World()
    world.ask("http://web/", Reply(vary="A", etag='"1"', cache_control="max-age=60"), a="1", b="2")
    world.ask(
        "http://web/", Reply(vary="B", etag='"2"', cache_control="max-age=60", last_modified=MODIFIED), a="9", b="2"
    )
    world.passes(61)
    assert conditions(world.ask("http://web/", Reply(304, etag='"1"'), a="1", b="2")) == ('"1", "2"', None)


def test_a_304_renews_the_stored_response() -> None:
    world = stale(x_old="1")
    got = world.ask("http://web/", Reply(304, etag='"1"', cache_control="max-age=100", x_new="2"))
    assert (got.status, got.body, got["X-Old"], got["X-New"], got["Age"]) == (200, b"stored", "1", "2", "0")
    world.passes(99)
    again = world.ask()
    assert (again.source, again["X-New"], again["Age"]) == ("store", "2", "99")


def test_a_304_replaces_each_field_it_names_and_leaves_the_others() -> None:
    world = stale(content_type="text/plain", x_many="1", expires=date(5))
    fields = {
        "content_type": "text/html",
        "content_length": "999",
        "x_many": ["2", "3"],
        "connection": "x-hop",
        "x_hop": "1",
    }
    got = world.ask("http://web/", Reply(304, etag='"1"', content_range="bytes 0-1/2", **fields))
    assert (got["Content-Type"], got["X-Many"], got["Expires"]) == ("text/html", "2, 3", date(5))
    assert (got["Content-Length"], got["X-Hop"], got["Connection"], got["Content-Range"]) == ("6", None, None, None)


def test_a_304_brings_no_field_in_that_a_directive_keeps_out() -> None:
    world = stale(cache_control='max-age=60, no-cache="Set-Cookie"')
    assert world.ask("http://web/", Reply(304, etag='"1"', set_cookie="a=b"))["Set-Cookie"] is None
    assert world.ask()["Set-Cookie"] is None


def test_a_304_that_forbids_storing_is_obeyed() -> None:
    for text in ("no-store", "private"):
        world = stale()
        assert world.ask("http://web/", Reply(304, etag='"1"', cache_control=text)).body == b"stored"
        assert not world.is_stored()


def test_a_304_with_a_new_vary_narrows_what_the_response_is_used_for() -> None:
    world = stale()
    world.ask("http://web/", Reply(304, etag='"1"', vary="A"), a="1")
    assert world.ask(a="1").source == "store"
    assert world.ask("http://web/", Reply(404), a="2").source == "origin"


def test_a_304_with_a_strong_tag_renews_all_with_that_tag_and_no_other() -> None:
    world = World()
    world.ask("http://web/", Reply(body=b"1", vary="A", etag='"1"', cache_control="max-age=60"), a="1", b="2")
    world.ask("http://web/", Reply(body=b"2", vary="B", etag='"2"', cache_control="max-age=60"), a="9", b="2")
    world.passes(61)
    got = world.ask("http://web/", Reply(304, etag='"1"', x_new="1"), a="1", b="2")
    assert (got.body, got["X-New"]) == (b"1", "1")
    fields = {entry.etag: entry.response.headers.get("X-New") for entry in world.store.find("GET http://web/")}
    assert fields == {'"1"': "1", '"2"': None}


def test_a_304_with_an_unknown_strong_tag_updates_nothing_and_the_whole_is_asked_for() -> None:
    world = stale()
    got = world.ask("http://web/", Reply(304, etag='"other"', x_new="1"), Reply(body=b"new", etag='"other"'))
    assert (got.body, len(got.sent)) == (b"new", 2)
    assert got.sent[1].headers.get("If-None-Match") is None


def test_a_304_with_a_weak_tag_renews_the_most_recent_that_has_it() -> None:
    world = stale(etag='W/"1"')
    assert world.ask("http://web/", Reply(304, etag='W/"1"', x_new="1"))["X-New"] == "1"
    world.passes(61)
    assert world.ask("http://web/", Reply(304, etag='W/"2"'), Reply(body=b"new")).body == b"new"


def test_a_304_without_validators_is_about_the_one_response_that_was_asked_about() -> None:
    for fields in ({}, {"etag": None, "last_modified": MODIFIED}):
        assert stale(**fields).ask("http://web/", Reply(304, x_new="1"))["X-New"] == "1"


def test_a_304_without_validators_to_a_client_with_its_own_tags_is_asked_again() -> None:
    got = stale().ask("http://web/", Reply(304), Reply(304), if_none_match='"theirs"')
    assert [request.headers.get("If-None-Match") for request in got.sent] == ['"theirs", "1"', '"theirs"']
    assert got.status == 304


def test_a_full_answer_replaces_the_stored_one() -> None:
    world = stale()
    got = world.ask("http://web/", Reply(body=b"new", etag='"2"', cache_control="max-age=60"))
    assert (got.source, got.body) == ("origin", b"new")
    assert world.ask().body == b"new" and len(world.store) == 1


def test_a_full_answer_that_is_not_stored_drops_the_stored_one_too() -> None:
    world = stale()
    world.ask("http://web/", Reply(body=b"new", cache_control="no-store"))
    assert not world.is_stored()


def test_an_error_leaves_the_stored_response() -> None:
    for status in (401, 403, 500, 503):
        world = stale()
        assert world.ask("http://web/", Reply(status)).status == status
        assert world.is_stored()


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ({"if_none_match": '"1"'}, 304),
        ({"if_none_match": 'W/"1"'}, 304),
        ({"if_none_match": '"0", "1"'}, 304),
        ({"if_none_match": '"a,", "1"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"2"'}, 200),
        ({"if_none_match": "1"}, 200),
        ({"if_none_match": '"2"', "if_modified_since": date()}, 200),
        ({"if_modified_since": MODIFIED}, 304),
        ({"if_modified_since": date()}, 304),
        ({"if_modified_since": date(-1001)}, 200),
        ({"if_modified_since": "yesterday"}, 200),
    ],
)
def test_a_client_is_told_whether_its_copy_is_good(words: dict[str, str], status: int) -> None:
    world = World()
    fields = {"content_type": "text/plain", "content_location": "/x", "expires": date(9), "vary": "X"}
    world.ask("http://web/", Reply(etag='"1"', last_modified=MODIFIED, cache_control="max-age=60", **fields))
    got = world.ask("http://web/", **words)
    assert (got.source, got.status, got.body) == ("store", status, b"" if status == 304 else b"body")
    for name in ("ETag", "Date", "Cache-Control", "Vary", "Expires", "Content-Location", "Age"):
        assert got[name] is not None
    if status == 304:
        assert got["Content-Type"] is None and got["Content-Length"] is None


def test_without_last_modified_the_date_of_the_response_is_compared() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control="max-age=60", date=date(-10)))
    assert world.ask(if_modified_since=date(-10)).status == 304
    assert world.ask(if_modified_since=date(-11)).status == 200


def test_conditions_of_the_client_are_judged_for_a_stored_200_alone() -> None:
    world = World()
    world.ask("http://web/", Reply(404, etag='"1"', cache_control="max-age=60"))
    assert world.ask(if_none_match='"1"').status == 404


def test_conditions_for_what_is_not_stored_are_left_to_the_origin() -> None:
    world = World()
    got = world.ask("http://web/", Reply(304, etag='"1"'), if_none_match='"1"', if_modified_since=MODIFIED)
    assert got.status == 304 and conditions(got) == ('"1"', MODIFIED)


def test_the_tags_of_client_and_cache_are_asked_about_together() -> None:
    got = stale().ask("http://web/", Reply(304, etag='"theirs"'), if_none_match='"theirs"')
    assert conditions(got)[0] == '"theirs", "1"'
    assert (got.status, got.source) == (304, "origin")


def test_a_304_for_the_tag_of_the_cache_alone_gives_the_client_the_whole() -> None:
    got = stale().ask("http://web/", Reply(304, etag='"1"'), if_none_match='"theirs"')
    assert (got.status, got.body) == (200, b"stored")


def test_a_304_for_the_tag_of_both_gives_the_client_a_304_and_renews() -> None:
    world = stale()
    assert world.ask("http://web/", Reply(304, etag='"1"'), if_none_match='"1"').status == 304
    assert world.ask().source == "store"


def test_the_date_of_a_client_gives_way_to_that_of_the_cache_and_is_judged_here() -> None:
    world = stale(last_modified=MODIFIED)
    got = world.ask("http://web/", Reply(304, etag='"1"'), if_modified_since=date(-2000))
    assert conditions(got) == ('"1"', MODIFIED)
    assert (got.status, got.body) == (200, b"stored")


def test_a_star_or_tags_that_the_cache_can_not_add_to_go_on_as_they_are() -> None:
    assert conditions(stale().ask("http://web/", Reply(304), if_none_match="*"))[0] == "*"
    world = stale(etag=None, last_modified=MODIFIED)
    assert conditions(world.ask("http://web/", Reply(304), if_none_match='"x"')) == ('"x"', None)


def test_head_is_answered_from_a_stored_get_and_validates_it() -> None:
    world = stale()
    got = world.ask("http://web/", Reply(304, etag='"1"'), method="HEAD")
    assert (got.status, got.body, got.sent[0].method) == (200, b"", "HEAD")
    assert world.ask().source == "store"


def described(**fields: str | None) -> World:
    """A stale response without validators, and a HEAD that went through."""
    world = World()
    world.ask("http://web/", Reply(cache_control="max-age=60", x_old="1"))
    world.passes(61)
    words: dict[str, str | None] = {"content_length": "4", "cache_control": "max-age=60", **fields}
    assert world.ask("http://web/", Reply(**words), method="HEAD").source == "origin"
    return world


def test_a_head_that_describes_the_stored_body_renews_it() -> None:
    got = described(x_old="2").ask()
    assert (got.source, got.body, got["X-Old"]) == ("store", b"body", "2")


@pytest.mark.parametrize("fields", [{"content_length": "5"}, {"etag": '"2"'}, {"last_modified": MODIFIED}])
def test_a_head_that_describes_another_body_makes_the_stored_one_stale(fields: dict[str, str]) -> None:
    world = described(**fields)
    assert world.ask("http://web/", None, cache_control="max-stale").status == 504
    assert world.ask("http://web/", Reply(body=b"new")).body == b"new"


def test_a_head_that_fails_changes_nothing() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control="max-age=60"))
    world.ask("http://web/", Reply(404), method="HEAD", cache_control="no-cache")
    assert world.ask().source == "store"


@given(st.text() | st.text('W/", *abc'))
def test_no_list_of_tags_breaks_the_parser(text: str) -> None:
    for tag in validation.tags(text):
        assert tag.endswith('"') and tag in text
