"""How long a stored response is fresh, and how old it is.  RFC 9111 §4.2, §5.1, §5.3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.cache import freshness
from lan.services.http.cache.entry import Entry, read_age, read_date
from lan.services.http.cache.settings import Settings
from lan.services.http.protocol.messages import Response, headers

from .world import NOW_S, Reply, World, date, fields_of

DAY_S = 86_400
SHARED, PRIVATE = Settings(), Settings(is_shared=False)


def entry(status: int = 200, *, delay_s: float = 0.0, **fields: str | list[str] | None) -> Entry:
    words = {"date": date(), **fields}
    response = Response(status, headers=headers(fields_of(words)))
    return Entry(1, "GET http://web/", (), response, 0, NOW_S - delay_s, NOW_S)


def seconds(settings: Settings = SHARED, status: int = 200, **fields: str | list[str] | None) -> float:
    return freshness.lifetime(entry(status, **fields), settings).seconds


def test_the_first_rule_that_applies_decides() -> None:
    every = {"cache_control": "max-age=20, s-maxage=10", "expires": date(30), "last_modified": date(-1000)}
    assert seconds(**every) == 10
    assert seconds(PRIVATE, **every) == 20
    assert seconds(**every | {"cache_control": "max-age=20"}) == 20
    assert seconds(**every | {"cache_control": None}) == 30
    assert seconds(last_modified=date(-1000)) == 100
    assert seconds() == 0


def test_max_age_and_s_maxage_make_expires_meaningless() -> None:
    assert seconds(cache_control="max-age=5", expires=date(500)) == 5
    assert seconds(cache_control="max-age=5", expires="0") == 5
    assert seconds(cache_control="s-maxage=5", expires=date(500)) == 5
    assert seconds(PRIVATE, cache_control="s-maxage=5", expires=date(500)) == 500


def test_expires_counts_from_date_and_from_the_arrival_where_there_is_none() -> None:
    assert seconds(date=date(-100), expires=date(50)) == 150
    assert seconds(date=None, expires=date(50)) == 50


@pytest.mark.parametrize("text", ["0", "-1", "", "never", "Thu, 99 Foo 2070 00:00:00 GMT"])
def test_an_expires_that_is_no_date_means_already_expired(text: str) -> None:
    assert seconds(expires=text, last_modified=date(-DAY_S)) == 0


def test_a_zone_other_than_gmt_makes_an_expires_invalid() -> None:
    for zone in ("UTC", "EST", "+0000"):
        assert seconds(expires=date(60).replace("GMT", zone)) == 0


def test_dates_are_read_in_any_case() -> None:
    for text in (date(60).lower(), date(60).upper()):
        assert seconds(expires=text) == 60


def test_several_expires_make_the_response_stale() -> None:
    assert seconds(expires=[date(60), date(90)]) == 0


def test_the_local_zone_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for zone in ("America/New_York", "Asia/Seoul"):
        monkeypatch.setenv("TZ", zone)
        assert seconds(expires=date(60)) == 60


@pytest.mark.parametrize("text", ["max-age=x", "max-age", "max-age=", "max-age=-5", "max-age=5.5", "max-age = 5"])
def test_a_max_age_that_is_no_number_makes_the_response_stale(text: str) -> None:
    assert seconds(cache_control=text, expires=date(60)) == 0


def test_of_several_max_ages_the_shortest_counts() -> None:
    assert seconds(cache_control="max-age=60, max-age=5") == 5
    assert seconds(cache_control=["max-age=5", "max-age=60"]) == 5
    assert seconds(cache_control="max-age=60, max-age=x") == 0


def test_both_forms_of_an_argument_are_read() -> None:
    assert seconds(cache_control='max-age="7"') == seconds(cache_control="MAX-AGE=7") == 7


def test_a_huge_max_age_counts_as_long() -> None:
    assert seconds(cache_control=f"max-age={'9' * 5000}") == 2**31 - 1


def test_a_guess_is_a_tenth_of_the_time_since_the_last_change_and_has_a_ceiling() -> None:
    assert seconds(last_modified=date(-1000)) == 100
    assert seconds(last_modified=date(-100 * DAY_S)) == DAY_S
    assert seconds(Settings(heuristic_most_s=50), last_modified=date(-1000)) == 50
    assert seconds(last_modified=date(1000)) == 0


def test_no_guess_beside_an_explicit_lifetime() -> None:
    for fields in ({"cache_control": "max-age=0"}, {"expires": date(-1)}, {"cache_control": "s-maxage=0"}):
        assert seconds(last_modified=date(-DAY_S), **fields) == 0


def test_a_guess_only_for_statuses_that_allow_it_or_with_public() -> None:
    assert seconds(status=404, last_modified=date(-1000)) == 100
    assert seconds(status=302, last_modified=date(-1000)) == 0
    assert seconds(status=302, last_modified=date(-1000), cache_control="public") == 100


def test_the_age_is_what_clocks_or_caches_say_whichever_is_more() -> None:
    assert entry(age="30").initial_age_s == 30
    assert entry(date=date(-40), age="30").initial_age_s == 40
    assert entry(age="30", delay_s=5).initial_age_s == 35
    assert entry(date=date(40)).initial_age_s == 0
    assert entry(age="30").current_age_s(NOW_S + 7) == 37


@pytest.mark.parametrize(
    ("text", "age_s"),
    [("5", 5), ("5, 9", 5), (None, 0), ("", 0), ("-1", 0), ("1.5", 0), ("x", 0), ("x, 5", 0), ("9" * 30, 2**31 - 1)],
)
def test_of_an_age_the_first_member_counts_and_what_is_no_number_is_ignored(text: str | None, age_s: int) -> None:
    assert read_age(text) == age_s


def test_an_answer_from_the_store_tells_its_age_in_place_of_the_one_it_came_with() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control="max-age=100", age="10", delay_s=2))
    world.passes(5.9)
    assert world.ask()["Age"] == "17"


def test_a_response_is_fresh_until_its_age_reaches_its_lifetime() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control="max-age=10", etag='"1"'))
    world.passes(9.99)
    assert world.ask().source == "store"
    world.passes(0.01)
    assert world.ask("http://web/", Reply(304, etag='"1"')).sent


def test_without_a_clock_to_trust_every_use_is_validated() -> None:
    world = World()
    world.ask("http://web/", Reply(cache_control="max-age=1000", etag='"1"'))
    world.passes(-1)
    got = world.ask("http://web/", Reply(304, etag='"1"', date=date()))
    assert got.sent and got.body == b"body"


@given(st.text() | st.text("0123456789, -"))
def test_no_age_and_no_date_breaks_a_reader(text: str) -> None:
    assert 0 <= read_age(text) < 2**31
    read_date(text, now_s=1e9)
