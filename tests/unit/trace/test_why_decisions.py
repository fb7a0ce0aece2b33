"""Logs of decisions: read on as they grow, found by what ties them to a frame, damage passed over."""

import json
from pathlib import Path

import pytest

from lan.reasons import Reason
from lan.trace.tables.history import read_log
from lan.trace.views import decided
from lan.trace.why import Decisions


def line(time_s: float, service: str, what: str, **keys: object) -> str:
    reason = Reason("RFC 0 §1", what, fact=1).as_json()
    return json.dumps({"time_s": time_s, "service": service, "what": what, "reason": reason, **keys})


def test_logs_are_read_on_from_where_they_ended_and_half_a_line_waits(tmp_path: Path) -> None:
    own = tmp_path / "decisions.jsonl"
    web = tmp_path / "devices/web/decisions.jsonl"
    web.parent.mkdir(parents=True)
    own.write_text(line(1, "switch", "learned", switch="s1", src="m") + "\n")
    first, second = line(1, "http", "request", client="c"), line(2, "http", "response", client="c")
    web.write_text(f"{first}\n{second[:20]}")
    decisions = Decisions()
    decisions.read([own, web])
    assert [one.what for one in decisions.of("web", "http", "c")] == ["request"]
    web.write_text(f"{first}\n{second}\n")
    decisions.read([own, web])
    assert [one.what for one in decisions.of("web", "http", "c")] == ["request", "response"]
    [learned] = decisions.of("s1", "switch", "m")
    assert learned.reason == Reason("RFC 0 §1", "learned", fact=1)


def test_the_first_after_and_the_last_before_a_moment_are_found() -> None:
    decisions = Decisions()
    decisions.add("web", [line(second, "http", what, client="c") for second, what in ((1, "a"), (2, "b"), (3, "a"))])
    second_ns = 1_000_000_000
    after = decisions.after("web", "http", "c", 2 * second_ns, 9 * second_ns, ("a",))
    before = decisions.before("web", "http", "c", 3 * second_ns, ("a",))
    assert after is not None and after.time_ns == 3 * second_ns
    assert before is not None and before.time_ns == second_ns
    assert decisions.after("web", "http", "c", 2 * second_ns, 2 * second_ns, ("a",)) is None
    assert decisions.before("web", "http", "other", 9 * second_ns) is None


def test_lines_that_are_no_decisions_are_passed_over() -> None:
    decisions = Decisions()
    decisions.add(
        "web", ["", "{", "[]", "1", '{"time_s": "x"}', '{"time_s": 1, "reason": 3}', line(1, "dns", "a", id=1)]
    )
    assert len(decisions.of("web", "dns", (1, None))) == 1


@pytest.mark.parametrize("time_s", ["Infinity", "-Infinity", "NaN", "1e999"])
def test_a_line_without_a_finite_time_is_passed_over_by_all_who_read_logs(time_s: str) -> None:
    bad, good = line(7, "dns", "a", id=1).replace('"time_s": 7', f'"time_s": {time_s}'), line(1, "dns", "a", id=1)
    decisions = Decisions()
    decisions.add("web", [bad, good])
    assert time_s in bad and len(decisions.of("web", "dns", (1, None))) == 1
    assert [one.time_ns for one in read_log([bad, good])] == [1_000_000_000]
    assert [one.time_ns for one in decided.read([bad, good])] == [1_000_000_000]


@pytest.mark.parametrize(
    ("service", "keys"),
    [
        ("http", {"client": []}),
        ("dhcp", {"xid": {}}),
        ("proxy", {"local": {}}),
        ("dns", {"id": [], "client": "c"}),
        ("switch", {"src": [1]}),
        ("switch", {"src": "m", "dst": {"x": 1}}),
        ("links", {"from": [], "to": "s1"}),
        ("links", {"from": "pc1", "to": "s1", "crc": {}}),
    ],
)
def test_a_line_whose_tie_is_no_text_or_number_is_passed_over(service: str, keys: dict[str, object]) -> None:
    decisions = Decisions()
    decisions.add("web", [line(1, service, "a", **keys), line(2, "http", "request", client="c", xid=7)])
    assert not decisions.has_log("web", service) or service == "http"
    assert len(decisions.of("web", "http", "c")) == len(decisions.of("web", "http", 7)) == 1
