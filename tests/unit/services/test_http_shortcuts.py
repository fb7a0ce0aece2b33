"""Answers to known bytes: the same as the plain path's, never of an old file, an old second or another request."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.origin.faults import Faults
from lan.services.http.origin.origin import Origin, Rules
from lan.services.http.origin.outflow import Outflow
from lan.services.http.origin.resource import Place
from lan.services.http.origin.routes import Routes
from lan.services.http.origin.shortcuts import MAX_TOGETHER_BYTES, Shortcuts
from lan.services.http.origin.site import SMALL_BYTES, Directory, OnePage
from lan.services.http.protocol.connection import Server
from lan.services.http.protocol.messages import Request, Response

NOW_S = 4_000_000_000.0  # long after the files of a test were made


class Web:
    """One origin with its shortcuts, and a clock that stands still until it is set."""

    def __init__(self, origin: Origin, **bounds: int) -> None:
        self.origin, self.now_s, self.turn = origin, NOW_S, 0.0
        self.shortcuts = Shortcuts(lambda: self.now_s, **bounds)

    def plain(self, data: bytes) -> bytes:
        """The answers by the long way; each is learned."""
        engine = Server()
        events, sent = engine.receive(data), b""
        while events:
            assert engine.request is not None
            answer = self.origin.answer(engine.request, now_s=self.now_s)
            head = engine.respond(answer.response)
            self.shortcuts.learn(engine, answer, head)
            outflow = Outflow(answer, engine, is_plain=False)
            sent += head
            while piece := outflow.next_piece():
                sent += piece
            if answer.content is not None:
                answer.content.close()
            events = engine.finish()
        return sent

    def short(self, data: bytes) -> tuple[bytes, Request | None] | None:
        """The answers that are known, in a new turn of the loop."""
        self.turn += 1
        return self.shortcuts.answer(data, self.turn)


def get(target: str = "/page", *fields: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: web", *fields, "", ""]).encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "page").write_text("one")
    return tmp_path


@pytest.fixture
def web(root: Path) -> Web:
    return Web(Origin(Directory(root)))


@pytest.mark.parametrize("field", ["A: b", "Range: bytes=1-", "If-None-Match: *", 'If-Match: "x"', "Range: bytes=9-"])
def test_what_is_known_is_what_the_plain_path_sends(web: Web, field: str) -> None:
    asked = get("/page", field)
    assert web.short(asked) is None
    assert web.short(asked) is None
    sent = web.plain(asked)
    assert web.short(asked) == (sent, None)
    assert web.plain(asked) == sent


def test_several_requests_at_once_are_answered_in_their_order(web: Web) -> None:
    other = get("/page", "Range: bytes=1-1")
    sent = web.plain(get() + other)
    assert web.short(get() + other) == (sent, None)
    assert web.short(get() + get("/unknown")) is None
    assert web.short(get() + other[:-1]) is None


def test_a_request_that_closes_is_told_and_ends_the_row(web: Web) -> None:
    last = get("/page", "Connection: close")
    sent = web.plain(get() + last)
    known = web.short(get() + last)
    assert known is not None and known[1] is not None
    assert known[0] == sent and known[1].connection_options == ("close",)
    assert web.short(last + get()) is None


def test_answers_to_pipelined_requests_do_not_pile_up(root: Path, web: Web) -> None:
    (root / "page").write_bytes(b"x" * SMALL_BYTES)
    sent = web.plain(get())
    fit = MAX_TOGETHER_BYTES // len(sent)
    assert web.short(get() * fit) == (sent * fit, None)
    assert web.short(get() * (fit + 1)) is None


def test_another_second_has_another_date_and_nothing_else(web: Web) -> None:
    first = web.plain(get())
    for seconds in (1, 3600):
        web.now_s += seconds
        known = web.short(get())
        assert known is not None
        assert known[0] != first
        assert known[0] == web.plain(get())


def test_an_answer_without_a_date_is_right_in_its_second_alone(web: Web) -> None:
    engine = Server()
    engine.receive(get())
    engine.respond(Response(204))
    web.shortcuts.remember(engine, b"whole", lambda: True)
    assert web.short(get()) == (b"whole", None)
    web.now_s += 1
    assert web.short(get()) is None
    assert len(web.shortcuts) == 0


@pytest.mark.parametrize("change", ["bytes", "same length and time", "replaced", "gone", "rights"])
def test_a_changed_file_is_seen_at_once(root: Path, web: Web, change: str) -> None:
    page = root / "page"
    os.utime(page, (1000, 1000))
    assert web.plain(get()).endswith(b"one")
    if change == "bytes":
        page.write_text("other")
    elif change == "same length and time":
        page.write_text("two")
        os.utime(page, (1000, 1000))
    elif change == "replaced":
        (root / "new").write_text("two")
        os.utime(root / "new", (1000, 1000))
        (root / "new").rename(page)
    elif change == "gone":
        page.unlink()
    else:
        page.chmod(0)
    assert web.short(get()) is None


def test_a_file_that_has_just_changed_is_read_each_time(root: Path, web: Web) -> None:
    web.now_s = (root / "page").stat().st_ctime + 1
    web.plain(get())
    assert web.short(get()) is None
    web.now_s += 2
    web.plain(get())
    assert web.short(get()) is not None


def test_a_broken_answer_takes_no_shortcut(root: Path) -> None:
    for rules in (Rules(faults=Routes({"/page": Faults(split_writes=True)})), Rules(faults_on_request=True)):
        web, asked = Web(Origin(Directory(root), rules=rules)), get("/page?fault=split-writes")
        web.plain(asked)
        assert web.short(asked) is None


def test_what_is_large_or_not_there_or_has_content_is_not_learned(root: Path, web: Web) -> None:
    (root / "large").write_bytes(b"x" * (SMALL_BYTES + 1))
    post = b"POST /page HTTP/1.1\r\nHost: web\r\nContent-Length: 2\r\n\r\nhi"
    for asked in (get("/large"), get("/none"), get("/"), post):
        web.plain(asked)
        assert web.short(asked) is None
    assert len(web.shortcuts) == 0


@given(st.lists(st.integers(0, 9), max_size=40))
def test_shortcuts_are_bounded_in_number_and_bytes(asked: list[int]) -> None:
    web = Web(Origin(OnePage(b"0123456789", 1)), max_entries=4, max_bytes=700)
    for n in asked:
        assert web.plain(get("/", f"X: {n}")).endswith(b"0123456789")
        assert len(web.shortcuts) <= 4
        assert web.shortcuts.size_bytes <= 700


def test_one_look_at_the_file_is_all_that_a_turn_costs(root: Path) -> None:
    looks: list[Place] = []

    class Watched(Directory):
        def is_current(self, place: Place, turn_s: float | None = None) -> bool:
            looks.append(place)
            return super().is_current(place, turn_s)

    web = Web(Origin(Watched(root)))
    web.plain(get())
    for _ in range(3):
        assert web.short(get() * 16) is not None
    assert len(looks) == 3
