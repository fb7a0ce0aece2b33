"""Faults on demand, each seen on a real cable: the bytes, the FIN or RST, the segments as they leave the server.

`faults_over_a_cable.py` plays them all in one go; each test reads what came of one.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lan.services.http.origin.faults import FAULTS

HOUSE = Path(__file__).resolve().parents[2]
CABLE = HOUSE / "tests" / "lan" / "faults_over_a_cable.py"
BODY = "0123456789"


class Seen:
    """What came of one connection: the texts of its answers, its end, and its segments at the server's end."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.received: list[str] = told["received"]
        self.end: str = told["end"]
        self.segments: list[dict[str, Any]] = told["segments"]

    @property
    def body(self) -> str:
        return self.received[0].partition("\r\n\r\n")[2]

    def field(self, name: str) -> str | None:
        """A field of the first answer."""
        found = re.search(rf"^{name}: (.*)\r$", self.received[0].partition("\r\n\r\n")[0] + "\r\n", re.MULTILINE)
        return found[1] if found else None

    @property
    def goes_on(self) -> bool:
        """The second request on the same connection got its answer, after which the server closed as it was asked."""
        return self.received[1].startswith("HTTP/1.1 200 OK") and self.received[1].endswith(BODY) and self.end == "FIN"

    def flags(self, sender: str = "") -> list[str]:
        """Sender and flags of the segments without data, each once, but for mere ACKs."""
        bare = [one for one in self.segments if not one["length"] and one["flags"] != "ACK"]
        once = {(one["from"], one["flags"], one["seq"]): f"{one['from']} {one['flags']}" for one in bare}
        return [text for text in once.values() if text.startswith(sender)]

    def waited_for_ack(self) -> list[bool]:
        """For each exchange but the first: whether the client's ACK of the head came before the body left."""
        exchanges: list[list[str]] = []
        asked: set[int] = set()
        for one in self.segments:
            if one["from"] == "client" and one["length"]:
                exchanges += [] if one["seq"] in asked else [[]]  # sent again, it is the same request
                asked.add(one["seq"])
            elif exchanges:
                exchanges[-1].append(f"{one['from']} {one['length'] or one['flags']}")
        return ["client ACK" in said[: said.index(f"server {len(BODY)}")] for said in exchanges[1:]]

    def server_lengths(self) -> list[int]:
        """The bytes of each data segment of the server, each as it was sent first: again, it may be one with others."""
        once: dict[int, int] = {}
        for one in self.segments:
            if one["from"] == "server" and one["length"]:
                once.setdefault(one["seq"], one["length"])
        return list(once.values())


