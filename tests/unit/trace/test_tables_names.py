"""What devices knew of names at an instant, by the answers that passed; zones of our own servers by their settings."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from dnslib import CNAME, QTYPE, RCODE, RR, SOA, A, DNSRecord

from lan.cli.command_line import main
from lan.errors import UsageError
from lan.trace import pcapng_writing
from lan.trace.tables.history import SECOND_NS, History
from lan.trace.tables.rebuild import rebuild
from lan.trace.timeline import Timeline
from lan.wire import ethernet, ipv4, udp

from .dialogues import IPS, MACS, timeline

Part = list[tuple[int, bytes, str]]
Run = Callable[..., tuple[int, str, str]]
WEB = IPS["web"]


def packet(who: str, peer: str, ports: tuple[int, int], payload: bytes) -> bytes:
    body = udp.build(IPS[who], IPS[peer], *ports, payload)
    return ethernet.build(MACS[peer], MACS[who], ethernet.IPV4, ipv4.build(IPS[who], IPS[peer], ipv4.UDP, body))


def asked(
    second: float, name: str, *records: RR, kind: str = "A", rcode: str = "NOERROR", soa: RR | None = None
) -> Part:
    """pc1 asks the name server at a second, and is told a millisecond later."""
    question = DNSRecord.question(name, kind)
    answer = question.reply()
    answer.header.rcode = getattr(RCODE, rcode)
    for record in records:
        answer.add_answer(record)
    if soa is not None:
        answer.add_auth(soa)
    at_ns, port = round(second * SECOND_NS), 50000 + round(second)
    return [
        (at_ns, packet("pc1", "dns", (port, 53), question.pack()), "pc1"),
        (at_ns + 1_000_000, packet("dns", "pc1", (53, port), answer.pack()), "dns"),
    ]


def address(name: str, data: str, ttl_s: int = 300) -> RR:
    return RR(name, QTYPE.A, rdata=A(data), ttl=ttl_s)


def rows(frames: Timeline, device: str, second: float) -> list[list[str]]:
    return rebuild(History(frames), "dns", device, round(second * SECOND_NS))[device].rows


def test_a_clients_records_count_down_until_they_are_over() -> None:
    frames = timeline(asked(1, "web.test", address("web.test", WEB, ttl_s=20)))
    assert rows(frames, "pc1", 1.5) == [["web.test", "A", "20", WEB, "20", "dns"]]
    assert rows(frames, "pc1", 11)[0][4] == "10"
    assert rows(frames, "pc1", 60)[0][4] == "expired"
    assert rows(frames, "dns", 60) == [["web.test", "A", "20", WEB, "—", "itself"]]


def test_a_later_answer_takes_the_place_of_the_earlier_and_stands_first() -> None:
    frames = timeline(
        asked(1, "web.test", address("web.test", WEB), address("web.test", "10.0.0.77")),
        asked(2, "other.test", RR("other.test", QTYPE.CNAME, rdata=CNAME("web.test"), ttl=60)),
        asked(3, "WEB.test", address("WEB.test", "10.0.0.9")),
    )
    assert [row[:4] for row in rows(frames, "pc1", 2.5)] == [
        ["other.test", "CNAME", "60", "web.test"], ["web.test", "A", "300", WEB], ["web.test", "A", "300", "10.0.0.77"]
    ]  # fmt: skip
    assert [row[:4] for row in rows(frames, "pc1", 3.5)] == [
        ["WEB.test", "A", "300", "10.0.0.9"], ["other.test", "CNAME", "60", "web.test"]
    ]  # fmt: skip


def test_that_there_is_no_such_name_or_record_is_known_for_as_long_as_the_soa_says() -> None:
    soa = RR("test", QTYPE.SOA, rdata=SOA("ns.test", "me.test", (1, 2, 3, 4, 30)), ttl=600)
    frames = timeline(
        asked(1, "no.test", rcode="NXDOMAIN", soa=soa), asked(2, "web.test", kind="AAAA", soa=soa),
        asked(3, "out.example", rcode="REFUSED"),
    )  # fmt: skip
    assert rows(frames, "pc1", 4) == [
        ["out.example", "A", "—", "REFUSED", "—", "dns"],
        ["web.test", "AAAA", "30", "no such record", "28", "dns"],
        ["no.test", "A", "30", "NXDOMAIN", "27", "dns"],
    ]


def test_who_asked_and_who_answered_have_the_table_once_an_answer_has_passed() -> None:
    frames = timeline(asked(1, "web.test", address("web.test", WEB)))
    found = rebuild(History(frames), "dns", None, 2 * SECOND_NS)
    assert list(found) == ["pc1", "dns"] and all(table.is_derived for table in found.values())
    with pytest.raises(UsageError, match="no DNS answer had passed then"):
        rebuild(History(frames), "dns", None, SECOND_NS // 2)
    with pytest.raises(UsageError, match="web has no table dns") as mistake:
        rebuild(History(frames), "dns", "web", 2 * SECOND_NS)
    assert mistake.value.expected == "one of pc1, dns"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """`lan show dns …` over a file of two answers, a second apart: its exit code, and what it said to either stream."""
    file = tmp_path / "names.pcapng"
    frames = timeline(
        asked(1, "web.test", address("web.test", WEB, ttl_s=20)), asked(2, "later.test", address("later.test", WEB))
    )
    file.write_bytes(pcapng_writing.dump(frames.all_frames, switches=["s1"]))

    def call(*words: str) -> tuple[int, str, str]:
        code = main(["show", "dns", *words, "--file", str(file)])
        return code, *capsys.readouterr()

    return call


def test_a_file_shows_the_names_that_its_answers_tell_and_says_that_they_do(run: Run) -> None:
    code, said, _ = run("pc1", "--at", "0.5s")
    assert code == 0
    assert "web.test  A     20" in said and "later.test" not in said and "seconds left" in said
    assert "at 0.500 s, derived from DNS answers that it gave and got; whether a program kept them" in said
    code, said, _ = run("--at", "0.5s", "--json")
    assert {name: each["derived"] for name, each in json.loads(said)["devices"].items()} == {"pc1": True, "dns": True}
    code, _, fault = run("--at", "0s")
    assert code == 2 and "no DNS answer had passed then" in fault and "lan trace --filter dns" in fault


def test_beside_its_description_a_servers_zone_is_told_by_its_settings(run: Run, tmp_path: Path) -> None:
    zone = {"www.lan.test": "10.0.0.4", "far.lan.test": "10.0.2.2"}
    devices = [
        {"name": "dns", "kind": "dns-server", "options": {"zone": zone}, "is_switch": False},
        {"name": "pc1", "kind": "pc", "options": {}, "is_switch": False},
    ]
    (tmp_path / "lan.json").write_text(json.dumps({"devices": devices, "links": []}))
    code, said, _ = run("--at", "0.5s")
    assert code == 0 and "www.lan.test" in said and "far.lan.test" in said
    assert said.splitlines()[-1] == "at 0.500 s, from its settings as they were"
    assert "web.test" in run("pc1", "--at", "0.5s")[1]
    set_later = {"time_s": 1.2, "service": "lan", "what": "set", "reason": {}, "device": "dns",
                 "options": {"zone": {"www.lan.test": "10.0.0.5"}}}  # fmt: skip
    (tmp_path / "decisions.jsonl").write_text(json.dumps(set_later) + "\n")
    before, after = run("dns", "--at", "0s")[1], run("dns", "--at", "0.5s")[1]
    assert "10.0.0.4" in before and "10.0.0.5" in after and "10.0.0.4" not in after


def test_a_lan_without_a_cache_is_told_who_would_have_one() -> None:
    devices = [{"name": "via", "kind": "proxy", "options": {"proxy": "smart"}, "is_switch": False}]
    history = History(timeline(asked(1, "web.test")), described={"devices": devices, "links": []})
    with pytest.raises(UsageError, match="no device of this LAN had a table cache then") as mistake:
        rebuild(history, "cache", None, 2 * SECOND_NS)
    assert mistake.value.expected == "one with it: a proxy with proxy=cache"


def test_what_a_table_rests_on_is_told_in_the_readers_language(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAN_LANG", "ko")
    code, said, _ = run("pc1", "--at", "0.5s")
    assert code == 0 and "0.500초 시점, 다음에서 추정: 주고받은 DNS 응답." in said
