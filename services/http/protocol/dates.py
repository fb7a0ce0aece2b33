"""Dates in HTTP messages.  RFC 9110 §5.6.7.

Pure: seconds since 1970 (UTC) ↔ text.  Built is IMF-fixdate alone; parsed are the obsolete forms too.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_MONTH = r"(?P<month>" + "|".join(_MONTHS) + ")"
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_FORMS = (
    re.compile(rf"[A-Z][a-z][a-z], (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_CLOCK} GMT"),  # IMF-fixdate
    re.compile(rf"[A-Z][a-z]+day, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_CLOCK} GMT"),  # RFC 850
    re.compile(rf"[A-Z][a-z][a-z] {_MONTH} (?P<day>[ \d]\d) {_CLOCK} (?P<year>\d{{4}})"),  # asctime
)


def build(moment_s: float) -> str:
    """``Sun, 06 Nov 1994 08:49:37 GMT`` for seconds since 1970."""
    return _built(int(moment_s))


@lru_cache(256)  # a server says the same second in all its answers
def _built(second: int) -> str:
    date = datetime.fromtimestamp(second, UTC)
    clock = f"{date.hour:02}:{date.minute:02}:{date.second:02}"
    return f"{_DAYS[date.weekday()]}, {date.day:02} {_MONTHS[date.month - 1]} {date.year:04} {clock} GMT"


def parse(text: str, *, now_s: float) -> int | None:
    """Seconds since 1970 of a date in any of the three forms; None for what is no date.

    `now_s` tells which century a year of two digits is in, so any moment of our days will do.
    """
    text = text.strip(" \t")
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _seconds(found, now_s)
    return None


def _seconds(found: re.Match[str], now_s: float) -> int | None:
    year = int(found["year"])
    month, day = _MONTHS.index(found["month"]) + 1, int(found["day"])
    second = int(found["second"])
    leap = int(second == 60)  # POSIX has no such second: it is the one after
    clock = (int(found["hour"]), int(found["minute"]), second - leap)
    if len(found["year"]) == 2:
        year = _whole_year(year, (month, day, *clock), datetime.fromtimestamp(now_s, UTC))
    try:
        return int(datetime(year, month, day, *clock, tzinfo=UTC).timestamp()) + leap
    except ValueError:
        return None


def _whole_year(digits: int, rest: tuple[int, ...], now: datetime) -> int:
    """The year that ends in these two digits: the latest whose date, `rest` (month to second) with it, is no more
    than 50 years in the future."""
    year = now.year + 50
    year -= (year - digits) % 100
    is_later = year == now.year + 50 and rest > now.timetuple()[1:6]
    return year - 100 if is_later else year
