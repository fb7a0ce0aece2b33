"""The store application: documents below ``/store/`` that every method changes in view.  `--app store`.

Pure; what it holds is in memory and gone with the server.  GET, HEAD, PUT, DELETE are RFC 9110 §9.3;
POST to a folder adds a document under a number; PATCH takes a JSON merge patch (RFC 5789, RFC 7396).
Conditions (`If-Match`, `If-None-Match`) guard each change, so that no update is lost.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lan.reasons import Reason
from lan.services.http.origin import conditions, serving
from lan.services.http.origin.answer import Answer, Memory, plain, standard
from lan.services.http.origin.application import READING, Call
from lan.services.http.origin.conditions import Validators
from lan.services.http.origin.media_types import UNKNOWN, media_type
from lan.services.http.origin.paths import Path
from lan.services.http.origin.resource import Resource
from lan.services.http.protocol.messages import Response, headers

PREFIX = "store"
MERGE_PATCH = "application/merge-patch+json"
ITEM_METHODS = (*READING, "PUT", "PATCH", "DELETE")
FOLDER_METHODS = (*READING, "POST")
MOST_ITEMS = 1000
MOST_BYTES = 16 * 1024 * 1024
MOST_DEPTH = 100
"""JSON that is nested deeper is refused."""


@dataclass(frozen=True, slots=True)
class Item:
    """A document: its bytes, what they are, and when they came."""

    data: bytes
    media_type: str
    modified_s: int

    @property
    def tag(self) -> str:
        """The same bytes of the same kind have the same tag."""
        return hashlib.sha256(self.media_type.encode("latin-1") + b"\n" + self.data).hexdigest()[:20]


class Store:
    """The documents, by their decoded paths."""

    all_methods = (*ITEM_METHODS, "POST")

    def __init__(self, *, most_items: int = MOST_ITEMS, most_bytes: int = MOST_BYTES) -> None:
        self.most_items, self.most_bytes = most_items, most_bytes
        self.items: dict[str, Item] = {}
        self.changes = 0
        self._last_number = 0

    def methods(self, path: Path) -> tuple[str, ...] | None:
        """A document takes other methods than a folder; other paths are not the store's."""
        if path.segments[:1] != (PREFIX,):
            return None
        return FOLDER_METHODS if _is_folder(path) else ITEM_METHODS

    def refuse(self, call: Call) -> Answer | None:
        """A condition that fails, and a kind of patch that is not known, are sure before the body has come."""
        if call.request.method in ("PUT", "PATCH", "DELETE"):
            return self._refuse_change(call)
        return None

    def answer(self, call: Call) -> Answer:
        """What the method did, or why it did nothing."""
        return METHODS[call.request.method](self, call)

    def _get(self, call: Call) -> Answer:
        if _is_folder(call.path):
            return self._list(call)
        item = self.items.get(call.path.text)
        if item is None:
            return _missing(call)
        size = len(item.data)
        resource = Resource(call.path.text, size, item.modified_s, item.tag, Memory(item.data), item.media_type)
        return serving.serve(call.request, resource, now_s=call.now_s, more=[("Cache-Control", "no-cache")])

    def _list(self, call: Call) -> Answer:
        """The documents below a folder, as JSON, with how often the store has changed."""
        below = call.path.text if call.path.is_folder else call.path.text + "/"
        found = {
            _escaped(path): {"size_bytes": len(item.data), "media_type": item.media_type, "etag": f'"{item.tag}"'}
            for path, item in sorted(self.items.items())
            if path.startswith(below)
        }
        data = json.dumps({"changes": self.changes, "items": found}, indent=1).encode() + b"\n"
        return _said(call, 200, "what the store holds", data, "application/json", ("Cache-Control", "no-store"))

    def _put(self, call: Call) -> Answer:
        if (refused := self._refuse_change(call)) is not None:
            return refused
        known = self.items.get(call.path.text)
        kind = call.request.headers.get("Content-Type") or media_type(call.path.segments[-1])
        item = Item(call.body, kind, int(call.now_s))
        if (full := self._set(call, call.path.text, item)) is not None:
            return full
        if known is None:
            made = ("Location", call.path.url)
            return _said(call, 201, "a new document", b"created\n", "text/plain", made, *_validators(item))
        return _said(call, 204, "the document is replaced", None, "", *_validators(item))

    def _delete(self, call: Call) -> Answer:
        if (refused := self._refuse_change(call)) is not None:
            return refused
        if self.items.pop(call.path.text, None) is None:
            return _missing(call)
        self.changes += 1
        return _said(call, 204, "the document is deleted", None, "")

    def _post(self, call: Call) -> Answer:
        """Not idempotent: each one adds another document."""
        number = self._last_number + 1
        path = Path((*call.path.segments, str(number)))
        while path.text in self.items:
            number += 1
            path = Path((*call.path.segments, str(number)))
        item = Item(call.body, call.request.headers.get("Content-Type") or UNKNOWN, int(call.now_s))
        if (full := self._set(call, path.text, item)) is not None:
            return full
        self._last_number = number
        return _said(call, 201, "a new document", b"created\n", "text/plain", ("Location", path.url))

    def _patch(self, call: Call) -> Answer:
        if (refused := self._refuse_change(call)) is not None:
            return refused
        item = self.items.get(call.path.text)
        if item is None:
            return _missing(call)
        try:
            before, patch = _parse(item.data), _parse(call.body)
        except ValueError as error:
            return plain(422, Reason("RFC 5789 §2.2", "document or patch is not JSON", error=error), now_s=call.now_s)
        data = json.dumps(merge(before, patch)).encode()
        patched = Item(data, item.media_type, int(call.now_s))
        if (full := self._set(call, call.path.text, patched)) is not None:
            return full
        return _said(call, 204, "the patch is applied", None, "", *_validators(patched))

    def _refuse_change(self, call: Call) -> Answer | None:
        request, item = call.request, self.items.get(call.path.text)
        if request.method == "PUT" and request.headers.get("Content-Range") is not None:
            why = Reason(
                "RFC 9110 §14.5", "a part of a document can't be put", range=request.headers.get("Content-Range")
            )
            return plain(400, why, now_s=call.now_s)
        if request.method == "PATCH" and _kind(call) != MERGE_PATCH:
            why = Reason("RFC 5789 §2.2", f"a patch must be {MERGE_PATCH}", media_type=_kind(call) or "none")
            return plain(415, why, now_s=call.now_s, more=[("Accept-Patch", MERGE_PATCH)])
        if item is None and request.method != "PUT":
            return _missing(call)  # conditions count only where the request would succeed: RFC 9110 §13.2.1
        current = None if item is None else Validators(f'"{item.tag}"', item.modified_s)
        unmet = conditions.evaluate(request, current, now_s=call.now_s)
        return None if unmet is None else plain(unmet.status, unmet.why, now_s=call.now_s)

    def _set(self, call: Call, path: str, item: Item) -> Answer | None:
        """Keep a document; 507 where there is no room for it."""
        before = self.items.get(path)
        size = sum(len(one.data) for one in self.items.values()) - (len(before.data) if before else 0)
        if (before is None and len(self.items) >= self.most_items) or size + len(item.data) > self.most_bytes:
            why = Reason("RFC 4918 §11.5", "the store is full", most_items=self.most_items, most_bytes=self.most_bytes)
            return plain(507, why, now_s=call.now_s)
        self.items[path] = item
        self.changes += 1
        return None


