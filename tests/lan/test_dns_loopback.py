"""The DNS server as a program, on loopback: UDP, TCP, reload, end; and lan-nslookup against it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dnslib import DNSRecord

from lan.services.dns.lookup import main as nslookup
from lan.services.dns.stream import Stream, framed

HOUSE = Path(__file__).parent.parent.parent
LATEST_S = 20
ZONE = {
    "www.lan.test": "10.0.0.2",
    "old.lan.test": {"CNAME": "www.lan.test"},
    "2.0.0.10.in-addr.arpa": {"PTR": "www.lan.test"},
    "big.lan.test": {"TXT": ["x" * 200 + str(number) for number in range(20)]},
}


@dataclass
class Server:
    """A server that runs, and where it is heard of."""

    process: subprocess.Popen[bytes]
    ready: int
    zone: Path
    decisions: Path
    port: int = 0

    def wait_ready(self) -> None:
        line = b""
        while not line.endswith(b"\n"):
            piece = os.read(self.ready, 200)
            assert piece, "the server ended"
            line += piece
        self.port = int(line.rsplit(b":", 1)[1])

    def whats(self) -> list[tuple[str, str]]:
        notes = [json.loads(line) for line in self.decisions.read_text().splitlines()]
        return [(note["what"], note["name"]) for note in notes]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    zone, decisions = tmp_path / "zone.json", tmp_path / "decisions"
    zone.write_text(json.dumps(ZONE))
    reads, writes = os.pipe()
    command = [sys.executable, "-m", "lan.services.dns", "--zone", str(zone), "--listen", "127.0.0.1:0"]
    environment = os.environ | {"LAN_READY_FD": str(writes), "LAN_DECISIONS": str(decisions)}
    process = subprocess.Popen(command, cwd=HOUSE, env=environment, pass_fds=[writes], stderr=subprocess.PIPE)
    os.close(writes)
    running = Server(process, reads, zone, decisions)
    try:
        running.wait_ready()
        yield running
    finally:
        process.kill()
        process.communicate()
        os.close(reads)


def query(name: str, number: int = 7, kind: str = "A") -> bytes:
    record = DNSRecord.question(name, kind)
    record.header.id = number
    return bytes(record.pack())


def connect(server: Server, kind: socket.SocketKind) -> socket.socket:
    sock = socket.socket(socket.AF_INET, kind)
    sock.settimeout(LATEST_S)
    sock.connect(("127.0.0.1", server.port))
    return sock


def over_udp(server: Server, data: bytes) -> DNSRecord:
    with connect(server, socket.SOCK_DGRAM) as sock:
        sock.send(data)
        return DNSRecord.parse(sock.recv(65535))


def read_all(sock: socket.socket, count: int) -> list[DNSRecord]:
    stream, messages = Stream(), list[bytes]()
    while len(messages) < count and (data := sock.recv(65536)):
        messages += stream.feed(data)
    return [DNSRecord.parse(message) for message in messages]


def test_a_query_over_udp_is_answered_and_logged(server: Server) -> None:
    assert str(over_udp(server, query("www.lan.test")).a.rdata) == "10.0.0.2"
    assert over_udp(server, query("nope.lan.test")).header.rcode == 3
    assert server.whats() == [("answered", "www.lan.test."), ("no such name", "nope.lan.test.")]


def test_one_connection_carries_many_queries_however_they_are_cut(server: Server) -> None:
    data = b"".join(framed(query("www.lan.test", number)) for number in range(50))
    with connect(server, socket.SOCK_STREAM) as sock:
        for start in range(0, len(data), 7):
            sock.sendall(data[start : start + 7])
        answers = read_all(sock, 50)
    assert [answer.header.id for answer in answers] == list(range(50))
    assert {str(answer.a.rdata) for answer in answers} == {"10.0.0.2"}


def test_a_client_that_has_shut_its_side_still_gets_its_answer(server: Server) -> None:
    with connect(server, socket.SOCK_STREAM) as sock:
        sock.sendall(framed(query("www.lan.test")))
        sock.shutdown(socket.SHUT_WR)
        assert len(read_all(sock, 2)) == 1
        assert sock.recv(1) == b""


def test_a_client_that_reads_late_gets_every_answer(server: Server) -> None:
    count = 6000  # answers of 4 kB, more than the kernel's buffers will hold
    data = b"".join(framed(query("big.lan.test", number, "TXT")) for number in range(count))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        sock.settimeout(LATEST_S)
        sock.connect(("127.0.0.1", server.port))
        sender = threading.Thread(target=lambda: (sock.sendall(data), sock.shutdown(socket.SHUT_WR)))
        sender.start()
        sender.join(0.2)  # a client that reads at once gets them all too: this only makes it hard
        numbers, stream = list[int](), Stream()
        while piece := sock.recv(1 << 16):
            numbers += (int.from_bytes(message[:2]) for message in stream.feed(piece))
        sender.join()
    assert numbers == list(range(count))


def test_what_was_cut_over_udp_is_whole_over_tcp(server: Server) -> None:
    assert over_udp(server, query("big.lan.test", kind="TXT")).header.tc == 1
    with connect(server, socket.SOCK_STREAM) as sock:
        sock.sendall(framed(query("big.lan.test", kind="TXT")))
        [answer] = read_all(sock, 1)
    assert len(answer.rr) == 20


def test_a_client_that_resets_or_sends_rubbish_harms_nobody(server: Server) -> None:
    for rubbish in (b"\0\0", b"\xff\xff", b"\0\5hello", framed(bytes(12)), framed(b"\0" * 40)):
        with connect(server, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.sendall(rubbish)
    with connect(server, socket.SOCK_DGRAM) as sock:
        sock.send(b"\0" * 5)
    assert str(over_udp(server, query("www.lan.test")).a.rdata) == "10.0.0.2"


def test_a_changed_zone_is_read_on_sighup(server: Server) -> None:
    server.zone.write_text(json.dumps({"www.lan.test": "10.0.0.99"}))
    server.process.send_signal(signal.SIGHUP)
    server.wait_ready()
    assert str(over_udp(server, query("www.lan.test")).a.rdata) == "10.0.0.99"


def test_a_zone_with_a_mistake_changes_nothing(server: Server) -> None:
    server.zone.write_text('{"www.lan.test": "10.0.0.256"}')
    server.process.send_signal(signal.SIGHUP)
    assert server.process.stderr is not None
    assert b"the zone stays as it was" in server.process.stderr.readline()
    assert str(over_udp(server, query("www.lan.test")).a.rdata) == "10.0.0.2"


def test_it_ends_when_told(server: Server) -> None:
    server.process.terminate()
    assert server.process.wait(LATEST_S) == 0


@pytest.mark.parametrize(
    ("options", "code", "what"),
    [
        (["--zone", "nosuch.json"], 2, "can't read the zone file"),
        (["--zone", "{}", "--listen", "127.0.0.1:99999"], 2, "no such port"),
        (["--zone", "{}", "--ttl", "-1"], 2, "--ttl -1"),
        (["--zone", "{}", "--listen", "192.0.2.1:5353"], 3, "can't listen on 192.0.2.1:5353"),
    ],
)
def test_a_mistake_ends_it_without_a_traceback(tmp_path: Path, options: list[str], code: int, what: str) -> None:
    zone = tmp_path / "zone.json"
    zone.write_text(json.dumps(ZONE))
    words = [str(zone) if word == "{}" else word for word in options]
    done = subprocess.run(
        [sys.executable, "-m", "lan.services.dns", *words], cwd=HOUSE, capture_output=True, text=True, timeout=LATEST_S
    )
    assert (done.returncode, what in done.stderr, "Traceback" in done.stderr) == (code, True, False)


def test_nslookup_finds_addresses_aliases_and_names(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["127.0.0.1", f"-port={server.port}", f"-timeout={LATEST_S}"]
    assert nslookup(["www.lan.test", *options]) == 0
    assert capsys.readouterr().out.endswith("Name:\twww.lan.test\nAddress: 10.0.0.2\n")
    assert nslookup(["old.lan.test", *options]) == 0
    assert "old.lan.test\tcanonical name = www.lan.test.\n" in capsys.readouterr().out
    assert nslookup(["10.0.0.2", *options]) == 0
    assert "2.0.0.10.in-addr.arpa\tname = www.lan.test.\n" in capsys.readouterr().out
    assert nslookup(["nope.lan.test", *options]) == 1
    assert "** server can't find nope.lan.test: NXDOMAIN" in capsys.readouterr().out


def test_nslookup_asks_over_tcp_what_udp_can_t_carry(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    options = [f"-port={server.port}", f"-timeout={LATEST_S}", "-type=TXT", "--json"]
    assert nslookup(["big.lan.test", "127.0.0.1", *options]) == 0
    document = json.loads(capsys.readouterr().out)
    [question] = document["questions"]
    assert (document["schema"], document["ok"], question["transport"], len(question["answers"])) == (1, True, "tcp", 20)


def test_nslookup_says_when_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:  # it hears its peer alone, and keeps the port
        deaf.bind(("127.0.0.1", 0))
        deaf.connect(deaf.getsockname())
        port = deaf.getsockname()[1]
        assert nslookup(["www.lan.test", "127.0.0.1", f"-port={port}", f"-timeout={LATEST_S}"]) == 1
    assert f"no answer from 127.0.0.1#{port}: Connection refused" in capsys.readouterr().err
