"""lan-fetch before and behind its sockets: what it asks, what it shows, what it says as JSON."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lan.reasons import Reason
from lan.services.http.fetching import report, waterfall, words
from lan.services.http.fetching.client import Connection, Exchange, Phase, Times
from lan.services.http.fetching.proxies import ProxySettings
from lan.services.http.fetching.visit import Asking, Visit
from lan.services.http.fetching.waterfall import Row
from lan.services.http.protocol import messages, url
from lan.services.http.protocol.connection import Body, End
from lan.services.http.protocol.messages import HTTP_1_0, Response, headers
from lan.services.http.strategies.orders import Close, GiveUp, Open, Retry, Send
from lan.services.http.strategies.strategy import STRATEGIES

WEB = url.parse("http://web/dir/")


def html(content_type: str = "text/html", *more: tuple[str, str]) -> Response:
    return Response(200, headers=headers([("Content-Type", content_type), *more]))


# What is asked for


@pytest.mark.parametrize(
    ("asking", "is_last", "lines"),
    [
        (Asking(), True, {"Connection: close"}),
        (Asking(), False, set()),
        (Asking(version=HTTP_1_0), False, {"Connection: keep-alive"}),
        (Asking(version=HTTP_1_0), True, {"Connection: close"}),
        (Asking(connection="keep-alive"), True, {"Connection: keep-alive"}),
        (Asking(connection=None), True, set()),
    ],
)
def test_the_strategy_says_what_connection_says_unless_the_user_does(
    asking: Asking, is_last: bool, lines: set[str]
) -> None:
    visit = Visit(asking)
    built = messages.build(visit.request(visit.ask(WEB, 0), is_last=is_last)).decode().splitlines()
    assert {line for line in built if line.startswith("Connection")} == lines


def test_a_page_s_objects_are_wanted_as_it_comes_and_only_from_a_page() -> None:
    visit = Visit(Asking(is_page=True))
    page = visit.ask(WEB, 0)
    visit.head(page, html())
    assert visit.body(page, b"<img src=", 1) == []
    [image] = visit.body(page, b"a.png><img src=a.png>", 2)
    assert (str(image.url), image.kind, image.came_from, image.asked_s) == ("http://web/dir/a.png", "img", 1, 2)
    visit.head(image, html())  # an image that says it is HTML is no page
    assert visit.body(image, b"<img src=b.png>", 3) == []


@pytest.mark.parametrize(
    "head",
    [
        html("image/png"), html("text/html", ("Content-Encoding", "gzip")),
        Response(404, headers=headers([("Content-Type", "text/html")])),
    ],
)  # fmt: skip
def test_what_is_no_readable_page_has_no_objects(head: Response) -> None:
    visit = Visit(Asking(is_page=True))
    page = visit.ask(WEB, 0)
    visit.head(page, head)
    assert visit.body(page, b"<img src=a>", 1) == []


@pytest.mark.parametrize(
    "charset", ["utf-8", "EUC-KR", "idna", "punycode", "undefined", "base64", "no\0such", "x", '"utf-8"']
)
def test_any_charset_leaves_the_tags_readable(charset: str) -> None:
    visit = Visit(Asking(is_page=True))
    page = visit.ask(WEB, 0)
    visit.head(page, html(f"text/html; charset={charset}"))
    [image] = visit.body(page, b"\xff\xb0<img src=a>\xb0", 1)
    assert str(image.url) == "http://web/dir/a"


def redirected(visit: Visit, exchange: Exchange, status: int, location: str) -> list[Exchange]:
    exchange.response = Response(status, headers=headers([("Location", location)]))
    visit.head(exchange, exchange.response)
    return visit.complete(exchange, 1)


def test_a_redirection_is_an_exchange_of_its_own_and_its_body_is_not_the_answer() -> None:
    written: list[bytes] = []
    visit = Visit(Asking("POST", b"a=1", max_redirects=20), lambda exchange: written.append)
    first = visit.ask(WEB, 0)
    visit.head(first, Response(307, headers=headers([("Location", "x")])))
    visit.body(first, b"moved", 0)
    [second] = redirected(visit, first, 307, "x")
    assert (second.method, second.content, second.hops, second.came_from) == ("POST", b"a=1", 1, 1)
    [third] = redirected(visit, second, 303, "/y")
    assert (third.method, third.content, str(third.url)) == ("GET", None, "http://web/y")
    visit.body(third, b"here", 2)
    assert written == [b"here"]


def test_credentials_do_not_follow_to_another_origin_nor_back() -> None:
    visit = Visit(Asking(more=(("Authorization", "x"), ("cookie", "y"), ("X-Mine", "z")), max_redirects=5))
    first = visit.ask(WEB, 0)
    [second] = redirected(visit, first, 302, "http://other/")
    [third] = redirected(visit, second, 302, "http://web/")
    names = [{name.lower() for name, _ in visit.request(one, is_last=True).headers.items} for one in visit.exchanges]
    assert "authorization" in names[0] and "cookie" in names[0]
    for later in names[1:]:
        assert "x-mine" in later and not {"authorization", "cookie"} & later
    assert third.is_stranger


def sent_by(visit: Visit, exchange: Exchange) -> dict[str, str]:
    return {name.lower(): value for name, value in visit.request(exchange, is_last=True).headers.items}


def test_nor_do_they_go_with_a_page_to_the_origins_of_its_objects() -> None:
    visit = Visit(Asking(more=(("Authorization", "x"), ("Cookie", "y"), ("X-Mine", "z")), is_page=True))
    page = visit.ask(WEB, 0)
    visit.head(page, html())
    own, other, secured, style = visit.body(
        page,
        b"<img src=a.png><img src=//cdn/b.png><img src=https://web/c.png><link rel=stylesheet href=//cdn/s.css>",
        0,
    )
    assert {"authorization", "cookie", "x-mine"} <= set(sent_by(visit, own))
    for stranger in (other, secured, style):
        assert {"authorization", "cookie", "x-mine"} & set(sent_by(visit, stranger)) == {"x-mine"}
    visit.head(style, html("text/css"))
    [back] = visit.body(style, b"a { b: url(http://web/d.png) }", 0)
    assert "cookie" not in sent_by(visit, back)  # a stranger wants it


def test_another_host_is_asked_by_its_own_name() -> None:
    visit = Visit(Asking(more=(("Host", "www.test"),), max_redirects=5))
    first = visit.ask(WEB, 0)
    [second] = redirected(visit, first, 302, "/x")
    [third] = redirected(visit, second, 302, "http://other:81/")
    assert [sent_by(visit, one)["host"] for one in (first, second, third)] == ["www.test", "www.test", "other:81"]


def test_fields_that_describe_content_go_with_it_alone() -> None:
    """RFC 9110 §15.4: a POST that became a GET says no Content-Type."""
    asking = Asking("POST", b"a=1", more=(("Content-Type", "a/b"), ("content-language", "ko")), max_redirects=5)
    visit = Visit(asking)
    first = visit.ask(WEB, 0)
    [second] = redirected(visit, first, 307, "x")
    [third] = redirected(visit, second, 303, "y")
    described = [{"content-type", "content-language"} & set(sent_by(visit, one)) for one in (first, second, third)]
    assert described == [{"content-type", "content-language"}] * 2 + [set()]


def test_expect_needs_content_and_http_1_1() -> None:
    def expects(**how: object) -> bool:
        visit = Visit(Asking("POST", expects_continue=True, **how))  # type: ignore[arg-type]
        return "Expect" in dict(visit.request(visit.ask(WEB, 0), is_last=True).headers.items)

    assert expects(content=b"x")
    assert not expects(content=b"")
    assert not expects(content=b"x", version=HTTP_1_0)


def test_through_a_proxy_http_has_the_absolute_form_and_https_has_not() -> None:
    visit = Visit(Asking(proxies=ProxySettings({}, "p:3128")))
    plain, secure = (
        visit.request(visit.ask(url.parse(text), 0), is_last=True) for text in ("http://a/x", "https://a/x")
    )
    assert (plain.target, secure.target) == ("http://a/x", "/x")
    assert visit.tunnel(url.parse("https://a/x")).target == "a:443"


# The waterfall


def text(lines: list[waterfall.Line]) -> list[str]:
    return ["".join(piece.text for piece in line).rstrip() for line in lines]


def row(name: str, connection: int | None, *spans: tuple[str, float, float], **more: object) -> Row:
    return Row(name, connection, "200", 1234, spans, **more)  # type: ignore[arg-type]


def test_a_waterfall_has_one_axis_and_a_bar_of_phases_for_each_object() -> None:
    drawn = text(
        waterfall.draw(
            [
                row(
                    "/",
                    1,
                    ("dns", 0, 10),
                    ("connect", 10, 20),
                    ("send", 20, 20.5),
                    ("wait", 20.5, 35),
                    ("receive", 35, 40),
                ),
                row("/a.png", 1, ("queue", 40, 50), ("send", 50, 51), ("wait", 51, 70), ("receive", 70, 80)),
            ],
            70,
        )
    )
    assert drawn == [
        "                      0         20        40        60        80 ms",
        "#1 200 1.2 KiB /      dddddcccccs░░░░░░░██                     40.0 ms",
        "#1 200 1.2 KiB /a.png                     ·····s░░░░░░░░░█████ 40.0 ms",
        "   ·· queue   dd dns   cc connect   ss send   ░░ wait   ██ receive",
    ]


def test_an_object_without_a_connection_has_its_reason_below() -> None:
    lines = text(waterfall.draw([Row("/", None, "-", None, (), "connection refused", is_ok=False)], 80))
    assert lines[1].split() == ["-", "-", "-", "/", "0.0", "ms"]
    assert lines[2].strip() == "connection refused"


PHASES = st.sampled_from(list(waterfall.BARS))
SPANS = st.lists(st.tuples(PHASES, st.floats(0, 1e6), st.floats(0, 1e6)), max_size=7)


@example([("", [("queue", 151992.0, 152001.0)], None)], 1)
@example([("", [("queue", 0.0, 5e-324)], None)], 1)
@given(
    st.lists(st.tuples(st.text("abc/", max_size=90), SPANS, st.one_of(st.none(), st.integers(1, 999))), max_size=5),
    st.integers(1, 200),
)
def test_any_rows_fit_into_the_width(
    given_rows: list[tuple[str, list[tuple[str, float, float]], int | None]], width: int
) -> None:
    made = []
    for name, spans, connection in given_rows:
        ordered = tuple((phase, min(a, b), max(a, b)) for phase, a, b in spans)
        made.append(Row(name, connection, "200", 10**9, ordered))
    lines = text(waterfall.draw(made, width))
    assert len(lines) == len(made) + 2
    assert all(len(line) <= max(width, waterfall.LEAST_WIDTH) for line in lines[:-1])


@given(st.text(max_size=50), st.integers(3, 60))
def test_a_long_name_keeps_its_begin_and_its_end(name: str, width: int) -> None:
    short = waterfall.shortened(name, width)
    assert len(short) == min(len(name), width)


# What is said as JSON


def an_exchange() -> Exchange:
    made = Exchange(1, WEB, asked_s=10.0, connection=1, sent=2)
    made.learn(html())
    made.learn(Body(b"hello"))
    made.learn(End())
    made.times = Times(10.5, {Phase.CONNECT: 10.6, Phase.SEND: 10.7, Phase.WAIT: 10.8, Phase.RECEIVE: 10.9})
    return made


def test_the_report_has_spans_on_one_axis_with_the_time_in_the_queue() -> None:
    connection = Connection(1, "web:80", Reason("book 4.5", "x"), Times(10.5, {Phase.CONNECT: 10.6}), served=1)
    why = Reason("a", "b")
    decided = [(Open(1, "web:80", why), 10.0), (Send(1, 1, False, why), 10.6), (Retry(1, why), 10.7)]
    decided += [(GiveUp(1, why), 10.8), (Close(1, True, why), 11.0)]
    strategy = STRATEGIES["persistent"]
    said = json.loads(json.dumps(report.many(strategy, [an_exchange()], [connection], decided, 10.0)))
    [one] = said["objects"]
    assert one["spans_ms"] == [
        ["queue", 0, 500], ["connect", 500, 600], ["send", 600, 700], ["wait", 700, 800], ["receive", 800, 900],
    ]  # fmt: skip
    assert (said["ok"], said["total_ms"], one["sent"], one["body_bytes"]) == (True, 900, 2, 5)
    assert [decision["what"] for decision in said["decisions"]] == ["open", "send", "retry", "give up", "abort"]
    summary = report.summary(strategy, [an_exchange()], [connection], 900)
    assert summary == "1 object, 5 B in 900.0 ms on 1 connection, 1 sent again: persistent (book 4.5)"


@pytest.mark.parametrize("field", ["Host: a b", "Host: user@web", "TE: chunked", "X: a\r\nb", "X y: a"])
def test_a_field_that_no_request_may_have_is_a_usage_error(field: str) -> None:
    options = words.parser().parse_args(["-H", field, "http://web/"])
    with pytest.raises(words.UsageError):
        words.asking(options, {}, [WEB])


@given(
    st.lists(st.sampled_from(["--strategy", "pipelined", "serial", "--depth", "3", "x", "--page", "-H", "a:b", "-X"]))
)
def test_any_words_are_understood_or_a_usage_error(given_words: list[str]) -> None:
    try:
        options = words.parser().parse_args(given_words)
        words.strategy_of(options)
        words.asking(options, {}, [url.parse(one) for one in options.urls])
    except words.UsageError:
        pass
