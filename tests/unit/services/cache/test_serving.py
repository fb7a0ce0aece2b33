"""Parts from the store, requests that wait for one answer, and the field that tells of it.  RFC 9110 §14, RFC 9211."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.cache.cache_status import CacheStatus, Forwarded
from lan.services.http.cache.collapse import FOLLOWS, LEADS, WAITED, Collapse
from lan.services.http.cache.decisions import Forward
from lan.services.http.protocol.messages import Request, Response, build, headers

from .world import Reply, World, date


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    fields = {"etag": '"1"', "last_modified": date(-1000), "cache_control": "max-age=60", "content_type": "text/plain"}
    world.ask("http://web/", Reply(body=bytes(range(200)), **fields))
    yield world


def test_a_part_of_a_stored_whole_is_marked_as_one(world: World) -> None:
    got = world.ask(range="bytes=10-19")
    assert (got.source, got.status, got.body) == ("store", 206, bytes(range(10, 20)))
    assert (got["Content-Range"], got["Content-Length"], got["ETag"]) == ("bytes 10-19/200", "10", '"1"')
    assert got["Age"] == "0"


def test_several_parts_come_as_multipart(world: World) -> None:
    got = world.ask(range="bytes=0-1,198-")
    assert got.status == 206 and (got["Content-Type"] or "").startswith("multipart/byteranges; boundary=")
    assert got["Content-Length"] == str(len(got.body)) and b"bytes 198-199/200\r\n\r\n\xc6\xc7\r\n--" in got.body


def test_a_part_past_the_end_is_416(world: World) -> None:
    got = world.ask(range="bytes=200-")
    assert (got.source, got.status, got["Content-Range"]) == ("store", 416, "bytes */200")


@pytest.mark.parametrize(("condition", "status"), [('"1"', 206), ('"2"', 200), (date(-1000), 206), (date(), 200)])
def test_if_range_is_compared_with_the_stored_response(world: World, condition: str, status: int) -> None:
    assert world.ask(range="bytes=0-1", if_range=condition).status == status


def test_a_good_copy_beats_a_range(world: World) -> None:
    assert world.ask(range="bytes=0-1", if_none_match='"1"').status == 304


def test_a_range_that_can_not_be_read_or_is_asked_of_a_head_gets_the_whole(world: World) -> None:
    assert world.ask(range="bytes=x").status == 200
    assert world.ask(method="HEAD", range="bytes=0-1").status == 200


def test_a_range_of_a_stored_error_means_nothing() -> None:
    world = World()
    world.ask("http://web/", Reply(404, cache_control="max-age=60"))
    assert world.ask(range="bytes=0-1").status == 404


def test_a_range_of_what_is_not_stored_is_the_origins() -> None:
    got = World().ask("http://web/", Reply(206, content_range="bytes 0-3/9"), range="bytes=0-3")
    assert got.sent[0].headers.get("Range") == "bytes=0-3" and got.status == 206


MISSED = CacheStatus("lan", forwarded=Forwarded.URI_MISS, forwarded_status=200, stored=True)
RENEWED = CacheStatus("lan", forwarded=Forwarded.STALE, forwarded_status=304, ttl_s=-5, collapsed=True)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (CacheStatus("lan", hit=True, ttl_s=30), "lan; hit; ttl=30"),
        (MISSED, "lan; fwd=uri-miss; fwd-status=200; stored"),
        (RENEWED, "lan; fwd=stale; fwd-status=304; ttl=-5; collapsed"),
        (CacheStatus('a "b" \\ 글'), '"a \\"b\\" \\\\ ?"'),
        (CacheStatus("lan", detail="a b"), 'lan; detail="a b"'),
    ],
)
def test_a_member_of_cache_status(status: CacheStatus, text: str) -> None:
    assert status.build() == text


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_name_or_detail_breaks_the_head(name: str, detail: str) -> None:
    build(CacheStatus(name, detail=detail).on(Response(200)))


def test_the_member_of_this_cache_comes_after_those_of_caches_nearer_to_the_origin() -> None:
    response = Response(200, headers=headers([("Cache-Status", "far; hit")]))
    assert CacheStatus("lan", hit=True).on(response).headers.get("Cache-Status") == "far; hit, lan; hit"


def statuses(world: World) -> Iterator[str | None]:
    fresh = {"cache_control": "max-age=60", "etag": '"1"', "vary": "A"}
    yield world.ask("http://web/", Reply(**fresh))["Cache-Status"]
    yield world.ask()["Cache-Status"]
    yield world.ask("http://web/", Reply(cache_control="no-store"), a="1")["Cache-Status"]
    yield world.ask("http://web/", Reply(304, etag='"1"'), cache_control="no-cache")["Cache-Status"]
    yield world.ask("http://web/x", Reply(404, cache_control="private"), method="POST")["Cache-Status"]
    world.passes(70)
    yield world.ask("http://web/", Reply(304, etag='"1"'))["Cache-Status"]
    world.passes(70)
    yield world.ask("http://web/", None)["Cache-Status"]


def test_every_answer_tells_how_it_came_about() -> None:
    assert list(statuses(World())) == [
        "lan; fwd=uri-miss; fwd-status=200; stored",
        "lan; hit; ttl=60",
        'lan; fwd=vary-miss; fwd-status=200; detail="the response says no-store"',
        "lan; fwd=request; fwd-status=304; ttl=60",
        'lan; fwd=method; fwd-status=404; detail="this method is written through"',
        "lan; fwd=stale; fwd-status=304; ttl=60",
        'lan; fwd=stale; ttl=-10; detail="stale, but the origin can\'t be reached"',
    ]


def key_of(world: World, method: str = "GET", **words: str) -> str | None:
    pairs = [(name.replace("_", "-"), value) for name, value in words.items()]
    decision = world.cache.lookup(Request(method, "http://web/", headers=headers(pairs)), now_s=world.now_s)
    assert isinstance(decision, Forward)
    return decision.collapse_key


def test_requests_for_the_same_may_wait_for_one_answer() -> None:
    world = World()
    assert key_of(world) == key_of(world, cookie="a", accept="b") is not None


@pytest.mark.parametrize(
    "words",
    [
        {"authorization": "x"},
        {"range": "bytes=0-1"},
        {"if_none_match": '"1"'},
        {"cache_control": "no-cache"},
        {"pragma": "no-cache"},
        {"x_forwarded_host": "x"},
        {"content_length": "3"},
        {"method": "POST"},
        {"method": "HEAD"},
    ],
)
def test_a_request_about_its_client_alone_does_not_wait_and_is_not_waited_for(words: dict[str, str]) -> None:
    assert key_of(World(), **words) is None


def test_one_leads_the_others_follow_and_look_again_in_order() -> None:
    collapse: Collapse[str] = Collapse()
    assert [collapse.join("k", who) for who in "abc"] == [LEADS, FOLLOWS, FOLLOWS]
    assert collapse.join("other", "x") is LEADS and collapse.waiting("k") == 2
    assert collapse.release("k") == ["b", "c"]
    assert collapse.join("k", "b", has_waited=True) is WAITED
    assert collapse.join("k", "d") is LEADS


def test_who_has_no_key_goes_and_who_leaves_is_not_woken() -> None:
    collapse: Collapse[str] = Collapse()
    assert collapse.join(None, "a") is LEADS and collapse.release(None) == []
    collapse.join("k", "a"), collapse.join("k", "b"), collapse.join("k", "c")
    collapse.leave("k", "b"), collapse.leave("k", "stranger"), collapse.leave("nothing", "b")
    assert collapse.release("k") == ["c"] and collapse.release("k") == []
