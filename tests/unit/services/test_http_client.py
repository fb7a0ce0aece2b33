"""URLs, requests and phases: what a client thinks before and after its socket works."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.errors import RunError, UsageError
from lan.reasons import Reason
from lan.services.http.fetching import client
from lan.services.http.fetching.client import Connection, Exchange, Phase, Times
from lan.services.http.fetching.line import Line, SocketOptions
from lan.services.http.fetching.proxies import Route
from lan.services.http.protocol import messages, url
from lan.services.http.protocol.connection import Client, Closed, Event, Fault

URLS = {
    "www.ark-inflearn.com": "http://www.ark-inflearn.com/",
    "http://WWW.Ark-Inflearn.com:80": "http://www.ark-inflearn.com/",
    "https://192.168.100.253:443/a?b#c": "https://192.168.100.253/a?b",
    "http://[::1]:8080/": "http://[::1]:8080/",
    "https://web/한 글": "https://web/%ED%95%9C%20%EA%B8%80",
    "http://한국.kr/": "http://xn--3e0b707e.kr/",
    "web:8080/x": "http://web:8080/x",
}


@pytest.mark.parametrize("text", URLS)
def test_a_url_is_read_as_people_type_it(text: str) -> None:
    assert str(url.parse(text)) == URLS[text]


@pytest.mark.parametrize("text", ["http://[fe80::1%eth0]:8080/a", "[fe80::1%25eth0]:8080/a"])
def test_the_zone_of_an_address_stays_with_the_client(text: str) -> None:
    """RFC 6874 §4: it means something on this machine alone, and no server would take it in Host."""
    where = url.join(url.parse(text), "a")
    assert (where.host, where.authority, str(where)) == (
        "fe80::1%eth0", "[fe80::1]:8080", "http://[fe80::1%eth0]:8080/a",
    )  # fmt: skip
    assert client.request_for(where).headers.get("Host") == "[fe80::1]:8080"
    assert url.parse("http://a%b/").authority == "a%b"  # a name, though an odd one


def test_a_zone_that_this_machine_has_not_is_said_in_words() -> None:
    route = Route("fe80::1%nowhere", 80)
    line = Line(route, Connection(1, str(route), Reason("a test", "a connection"), Times(0)), SocketOptions())
    line.addresses.append(route.host)
    with pytest.raises(RunError, match="connecting"):
        line.dial()
    assert line.sock is None


@pytest.mark.parametrize("reference", ["https:80/x", "https:web", "https:/x", "https:"])
def test_a_reference_of_another_scheme_without_a_host_names_none(reference: str) -> None:
    with pytest.raises(UsageError):
        url.join(url.parse("http://web/a"), reference)


@pytest.mark.parametrize(
    "text", ["ftp://x/", "http://", "http://a:99999/", "http://a:b/", "http://u:p@a/", "http://[::1/", ""]
)
def test_what_is_no_url_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        url.parse(text)


@given(st.text(max_size=30))
def test_any_text_is_a_url_that_can_be_asked_for_or_a_usage_error(text: str) -> None:
    try:
        where = url.parse(text)
    except UsageError:
        return
    messages.build(client.request_for(where))


def test_the_request_is_the_seed_s() -> None:
    request = client.request_for(url.parse("http://www.ark-inflearn.com/"))
    assert messages.build(request) == (
        b"GET / HTTP/1.1\r\nHost: www.ark-inflearn.com\r\nUser-Agent: lan-fetch\r\nAccept: */*\r\n"
        b"Connection: close\r\n\r\n"
    )


def test_phases_add_up_and_one_that_did_not_happen_is_absent() -> None:
    times = Times(10.0)
    for phase, at_s in ((Phase.CONNECT, 10.001), (Phase.SEND, 10.0015), (Phase.WAIT, 10.0035), (Phase.RECEIVE, 10.004)):
        times.end(phase, at_s)
    assert times.as_json() == {"connect": 1.0, "send": 0.5, "wait": 2.0, "receive": 0.5, "total": 4.0}


def taken(*pieces: bytes) -> tuple[Exchange, bytes, list[Event]]:
    """A GET whose response comes in these pieces: what the exchange learned, its body, the last events."""
    made, engine, body = Exchange(1, url.parse("web")), Client(), b""
    engine.send(client.request_for(made.url))
    events: list[Event] = []
    for piece in pieces:
        events = engine.receive(piece)
        body += b"".join(map(made.learn, events))
    return made, body, events


def test_an_exchange_learns_its_body_and_when_it_is_whole() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"
    made, body, _ = taken(head)
    assert (body, made.is_complete) == (b"hel", False)
    made, body, _ = taken(head, b"lo")
    assert (body, made.body_bytes, made.is_complete, made.is_ok) == (b"hello", 5, True, True)


def test_an_interim_response_is_not_the_answer() -> None:
    made, _, _ = taken(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    assert made.response is not None
    assert (made.response.status, made.is_complete, made.is_ok) == (404, True, False)


@pytest.mark.parametrize(
    ("pieces", "what"),
    [
        ([b""], "the server closed the connection without an answer"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", b""], "the response is cut short: "),
        ([b"SSH-2.0-OpenSSH_9.2\r\n\r\n"], "the answer is no HTTP: "),
    ],
)
def test_a_broken_answer_is_said_in_words(pieces: list[bytes], what: str) -> None:
    made, _, events = taken(*pieces)
    last = events[-1]
    assert isinstance(last, Closed | Fault)
    assert client.ending(last, made.response).text.startswith(what)


def test_the_engine_knows_when_the_next_response_has_begun() -> None:
    engine, answer = Client(), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    for _ in range(2):
        engine.send(client.request_for(url.parse("web"), connection=None))
    assert not engine.has_begun
    engine.receive(answer)
    assert not engine.has_begun
    for byte in answer[:-1]:
        engine.receive(bytes([byte]))
        assert engine.has_begun
    engine.receive(answer[-1:])
    assert not engine.has_begun
