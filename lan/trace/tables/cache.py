"""A caching proxy's store at an instant, as its log tells it: what was stored, renewed and made invalid.  Pure.

Sizes and what an answer varies on come from the responses that passed.  What the store dropped for want of room is
not in the log, so a row may stand here longer than it did there.  RFC 9111.
"""

import re
from dataclasses import dataclass

from lan.reasons import Sentence
from lan.trace.tables.history import SECOND_NS, Decision, History
from lan.trace.tables.table import Table
from lan.trace.trackers.flow import endpoint
from lan.trace.trackers.http import Transaction

COLUMNS = ["uri", "status", "varies on", "bytes", "age s", "fresh s", "by"]
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
"""RFC 9110 §9.2.1: any other method that succeeds makes what is stored of its target invalid (RFC 9111 §4.4)."""


@dataclass(slots=True)
class _Entry:
    stored_ns: int
    status: str
    ttl_s: int | None
    why: str
    client: str
    used_ns: int


def table(history: History, proxy: str, at_ns: int) -> Table:
    """The entries of one proxy, the last used first."""
    entries = _entries(history.logs.get(proxy, []), at_ns)
    rows = [
        _row(uri, entry, history, at_ns) for uri, entry in sorted(entries.items(), key=lambda pair: -pair[1].used_ns)
    ]
    return Table(COLUMNS, rows, Sentence("the proxy's log and the responses that passed"), is_derived=True)


def _entries(log: list[Decision], at_ns: int) -> dict[str, _Entry]:
    found: dict[str, _Entry] = {}
    asked: dict[str, tuple[str, str]] = {}
    status: dict[str, str] = {}
    for one in log:
        if one.time_ns > at_ns or one.service != "proxy":
            continue
        client = one.get("client") or one.get("local")  # who asked: where no client waits, the proxy itself
        method, uri = asked.get(client, ("", ""))
        if refreshed := one.get("uri"):
            uri = next((each for each in (refreshed, _path(refreshed)) if each in found), refreshed)
        if one.what == "request":
            asked[client] = one.get("method"), one.get("target")
        elif one.what == "cache" and (said := one.get("cache_status")):
            status[client] = said
            if (entry := found.get(uri)) is not None:
                entry.used_ns = one.time_ns
                _renew(entry, one.time_ns, said)
        elif one.what == "refreshed":
            status[client] = said = one.get("cache_status")
            if (entry := found.get(uri)) is not None:
                _renew(entry, one.time_ns, said)
        elif one.what == "stored":
            said, why = status.get(client, ""), str(one.record["reason"].get("text", ""))
            number = str(_number("fwd-status", said) or 200)
            found[uri] = _Entry(one.time_ns, number, _number("ttl", said), why, client, one.time_ns)
        elif one.what == "response" and method not in SAFE and one.get("status")[:1] in ("2", "3"):
            found.pop(uri, None)
    return found


def _renew(entry: _Entry, now_ns: int, said: str) -> None:
    """By a 304, as the cache's own Cache-Status says of it."""
    if "fwd-status=304" in said:
        entry.stored_ns, entry.ttl_s = now_ns, _number("ttl", said)


def _path(uri: str) -> str:
    """A gateway is asked by this alone."""
    return "/" + uri.partition("://")[2].partition("/")[2]


def _number(name: str, said: str) -> int | None:
    found = re.search(rf"(?:^|; ){name}=(-?\d+)", said)
    return int(found[1]) if found else None


def _row(uri: str, entry: _Entry, history: History, at_ns: int) -> list[str]:
    age_s = (at_ns - entry.stored_ns) // SECOND_NS
    fresh = "—" if entry.ttl_s is None else str(entry.ttl_s - age_s) if entry.ttl_s > age_s else "stale"
    passed = _response(uri, entry, history)
    size = str(passed.response.body_bytes) if passed is not None and passed.response is not None else "—"
    return [uri, entry.status, _varies(passed), size, str(age_s), fresh, entry.why]


def _response(uri: str, entry: _Entry, history: History) -> Transaction | None:
    """The response that was stored, on its way to the client."""
    for each in reversed(history.timeline.http):
        client = each.connection.client
        if endpoint(client.ip, client.port) == entry.client and uri.endswith(each.target) and each.response is not None:
            return each
    return None


def _varies(passed: Transaction | None) -> str:
    if passed is None or passed.response is None:
        return "—"
    names = [name.strip() for name in (passed.response.head.get("Vary") or "").split(",") if name.strip()]
    sent = [(name, passed.request.head.get(name)) for name in names]
    return "; ".join(name if value is None else f"{name}: {value}" for name, value in sent) or "—"