@pytest.fixture(scope="module")
def all_seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--net", "--", sys.executable, str(CABLE)),
            str(tmp_path_factory.mktemp("faults")),
        ],
        env={**os.environ, "PYTHONPATH": f"{HOUSE}:{CABLE.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare failed" in done.stderr:
        pytest.skip(f"no network namespace to be had: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return {name: Seen(told) for name, told in json.loads(done.stdout).items()}


@pytest.fixture
def seen(request: pytest.FixtureRequest, all_seen: dict[str, Seen]) -> Seen:
    """What came of the fault that the test names."""
    return all_seen[request.param]


def of(fault: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("seen", [fault], indirect=True)


def test_every_fault_there_is_was_played(all_seen: dict[str, Seen]) -> None:
    assert {name.partition(":")[0] for name in all_seen} >= set(FAULTS)


@of("no fault")
def test_without_a_fault_an_answer_is_one_segment_and_the_connection_goes_on(seen: Seen) -> None:
    assert (seen.body, seen.field("Content-Length")) == (BODY, "10")
    assert seen.goes_on
    assert len(seen.server_lengths()) == 2


@of("content-length:none")
def test_no_length_and_the_close_ends_the_body(seen: Seen) -> None:
    assert (seen.body, seen.field("Content-Length"), seen.field("Transfer-Encoding")) == (BODY, None, None)
    assert seen.field("Connection") == "close"
    assert seen.flags()[-2:] == ["server FIN, ACK", "client FIN, ACK"]


@of("content-length:unclosed")
def test_no_length_and_no_close_leaves_the_client_waiting(seen: Seen) -> None:
    assert (seen.body, seen.field("Content-Length"), seen.field("Connection")) == (BODY, None, None)
    assert seen.goes_on


@of("content-length:short")
def test_more_body_than_the_length_says(seen: Seen) -> None:
    assert (seen.body, seen.field("Content-Length")) == (BODY, "5")
    assert seen.goes_on


@of("content-length:long")
def test_less_body_than_the_length_says(seen: Seen) -> None:
    assert (seen.body, seen.field("Content-Length")) == (BODY, "110")
    assert seen.goes_on


@of("early-close:4")
def test_an_early_close_cuts_the_body_and_resets_who_sends_on(seen: Seen) -> None:
    assert (seen.body, seen.field("Content-Length"), seen.told["first"]) == ("0123", "10", "FIN")
    assert seen.told["reset"]
    assert seen.flags("server")[-2:] == ["server FIN, ACK", "server RST"]


@of("reset:4")
def test_a_reset_after_some_bytes_and_no_fin(seen: Seen) -> None:
    assert (seen.body, seen.end) == ("0123", "RST")
    assert seen.flags("server")[1:] == ["server RST, ACK"]


@of("stall")
def test_a_stall_is_silence_within_the_body(seen: Seen) -> None:
    assert (seen.body, seen.end, seen.told["silent"], seen.told["state"]) == ("0123", "open", True, 1)


@of("stall:0.2:4")
def test_after_a_stall_the_rest_comes_in_a_segment_of_its_own(seen: Seen) -> None:
    assert seen.body == BODY
    assert seen.server_lengths()[1] == 6
    assert seen.goes_on


@of("half-close:4")
def test_a_half_close_ends_one_direction_and_acknowledges_the_other(seen: Seen) -> None:
    assert (seen.body, seen.end, seen.told["acknowledged"], seen.told["state"]) == ("0123", "FIN", True, 8)
    assert "server FIN, ACK" in seen.flags("server")
    assert not [flags for flags in seen.flags("server") if "RST" in flags]


@of("drip:1:2")
def test_dripping_bytes_leave_one_by_one(seen: Seen) -> None:
    assert seen.body == BODY
    assert seen.server_lengths()[1:10] == [1] * 9
    assert seen.goes_on


@of("ignore-keep-alive:claims")
def test_a_server_that_says_keep_alive_and_closes(seen: Seen) -> None:
    assert (seen.body, seen.field("Connection"), seen.end) == (BODY, "keep-alive", "FIN")
    assert seen.flags()[-2:] == ["server FIN, ACK", "client FIN, ACK"]


@of("ignore-keep-alive:silent")
def test_a_server_that_says_nothing_and_closes(seen: Seen) -> None:
    assert (seen.body, seen.field("Connection"), seen.end) == (BODY, None, "FIN")
    assert seen.flags()[-2:] == ["server FIN, ACK", "client FIN, ACK"]


@of("endless")
def test_a_body_without_end_goes_on_as_long_as_the_client_reads(seen: Seen) -> None:
    assert seen.told["count"] >= 4 << 20
    assert not seen.told["has_end"]
    assert seen.end == "open"


@pytest.mark.parametrize(
    ("seen", "size"),
    [("lying-chunk:long", "6e"), ("lying-chunk:short", "5"), ("lying-chunk:bad", "0x-1z")],
    indirect=["seen"],
)
def test_a_chunk_that_lies_about_its_size(seen: Seen, size: str) -> None:
    assert seen.field("Transfer-Encoding") == "chunked"
    assert seen.body == f"{size}\r\n{BODY}\r\n0\r\n\r\n"
    assert seen.goes_on


@of("split-writes")
def test_head_and_body_in_separate_writes_are_two_segments(seen: Seen) -> None:
    assert seen.server_lengths()[1] == len(BODY)
    assert seen.body == BODY


@of("nagle:on")
def test_with_nagle_the_body_waits_for_the_ack_of_the_head(seen: Seen) -> None:
    """But for a machine that stood still: after 200 ms the body is sent as a probe for the ACK (RFC 8985 §7.3)."""
    assert seen.waited_for_ack().count(True) >= 4 and len(seen.waited_for_ack()) == 5


@of("nagle:off")
def test_without_nagle_the_body_does_not_wait(seen: Seen) -> None:
    """On a busy machine an ACK may come between all the same, but not each time."""
    assert False in seen.waited_for_ack()


@of("think")
def test_a_server_that_thinks_sends_nothing_but_its_ack(seen: Seen) -> None:
    assert (seen.received, seen.end, seen.told["silent"], seen.told["state"]) == ([""], "open", True, 1)
    assert seen.server_lengths() == []


@of("think:0.2")
def test_after_thinking_the_whole_answer_comes(seen: Seen) -> None:
    assert seen.body == BODY
    assert seen.goes_on


@pytest.mark.parametrize(
    ("seen", "first"), [("closes-first:client", "client"), ("closes-first:server", "server")], indirect=["seen"]
)
def test_the_side_that_is_named_sends_the_first_fin_and_so_holds_time_wait(seen: Seen, first: str) -> None:
    other = {"client": "server", "server": "client"}[first]
    assert [flags for flags in seen.flags() if "FIN" in flags] == [f"{first} FIN, ACK", f"{other} FIN, ACK"]


@of("by query")
def test_a_fault_is_asked_for_in_the_query_too(seen: Seen) -> None:
    assert (seen.body, seen.end) == ("0123", "FIN")


@of("by route")
def test_a_fault_is_set_for_a_route(seen: Seen) -> None:
    assert (seen.body, seen.end) == ("0123", "RST")


@of("no such fault")
def test_a_fault_that_is_none_is_answered_with_those_there_are(seen: Seen) -> None:
    assert seen.received[0].startswith("HTTP/1.1 400 Bad Request")
    assert all(kind.form in seen.body for kind in FAULTS.values())
    assert seen.goes_on
