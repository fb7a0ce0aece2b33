"""Who keeps a connection open, and who closes it: the tables of cases."""

import pytest

from lan.reasons import Reason
from lan.services.http.protocol.messages import HTTP_1_0, HTTP_1_1, Request, Response, Version, headers
from lan.services.http.protocol.persistence import Side, closing, connection_option, persistence


def request(version: Version, connection: str | None) -> Request:
    return Request("GET", "/", version=version, headers=headers([("Connection", connection)] if connection else []))


def response(version: Version, connection: str | None) -> Response:
    return Response(200, version=version, headers=headers([("Connection", connection)] if connection else []))


AS_SERVER = [
    # version  client says      we say       keep   by which rule
    (HTTP_1_1, None, None, True, "HTTP/1.1 persists"),
    (HTTP_1_1, "keep-alive", None, True, "HTTP/1.1 persists"),
    (HTTP_1_1, "close", None, False, "the peer said Connection: close"),
    (HTTP_1_1, "CLOSE", None, False, "the peer said Connection: close"),
    (HTTP_1_1, "keep-alive, close", None, False, "the peer said Connection: close"),
    (HTTP_1_1, "closed", None, True, "HTTP/1.1 persists"),
    (HTTP_1_1, None, "close", False, "we said Connection: close"),
    (HTTP_1_0, None, None, False, "HTTP/1.0 without"),
    (HTTP_1_0, "Keep-Alive", None, True, "HTTP/1.0 with Connection: keep-alive"),
    (HTTP_1_0, "Keep-Alive", "close", False, "we said Connection: close"),
    (HTTP_1_0, "close", None, False, "the peer said Connection: close"),
    ((1, 2), None, None, True, "HTTP/1.1 persists"),
]


@pytest.mark.parametrize(("version", "theirs", "ours", "keep", "rule"), AS_SERVER)
def test_a_server_keeps_or_closes(
    version: Version, theirs: str | None, ours: str | None, keep: bool, rule: str
) -> None:
    decision = persistence(request(version, theirs), response(HTTP_1_1, ours))
    assert decision.keep is keep
    assert decision.why.text.startswith(rule)


AS_CLIENT = [
    # version, server says, we spoke, we said, keep
    (HTTP_1_1, None, HTTP_1_1, None, True),
    (HTTP_1_1, None, HTTP_1_1, "close", False),
    (HTTP_1_1, "close", HTTP_1_1, None, False),
    (HTTP_1_0, None, HTTP_1_1, None, False),
    (HTTP_1_0, "keep-alive", HTTP_1_1, None, True),
    (HTTP_1_1, None, HTTP_1_0, None, False),
    (HTTP_1_1, "keep-alive", HTTP_1_0, "keep-alive", True),
]


@pytest.mark.parametrize(("version", "theirs", "spoken", "ours", "keep"), AS_CLIENT)
def test_a_client_keeps_or_closes(
    version: Version, theirs: str | None, spoken: Version, ours: str | None, keep: bool
) -> None:
    assert persistence(response(version, theirs), request(spoken, ours)).keep is keep


def test_what_can_not_be_told_apart_closes_whatever_was_said() -> None:
    wish = request(HTTP_1_1, "keep-alive")
    assert "not read" in persistence(wish, request_complete=False).why.text
    assert "where the response ends" in persistence(wish, response_delimited=False).why.text


def test_an_unwilling_server_closes_for_its_own_reason() -> None:
    why = Reason("book 4.5.4", "five exchanges are enough")
    assert persistence(request(HTTP_1_1, None), unwilling=why).why == why


@pytest.mark.parametrize(
    ("version", "theirs", "option"),
    [
        (HTTP_1_1, None, None),
        (HTTP_1_1, "close", "close"),
        (HTTP_1_0, "keep-alive", "keep-alive"),
        (HTTP_1_0, None, "close"),
    ],
)
def test_a_server_says_what_the_client_can_not_infer(version: Version, theirs: str | None, option: str | None) -> None:
    asked = request(version, theirs)
    assert connection_option(persistence(asked), asked) == option


@pytest.mark.parametrize(
    ("version", "theirs", "setting", "first"),
    [
        (HTTP_1_1, "close", Side.CLIENT, Side.CLIENT),
        (HTTP_1_0, "close", Side.CLIENT, Side.CLIENT),
        (HTTP_1_0, None, Side.CLIENT, Side.SERVER),  # ab waits for the server's FIN
        (HTTP_1_1, None, Side.CLIENT, Side.SERVER),
        (HTTP_1_1, "close", Side.SERVER, Side.SERVER),
    ],
)
def test_the_client_closes_first_only_where_it_said_so(
    version: Version, theirs: str | None, setting: Side, first: Side
) -> None:
    assert closing(request(version, theirs), setting).first is first


def test_what_old_browsers_said_to_a_proxy_asks_to_keep_the_connection() -> None:
    asked = Request("GET", "http://a/", headers=headers([("Proxy-Connection", "Keep-Alive")]), version=HTTP_1_0)
    assert persistence(response(HTTP_1_0, "Keep-Alive"), asked).keep
    assert not persistence(response(HTTP_1_0, None), asked).keep
