"""The fast path says what the plain path says, always."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.cache.cache import Cache
from lan.services.http.cache.decisions import Serve
from lan.services.http.protocol.messages import Request, headers

from .world import Reply, World, fields_of, read

DIRECTIVES = ["max-age=2", "max-age=60", "no-cache", "max-age=1, stale-while-revalidate=5", "s-maxage=2", "no-store"]
REPLIES = st.fixed_dictionaries({"cache_control": st.sampled_from(DIRECTIVES), "vary": st.sampled_from([None, "A"])})
FIELDS = st.dictionaries(
    st.sampled_from(["a", "range", "cache_control", "if_none_match", "x_forwarded_host", "accept", "content_length"]),
    st.sampled_from(["1", "bytes=0-1", "no-cache", "max-age=1", '"1"', "only-if-cached"]),
    max_size=2,
)
STEPS = st.tuples(st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"]), FIELDS, st.sampled_from([0, 0.25, 0.5, 1.5]))


@given(REPLIES, st.lists(STEPS, max_size=12))
def test_the_fast_path_is_the_plain_path(
    reply: dict[str, str | None], steps: list[tuple[str, dict[str, str], float]]
) -> None:
    world = World()
    for method, fields, passed_s in steps:
        world.passes(passed_s)
        pairs = fields_of({"host": "web", **fields})
        request = Request(method, "http://web/", headers=headers(pairs))
        plain = Cache(world.store, world.cache.settings, secret=b"test").lookup(request, now_s=world.now_s)
        decision = world.cache.lookup(request, now_s=world.now_s)
        assert type(decision) is type(plain)
        if isinstance(decision, Serve) and isinstance(plain, Serve):
            assert replace(decision, content=None, refresh=None) == replace(plain, content=None, refresh=None)
            assert read(decision) == read(plain)
        else:
            world.go_on(request, decision, [Reply(etag='"1"', **reply)])


def test_the_fast_path_is_taken() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control="max-age=60"))
    request = Request("GET", "http://web/", headers=headers([("Accept", "*/*")]))
    first, second = (world.cache.lookup(request, now_s=world.now_s) for _ in range(2))
    assert isinstance(first, Serve) and isinstance(second, Serve)
    assert first.response is second.response and read(first) == read(second) == b"body"
