"""Conditional requests: each row of RFC 9110 §13, and their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.origin.conditions import EntityTag, Unmet, Validators, evaluate, parse_tags
from lan.services.http.protocol import dates
from lan.services.http.protocol.messages import Request, headers

CHANGED_S = 1_000_000_000
AT, BEFORE, AFTER = (dates.build(CHANGED_S + by) for by in (0, -1, 1))
CURRENT = Validators('"v2"', CHANGED_S)
WEAK = Validators('W/"v2"', CHANGED_S)
NO_DATE = Validators('"v2"')
NONE = None

IM, IUS, INM, IMS = "If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since"

CASES: list[tuple[str, dict[str, str], Validators | None, int | None]] = [
    ("GET", {}, CURRENT, None),
    # §13.1.1 If-Match: strong comparison
    ("PUT", {IM: '"v2"'}, CURRENT, None),
    ("PUT", {IM: '"v1", "v2"'}, CURRENT, None),
    ("PUT", {IM: '"v1"'}, CURRENT, 412),
    ("GET", {IM: '"v1"'}, CURRENT, 412),
    ("PUT", {IM: 'W/"v2"'}, CURRENT, 412),
    ("PUT", {IM: '"v2"'}, WEAK, 412),
    ("PUT", {IM: "*"}, CURRENT, None),
    ("PUT", {IM: "*"}, NONE, 412),
    ("PUT", {IM: '"v2"'}, NONE, 412),
    ("PUT", {IM: "v2"}, CURRENT, 412),  # no tag, so it names no version
    # §13.1.4 If-Unmodified-Since
    ("PUT", {IUS: AT}, CURRENT, None),
    ("PUT", {IUS: BEFORE}, CURRENT, 412),
    ("GET", {IUS: BEFORE}, CURRENT, 412),
    ("PUT", {IUS: "yesterday"}, CURRENT, None),
    ("PUT", {IUS: BEFORE}, NO_DATE, None),
    ("PUT", {IUS: BEFORE}, NONE, None),
    ("PUT", {IM: '"v2"', IUS: BEFORE}, CURRENT, None),  # If-Match is the stronger one
    # §13.1.2 If-None-Match: weak comparison
    ("GET", {INM: '"v2"'}, CURRENT, 304),
    ("HEAD", {INM: 'W/"v2"'}, CURRENT, 304),
    ("GET", {INM: '"v2"'}, WEAK, 304),
    ("GET", {INM: "*"}, CURRENT, 304),
    ("GET", {INM: "*"}, NONE, None),
    ("GET", {INM: '"v1"'}, CURRENT, None),
    ("PUT", {INM: "*"}, CURRENT, 412),
    ("PUT", {INM: "*"}, NONE, None),
    ("DELETE", {INM: '"v2"'}, CURRENT, 412),
    ("GET", {INM: "v2"}, CURRENT, None),
    # §13.1.3 If-Modified-Since
    ("GET", {IMS: AT}, CURRENT, 304),
    ("GET", {IMS: AFTER}, CURRENT, 304),
    ("GET", {IMS: BEFORE}, CURRENT, None),
    ("GET", {IMS: "soon"}, CURRENT, None),
    ("GET", {IMS: f"{AT}, {AT}"}, CURRENT, None),
    ("GET", {IMS: AT}, NO_DATE, None),
    ("PUT", {IMS: AT}, CURRENT, None),
    ("GET", {INM: '"v1"', IMS: AT}, CURRENT, None),  # the tag decides
    # §13.2.2 the order, and §13.2.1 the methods that select nothing
    ("GET", {IM: '"v1"', INM: '"v2"'}, CURRENT, 412),
    ("GET", {IM: '"v2"', INM: '"v2"'}, CURRENT, 304),
    ("GET", {IUS: AT, INM: '"v2"'}, CURRENT, 304),
    ("GET", {IUS: BEFORE, IMS: AT}, CURRENT, 412),
    ("OPTIONS", {IM: '"v1"'}, CURRENT, None),
    ("TRACE", {INM: "*"}, CURRENT, None),
    ("CONNECT", {IM: '"v1"'}, CURRENT, None),
]


@pytest.mark.parametrize(("method", "fields", "current", "status"), CASES)
def test_a_condition_holds_or_fails(
    method: str, fields: dict[str, str], current: Validators | None, status: int | None
) -> None:
    unmet = evaluate(Request(method, "/", headers=headers(fields.items())), current, now_s=CHANGED_S + 9)
    assert (unmet.status if unmet else None) == status
    assert unmet is None or unmet.why.source.startswith("RFC 9110 §13.1.")


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ('"a"', (EntityTag('"a"'),)),
        ('W/"a" , "b"', (EntityTag('"a"', True), EntityTag('"b"'))),
        (',, "a",', (EntityTag('"a"'),)),
        ('"a,b", ""', (EntityTag('"a,b"'), EntityTag('""'))),
        ('"a" "b"', None),
        ('w/"a"', None),
        ('"a', None),
        ('"a b"', None),
        ("", None),
    ],
)
def test_entity_tags_are_read_as_a_list(text: str, tags: tuple[EntityTag, ...] | None) -> None:
    assert parse_tags(text) == tags


ETAGC = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters='"\x7f'), max_size=8)
TAGS = st.builds(lambda opaque, is_weak: EntityTag(f'"{opaque}"', is_weak), ETAGC, st.booleans())


@given(st.lists(TAGS, min_size=1, max_size=5))
def test_any_list_of_tags_is_read_back(tags: list[EntityTag]) -> None:
    text = " ,".join(("W/" if tag.is_weak else "") + tag.opaque for tag in tags)
    assert parse_tags(text) == tuple(tags)


VALUES = st.sampled_from(['"v2"', 'W/"v2"', "*", '"v1"', AT, BEFORE, "", '"', ","]) | st.text(max_size=12)


@given(
    st.sampled_from(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]),
    st.dictionaries(st.sampled_from([IM, IUS, INM, IMS]), VALUES),
    st.sampled_from([CURRENT, WEAK, NO_DATE, NONE]),
)
def test_any_conditions_have_an_outcome_and_304_is_for_reading(
    method: str, fields: dict[str, str], current: Validators | None
) -> None:
    unmet = evaluate(Request(method, "/", headers=headers(fields.items())), current, now_s=CHANGED_S + 9)
    assert unmet is None or isinstance(unmet, Unmet)
    assert unmet is None or unmet.status == 412 or method in ("GET", "HEAD")
