"""The store application: what each method leaves behind, guarded by conditions, bounded."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lan.services.http.origin.answer import Answer
from lan.services.http.origin.origin import Origin
from lan.services.http.origin.site import OnePage
from lan.services.http.origin.store import MERGE_PATCH, Store, merge
from lan.services.http.protocol.messages import Request, build, headers

NOW_S = 2_000_000_000.0


class Client:
    """Asks one store."""

    def __init__(self, store: Store | None = None) -> None:
        self.origin = Origin(OnePage(b"page", 1), app=store or Store())

    def __call__(self, method: str, target: str, body: bytes = b"", **fields: str) -> Answer:
        pairs = [("Host", "web"), *((name.replace("_", "-"), value) for name, value in fields.items())]
        request = Request(method, target, headers=headers(pairs))
        answer = self.origin.answer(request, body, now_s=NOW_S)
        assert build(answer.response)
        return answer

    def body(self, target: str) -> bytes:
        answer = self("GET", target)
        assert answer.response.status == 200
        assert answer.content is not None
        return answer.content.read(0, answer.length_bytes or 0)

    def tag(self, target: str) -> str:
        return self("HEAD", target).response.headers.get("ETag") or ""


def test_a_document_is_put_read_replaced_and_deleted() -> None:
    ask = Client()
    made = ask("PUT", "/store/a%20b", b"one", Content_Type="text/plain")
    assert (made.response.status, made.response.headers.get("Location")) == (201, "/store/a%20b")
    assert made.response.headers.get("ETag") == ask.tag("/store/a%20b")
    assert ask.body("/store/a%20b") == b"one"
    assert ask("GET", "/store/a%20b").response.headers.get("Content-Type") == "text/plain"
    assert ask("PUT", "/store/a%20b", b"two").response.status == 204
    assert ask.body("/store/a%20b") == b"two"
    assert ask("DELETE", "/store/a%20b").response.status == 204
    assert ask("GET", "/store/a%20b").response.status == 404
    assert ask("DELETE", "/store/a%20b").response.status == 404


def test_put_and_delete_may_be_repeated_and_post_adds_each_time() -> None:
    ask = Client()
    for _ in range(2):
        ask("PUT", "/store/a", b"x")
    assert json.loads(ask.body("/store/"))["items"].keys() == {"/store/a"}
    places = [ask("POST", "/store/", b"x").response.headers.get("Location") for _ in range(2)]
    assert places == ["/store/1", "/store/2"]
    assert json.loads(ask.body("/store/"))["items"].keys() == {"/store/a", "/store/1", "/store/2"}
    assert ask("POST", "/store/deep/er/", b"x").response.headers.get("Location") == "/store/deep/er/3"
    assert json.loads(ask.body("/store/deep/"))["items"].keys() == {"/store/deep/er/3"}


def test_the_number_of_changes_is_seen() -> None:
    ask = Client()
    ask("PUT", "/store/a", b"x")
    ask("POST", "/store/", b"x")
    ask("DELETE", "/store/a")
    ask("DELETE", "/store/a")
    ask("GET", "/store/1")
    assert json.loads(ask.body("/store/"))["changes"] == 3


def test_a_document_can_be_read_in_part_and_under_a_condition() -> None:
    ask = Client()
    ask("PUT", "/store/a", b"0123456789")
    assert ask("GET", "/store/a", Range="bytes=2-3").response.headers.get("Content-Range") == "bytes 2-3/10"
    assert ask("GET", "/store/a", If_None_Match=ask.tag("/store/a")).response.status == 304


def test_no_update_is_lost() -> None:
    ask = Client()
    ask("PUT", "/store/a", b"one")
    tag = ask.tag("/store/a")
    assert ask("PUT", "/store/a", b"two", If_Match=tag).response.status == 204
    assert ask("PUT", "/store/a", b"three", If_Match=tag).response.status == 412
    assert ask("DELETE", "/store/a", If_Match=tag).response.status == 412
    assert ask("PUT", "/store/a", b"four", If_None_Match="*").response.status == 412
    assert ask("PUT", "/store/b", b"new", If_None_Match="*").response.status == 201
    assert ask("PUT", "/store/c", b"new", If_Match="*").response.status == 412
    assert ask.body("/store/a") == b"two"


def test_a_merge_patch_changes_members_of_a_document() -> None:
    ask = Client()
    ask("PUT", "/store/a.json", b'{"a": 1, "b": {"c": 2, "d": 3}}')
    assert ask("PATCH", "/store/a.json", b'{"b": {"c": null, "e": 4}}', Content_Type=MERGE_PATCH).response.status == 204
    assert json.loads(ask.body("/store/a.json")) == {"a": 1, "b": {"d": 3, "e": 4}}


@pytest.mark.parametrize(
    ("document", "patch", "kind", "status"),
    [
        (b"{}", b"{}", "text/plain", 415),
        (b"{}", b"{}", "", 415),
        (b"no json", b"{}", MERGE_PATCH, 422),
        (b"{}", b"{", MERGE_PATCH, 422),
        (b"{}", b"[" * 200 + b"]" * 200, MERGE_PATCH, 422),
        (b"{}", b'{"a": NaN}', MERGE_PATCH, 422),
        (b"{}", b"\xff\xfe", MERGE_PATCH, 422),
        (b"{}", b"1" * 5000, MERGE_PATCH, 422),
        (None, b"{}", MERGE_PATCH, 404),
    ],
)
def test_a_patch_that_can_not_be_applied_changes_nothing(
    document: bytes | None, patch: bytes, kind: str, status: int
) -> None:
    ask = Client()
    if document is not None:
        ask("PUT", "/store/a", document)
    answer = ask("PATCH", "/store/a", patch, Content_Type=kind)
    assert answer.response.status == status
    assert (answer.response.headers.get("Accept-Patch") is not None) is (status == 415)
    if document is not None:
        assert ask.body("/store/a") == document


def test_a_part_can_not_be_put() -> None:
    assert Client()("PUT", "/store/a", b"x", Content_Range="bytes 0-0/9").response.status == 400


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("POST", "/store/a", 405),
        ("PUT", "/store/", 405),
        ("DELETE", "/store", 405),
        ("PUT", "/", 405),
        ("GET", "/", 200),
    ],
)
def test_each_path_has_its_methods(method: str, target: str, status: int) -> None:
    assert Client()(method, target, b"x").response.status == status


def test_options_tells_them() -> None:
    ask = Client()
    assert ask("OPTIONS", "/store/a").response.headers.get("Allow") == "GET, HEAD, OPTIONS, TRACE, PUT, PATCH, DELETE"
    assert ask("OPTIONS", "/store/").response.headers.get("Allow") == "GET, HEAD, OPTIONS, TRACE, POST"
    assert ask("OPTIONS", "/").response.headers.get("Allow") == "GET, HEAD, OPTIONS, TRACE"
    assert ask("OPTIONS", "*").response.headers.get("Allow") == "GET, HEAD, OPTIONS, TRACE, PUT, PATCH, DELETE, POST"


@pytest.mark.parametrize(
    ("method", "target", "fields", "status"),
    [
        ("PUT", "/store/a", {}, None),
        ("PUT", "/store/", {}, 405),
        ("BREW", "/store/a", {}, 501),
        ("PUT", "/store/a", {"If-Match": '"x"'}, 412),
        ("PATCH", "/store/a", {"Content-Type": "text/plain"}, 415),
        ("DELETE", "/store/none", {}, 404),
        ("POST", "/store/", {}, None),
        ("PUT", "/store/a", {"Expect": "miracles"}, 417),
        ("PUT", "/store/a", {"Expect": "100-continue"}, None),
        ("PUT", "/../store/a", {}, 403),
        ("PUT", "/page", {}, 405),
    ],
)
def test_what_is_sure_is_answered_before_the_body_comes(
    method: str, target: str, fields: dict[str, str], status: int | None
) -> None:
    ask = Client()
    ask("PUT", "/store/a", b"{}")
    answer = ask.origin.before_body(Request(method, target, headers=headers(fields.items())), now_s=NOW_S)
    assert (answer.response.status if answer else None) == status
    assert json.loads(ask.body("/store/"))["changes"] == 1


def test_the_store_is_bounded() -> None:
    ask = Client(Store(most_items=2, most_bytes=10))
    assert ask("PUT", "/store/a", b"12345").response.status == 201
    assert ask("PUT", "/store/b", b"123456").response.status == 507
    assert ask("PUT", "/store/b", b"12345").response.status == 201
    assert ask("POST", "/store/", b"").response.status == 507
    assert ask("PUT", "/store/a", b"1").response.status == 204
    assert ask("PUT", "/store/a", b"123456").response.status == 507
    assert ask.body("/store/a") == b"1"


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_a_merge_patch_applied_twice_is_a_merge_patch_applied_once(document: Any, patch: Any) -> None:
    once = merge(document, patch)
    assert merge(once, patch) == once


@given(st.binary(max_size=40) | st.text('{}[]",:0nul', max_size=40).map(str.encode))
def test_any_bytes_may_come_as_a_patch(patch: bytes) -> None:
    ask = Client()
    ask("PUT", "/store/a", b'{"a": [1]}')
    assert ask("PATCH", "/store/a", patch, Content_Type=MERGE_PATCH).response.status in (204, 422)


class Model(RuleBasedStateMachine):
    """The store does what a dictionary does."""

    def __init__(self) -> None:
        super().__init__()
        self.ask, self.known = Client(), dict[str, bytes]()

    names = st.sampled_from(["a", "b", "%ff"])

    @rule(name=names, body=st.binary(max_size=4))
    def put(self, name: str, body: bytes) -> None:
        assert self.ask("PUT", f"/store/{name}", body).response.status == (204 if name in self.known else 201)
        self.known[name] = body

    @rule(body=st.binary(max_size=4))
    def post(self, body: bytes) -> None:
        place = self.ask("POST", "/store/", body).response.headers.get("Location") or ""
        name = place.removeprefix("/store/")
        assert name not in self.known
        self.known[name] = body

    @rule(name=names)
    def delete(self, name: str) -> None:
        assert self.ask("DELETE", f"/store/{name}").response.status == (204 if name in self.known else 404)
        self.known.pop(name, None)

    @invariant()
    def what_is_read_is_what_was_written(self) -> None:
        for name, body in self.known.items():
            assert self.ask.body(f"/store/{name}") == body
        assert len(json.loads(self.ask.body("/store/"))["items"]) == len(self.known)


TestModel = Model.TestCase
