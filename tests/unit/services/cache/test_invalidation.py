"""What an unsafe request takes out of the cache, and what it must not.  RFC 9111 §4.4."""

import pytest

from lan.services.http.cache.decisions import Forward, Relay
from lan.services.http.protocol.messages import Request

from .world import Reply, World

FRESH = "max-age=60"
UNSAFE = ["POST", "PUT", "DELETE", "PATCH", "BREW"]


def filled(*targets: str) -> World:
    world = World()
    for target in targets or ("http://web/",):
        world.ask(target, Reply(cache_control=FRESH))
    return world


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("status", [200, 201, 204, 301, 303])
def test_a_success_of_an_unsafe_method_known_or_not_invalidates_its_target(method: str, status: int) -> None:
    world = filled()
    world.ask("http://web/", Reply(status), method=method)
    assert not world.is_stored()


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_failure_invalidates_nothing(status: int) -> None:
    world = filled()
    world.ask("http://web/", Reply(status), method="POST")
    assert world.is_stored()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
def test_a_safe_method_invalidates_nothing(method: str) -> None:
    world = filled("http://web/", "http://web/a")
    world.ask("http://web/a?", Reply(location="/a", cache_control="no-store"), method=method)
    assert world.is_stored() and world.is_stored("http://web/a")


def test_all_variants_go() -> None:
    world = World()
    for value in "12":
        world.ask("http://web/", Reply(cache_control=FRESH, vary="A"), a=value)
    world.ask("http://web/", Reply(), method="POST", a="3")
    assert len(world.store) == 0


@pytest.mark.parametrize("name", ["location", "content_location"])
@pytest.mark.parametrize("reference", ["/b", "b", "http://web/b", "HTTP://WEB:80/b", "http://web/b#part"])
def test_what_location_and_content_location_name_goes_too(name: str, reference: str) -> None:
    world = filled("http://web/b", "http://web/c")
    world.ask("http://web/a", Reply(201, **{name: reference}), method="POST")
    assert not world.is_stored("http://web/b") and world.is_stored("http://web/c")


@pytest.mark.parametrize(
    "reference",
    ["http://other/b", "https://web/b", "http://web:81/b", "//other/b", "http://web@other/b", "http://[", ""],
)
def test_nothing_of_another_origin_is_invalidated(reference: str) -> None:
    targets = ("http://other/b", "https://web/b", "http://web:81/b")
    world = filled(*targets)
    world.ask("http://web/a", Reply(201, location=reference), method="POST")
    assert all(world.is_stored(target) for target in targets)


def get_under_way(world: World, target: str = "http://web/") -> Forward:
    decision = world.cache.lookup(Request("GET", target), now_s=world.now_s)
    assert isinstance(decision, Forward)
    return decision


def test_an_answer_that_was_on_its_way_during_an_invalidation_is_not_stored() -> None:
    world = World()
    forward = get_under_way(world)
    relay = world.cache.receive(forward, Reply(cache_control=FRESH).at(world.now_s), requested_s=0, now_s=world.now_s)
    assert isinstance(relay, Relay) and relay.storing is not None
    relay.storing.write(b"body")
    world.ask("http://web/", Reply(), method="PUT")
    assert relay.storing.end().why.source == "RFC 9111 §4.4"
    assert not world.is_stored()


def test_an_invalidation_of_something_else_does_not_keep_an_answer_out() -> None:
    world = World()
    forward = get_under_way(world)
    world.ask("http://web/other", Reply(), method="PUT")
    relay = world.cache.receive(forward, Reply(cache_control=FRESH).at(world.now_s), requested_s=0, now_s=world.now_s)
    assert isinstance(relay, Relay) and relay.storing is not None
    relay.storing.write(b"body")
    assert relay.storing.end().entry is not None


WAYS = ["http+10.0.0.7.80", "http+fd00::7.80"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("target", ["http://web:80/a", "http://WEB/a", "/a"])
def test_all_spellings_of_a_target_are_one_on_an_intercepted_way_too(way: str, target: str) -> None:
    world = World()
    world.ask("http://web/a", Reply(cache_control=FRESH), scheme=way)
    world.ask(target, Reply(), method="POST", scheme=way)
    assert len(world.store) == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reference", ["/b", "b", "http://web/b", "HTTP://WEB:80/b"])
def test_what_location_names_goes_on_an_intercepted_way_too_and_on_no_other(way: str, reference: str) -> None:
    world = World()
    for scheme in (way, "http+10.0.0.8.80", "http"):
        world.ask("http://web/b", Reply(cache_control=FRESH), scheme=scheme)
    world.ask("http://web/a", Reply(201, location=reference), method="POST", scheme=way)
    assert len(world.store) == 2 and world.is_stored("http://web/b")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reference", ["http://other/b", "https://web/b", "//other/b", "http://web:81/b"])
def test_another_origin_stays_on_an_intercepted_way_too(way: str, reference: str) -> None:
    world = World()
    uri = reference if "://" in reference else f"http:{reference}"
    world.ask(uri, Reply(cache_control=FRESH), scheme=way)
    world.ask("http://web/a", Reply(201, location=reference), method="POST", scheme=way)
    assert len(world.store) == 1
