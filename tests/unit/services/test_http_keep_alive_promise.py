"""What a server promises by `Keep-Alive`, and when it has kept its word.  The book, 4.5.4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.errors import UsageError
from lan.services.http.origin import settings
from lan.services.http.protocol.keep_alive import KeepAlive, exhausted, parse, promise
from lan.services.http.protocol.messages import Request, Response, headers

GET = Request("GET", "/")
OK = Response(200, headers=headers([("Content-Length", "2")]))


def test_a_promise_counts_down_and_then_the_connection_closes() -> None:
    setting = KeepAlive(120, 3)
    said = [promise(OK, GET, setting, answered).headers.get("Keep-Alive") for answered in (0, 1)]
    assert said == ["timeout=120, max=2", "timeout=120, max=1"]
    assert [exhausted(setting, answered) is None for answered in (0, 1, 2)] == [True, True, False]
    assert promise(OK, GET, setting, 0).headers.get("Connection") == "keep-alive"


def test_without_a_bound_there_is_no_last_one() -> None:
    assert exhausted(KeepAlive(5, None), 10**6) is None
    assert exhausted(None, 10**6) is None
    assert promise(OK, GET, KeepAlive(5, None), 7).headers.get("Keep-Alive") == "timeout=5"


@pytest.mark.parametrize(
    ("request_", "response", "complete"),
    [
        (Request("GET", "/", headers=headers([("Connection", "close")])), OK, True),
        (Request("GET", "/", version=(1, 0)), OK, True),
        (Request("GET", "/", version=(1, 0), headers=headers([("Connection", "keep-alive")])), Response(200), True),
        (GET, OK.with_field("Connection", "close"), True),
        (GET, OK, False),
    ],
)
def test_nothing_is_promised_of_a_connection_that_closes(request_: Request, response: Response, complete: bool) -> None:
    assert promise(response, request_, KeepAlive(5, 9), 0, request_complete=complete) == response


@given(st.integers(1, 999), st.integers(0, 1000))
def test_what_is_promised_is_never_exhausted(most: int, answered: int) -> None:
    setting = KeepAlive(None, most)
    if exhausted(setting, answered) is not None:
        assert promise(OK, GET, setting, answered) == OK
    else:
        left = parse(promise(OK, GET, setting, answered).headers).max_messages
        assert left == most - answered - 1
        assert left >= 1


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("timeout=5, max=100", KeepAlive(5, 100)),
        ("max=100,timeout=5", KeepAlive(5, 100)),
        ("max=1", KeepAlive(None, 1)),
        ("timeout=5", KeepAlive(5, None)),
    ],
)
def test_the_setting_is_what_the_field_says(text: str, setting: KeepAlive) -> None:
    assert settings.read(settings.parser().parse_args(["--keep-alive", text])).keep_alive == setting


@pytest.mark.parametrize(
    "text", ["", "5", "timeout", "max=0", "timeout=0,max=1", "max=-1", "max=1,max=2", "min=1", "max=x"]
)
def test_another_setting_is_no_promise(text: str) -> None:
    with pytest.raises(UsageError, match="no such promise"):
        settings.read(settings.parser().parse_args(["--keep-alive", text]))
