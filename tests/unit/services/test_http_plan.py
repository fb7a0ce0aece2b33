"""How an answer with pauses or faults leaves: each fault as the steps that a session carries out."""

from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.reasons import Reason
from lan.services.http.origin.answer import Answer, Content, Memory
from lan.services.http.origin.faults import FAULTS, parse_text
from lan.services.http.origin.plan import (
    Close,
    Farewell,
    Pause,
    Reset,
    SetNodelay,
    ShutdownWrite,
    Step,
    Write,
    wire_plan,
)
from lan.services.http.protocol.messages import Headers, Request, Response, Version, headers
from lan.services.http.protocol.persistence import Persistence, persistence

WHY = Reason("a test", "a test")
KEEP, CLOSE = Persistence(True, WHY), Persistence(False, WHY)
BODY = b"0123456789"


class Unknown(Memory):
    """Content that comes in pieces of three bytes."""

    def read(self, offset: int, count: int) -> bytes:
        return super().read(offset, min(3, count))


def plan(
    text: str, *, method: str = "GET", keep: Persistence = KEEP, version: Version = (1, 1),
    content: Content | None = None, trailers: Headers | None = None, delay_s: float = 0.0, status: int = 200,
) -> Iterator[Step]:  # fmt: skip
    fields = [] if content is not None else [("Content-Length", str(len(BODY)))]
    answer = Answer(
        Response(status, headers=headers(fields)), content or Memory(BODY), WHY,
        faults=parse_text(text), delay_s=delay_s, trailers=trailers or headers([]),
    )  # fmt: skip
    return wire_plan(answer, Request(method, "/", version=version), keep)


HEAD = b"HTTP/1.1 200 OK\r\n"
SIZED = HEAD + b"Content-Length: 10\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BARE = HEAD + b"\r\n"

