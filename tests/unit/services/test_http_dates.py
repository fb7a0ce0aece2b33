"""HTTP dates: the three forms, and there and back."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.protocol import dates

NOVEMBER_6_1994 = 784111777
NOW_S = 1795824000.0
"""28 November 2026."""
read = partial(dates.parse, now_s=NOW_S)


@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_the_three_forms_of_rfc_9110_mean_the_same_moment(text: str) -> None:
    assert read(text) == NOVEMBER_6_1994


def test_a_leap_second_is_a_date() -> None:
    """RFC 9110 §5.6.7: such as 23:59:60 on 31 December 2016, which POSIX counts as the second after it."""
    assert read("Sat, 31 Dec 2016 23:59:60 GMT") == read("Sun, 01 Jan 2017 00:00:00 GMT")
    assert read("Saturday, 31-Dec-16 23:59:60 GMT") == 1483228800
    assert read("Sat, 31 Dec 2016 23:59:61 GMT") is None


def test_a_built_date_is_an_imf_fixdate() -> None:
    assert dates.build(NOVEMBER_6_1994 + 0.9) == "Sun, 06 Nov 1994 08:49:37 GMT"


@given(st.integers(0, 253402300799))
def test_a_date_comes_back(moment_s: int) -> None:
    assert read(dates.build(moment_s)) == moment_s


@given(st.text(max_size=40))
def test_no_text_crashes_the_parser(text: str) -> None:
    read(text)


@pytest.mark.parametrize("text", ["", "yesterday", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("Saturday, 28-Nov-76 00:00:00 GMT", "Sat, 28 Nov 2076 00:00:00 GMT"),  # 50 years, to the second
        ("Sunday, 28-Nov-76 00:00:01 GMT", "Sun, 28 Nov 1976 00:00:01 GMT"),
        ("Friday, 31-Dec-76 23:59:60 GMT", "Sat, 01 Jan 1977 00:00:00 GMT"),
        ("Thursday, 01-Jan-70 00:00:00 GMT", "Wed, 01 Jan 2070 00:00:00 GMT"),
        ("Saturday, 01-Jan-77 00:00:00 GMT", "Sat, 01 Jan 1977 00:00:00 GMT"),
        ("Saturday, 28-Nov-26 00:00:01 GMT", "Sat, 28 Nov 2026 00:00:01 GMT"),
        ("Friday, 31-Dec-99 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:59 GMT"),
        ("Saturday, 01-Jan-00 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"),
    ],
)
def test_a_year_of_two_digits_is_the_latest_that_is_no_more_than_50_years_ahead(text: str, full: str) -> None:
    assert read(text) == read(full) is not None


def test_the_century_moves_on() -> None:
    text, in_2099_s = "Thursday, 01-Jan-01 00:00:00 GMT", 4_090_000_000.0
    assert read(text) == 978307200
    assert dates.parse(text, now_s=in_2099_s) == 4_133_980_800
    assert read("Sun, 06 Nov 0094 08:49:37 GMT") != NOVEMBER_6_1994  # four digits are a whole year


@given(st.integers(0, 4_000_000_000), st.integers(-49, 50))
def test_a_date_of_the_last_and_the_next_50_years_comes_back(now_s: int, years: int) -> None:
    moment_s = now_s + years * 31_556_952 - (years > 0) * 86_400
    _day, date, month, year, clock, zone = dates.build(max(moment_s, 0)).split()
    assert dates.parse(f"Someday, {date}-{month}-{year[2:]} {clock} {zone}", now_s=now_s) == max(moment_s, 0)