METHODS: dict[str, Callable[[Store, Call], Answer]] = {
    "GET": Store._get,
    "HEAD": Store._get,
    "PUT": Store._put,
    "DELETE": Store._delete,
    "POST": Store._post,
    "PATCH": Store._patch,
}


def merge(document: Any, patch: Any) -> Any:
    """A JSON document with a merge patch applied: null takes a member away (RFC 7396 §2)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def _parse(data: bytes) -> Any:
    """JSON of bounded depth.  Raises ValueError."""
    depth = deepest = 0
    for byte in data:
        depth += (byte in b"[{") - (byte in b"]}")
        deepest = max(deepest, depth)
    if deepest > MOST_DEPTH:
        raise ValueError(f"nested more than {MOST_DEPTH} deep")
    return json.loads(data, parse_constant=_no_number)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _kind(call: Call) -> str:
    """The media type of the body, without parameters."""
    return (call.request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def _is_folder(path: Path) -> bool:
    return path.is_folder or len(path.segments) == 1


def _validators(item: Item) -> tuple[tuple[str, str], ...]:
    """The new version's tag: the bytes are stored as they came (RFC 9110 §9.3.4)."""
    return (("ETag", f'"{item.tag}"'),)


def _missing(call: Call) -> Answer:
    return plain(404, Reason("RFC 9110 §15.5.5", "no such document"), now_s=call.now_s)


def _said(call: Call, status: int, text: str, data: bytes | None, kind: str, *more: tuple[str, str]) -> Answer:
    described = [] if data is None else [("Content-Type", kind), ("Content-Length", str(len(data)))]
    fields = headers([*standard(call.now_s), *described, *more])
    source = {"GET": "§9.3.1", "POST": "§9.3.3", "PUT": "§9.3.4", "DELETE": "§9.3.5"}.get(call.request.method)
    why = Reason(f"RFC 9110 {source}" if source else "RFC 5789 §2", text, path=call.path.text)
    return Answer(Response(status, headers=fields), None if data is None else Memory(data), why)


def _escaped(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
