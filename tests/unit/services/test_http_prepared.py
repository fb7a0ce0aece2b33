"""Answers at hand: the same bytes as the plain path's, never of an old file, an old second or another request."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.answer import Answer
from lan.services.http.faults import Faults
from lan.services.http.messages import Request, build, headers
from lan.services.http.origin import Origin, Rules
from lan.services.http.paths import Path as HttpPath
from lan.services.http.prepared import SMALL_BYTES, Prepared
from lan.services.http.resource import Found, Place
from lan.services.http.routes import Routes
from lan.services.http.site import Directory, OnePage

NOW_S = 4_000_000_000.0  # long after the files of a test were made
GET = Request("GET", "/page", headers=headers([("Host", "web")]))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "page").write_text("one")
    return tmp_path


def whole(answer: Answer) -> bytes:
    """The bytes as the plain path sends them to a client that stays."""
    data = b"" if answer.content is None else answer.content.read(0, answer.length_bytes or 0)
    return build(answer.response) + data


def test_what_is_ready_is_what_the_plain_path_sends(root: Path) -> None:
    origin, plain = Origin(Directory(root)), Origin(Directory(root))
    for fields in ({}, {"Range": "bytes=1-"}, {"If-None-Match": "*"}, {"If-Match": '"x"'}, {"Range": "bytes=9-"}):
        request = Request("GET", "/page", headers=headers(fields.items()))
        first, second = origin.answer(request, now_s=NOW_S), origin.answer(request, now_s=NOW_S)
        assert second.ready is not None
        assert second is first
        assert second.ready.whole == whole(second) == whole(plain.answer(request, now_s=NOW_S))
        closing = second.ready.with_connection("close")
        assert closing == second.ready.whole.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


def test_another_second_has_another_date(root: Path) -> None:
    origin = Origin(Directory(root))
    first, second = origin.answer(GET, now_s=NOW_S + 0.9), origin.answer(GET, now_s=NOW_S + 1)
    assert first.response.headers.get("Date") != second.response.headers.get("Date")
    assert len(origin.prepared) == 1


@pytest.mark.parametrize("change", ["bytes", "same length and time", "replaced", "gone", "rights"])
def test_a_changed_file_is_seen_at_once(root: Path, change: str) -> None:
    origin, page = Origin(Directory(root)), root / "page"
    os.utime(page, (1000, 1000))
    assert b"one" in whole(origin.answer(GET, now_s=NOW_S))
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
    answer = origin.answer(GET, now_s=NOW_S)
    if change == "gone":
        assert answer.response.status == 404
    elif change != "rights":
        assert b"one" not in whole(answer)
    elif os.geteuid() != 0:
        assert answer.response.status == 403


def test_a_file_that_has_just_changed_is_read_each_time(root: Path) -> None:
    origin, page = Origin(Directory(root)), root / "page"
    changed_s = page.stat().st_ctime
    assert origin.answer(GET, now_s=changed_s + 1).ready is None
    assert origin.answer(GET, now_s=changed_s + 3).ready is not None


def test_an_equal_request_that_is_another_object_is_looked_up_anew(root: Path) -> None:
    origin = Origin(Directory(root))
    assert origin.answer(GET, now_s=NOW_S).ready is not None
    other = Request("GET", "/page", headers=headers([("Host", "web"), ("Range", "bytes=0-0")]))
    assert origin.answer(other, now_s=NOW_S).response.status == 206
    assert origin.answer(GET, now_s=NOW_S).response.status == 200


def test_a_broken_or_late_answer_is_never_at_hand(root: Path) -> None:
    origin = Origin(Directory(root), rules=Rules(faults=Routes({"/page": Faults(reset_bytes=1)})))
    for _ in range(2):
        answer = origin.answer(GET, now_s=NOW_S)
        assert (answer.faults, answer.ready) == (Faults(reset_bytes=1), None)
    asked = Request("GET", "/page?fault=reset:2", headers=headers([]))
    allowing = Origin(Directory(root), rules=Rules(faults_on_request=True))
    for _ in range(2):
        assert allowing.answer(asked, now_s=NOW_S).faults == Faults(reset_bytes=2)
        assert origin.answer(Request("GET", "/?fault=reset:2"), now_s=NOW_S).faults is None
    ignoring = Origin(Directory(root))
    assert ignoring.answer(asked, now_s=NOW_S).faults is None
    refused = allowing.answer(Request("GET", "/page?fault=nonsense"), now_s=NOW_S)
    assert refused.response.status == 400
    assert refused.content is not None
    assert b"reset:BYTES" in refused.content.read(0, 9999)


def test_what_is_large_or_not_there_is_not_kept(root: Path) -> None:
    (root / "large").write_bytes(b"x" * (SMALL_BYTES + 1))
    origin = Origin(Directory(root))
    for target in ("/large", "/none", "/"):
        answer = origin.answer(Request("GET", target), now_s=NOW_S)
        assert answer.ready is None
        if answer.content is not None:
            answer.content.close()
    assert len(origin.prepared) == 0


def test_a_page_in_memory_is_at_hand() -> None:
    origin, request = Origin(OnePage(b"page", 1)), Request("GET", "/")
    assert origin.answer(request, now_s=NOW_S).ready is not None
    assert origin.answer(request, now_s=NOW_S) is origin.answer(request, now_s=NOW_S)


@given(st.lists(st.integers(0, 9), max_size=40))
def test_answers_at_hand_are_bounded_in_number_and_bytes(asked: list[int]) -> None:
    prepared = Prepared(most_answers=4, most_bytes=25)
    origin = Origin(OnePage(b"0123456789", 1))
    origin.prepared = prepared
    requests = [Request("GET", "/", headers=headers([("X", str(n))])) for n in range(10)]
    for n in asked:
        assert whole(origin.answer(requests[n], now_s=NOW_S)).endswith(b"0123456789")
        assert len(prepared) <= 2
        assert prepared.size_bytes == 10 * len(prepared)


def test_one_look_at_the_file_is_all_that_a_hit_costs(root: Path) -> None:
    looks: list[Place] = []

    class Watched(Directory):
        def is_current(self, place: Place) -> bool:
            looks.append(place)
            return super().is_current(place)

        def find(self, path: HttpPath) -> Found:
            finds.append(path)
            return super().find(path)

    finds: list[object] = []
    origin = Origin(Watched(root))
    for _ in range(5):
        origin.answer(GET, now_s=NOW_S)
    assert (len(finds), len(looks)) == (1, 4)
