"""What a proxy sends on for what it got: requests, responses, and the ones that it answers itself."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.protocol import messages
from lan.services.http.protocol.events import Refused
from lan.services.http.protocol.head import read_request
from lan.services.http.protocol.messages import HTTP_1_0, HTTP_1_1, Request, Response, Version, headers
from lan.services.http.proxy import forwarding
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.forwarding import Content, Here, Mode, Onward, Rules, Trouble

WEB = Destination("http", "web", 80)
FORWARD = Rules("proxy:3128")
GATEWAY = Rules("gate", mode=Mode.GATEWAY, upstream=Destination("http", "10.0.0.2", 8080))
INTERCEPT = Rules("there", mode=Mode.INTERCEPT)
CHILD = Rules("child", parent=Destination("http", "parent", 3128), passes_credentials=True)


def request(line: str, *fields: tuple[str, str]) -> Request:
    method, target, version = line.split()
    return Request(method, target, headers=headers(fields), version=(1, int(version[-1])))


def onward(
    made: Request, rules: Rules = FORWARD, *, known: Version | None = HTTP_1_1, original: Destination | None = None
) -> Onward:
    going = forwarding.onward(made, rules, client="10.0.0.9", known=lambda _: known, original=original)
    assert isinstance(going, Onward), going
    return going


def here(made: Request, rules: Rules = FORWARD) -> Here:
    answer = forwarding.onward(made, rules, client="10.0.0.9", known=lambda _: None)
    assert isinstance(answer, Here), answer
    return answer


def get(*fields: tuple[str, str], version: str = "1") -> Request:
    return request(f"GET http://web/a?b HTTP/1.{version}", ("Host", "web"), *fields)


# ---- where to, and in which form


def test_a_url_becomes_a_path_and_its_host_the_host_field() -> None:
    going = onward(request("GET http://Web:8080?x HTTP/1.1", ("Accept", "*/*"), ("Host", "web:8080")))
    assert going.destination == Destination("http", "web", 8080)
    assert going.request.target == "/?x"
    assert going.request.headers.items[0] == ("Host", "web:8080")


def test_a_url_of_https_is_served_by_a_gateway_over_tls_alone() -> None:
    """To its clients it is the origin server: RFC 9110 §7.4."""
    asked = request("GET https://web/a HTTP/1.1", ("Host", "web"))
    answer = here(asked, GATEWAY)
    assert (answer.status, answer.why.source) == (421, "RFC 9110 §7.4")
    going = onward(asked, replace(GATEWAY, is_secured=True))
    assert (going.destination, going.request.target) == (GATEWAY.upstream, "/a")
    for rules in (GATEWAY, replace(GATEWAY, is_secured=True)):
        assert here(request("GET ftp://web/a HTTP/1.1", ("Host", "web")), rules).status == 421
        assert onward(request("GET HTTP://web/a HTTP/1.1", ("Host", "web")), rules).request.target == "/a"


def test_a_url_of_https_is_asked_for_over_tls_by_a_forward_proxy() -> None:
    going = onward(request("GET https://web/a HTTP/1.1", ("Host", "web")))
    assert (going.destination, going.request.target) == (Destination("https", "web", 443), "/a")
    assert onward(request("GET https://web/a HTTP/1.1", ("Host", "web")), CHILD).request.target == "https://web/a"
    assert here(request("GET ftp://web/a HTTP/1.1", ("Host", "web"))).status == 400


def test_a_parent_gets_the_whole_url() -> None:
    assert onward(get(), CHILD).request.target == "http://web/a?b"


def test_options_of_a_server_ends_as_an_asterisk_at_the_last_proxy_alone() -> None:
    asked = request("OPTIONS http://web HTTP/1.1", ("Host", "web"))
    assert onward(asked).request.target == "*"
    assert onward(asked, CHILD).request.target == "http://web"


def test_a_gateway_asks_its_server_and_leaves_the_host() -> None:
    going = onward(request("GET /a HTTP/1.1", ("Host", "www.lan.test")), GATEWAY)
    assert (going.destination, going.request.target) == (GATEWAY.upstream, "/a")
    assert going.request.headers.get("Host") == "www.lan.test"


def test_a_request_without_host_gets_one() -> None:
    assert onward(request("GET /a HTTP/1.0"), GATEWAY).request.headers.get("Host") == "10.0.0.2:8080"


def test_an_intercepted_request_goes_where_it_was_going_whatever_its_host_says() -> None:
    original = Destination("http", "10.0.0.2", 80)
    going = onward(request("GET /a HTTP/1.1", ("Host", "elsewhere")), INTERCEPT, original=original)
    assert going.destination == original
    assert going.request.headers.get("Host") == "elsewhere"
    assert onward(request("GET /a HTTP/1.1", ("Host", "web")), INTERCEPT).destination == WEB


def test_a_path_is_no_target_for_a_forward_proxy() -> None:
    assert here(request("GET /a HTTP/1.1", ("Host", "web"))).status == 400
    assert here(request("GET ftp://web/ HTTP/1.1", ("Host", "web"))).status == 400


PATHS = st.text("abcXYZ019-._~%!$&'()*+,;=:@/?[]|^{}", max_size=30)


@given(PATHS)
def test_path_and_query_keep_every_byte(rest: str) -> None:
    assert onward(request(f"GET http://web/{rest} HTTP/1.1")).request.target == f"/{rest}"
    assert onward(request(f"GET /{rest} HTTP/1.1", ("Host", "x")), GATEWAY).request.target == f"/{rest}"


# ---- fields


def test_hop_by_hop_fields_end_here_and_via_is_added() -> None:
    going = onward(get(("Connection", "close, X-A"), ("X-A", "1"), ("Keep-Alive", "max=5"), ("Accept", "*/*")))
    assert going.request == Request(
        "GET", "/a?b", headers=headers([("Host", "web"), ("Accept", "*/*"), ("Via", "1.1 proxy:3128")])
    )
    assert "removed" in dict(going.why[0].facts)


@pytest.mark.parametrize("field", ["Host", "Cookie", "Cache-Control", "Authorization", "X-Forwarded-For"])
def test_connection_can_not_strip_what_is_meant_for_all(field: str) -> None:
    refused = here(get(("Connection", field), (field, "web")))
    assert (refused.status, refused.why.source) == (400, "RFC 9110 §7.6.1")


def test_the_version_sent_is_our_own() -> None:
    assert onward(get(version="0")).request.version == HTTP_1_1
    assert onward(get(version="0")).request.headers.get("Via") == "1.0 proxy:3128"


def test_to_a_server_known_to_speak_1_0_that_is_spoken() -> None:
    asked = get(("Expect", "100-continue"), ("Content-Length", "3"), ("TE", "trailers"), ("Connection", "TE"))
    going = onward(asked, known=HTTP_1_0)
    assert going.request.version == HTTP_1_0
    assert going.request.headers.get("Connection") == "Keep-Alive"
    assert going.request.headers.get("Expect") is going.request.headers.get("TE") is None
    assert onward(get(), CHILD, known=HTTP_1_0).request.headers.get("Connection") is None  # RFC 9112 §C.2.2


def test_a_loop_is_seen_by_our_own_name() -> None:
    assert here(get(("Via", "1.1 other, 1.1 Proxy:3128"))).status == 508


@pytest.mark.parametrize(("how", "name", "value"), [
    ("x-forwarded-for", "X-Forwarded-For", "1.2.3.4, 10.0.0.9"),
    ("forwarded", "Forwarded", "for=10.0.0.9"),
])  # fmt: skip
def test_the_client_is_told_to_servers_only_where_that_is_set(how: str, name: str, value: str) -> None:
    asked = get(("X-Forwarded-For", "1.2.3.4"))
    assert onward(asked, Rules("p", tells_client=how)).request.headers.get(name) == value
    assert onward(asked).request.headers.get("X-Forwarded-For") == "1.2.3.4"


def test_trailers_are_asked_for_where_the_client_takes_them() -> None:
    going = onward(get(("TE", "gzip, trailers"), ("Connection", "TE")))
    assert (going.request.headers.get("TE"), going.request.headers.get("Connection")) == ("trailers", "TE")
    assert onward(get(("TE", "trailers"))).request.headers.get("TE") is None


@pytest.mark.parametrize(("offered", "passed"), [
    ("websocket", "websocket"), ("h2c, echo", "echo"), ("h2c", None), ("HTTP/2.0, TLS/1.0", None), ("H2C", None),
])  # fmt: skip
def test_an_upgrade_is_let_through_unless_it_would_hide_requests(offered: str, passed: str | None) -> None:
    going = onward(get(("Upgrade", offered), ("Connection", "upgrade")))
    assert going.request.headers.get("Upgrade") == passed
    assert going.request.headers.get("Connection") == ("Upgrade" if passed else None)


def test_an_upgrade_that_connection_does_not_name_is_none() -> None:
    assert onward(get(("Upgrade", "echo"))).request.headers.get("Upgrade") is None
    assert (
        onward(get(("Upgrade", "echo"), ("Connection", "upgrade"), version="0")).request.headers.get("Upgrade") is None
    )


def test_credentials_for_us_end_here_and_those_for_a_parent_go_on() -> None:
    asked = get(("Proxy-Authorization", "Basic x"))
    assert onward(asked).request.headers.get("Proxy-Authorization") is None
    assert onward(asked, CHILD).request.headers.get("Proxy-Authorization") == "Basic x"


# ---- content


CHUNKED = ("Transfer-Encoding", "chunked")


@pytest.mark.parametrize(("fields", "rules", "known", "content"), [
    ([], FORWARD, None, Content.NONE),
    ([("Content-Length", "0")], FORWARD, None, Content.NONE),
    ([("Content-Length", "5")], FORWARD, None, Content.LENGTH),
    ([CHUNKED], FORWARD, HTTP_1_1, Content.CHUNKED),
    ([CHUNKED], FORWARD, None, Content.HELD),
    ([CHUNKED], FORWARD, HTTP_1_0, Content.HELD),
    ([CHUNKED, ("Expect", "100-continue")], FORWARD, None, Content.CHUNKED),
    ([CHUNKED], GATEWAY, None, Content.CHUNKED),
    ([CHUNKED], GATEWAY, HTTP_1_0, Content.HELD),
])  # fmt: skip
def test_chunks_go_to_servers_of_which_1_1_is_known(
    fields: list[tuple[str, str]], rules: Rules, known: Version | None, content: Content
) -> None:
    target = "http://web/" if rules is FORWARD else "/"
    going = onward(request(f"POST {target} HTTP/1.1", ("Host", "web"), *fields), rules, known=known)
    assert going.content is content
    assert (going.request.headers.get("Transfer-Encoding") == "chunked") is (content is Content.CHUNKED)


# ---- what is answered here


def test_max_forwards_counts_down_and_ends_here() -> None:
    assert (
        onward(request("TRACE http://web/ HTTP/1.1", ("Max-Forwards", "2"))).request.headers.get("Max-Forwards") == "1"
    )
    traced = here(request("TRACE http://web/ HTTP/1.1", ("Host", "web"), ("Max-Forwards", "0")))
    assert (traced.status, traced.fields) == (200, (("Content-Type", "message/http"),))
    assert traced.content == b"TRACE http://web/ HTTP/1.1\r\nHost: web\r\nMax-Forwards: 0\r\n\r\n"
    assert here(request("OPTIONS http://web/ HTTP/1.1", ("Max-Forwards", "0"))).status == 200
    assert here(request("OPTIONS * HTTP/1.1", ("Host", "proxy"))).status == 200


def test_tunnels_go_to_known_ports_alone() -> None:
    going = onward(request("CONNECT web:443 HTTP/1.1", ("Host", "web:443"), ("Proxy-Connection", "x")))
    assert going.is_tunnel and going.destination == Destination("tcp", "web", 443)
    assert going.request.headers.get("Host") == going.request.target == "web:443"
    assert here(request("CONNECT web:22 HTTP/1.1")).status == 403
    assert onward(request("CONNECT web:8443 HTTP/1.1"), Rules("p", connect_ports=frozenset((8443,)))).is_tunnel
    assert here(request("CONNECT web:443 HTTP/1.1", ("Content-Length", "5"))).status == 400
    assert here(request("CONNECT web:443 HTTP/1.1"), GATEWAY).status == 405


# ---- the client's connection


CLIENTS = [
    # version, Connection, Proxy-Connection, rules, kept against the client's wish?, and its options as meant
    ("1", None, None, FORWARD, True, ()),
    ("1", None, "close", FORWARD, True, ("close",)),
    ("0", "keep-alive", None, FORWARD, False, ("keep-alive",)),
    ("0", None, "Keep-Alive", FORWARD, True, ("keep-alive",)),
    ("0", None, "Keep-Alive", Rules("p", proxy_connection=False), False, ()),
    ("0", "keep-alive", None, GATEWAY, True, ("keep-alive",)),
    ("0", None, "Keep-Alive", INTERCEPT, False, ()),
]


@pytest.mark.parametrize(("version", "connection", "proxy_connection", "rules", "willing", "options"), CLIENTS)
def test_a_1_0_client_is_kept_where_it_speaks_to_a_proxy(
    version: str, connection: str | None, proxy_connection: str | None, rules: Rules, willing: bool,
    options: tuple[str, ...],
) -> None:  # fmt: skip
    said = [("Connection", connection), ("Proxy-Connection", proxy_connection)]
    asked = get(*((name, value) for name, value in said if value is not None), version=version)
    assert (forwarding.unwilling(asked, rules) is None) is willing
    assert forwarding.as_meant(asked, rules).connection_options == options


# ---- responses


def downward(response: Response, asked: Request | None = None, rules: Rules = FORWARD) -> Response:
    asked = asked or get()
    down = forwarding.downward(response, asked, onward(asked).request, rules, now_s=0)
    assert not isinstance(down, Here), down
    return down.response


def test_a_response_loses_its_hop_and_gains_date_and_via() -> None:
    answer = Response(200, "Fine", headers=headers([("Connection", "X-A"), ("X-A", "1"), ("Content-Length", "2")]))
    fields = [("Content-Length", "2"), ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"), ("Via", "1.1 proxy:3128")]
    assert downward(answer) == Response(200, "Fine", headers=headers(fields))
    old = Response(200, headers=headers([("Date", "then"), ("Connection", "Keep-Alive")]), version=HTTP_1_0)
    assert downward(old).headers == headers([("Date", "then"), ("Via", "1.0 proxy:3128")])
    assert downward(old).version == HTTP_1_1


def test_trailers_are_announced_where_they_go_on() -> None:
    answer = Response(200, headers=headers([CHUNKED, ("Trailer", "X-Sum")]))
    assert downward(answer).headers.get("Trailer") == "X-Sum"
    assert downward(answer, get(version="0")).headers.get("Trailer") is None


@pytest.mark.parametrize("answer", [
    Response(407, headers=headers([("Proxy-Authenticate", "Basic")])),
    Response(200, headers=headers([("Connection", "Set-Cookie"), ("Set-Cookie", "a")])),
    Response(200, headers=headers([("Transfer-Encoding", "gzip, chunked")])),
    Response(200, headers=headers([("Transfer-Encoding", "gzip")])),
    Response(101, headers=headers([("Upgrade", "echo"), ("Connection", "upgrade")])),
])  # fmt: skip
def test_what_a_server_may_not_say_to_a_client_of_ours_is_502(answer: Response) -> None:
    down = forwarding.downward(answer, get(), onward(get()).request, FORWARD, now_s=0)
    assert isinstance(down, Here) and down.status == 502


def test_a_parents_challenge_is_passed_on() -> None:
    challenge = Response(407, headers=headers([("Proxy-Authenticate", "Basic")]))
    assert downward(challenge, rules=CHILD).headers.get("Proxy-Authenticate") == "Basic"


def test_101_is_passed_on_where_both_sides_agree() -> None:
    asked = get(("Upgrade", "echo"), ("Connection", "upgrade"))
    answer = downward(Response(101, headers=headers([("Upgrade", "echo"), ("Connection", "upgrade")])), asked)
    assert answer.headers.get("Connection") == "Upgrade" and answer.headers.get("Upgrade") == "echo"


def test_interim_responses_go_to_clients_that_read_them() -> None:
    expects = get(("Expect", "100-continue"))
    assert forwarding.interim(Response(100), expects, FORWARD) is not None
    assert forwarding.interim(Response(100), get(), FORWARD) is not None  # RFC 9110 §15.2: we did not ask for it either
    assert forwarding.interim(Response(103), get(), FORWARD) is not None
    assert forwarding.interim(Response(103), get(version="0"), FORWARD) is None


RETRIES = [
    # method, reused, answered, replayable, may it be sent again
    ("GET", True, False, True, True),
    ("PUT", True, False, True, True),
    ("POST", True, False, True, False),
    ("PATCH", True, False, True, False),
    ("CONNECT", True, False, True, False),
    ("GET", False, False, True, False),
    ("GET", True, True, True, False),
    ("PUT", True, False, False, False),
]


@pytest.mark.parametrize(("method", "reused", "answered", "replayable", "again"), RETRIES)
def test_a_request_is_sent_again_only_where_nothing_can_happen_twice(
    method: str, reused: bool, answered: bool, replayable: bool, again: bool
) -> None:
    asked = Request(method, "/")
    why = forwarding.may_retry(asked, is_reused=reused, has_answered=answered, is_replayable=replayable)
    assert (why is not None) is again


@pytest.mark.parametrize(("what", "status"), [
    (Trouble.NO_NAME, 502), (Trouble.NO_NAME_IN_TIME, 504), (Trouble.REFUSED, 502), (Trouble.CONNECT_LATE, 504),
    (Trouble.ANSWER_LATE, 504), (Trouble.NO_ANSWER, 502), (Trouble.BROKEN, 502),
])  # fmt: skip
def test_trouble_upstream_is_504_where_time_ran_out_else_502(what: Trouble, status: int) -> None:
    assert forwarding.trouble(what).status == status


# ---- anything


TARGETS = st.sampled_from(
    ["/", "*", "http://web/a", "http://[::1]:80/", "https://w:0/", "web:443", "http://a_b?c", "x:/"]
)
NAMES = st.sampled_from(["Host", "Connection", "TE", "Upgrade", "Via", "Max-Forwards", "Expect", "Content-Length", "X"])
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip)


@given(
    st.sampled_from(["GET", "POST", "OPTIONS", "TRACE", "CONNECT", "QUERY"]), TARGETS,
    st.lists(st.tuples(NAMES, VALUES | st.sampled_from(["close, te", "upgrade", "echo, h2c", "1.1 x", "0", "web"]))),
    st.sampled_from([FORWARD, GATEWAY, INTERCEPT, CHILD]), st.sampled_from([None, HTTP_1_0, HTTP_1_1]),
)  # fmt: skip
def test_whatever_the_engine_reads_goes_on_as_one_request_or_is_answered(
    method: str, target: str, pairs: list[tuple[str, str]], rules: Rules, known: Version | None
) -> None:
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in pairs) + "\r\n"
    try:
        asked = read_request(head.encode())
    except Refused:
        return
    going = forwarding.onward(asked, rules, client="10.0.0.9", known=lambda _: known)
    if isinstance(going, Onward):
        sent = messages.build(going.request)
        assert read_request(sent) == going.request  # and reads back as itself, so the next hop reads the same
        left = {name.lower() for name, _ in going.request.headers.items}
        assert not left & {"proxy-connection", "keep-alive", "proxy-authenticate"}
