"""The directives of `Cache-Control`, as they should be and as they are.  RFC 9111 §5.2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.cache import cache_control
from lan.services.http.cache.cache_control import MOST_S, Directive, parse


def test_directives_are_read_in_their_order_and_without_case() -> None:
    found = parse('Max-Age=5, PUBLIC ,\tx="a, \\"b", no-cache="Set-Cookie"')
    assert found.items == (
        Directive("max-age", "5"),
        Directive("public"),
        Directive("x", 'a, "b'),
        Directive("no-cache", "Set-Cookie"),
    )


def test_no_field_has_no_directives() -> None:
    for text in (None, "", " , ,"):
        assert parse(text).items == ()


@pytest.mark.parametrize(
    "text",
    [
        "no-store",
        "no-store=1",
        'no-store=""',
        "no-store;x",
        "no-store x",
        "x y, no-store",
        'x="a, no-store',
        "=no-store",
    ],
)
def test_what_restricts_counts_however_it_is_written(text: str) -> None:
    assert parse(text).restricts("no-store")


@pytest.mark.parametrize("text", ["public=1", 'public=""', "public;x", "public x", "xpublic", 'x="public"'])
def test_what_permits_counts_only_as_it_is_defined(text: str) -> None:
    assert not parse(text).permits("public")
    assert parse("x, public").permits("public")


def test_a_name_within_a_quoted_argument_is_no_directive() -> None:
    assert not parse('x="no-store, private"').restricts("no-store")


def test_an_unknown_directive_changes_nothing() -> None:
    known, both = parse("max-age=5"), parse('community="UCI", max-age=5, foo')
    for name in ("no-store", "private", "no-cache", "must-revalidate"):
        assert both.restricts(name) is known.restricts(name) is False
    assert both.age_s("max-age") == 5


@pytest.mark.parametrize(
    ("text", "age_s"),
    [
        ("max-age=5", 5),
        ('max-age="5"', 5),
        ("max-age=005", 5),
        ("max-age=5, max-age=3", 3),
        ("max-age=5, max-age=x", 0),
        ("max-age", 0),
        ("max-age=", 0),
        ("max-age =5", 0),
        ("max-age= 5", 0),
        ("max-age=-5", 0),
        ("max-age=5s", 0),
        ("max-age=٥", 0),
        (f"max-age={2**31}", MOST_S),
        ("x-max-age=5", None),
        ("", None),
    ],
)
def test_an_age_is_the_shortest_and_none_that_can_not_be_read(text: str, age_s: int | None) -> None:
    assert parse(text).age_s("max-age") == age_s


def test_a_grace_that_can_not_be_read_is_none() -> None:
    assert parse("stale-if-error=9, stale-if-error=7").grace_s("stale-if-error") == 7
    for text in ("stale-if-error", "stale-if-error=x", "stale-if-error=9, stale-if-error=x", ""):
        assert parse(text).grace_s("stale-if-error") is None


def test_max_stale_with_and_without_a_number() -> None:
    assert parse("max-stale").max_stale_s() == MOST_S
    assert parse("max-stale=5").max_stale_s() == 5
    assert parse("max-stale, max-stale=5").max_stale_s() is None
    assert parse("max-stale=x").max_stale_s() is None
    assert parse("").max_stale_s() is None


def test_min_fresh_that_can_not_be_read_asks_for_ever() -> None:
    assert parse("min-fresh=5").wants_fresh_for_s() == 5
    assert parse("min-fresh=5, min-fresh=9").wants_fresh_for_s() == 9
    assert parse("min-fresh=x").wants_fresh_for_s() == MOST_S
    assert parse("").wants_fresh_for_s() is None


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", None),
        ("no-cache", set()),
        ('no-cache=""', set()),
        ('no-cache="Set-Cookie"', {"set-cookie"}),
        ("no-cache=Set-Cookie", {"set-cookie"}),
        ('no-cache="a, ,B"', {"a", "b"}),
        ('no-cache="a", no-cache="b"', {"a", "b"}),
        ('no-cache="a", no-cache', set()),
        ('no-cache="a b"', set()),
        ('no-cache="a', set()),
    ],
)
def test_the_fields_of_a_qualified_directive(text: str, fields: set[str] | None) -> None:
    assert parse(text).fields_of("no-cache") == fields


def test_after_a_quoted_string_without_end_nothing_permits_and_everything_restricts() -> None:
    found = parse('a="no end, public, max-age=60, no-store, b="c"')
    assert not found.permits("public") and found.restricts("no-store")
    assert parse('a="\\", public, max-age=60').age_s("max-age") == 0
    assert parse('a="b" c, max-age=60').age_s("max-age") == 0


def test_a_long_field_is_read_in_one_pass() -> None:
    """Each quote that might begin a string is looked at once: 60 000 of them, in the time of the test."""
    assert not parse('a="\\' * 60_000).permits("public")
    assert not parse('"' * 60_000 + "," * 60_000).items


TEXTS = st.text() | st.text('max-age=no-store"\\, \t0159;')


@given(TEXTS)
def test_no_text_breaks_the_parser(text: str) -> None:
    found = parse(text)
    for name in ("max-age", "no-cache"):
        found.age_s(name), found.grace_s(name), found.fields_of(name)
    found.max_stale_s(), found.wants_fresh_for_s()


TOKENS = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1)
ARGUMENTS = st.none() | TOKENS | st.text(st.characters(codec="ascii", min_codepoint=32))


def written(name: str, argument: str | None) -> str:
    if argument is None:
        return name
    quoted = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{quoted}"'


@given(st.lists(st.tuples(TOKENS, ARGUMENTS)))
def test_what_is_written_by_the_grammar_is_read_back(directives: list[tuple[str, str | None]]) -> None:
    text = ", ".join(written(name, argument) for name, argument in directives)
    assert parse(text).items == tuple(Directive(name.lower(), argument) for name, argument in directives)
    assert all(item.is_valid for item in cache_control.parse(text).items)


@given(TEXTS)
def test_a_restriction_after_any_text_and_a_comma_is_seen(text: str) -> None:
    """Unless the text opens a quoted string that the restriction closes, as no text without quotes does."""
    assert parse(f"{text.replace(chr(34), '')}, no-store").restricts("no-store")
