"""The access log: one line a request that log readers take, and that no client can break."""

import re

from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.origin.access_log import line
from lan.services.http.protocol.messages import Request, headers

MOMENT_S = 1795827723  # 28 Nov 2026 01:02:03 UTC
QUOTED = r'"((?:[^"\\]|\\x..)*)"'
COMBINED = re.compile(rf"(\S+) - - \[([^]]+)\] {QUOTED} (\d{{3}}) (\d+|-) {QUOTED} {QUOTED} {QUOTED}")


def test_a_request_is_one_line_in_the_combined_format_with_its_reason() -> None:
    request = Request("GET", "/?a", headers=headers([("User-Agent", "curl/7.88.1"), ("Referer", "http://web/")]))
    said = line(request, client="10.0.0.1", moment_s=MOMENT_S, status=200, body_bytes=12, why="the file")
    assert said == (
        '10.0.0.1 - - [28/Nov/2026:01:02:03 +0000] "GET /?a HTTP/1.1" 200 12 "http://web/" "curl/7.88.1" "the file"'
    )


def test_what_could_not_be_read_or_sent_whole_is_said() -> None:
    said = line(None, client="::1", moment_s=MOMENT_S, status=400, body_bytes=0, why="no request", is_whole=False)
    assert said == '::1 - - [28/Nov/2026:01:02:03 +0000] "-" 400 - "-" "-" "no request; cut"'


@given(st.text(), st.text(st.characters(max_codepoint=255)))
def test_no_client_breaks_the_line(target: str, agent: str) -> None:
    request = Request("GET", target, headers=headers([("User-Agent", agent)]))
    said = line(request, client="10.0.0.1", moment_s=MOMENT_S, status=200, body_bytes=1, why="x")
    assert COMBINED.fullmatch(said)
    assert said.isascii()
    assert said.isprintable()
