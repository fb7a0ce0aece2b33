"""HTTP dates: the three forms, and there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.protocol import dates

NOVEMBER_6_1994 = 784111777


@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_the_three_forms_of_rfc_9110_mean_the_same_moment(text: str) -> None:
    assert dates.parse(text) == NOVEMBER_6_1994


def test_a_leap_second_is_a_date() -> None:
    """RFC 9110 §5.6.7: such as 23:59:60 on 31 December 2016, which POSIX counts as the second after it."""
    assert dates.parse("Sat, 31 Dec 2016 23:59:60 GMT") == dates.parse("Sun, 01 Jan 2017 00:00:00 GMT")
    assert dates.parse("Saturday, 31-Dec-16 23:59:60 GMT") == 1483228800
    assert dates.parse("Sat, 31 Dec 2016 23:59:61 GMT") is None


def test_a_built_date_is_an_imf_fixdate() -> None:
    assert dates.build(NOVEMBER_6_1994 + 0.9) == "Sun, 06 Nov 1994 08:49:37 GMT"


@given(st.integers(0, 253402300799))
def test_a_date_comes_back(moment_s: int) -> None:
    assert dates.parse(dates.build(moment_s)) == moment_s


@given(st.text(max_size=40))
def test_no_text_crashes_the_parser(text: str) -> None:
    dates.parse(text)


@pytest.mark.parametrize("text", ["", "yesterday", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert dates.parse(text) is None
