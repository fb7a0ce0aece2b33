"""The core of `lan whynot` over facts kept from real LANs: sixty that were broken, each in one way, and sound ones.

`facts.jsonl` was written by ``LAN_ALL=1 LAN_KEEP_FACTS=FILE pytest tests/lan/test_whynot.py`` (what breakages.py makes,
on the kernel's bridge) and then thinned: frames that change nothing were left out, and what devices have in common
stands once, as a `part`.
"""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lan.whynot.chain import diagnose
from lan.whynot.facts import Facts, Seen, facts_from_json
from lan.whynot.finding import Step

from ...lan.breakages import BREAKAGES, SOUND

KEPT = Path(__file__).with_name("facts.jsonl")


@cache
def kept() -> dict[str, Facts]:
    """Name → facts."""
    lines = [json.loads(line) for line in KEPT.read_text().splitlines()]
    parts = [line["part"] for line in lines if "part" in line]
    return {line.pop("name"): facts_from_json(whole(line, parts)) for line in lines if "name" in line}


def whole(line: dict[str, Any], parts: list[Any]) -> dict[str, Any]:
    for room in ("devices", "switches"):
        line[room] = {name: parts[at] for name, at in line[room].items()}
    return line | {"cables": [parts[at] for at in line["cables"]]}


@pytest.mark.parametrize("broken", [each for each in BREAKAGES if each.name in kept()], ids=lambda it: it.name)
def test_the_first_broken_piece_is_named(broken: Any) -> None:
    found = diagnose(kept()[broken.name])
    assert found.broken is not None, found.steps
    assert (found.broken.code, found.broken.device) == (broken.code, broken.device), found.broken
    assert found.broken.evidence or found.broken.look, "it says where to look"


@pytest.mark.parametrize("words", SOUND)
def test_nothing_is_broken_where_all_is_sound(words: str) -> None:
    assert diagnose(kept()[words]).broken is None


def test_all_set_ups_but_those_of_open_vswitch_are_kept() -> None:
    assert {it.name for it in BREAKAGES} - set(kept()) == {it.name for it in BREAKAGES if it.only == "ovs"}
    assert len(kept()) >= 40 + len(SOUND)


def test_nearly_every_finding_has_a_command_that_mends_it() -> None:
    found = {it.name: diagnose(kept()[it.name]).broken for it in BREAKAGES if it.name in kept()}
    without = {name for name, broken in found.items() if broken is None or not broken.remedy}
    assert without <= {"on-link", "resolver-no-server"}, without


def asked_for(name: str, kind: str, target: str, host: str) -> Step:
    """What is found where a name that no server has is asked for on the LAN of another finding."""
    facts = kept()[name]
    question = replace(facts.question, kind=kind, target=target, host=host)
    answers = [replace(answer, name=host) for answer in facts.answers]
    found = diagnose(replace(facts, question=question, answers=answers)).broken
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["ping", "http", "https", "dns"])
def test_a_misspelt_device_is_set_right_before_any_server_is_told_of_the_name(kind: str) -> None:
    found = asked_for("no-such-name", kind, "wbe:8080/a/wbe", "wbe")
    assert (found.code, found.device, found.frames) == ("name.no-device", "pc1", (1057, 1060))
    assert found.remedy == f"lan whynot {kind} pc1 web:8080/a/wbe"
    assert found.evidence == ("wbe A? NXDOMAIN from 192.168.100.254",)


def test_a_misspelt_device_is_set_right_in_the_host_of_a_uri_not_in_its_scheme() -> None:
    facts = kept()["no-such-name"]
    devices = {"ht": facts.devices["web"], **{n: d for n, d in facts.devices.items() if n != "web"}}
    question = replace(facts.question, kind="http", target="http://htt/htt?a=http://b", host="htt")
    answers = [replace(answer, name="htt") for answer in facts.answers]
    found = diagnose(replace(facts, question=question, answers=answers, devices=devices)).broken
    assert found is not None and (found.code, found.remedy) == (
        "name.no-device",
        "lan whynot http pc1 http://ht/htt?a=http://b",
    )


def test_a_misspelt_device_is_set_right_where_no_server_is_asked_and_it_is_one_of_many() -> None:
    facts = kept()["no-resolver"]
    few = {name: device for name, device in facts.devices.items() if name != "web"}
    question = replace(facts.question, kind="ping", target="wbe", host="wbe")
    found = diagnose(replace(facts, question=question, devices=few)).broken
    assert found is not None and (found.code, found.remedy) == ("name.no-device", "lan whynot ping pc2 web")


@pytest.mark.parametrize("host", ["www.lan.test", "www", "wbe.lan.test", "printer", "s4"])
def test_a_name_that_is_like_no_device_or_is_some_servers_is_asked_of_the_server(host: str) -> None:
    assert asked_for("no-such-name", "ping", host, host).code == "name.nxdomain"


def test_facts_are_kept_and_read_as_they_were() -> None:
    for facts in kept().values():
        assert facts_from_json(json.loads(json.dumps(facts.as_json()))) == facts


@pytest.mark.parametrize(
    ("kind", "saying"), [("http", "HTTP 404 Not Found, Content-Length: 28"), ("https", "TLS application data, 9 bytes")]
)
def test_an_error_status_is_shown_by_the_frame_that_says_it(kind: str, saying: str) -> None:
    facts = kept()["not-found"]
    facts = replace(facts, question=replace(facts.question, kind=kind, port=80))
    pc1, web = facts.seen[0].src, "192.168.100.253"
    ends = ("web:eth0", "s2:eth4", "02:00:00:00:00:02", "02:00:00:00:00:01", "tcp")
    said = (saying, "TCP 80 → 40000 [ACK]", "TCP 80 → 40000 [FIN, ACK]")
    answers = [Seen(2000 + at, *ends, "ACK", web, pc1, 80, 40000, text) for at, text in enumerate(said)]
    found = diagnose(replace(facts, seen=[*facts.seen, *answers])).broken
    assert found is not None and [str(line) for line in found.evidence] == [f"frame 2000  web → s2  {said[0]}"]
    assert found.frames[0] == 2000
    assert found.remedy is not None and f"{kind}://www.lan.test" in found.remedy