PLANS: list[tuple[str, list[Step]]] = [
    ("content-length:none", [Write(HEAD + b"Connection: close\r\n\r\n" + BODY), Farewell()]),
    ("content-length:unclosed", [Write(BARE + BODY)]),
    ("content-length:short", [Write(HEAD + b"Content-Length: 5\r\n\r\n" + BODY)]),
    ("content-length:long", [Write(HEAD + b"Content-Length: 110\r\n\r\n" + BODY)]),
    ("early-close:4", [Write(SIZED + b"0123"), Close()]),
    ("early-close:0", [Write(SIZED), Close()]),
    ("early-close:99", [Write(SIZED + BODY), Close()]),
    ("reset:4", [Write(SIZED + b"0123"), Reset()]),
    ("reset:4,early-close:3", [Write(SIZED + b"012"), Close()]),
    ("stall:2", [Write(SIZED), Pause(2), Write(BODY)]),
    ("stall:2:4", [Write(SIZED + b"0123"), Pause(2), Write(b"456789")]),
    ("stall:2:99", [Write(SIZED + BODY), Pause(2)]),
    ("stall:2:4,early-close:4", [Write(SIZED + b"0123"), Pause(2), Close()]),
    ("half-close", [Write(SIZED + BODY), ShutdownWrite()]),
    ("half-close:3", [Write(SIZED + b"012"), ShutdownWrite()]),
    ("drip:4:50", [Write(SIZED + b"0123"), Pause(0.05), Write(b"4567"), Pause(0.05), Write(b"89")]),
    ("ignore-keep-alive:claims",
     [Write(HEAD + b"Content-Length: 10\r\nConnection: keep-alive\r\n\r\n" + BODY), Farewell()]),
    ("ignore-keep-alive:silent", [Write(SIZED + BODY), Farewell()]),
    ("lying-chunk:long", [Write(CHUNKED + b"6e\r\n0123456789\r\n"), Write(b"0\r\n\r\n")]),
    ("lying-chunk:short", [Write(CHUNKED + b"5\r\n0123456789\r\n"), Write(b"0\r\n\r\n")]),
    ("lying-chunk:bad", [Write(CHUNKED + b"0x-1z\r\n0123456789\r\n"), Write(b"0\r\n\r\n")]),
    ("nagle:on", [SetNodelay(False), Write(SIZED + BODY)]),
    ("nagle:off", [SetNodelay(True), Write(SIZED + BODY)]),
    ("split-writes", [Write(SIZED), Write(BODY)]),
    ("think:1.5", [Pause(1.5), Write(SIZED + BODY)]),
    ("closes-first:server", [Write(SIZED + BODY)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "steps"), PLANS)
def test_each_fault_has_its_steps(text: str, steps: list[Step]) -> None:
    assert list(plan(text)) == steps


def test_every_fault_but_the_endless_one_stands_in_the_table_of_this_test() -> None:
    assert {text.partition(":")[0] for text, _ in PLANS} == set(FAULTS) - {"endless"}


def test_a_body_without_end_has_no_end() -> None:
    steps = [step for step in islice(plan("endless"), 9) if isinstance(step, Write)]
    assert len(steps) == 9
    assert steps[0].data.startswith(CHUNKED)
    assert b"0123456789" * 100 in steps[8].data
    old = HEAD + b"Connection: close\r\n\r\n"
    assert next(plan("endless", version=(1, 0), keep=CLOSE)) == Write(old + BODY * 6553)
    [head, *_] = islice(plan("endless", content=Memory(b"")), 1)
    assert isinstance(head, Write)
    assert b"endless\n" in head.data
    *writes, last = plan("endless,reset:70000")
    assert (sum(len(step.data) for step in writes if isinstance(step, Write)), last) == (len(CHUNKED) + 70000, Reset())


def test_content_of_unknown_length_goes_in_chunks_or_until_the_close() -> None:
    steps = list(plan("", content=Unknown(BODY), trailers=headers([("Digest", "x")]), delay_s=2))
    wire = b"".join(step.data for step in steps if isinstance(step, Write))
    assert steps[0] == Pause(2)
    assert wire == CHUNKED + b"3\r\n012\r\n3\r\n345\r\n3\r\n678\r\n1\r\n9\r\n0\r\nDigest: x\r\n\r\n"
    old = list(plan("", content=Unknown(BODY), version=(1, 0), keep=CLOSE))
    written = b"".join(step.data for step in old if isinstance(step, Write))
    assert written == HEAD + b"Connection: close\r\n\r\n" + BODY
    [short] = plan("content-length:short", content=Memory(BODY))
    assert short == Write(HEAD + b"Content-Length: 5\r\n\r\n" + BODY)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
def test_a_response_without_content_gets_none_by_a_fault(method: str, status: int) -> None:
    for text, _ in [*PLANS, ("endless", [])]:
        wire = b"".join(step.data for step in plan(text, method=method, status=status) if isinstance(step, Write))
        assert wire.endswith(b"\r\n\r\n")
        assert wire.count(b"\r\n\r\n") == 1


def test_a_close_that_the_engine_decided_is_said() -> None:
    [write] = plan("closes-first:client", keep=CLOSE)
    assert write == Write(HEAD + b"Content-Length: 10\r\nConnection: close\r\n\r\n" + BODY)


TEXTS = st.lists(
    st.sampled_from([text for text, _ in PLANS] + ["endless", "early-close:5000", "drip:1000:1"]), max_size=5
)


@given(TEXTS, st.binary(max_size=300), st.sampled_from([(1, 0), (1, 1)]), st.booleans())
def test_any_faults_together_make_a_plan(texts: list[str], body: bytes, version: Version, is_known: bool) -> None:
    fields = headers([("Content-Length", str(len(body)))] if is_known else [])
    request = Request("GET", "/", version=version)
    answer = Answer(Response(200, headers=fields), Memory(body), WHY, faults=parse_text(",".join(texts)))
    steps = list(islice(wire_plan(answer, request, persistence(request)), 100))
    kinds = [type(step) for step in steps]
    assert Write in kinds
    assert all(step.data for step in steps if isinstance(step, Write))
    lasts = [kind for kind in kinds if kind in (Close, Farewell, Reset, ShutdownWrite)]
    assert lasts in ([], kinds[-1:])
