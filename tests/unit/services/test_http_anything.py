"""Whatever an origin is asked: one answer, whose head can be sent and whose length is true."""

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lan.services.http.origin.echo import Echo
from lan.services.http.origin.origin import Origin, Rules
from lan.services.http.origin.plan import Step, wire_plan
from lan.services.http.origin.routes import Routes
from lan.services.http.origin.site import Directory
from lan.services.http.origin.store import Store
from lan.services.http.protocol.head import read_response
from lan.services.http.protocol.messages import Request, Version, build, headers
from lan.services.http.protocol.persistence import persistence

NOW_S = 2_000_000_000.0
FIELDS = [
    "Range",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-Unmodified-Since",
    "If-Range",
    "Expect",
    "Host",
    "Accept-Encoding",
    "Upgrade",
    "Connection",
    "Lan-Fault",
    "Content-Type",
    "Content-Range",
    "TE",
]
WORDS = [
    *('"x"', "*", 'W/"x"', "bytes=0-", "bytes=-1,0-0,5-9", "gzip;q=0, identity;q=0", "br", "100-continue", "echo", ""),
    *("upgrade", "Sun, 09 Sep 2001 01:46:40 GMT", "reset:1", "drip:3:0", "content-length:short", "a.example", ","),
]
PIECES = [
    "/",
    "/",
    "/",
    "store",
    "echo",
    "1k",
    "bytes",
    "status",
    "304",
    "..",
    "%2e",
    "%00",
    "%ff",
    "?",
    "fault=",
    "*",
    "http://",
    "a.example",
    "page",
    "sub",
    "&",
    "#",
    "delay",
    "0",
    "trailers",
    "chunked",
    "redirect",
]
VALUES = st.sampled_from(WORDS) | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=12).filter(
    lambda text: "\x7f" not in text
)
TARGETS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"])


@pytest.fixture(scope="module")
def origins(tmp_path_factory: pytest.TempPathFactory) -> list[Origin]:
    """Origins of every kind, with all that a request may ask for."""
    root = tmp_path_factory.mktemp("www")
    (root / "sub").mkdir()
    (root / "page").write_text("page")
    (root / "page.gz").write_text("gz")
    rules = Rules(faults_on_request=True, cache_control=Routes({"*": "no-cache"}))
    site = Directory(root, listing=True)
    echo = Origin(site, app=Echo(), rules=rules)
    return [echo, Origin(site, rules=rules, hosts={"a.example": echo}), Origin(site, app=Store(), rules=rules)]


@given(
    METHODS, TARGETS, st.lists(st.tuples(st.sampled_from(FIELDS), VALUES), max_size=5), st.binary(max_size=9),
    st.sampled_from([(1, 0), (1, 1)]), st.integers(0, 2),
)  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_whatever_is_asked_gets_one_answer_whose_length_is_true(
    origins: list[Origin],
    method: str,
    target: str,
    fields: list[tuple[str, str]],
    body: bytes,
    version: Version,
    which: int,
) -> None:
    request = Request(method, target, headers=headers(fields), version=version)
    early = origins[which].before_body(request, now_s=NOW_S)
    answer = origins[which].answer(request, body, now_s=NOW_S)
    for one in (early, answer):
        if one is None:
            continue
        assert read_response(build(one.response)).status == one.response.status
        if one.content is not None and one.length_bytes is not None:
            assert len(one.content.read(0, one.length_bytes + 1)) == one.length_bytes
    if answer.is_planned:
        assert all(isinstance(step, Step) for step in islice(wire_plan(answer, request, persistence(request)), 20))
    if answer.content is not None:
        answer.content.close()
