"""dig (BIND's client) against the DNS server: what it warns of, we got wrong."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.skipif(shutil.which("dig") is None, reason="dig is not installed")
ZONE = {
    "lan.test": {"A": "10.0.0.1", "MX": "10 www.lan.test"},
    "www.lan.test": {"A": "10.0.0.2", "AAAA": "fd00::2"},
    "old.lan.test": {"CNAME": "www.lan.test"},
    "*.wild.lan.test": "10.0.0.9",
    "big.lan.test": {"TXT": ["x" * 200 + str(number) for number in range(20)]},
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    zone = tmp_path_factory.mktemp("dns") / "zone.json"
    zone.write_text(json.dumps(ZONE))
    reads, writes = os.pipe()
    command = [sys.executable, "-m", "lan.services.dns", "--zone", str(zone), "--listen", "127.0.0.1:0", "--no-log"]
    environment = os.environ | {"LAN_READY_FD": str(writes)}
    process = subprocess.Popen(command, cwd=HOUSE, env=environment, pass_fds=[writes])
    os.close(writes)
    try:
        yield int(os.read(reads, 200).rsplit(b":", 1)[1])
    finally:
        process.terminate()
        assert process.wait(20) == 0
        os.close(reads)


def dig(port: int, *words: str) -> str:
    command = ["dig", "-r", "@127.0.0.1", "-p", str(port), "+norecurse", "+time=5", "+tries=2", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["www.lan.test", "A"], ["10.0.0.2"]),
        (["www.lan.test", "AAAA"], ["fd00::2"]),
        (["www.lan.test", "A", "+tcp"], ["10.0.0.2"]),
        (["www.lan.test", "A", "+noedns"], ["10.0.0.2"]),
        (["old.lan.test", "A"], ["www.lan.test.", "10.0.0.2"]),
        (["x.wild.lan.test", "A"], ["10.0.0.9"]),
        (["lan.test", "MX"], ["10 www.lan.test."]),
        (["lan.test", "NS"], ["ns.lan.test."]),
        (["nope.lan.test", "A"], []),
        (["www.lan.test", "MX"], []),
    ],
)
def test_dig_gets_the_records(port: int, words: list[str], expected: list[str]) -> None:
    assert dig(port, "+short", *words).splitlines() == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["www.lan.test"], ["status: NOERROR", "flags: qr aa;", "EDNS: version: 0, flags:; udp: 1232"]),
        (["nope.lan.test"], ["status: NXDOMAIN", "flags: qr aa;", "AUTHORITY: 1"]),
        (["www.lan.test", "TXT"], ["status: NOERROR", "ANSWER: 0, AUTHORITY: 1"]),
        (["www.example.com"], ["status: REFUSED", "flags: qr;"]),
        (["www.lan.test", "+edns=1", "+noednsnegotiation"], ["status: BADVERS"]),
        (["www.lan.test", "+opcode=4"], ["opcode: NOTIFY, status: NOTIMP"]),
        (["www.lan.test", "+dnssec", "+cookie"], ["status: NOERROR", "EDNS: version: 0, flags: do; udp: 1232"]),
        (["big.lan.test", "TXT", "+ignore"], ["status: NOERROR", "flags: qr aa tc;", "ANSWER: 0"]),
        (["big.lan.test", "TXT"], [";; Truncated, retrying in TCP mode.", "ANSWER: 20"]),
        (["-c", "CH", "version.bind", "TXT"], ["status: REFUSED"]),
    ],
)
def test_dig_sees_the_right_header_and_nothing_odd(port: int, words: list[str], expected: list[str]) -> None:
    text = dig(port, *words)
    assert [what for what in expected if what not in text] == []
    assert "WARNING" not in text and "malformed" not in text.lower() and "extra" not in text.lower()


def test_dig_keeps_a_connection_for_several_queries(port: int) -> None:
    text = dig(port, "+tcp", "+keepopen", "+short", "www.lan.test", "A", "lan.test", "A", "www.lan.test", "AAAA")
    assert text.splitlines() == ["10.0.0.2", "10.0.0.1", "fd00::2"]
