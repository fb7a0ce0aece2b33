"""The record of what kernels told: rows, routes and rules as they were, and nothing where something was lost."""

import json

import pytest

from lan.trace.kernel.firewall import key_of
from lan.trace.kernel.record import KernelRecord
from lan.trace.kernel.ruleset import Place, parse

SECOND_NS = 1_000_000_000
GUARD = ("inet", "wall", "guard")
NETWORK = bytes.fromhex("4500001c2038400040fd00000a0000010a000002")
MAC, OTHER = "02:00:00:00:00:02", "02:00:00:00:00:03"


class Written:
    """A record in words: each line a tenth of a second after the one before."""

    def __init__(self) -> None:
        self.record, self.tenths = KernelRecord(), 0
        self.tell("watched", "", devices=["pc1"])

    def tell(self, what: str, device: str = "pc1", **fields: object) -> int:
        """The moment, in ns."""
        self.tenths += 1
        self.record.add([json.dumps({"time_s": self.tenths / 10, "device": device, "what": what, **fields})])
        return self.tenths * SECOND_NS // 10

    def row(self, state: str, mac: str = MAC, *, index: int = 11, is_gone: bool = False) -> int:
        return self.tell("neighbour", index=index, ip="10.0.0.2", mac=mac, state=state, is_gone=is_gone)

    def route(self, destination: str, *, table: int = 254, kind: str = "unicast", **fields: object) -> int:
        given = {"gateway": "", "index": 11, **fields}
        return self.tell("route", table=table, kind=kind, destination=destination, **given)

    def rules(self, **words: str) -> int:
        """The rules as they were read: handle 2 has the words of `drop`."""
        rules = [[*GUARD, 2, text] for text in words.values()]
        return self.tell("ruleset", rules=rules, bases=[[*GUARD, "type filter hook input"]])

    def traced(self, handle: int = 2) -> int:
        """A rule drops a packet."""
        return self.tell("rule", family="inet", table="wall", chain="guard", handle=handle, verdict="drop", id=1,
                         network=NETWORK.hex(), transport="", iif=11, oif=0)  # fmt: skip

    def words(self) -> str:
        """The words of what was done with the last packet."""
        at_ns = self.tenths * SECOND_NS // 10
        [*_, verdict] = self.record.firewall.verdicts("pc1", [key_of("ip", NETWORK, b"")], at_ns)
        return verdict.words

    def chosen(self, ip: str, at_ns: int | None = None) -> str | None:
        """The words of the route; "" for none, None where nobody knows."""
        choice = self.record.routes.choose("pc1", ip, self.tenths * SECOND_NS // 10 if at_ns is None else at_ns)
        return None if choice is None else choice.words()


@pytest.fixture
def written() -> Written:
    return Written()


def test_a_row_is_the_last_that_was_told_before_a_moment(written: Written) -> None:
    first, gone, again = written.row("REACHABLE"), written.row("", is_gone=True), written.row("STALE", OTHER)
    rows = written.record.neighbours
    assert rows.is_missing("pc1", "10.0.0.2", first - 1)
    row = rows.used("pc1", "10.0.0.2", MAC, first)
    assert row is not None and (row.neighbour.mac, row.since_ns) == (MAC, first)
    assert rows.is_missing("pc1", "10.0.0.2", gone)
    assert rows.table("pc1", again + 1) == [rows.used("pc1", "10.0.0.2", OTHER, again)]


def test_a_frame_shows_which_row_sent_it_though_the_row_was_heard_late(written: Written) -> None:
    failed, known, moved = written.row("FAILED", ""), written.row("REACHABLE"), written.row("REACHABLE", OTHER)
    used = written.record.neighbours.used
    late = used("pc1", "10.0.0.2", MAC, failed + 1)
    assert late is not None and late.since_ns == known
    assert used("pc1", "10.0.0.2", OTHER, known + 1) is not None
    assert used("pc1", "10.0.0.2", MAC, moved) is None
    assert used("pc1", "10.0.0.2", MAC, failed - 5 * SECOND_NS) is None


def test_each_port_has_its_own_row_of_an_address(written: Written) -> None:
    """An address that moved to another cable: the row of the old port goes, or fails, and the new one's stays."""
    written.row("REACHABLE", index=11)
    written.row("REACHABLE", OTHER, index=12)
    failed, gone = written.row("FAILED", "", index=11), written.row("", "", index=11, is_gone=True)
    rows = written.record.neighbours
    for at_ns in (failed, gone):
        assert not rows.is_missing("pc1", "10.0.0.2", at_ns)
        assert rows.used("pc1", "10.0.0.2", MAC, at_ns) is None
        row = rows.used("pc1", "10.0.0.2", OTHER, at_ns)
        assert row is not None and row.neighbour.mac == OTHER
    assert rows.has_failed("pc1", "10.0.0.2", gone)
    assert [(row.neighbour.index, row.neighbour.state) for row in rows.table("pc1", failed) or ()] == [
        (11, "FAILED"),
        (12, "REACHABLE"),
    ]
    assert rows.table("pc1", gone) == [rows.used("pc1", "10.0.0.2", OTHER, gone)]
    written.tell("gap", "", of="tables")
    failed = written.row("FAILED", "", index=11)
    assert not rows.is_missing("pc1", "10.0.0.2", failed), "what the other port has now, nobody knows"
    assert rows.used("pc1", "10.0.0.2", OTHER, failed) is None
    gone = written.row("", "", index=11, is_gone=True)
    assert rows.used("pc1", "10.0.0.2", OTHER, gone) is None
    used = written.row("REACHABLE", index=11)
    row = rows.used("pc1", "10.0.0.2", MAC, used)
    assert row is not None and row.neighbour.index == 11, "a row that is used is one, whatever else there is"


def test_what_came_before_a_gap_is_not_known(written: Written) -> None:
    before = written.row("REACHABLE")
    after = written.tell("gap", "", of="tables") + 1
    rows = written.record.neighbours
    assert rows.used("pc1", "10.0.0.2", MAC, before) is not None
    assert rows.used("pc1", "10.0.0.2", MAC, after) is None and not rows.is_missing("pc1", "10.0.0.9", after)
    assert rows.table("pc1", after) is None and written.chosen("10.0.0.9", after) is None
    assert rows.used("pc1", "10.0.0.2", MAC, written.row("STALE")) is not None


def test_what_was_told_while_something_got_lost_may_be_old_by_its_end(written: Written) -> None:
    """A kernel whose reader is slow drops what comes while the reader takes what is there: its end is the gap's."""
    first = written.row("REACHABLE")
    within = written.route("10.0.0.0/24")
    rows, ended = written.record.neighbours, written.tell("gap", "", of="tables", since_s=0.25)
    assert rows.used("pc1", "10.0.0.2", MAC, first) is not None
    assert rows.used("pc1", "10.0.0.2", MAC, within) is None and written.chosen("10.0.0.9", within) is None
    assert rows.came("pc1", "10.0.0.9", MAC, first) is None, "its row may be what got lost"
    assert rows.used("pc1", "10.0.0.2", MAC, written.row("STALE")) is not None
    begun = written.tell("watched", "", devices=["pc1"])
    assert begun > ended and written.chosen("10.0.0.9") == "", "another pc1, of which nothing got lost"


def test_another_device_of_a_name_has_nothing_of_the_formers(written: Written) -> None:
    listening = ["tcp", "0.0.0.0", 80, "", 0]
    written.row("REACHABLE")
    written.route("10.0.0.9/32", table=255, kind="local")
    written.tell("interface", index=11, name="pc1-eth0", is_up=True, mac=MAC)
    written.tell("policy rule", family=2)
    written.tell("sockets", new=[[*listening, "LISTEN", 0, 4]], gone=[])
    written.rules(drop="tcp dport 81 drop")
    former = written.traced() - 1
    record, begun = written.record, written.tell("watched", "", devices=["pc1"])
    assert record.neighbours.is_missing("pc1", "10.0.0.2", begun) and record.neighbours.table("pc1", begun) == []
    assert written.chosen("10.0.0.9") == "" and not record.routes.macs("pc1", begun)
    assert record.sockets.taking("pc1", "tcp", "10.0.0.1", 80, begun) is None
    written.traced()
    assert written.words() == ""
    assert record.neighbours.used("pc1", "10.0.0.2", MAC, former) is not None and record.routes.macs("pc1", former)
    assert record.sockets.taking("pc1", "tcp", "10.0.0.1", 80, former) is not None


def test_devices_that_nobody_listened_to_are_not_known(written: Written) -> None:
    assert written.record.routes.choose("pc2", "10.0.0.1", SECOND_NS) is None
    assert not written.record.neighbours.is_missing("pc2", "10.0.0.1", SECOND_NS)


def test_the_longest_prefix_is_chosen_then_the_least_metric(written: Written) -> None:
    written.tell("interface", index=11, name="pc1-eth0", is_up=True)
    written.route("10.0.0.1/32", table=255, kind="local")
    written.route("10.0.0.0/24")
    written.route("0.0.0.0/0", gateway="10.0.0.254", metric=20)
    before = written.route("0.0.0.0/0", gateway="10.0.0.253", metric=10)
    assert written.chosen("10.0.0.1") == "local 10.0.0.1/32 dev pc1-eth0"
    assert written.chosen("10.0.0.9") == "10.0.0.0/24 dev pc1-eth0"
    assert written.chosen("192.0.2.1") == "default via 10.0.0.253 dev pc1-eth0 metric 10"
    written.route("0.0.0.0/0", gateway="10.0.0.253", metric=10, is_gone=True)
    assert written.chosen("192.0.2.1") == "default via 10.0.0.254 dev pc1-eth0 metric 20"
    assert written.chosen("192.0.2.1", before) == "default via 10.0.0.253 dev pc1-eth0 metric 10"


def test_a_route_takes_the_place_of_another_where_it_replaces_it(written: Written) -> None:
    written.route("0.0.0.0/0", gateway="10.0.0.253")
    written.route("0.0.0.0/0", gateway="10.0.0.254", replaces=True)
    assert written.chosen("192.0.2.1") == "default via 10.0.0.254"


def test_routes_go_with_their_interface_and_their_last_address_unsaid(written: Written) -> None:
    for end in ("down", "address"):
        written.tell("interface", index=11, name="pc1-eth0", is_up=True)
        written.route("10.0.0.1/32", table=255, kind="local", source="10.0.0.1")
        written.route("0.0.0.0/0", gateway="10.0.0.254")
        assert written.chosen("192.0.2.1") == "default via 10.0.0.254 dev pc1-eth0"
        if end == "down":
            written.tell("interface", index=11, name="pc1-eth0", is_up=False)
        else:
            written.route("10.0.0.1/32", table=255, kind="local", source="10.0.0.1", is_gone=True)
        assert written.chosen("192.0.2.1") == ""


def test_what_several_ways_or_rules_decide_is_not_known(written: Written) -> None:
    written.route("10.0.0.0/24", is_simple=False)
    assert written.chosen("10.0.0.9") is None and written.chosen("192.0.2.1") == ""
    written.tell("policy rule", family=2)
    assert written.chosen("192.0.2.1") is None


def test_a_rules_words_are_those_of_the_rules_in_force(written: Written) -> None:
    """A table that is made anew numbers its rules anew: handle 2 is another rule, though it has not been read yet."""
    written.rules(drop="tcp dport 81 drop")
    written.traced()
    assert written.words() == "tcp dport 81 drop"
    written.tell("rules change")
    written.traced()
    assert written.words() == "", "until they are read"
    at_ns = written.rules(drop="tcp dport 82 drop") - SECOND_NS // 10
    [*_, verdict] = written.record.firewall.verdicts("pc1", [key_of("ip", NETWORK, b"")], at_ns)
    assert verdict.words == "tcp dport 82 drop"
    written.traced()
    assert written.words() == "tcp dport 82 drop"


@pytest.mark.parametrize(("then", "words"), [("tcp dport 83 drop", ""), ("tcp dport 81 drop", "tcp dport 81 drop")])
def test_a_rule_between_two_changes_is_known_where_its_words_are_the_same_on_both_sides(
    written: Written, then: str, words: str
) -> None:
    written.rules(drop="tcp dport 81 drop")
    written.tell("rules change")
    at_ns = written.traced()
    written.tell("rules change")
    written.rules(drop=then)
    [verdict] = written.record.firewall.verdicts("pc1", [key_of("ip", NETWORK, b"")], at_ns)
    assert verdict.words == words


def test_rules_that_have_not_changed_are_told_in_a_word(written: Written) -> None:
    written.rules(drop="tcp dport 81 drop")
    written.tell("rules change")
    written.tell("ruleset", is_same=True)
    written.traced()
    assert written.words() == "tcp dport 81 drop"


def test_packets_alike_to_which_the_kernel_gave_one_number_are_told_apart(written: Written) -> None:
    written.rules(drop="tcp dport 81 drop")
    moments = [moment for _ in range(3) for moment in (written.traced(7), written.traced(2))]
    for at, moment in enumerate(moments):
        told = written.record.firewall.verdicts("pc1", [key_of("ip", NETWORK, b"")], moment)
        assert [(one.handle, one.time_ns) for one in told] == list(zip((7, 2), moments[at & ~1 :], strict=False))


def test_lines_that_are_no_events_are_passed_over(written: Written) -> None:
    written.record.add(["", "{", "[]", '{"time_s": 1}', '{"time_s": 1, "device": "pc1", "what": "route"}',
                        '{"time_s": 1, "device": "pc1", "what": "rule"}',
                        '{"time_s": Infinity, "device": "pc1", "what": "route"}'])  # fmt: skip
    assert written.chosen("10.0.0.9") == ""


LISTING = """\
table inet wall { # handle 1
\tset known { # handle 3
\t\ttype ipv4_addr
\t\telements = { 10.0.0.1 }
\t}

\tchain guard { # handle 1
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established,related accept # handle 4
\t\tip saddr { 10.0.0.1, 10.0.0.2,
\t\t\t 10.0.0.3 } tcp dport 80 counter accept # handle 6
\t\tiifname "pc1-eth0" jump more # handle 7
\t}

\tchain more { # handle 2
\t\tdrop # handle 8
\t}
}
table inet lan_trace { # progname lan-kernel flags owner handle 2
\tchain output { # handle 1
\t\ttype filter hook output priority -2147483648; policy accept;
\t\tlimit rate 300/second burst 300 packets meta nftrace set 1 # handle 2
\t}
}
"""
"""By ``nft --handle --stateless list ruleset`` of nftables 1.0.6."""


def test_a_listing_of_rules_is_read_but_for_our_own() -> None:
    rules = parse(LISTING, without=("lan_trace",))
    guard, more = Place("inet", "wall", "guard"), Place("inet", "wall", "more")
    assert rules.bases == {guard: "type filter hook input priority filter; policy drop;"}
    assert rules.rules == {
        (guard, 4): "ct state established,related accept",
        (guard, 6): "ip saddr { 10.0.0.1, 10.0.0.2, 10.0.0.3 } tcp dport 80 counter accept",
        (guard, 7): 'iifname "pc1-eth0" jump more',
        (more, 8): "drop",
    }
