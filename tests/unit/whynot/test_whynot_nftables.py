"""The walk through a firewall's rules: what applies to a packet, what does not, and what is not known to."""

from typing import Any

import pytest

from lan.whynot.nftables import Packet, stopped

WEB = Packet("tcp", "10.0.0.1", "10.0.0.2", 40000, 80)


def match(left: dict[str, Any], right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def payload(protocol: str, field: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": field}}


def chain(*rules: list[dict[str, Any]], policy: str = "accept", hook: str = "input", family: str = "inet") -> list[Any]:
    """A base chain with these rules."""
    place = {"family": family, "table": "t"}
    base = {"name": "c", "type": "filter", "hook": hook, "prio": 0, "policy": policy}
    made: list[Any] = [{"chain": place | base}]
    return made + [{"rule": {**place, "chain": "c", "handle": at, "expr": expr}} for at, expr in enumerate(rules, 2)]


def verdict(ruleset: list[Any], packet: Packet = WEB, iif: str = "eth0") -> str:
    found = stopped(ruleset, ("prerouting", "input"), packet, iif, "")
    return found.verdict if found else "passes"


DROP, ACCEPT = {"drop": None}, {"accept": None}
DPORT, SADDR = payload("tcp", "dport"), payload("ip", "saddr")


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        (match(DPORT, 80), True),
        (match(DPORT, 443), False),
        (match(DPORT, 443, "!="), True),
        (match(DPORT, {"set": [22, 80]}), True),
        (match(DPORT, {"set": [22, {"range": [79, 81]}]}), True),
        (match(DPORT, {"range": [81, 90]}), False),
        (match(payload("th", "dport"), 80), True),
        (match(payload("udp", "dport"), 80), False),
        (match(SADDR, "10.0.0.1"), True),
        (match(SADDR, {"prefix": {"addr": "10.0.0.0", "len": 24}}), True),
        (match(SADDR, {"prefix": {"addr": "10.9.0.0", "len": 24}}), False),
        (match(SADDR, {"range": ["10.0.0.1", "10.0.0.9"]}), True),
        (match({"meta": {"key": "iifname"}}, "eth0"), True),
        (match({"meta": {"key": "iifname"}}, "eth*"), True),
        (match({"meta": {"key": "l4proto"}}, "tcp"), True),
        (match({"ct": {"key": "state"}}, "new", "in"), True),
        (match({"ct": {"key": "state"}}, ["established", "related"], "in"), False),
        (match({"meta": {"key": "mark"}}, 7), False),
        (match({"meta": {"key": "mark"}}, 7, "!="), False),
        (match(payload("tcp", "flags"), "syn", "in"), False),
        (match({"fib": {"result": "type"}}, "local"), False),
    ],
)
def test_a_rule_drops_what_it_matches_and_is_not_blamed_for_what_nobody_here_can_judge(
    condition: dict[str, Any], applies: bool
) -> None:
    assert verdict(chain([condition, {"counter": {}}, DROP])) == ("drop" if applies else "passes")


def test_the_first_verdict_counts_and_then_the_policy() -> None:
    mine, rest = [match(DPORT, 80), ACCEPT], [DROP]
    assert verdict(chain(mine, rest)) == "passes"
    assert verdict(chain(rest, mine)) == "drop"
    assert verdict(chain(mine, policy="drop")) == "passes"
    assert verdict(chain(policy="drop")) == "drop"
    assert verdict(chain([{"reject": {"type": "tcp reset"}}])) == "reject"


def test_a_jump_comes_back_and_a_return_does_too() -> None:
    place = {"family": "inet", "table": "t"}

    def aside(*rules: list[dict[str, Any]]) -> list[Any]:
        made: list[Any] = [{"chain": {**place, "name": "aside"}}]
        return made + [{"rule": {**place, "chain": "aside", "handle": 90, "expr": expr}} for expr in rules]

    jump = [{"jump": {"target": "aside"}}]
    assert verdict(chain(jump) + aside([match(DPORT, 80), DROP])) == "drop"
    assert verdict(chain(jump) + aside([match(DPORT, 22), DROP])) == "passes"
    assert verdict(chain(jump, policy="drop") + aside([{"return": None}])) == "drop"
    assert verdict(chain(jump, [DROP]) + aside([{"return": None}, ACCEPT])) == "drop"
    assert verdict(chain(jump, [DROP]) + aside([ACCEPT])) == "passes"


def test_tables_of_other_families_and_hooks_are_not_asked() -> None:
    assert verdict(chain([DROP], family="ip6")) == "passes"
    assert verdict(chain([DROP], hook="output")) == "passes"
    assert verdict(chain([DROP], family="arp")) == "passes"
    assert verdict(chain([DROP], family="arp"), Packet("arp", "", "")) == "drop"


def test_the_answer_is_established_and_the_other_way_round() -> None:
    back = WEB.back()
    assert (back.src, back.dst, back.sport, back.dport, back.state) == (
        "10.0.0.2",
        "10.0.0.1",
        80,
        40000,
        "established",
    )
    assert (
        verdict(chain([match({"ct": {"key": "state"}}, "established", "in"), ACCEPT], policy="drop"), back) == "passes"
    )


def test_what_stopped_it_is_told_as_nft_prints_it_with_what_takes_it_away() -> None:
    found = stopped(chain([match(DPORT, {"set": [80, 443]}), DROP]), ("input",), WEB)
    assert found is not None
    assert found.text == "tcp dport { 80, 443 } drop"
    assert found.remedy() == "nft delete rule inet t c handle 2"
    policy = stopped(chain(policy="drop"), ("input",), WEB)
    assert policy is not None and policy.remedy() == "nft 'chain inet t c { policy accept; }'"
