"""Stalls made on purpose, alone and in pairs: does the trace name each, and nothing else?

    bin/lan python -m benchmarks.stalls [--only WORD] [--alone] [--json] [--svg docs/pictures/stalls.svg]

Fifteen silences are made by programs that sleep, kernels that hold back, cables that are long and packets that are
dropped; each alone, then each with each other where both can happen.  A cause counts as found from 35 ms on, without
the time by which our programs themselves say that they were late: the machine may be busy.  Beside the parts stands
what the client measured by its own clock.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.in_order import end_in_order
from lan.control import handover
from lan.control.client import RunningLan
from lan.control.launch import Launch
from lan.devices.kinds import schemas
from lan.scenario.recording import Recording
from lan.topo.load import load
from lan.trace import kernel_tcp
from lan.trace.ledger import Ledger, PortRange
from lan.trace.stalls.attribution import Facts, attribute
from lan.trace.stalls.cause import Cause, Gap, totals
from lan.trace.trackers.http import Transaction
from lan.trace.trackers.tcp import Connection
from lan.trace.views import waterfall, waterfall_svg

PROGRAMS = Path(__file__).with_name("stalls_programs.py")
FOUND_NS = 35_000_000
INITIAL_WINDOW_BYTES = 14480
PORTS = PortRange(40000, 40001)
SERVER_PORT, PROXY_PORT = 8080, 3128
NAME, PROXY_NAME = "www.lan.test", "proxy.lan.test"
TOPOLOGY = f"""
from mininet.topo import Topo

class Bench(Topo):
    def build(self):
        reno = {{"net.ipv4.tcp_congestion_control": "reno"}}  # every kernel allows it
        zone = {{"{NAME}": "10.0.0.2", "{PROXY_NAME}": "10.0.0.3"}}
        self.addSwitch("s1")
        self.addHost("client", ip="10.0.0.1/24", dns="10.0.0.9", sysctls=reno)
        self.addHost("server", ip="10.0.0.2/24", sysctls=reno)
        self.addHost("proxy", ip="10.0.0.3/24", sysctls=reno)
        self.addHost("dns", kind="dns-server", ip="10.0.0.9/24", zone=zone)
        for host in self.hosts():
            self.addLink(host, "s1", delay="0ms")
"""


@dataclass(frozen=True)
class Case:
    """What is made: the parts of one transaction that take time, in ms where they have a length."""

    name: str = ""
    expected: tuple[Cause, ...] = ()
    way_ms: int = 0
    """The delay of the client's cable, each way."""
    lookup_ms: int = 0
    tls: bool = False
    is_split: bool = False
    """The request in two small writes, Nagle's algorithm on."""
    is_ack_slow: bool = False
    think_s: float = 0
    idle_s: float = 0
    late_read_s: float = 0
    window_bytes: int = 0
    fill_bytes: int = 0
    hold_s: float = 0
    dropped: str = ""
    ports_s: float = 0

    def with_(self, other: "Case") -> "Case":
        """Both at once."""
        words = self.__dataclass_fields__
        changed = {each: getattr(other, each) for each in words if getattr(other, each) != getattr(NONE, each)}
        both_have = ("way_ms", "fill_bytes", "window_bytes")
        most = {each: max(getattr(self, each), getattr(other, each)) for each in both_have}
        names = f"{self.name} + {other.name}"
        both = replace(self, **{**changed, **most, "name": names})
        causes = [*self.expected, *other.expected]
        if both.is_split and both.dropped == "request":  # the timer sends the second piece, and that tells of the first
            causes = [each for each in causes if each not in (Cause.NAGLE, Cause.DELAYED_ACK)]
            fast = [Cause.FAST_RETRANSMISSION] if both.way_ms else []
            return replace(both, expected=tuple(dict.fromkeys([*causes, *fast])))
        causes += [Cause.NAGLE] if both.is_split and both.way_ms else []  # slow or not, the ACK has its way to go
        causes += [Cause.CWND_FULL] if both.fill_bytes > INITIAL_WINDOW_BYTES and both.way_ms else []
        return replace(both, expected=tuple(dict.fromkeys(causes)))


NONE = Case()
WAY = (Cause.TCP_HANDSHAKE, Cause.PATH)
ALONE = (
    Case("lookup", (Cause.NAME_LOOKUP,), lookup_ms=60),
    Case("long way", WAY, way_ms=50),
    Case("TLS", (*WAY, Cause.TLS_HANDSHAKE), way_ms=50, tls=True),
    Case("Nagle", (*WAY, Cause.NAGLE), way_ms=50, is_split=True),
    Case("delayed ACK", (Cause.DELAYED_ACK,), is_split=True, is_ack_slow=True),
    Case("cwnd", (*WAY, Cause.CWND_FULL), way_ms=50, fill_bytes=60_000),
    Case("window", (Cause.RECEIVE_WINDOW,), late_read_s=0.3, window_bytes=30_000, fill_bytes=120_000),
    Case("think", (Cause.SERVER_THINK,), think_s=0.2),
    Case("idle", (Cause.CLIENT_IDLE,), idle_s=0.2),
    Case("proxy", (Cause.PROXY_HOLDING,), hold_s=0.2),
    Case("request lost", (Cause.RETRANSMISSION_TIMEOUT,), dropped="request"),
    Case("SYN lost", (Cause.RETRANSMISSION_TIMEOUT,), dropped="SYN"),
    Case("response lost", (Cause.RETRANSMISSION_TIMEOUT,), dropped="response"),
    Case("one of eight lost", (*WAY, Cause.FAST_RETRANSMISSION), way_ms=50, fill_bytes=10_500, dropped="third"),
    Case("ports", (Cause.PORTS_EXHAUSTED,), ports_s=1.0),
)
NOT_TOGETHER = (
    {"proxy", "TLS"}, {"proxy", "window"}, {"proxy", "cwnd"}, {"proxy", "one of eight lost"}, {"ports", "proxy"},
    {"cwnd", "one of eight lost"}, {"window", "one of eight lost"}, {"TLS", "one of eight lost"},
    {"cwnd", "response lost"}, {"window", "response lost"}, {"TLS", "response lost"}, {"proxy", "response lost"},
    {"TLS", "delayed ACK"}, {"SYN lost", "ports"},
)  # fmt: skip
"""Pairs that are not made by adding the two: the relay passes on as it reads; more in flight turns a time-out into a
fast retransmission; TLS is lost by other lengths, and its tickets carry the ACK; a dropped SYN is that of who holds
the ports."""


def pairs() -> Iterator[Case]:
    for one, other in combinations(ALONE, 2):
        names = {one.name, other.name}
        if names in NOT_TOGETHER or (one.dropped and other.dropped):
            continue
        yield one.with_(other)


def steps(case: Case) -> tuple[list[list[Any]], list[list[Any]]]:
    """Server's and client's."""
    head = f"GET /{case.fill_bytes} HTTP/1.1\r\nHost: {NAME}\r\n"
    client: list[list[Any]] = [["rcvbuf", case.window_bytes]] if case.window_bytes else []
    client += [["nodelay", int(not case.is_split)], ["quickack", 1]]
    client += [["sleep", case.idle_s]] if case.idle_s else []
    client += [["write", head], ["write", "\r\n"]] if case.is_split else [["write", head + "\r\n"]]
    client += [["sleep", case.late_read_s]] if case.late_read_s else []
    client += [["read_all"], ["close"]]
    server: list[list[Any]] = [["nodelay", 1], ["quickack", int(not case.is_ack_slow)], ["read"]]
    server += [["sleep", case.think_s]] if case.think_s else []
    server += [["respond", case.fill_bytes or 10]]
    server += [["sleep", 0.5]] if case.dropped == "response" else []  # nothing behind it that would tell of the loss
    server += [["close"]]
    return server, client


TO_SERVER, ONCE = f"tcp dport {{{SERVER_PORT}, {PROXY_PORT}}}", "limit rate 1/day burst 1 packets"
DROPS = {
    "request": ("server", f"{TO_SERVER} meta length gt 60 {ONCE}"),
    "SYN": ("server", f"{TO_SERVER} tcp flags syn {ONCE}"),
    "response": ("client", f"tcp sport {SERVER_PORT} meta length gt 60 {ONCE}"),
    "third": ("client", f"tcp sport {SERVER_PORT} meta length gt 1000 numgen inc mod 100000 2"),
}
"""What a device's firewall drops, once: the tap has seen it."""


@dataclass(frozen=True)
class Result:
    case: Case
    what: Transaction | Connection
    gaps: list[Gap]
    whole_ns: int
    measured: dict[str, int]

    @property
    def found(self) -> set[Cause]:
        """The causes that are long enough, without the time by which our own programs say that they were late."""
        late = {Cause.CLIENT_IDLE: self.measured["late_ns"], Cause.SERVER_THINK: self.measured["server_late_ns"]}
        sums = {cause: length - late.get(cause, 0) for cause, length in totals(self.gaps).items()}
        return {cause for cause, length in sums.items() if length >= FOUND_NS}

    @property
    def is_right(self) -> bool:
        return self.found == set(self.case.expected) and self.adds_up

    @property
    def adds_up(self) -> bool:
        return abs(sum(gap.length_ns for gap in self.gaps) - self.whole_ns) <= max(1_000_000, self.whole_ns // 50)

    def as_json(self) -> dict[str, Any]:
        """Times in ms."""
        parts = {cause.value: length / 1e6 for cause, length in totals(self.gaps).items()}
        return {"case": self.case.name, "right": self.is_right, "whole_ms": self.whole_ns / 1e6, "parts_ms": parts}

    def line(self) -> str:
        """A line of the table."""
        parts = "  ".join(f"{cause} {length / 1e6:.1f}" for cause, length in totals(self.gaps).items() if length > 1e6)
        wrong = "" if self.is_right else f"   expected {', '.join(self.case.expected)}"
        client_ms = (self.measured["end_ns"] - self.measured["start_ns"]) / 1e6
        whole = f"{self.whole_ns / 1e6:8.1f} {client_ms:8.1f}"
        return f"{'ok   ' if self.is_right else 'WRONG'} {self.case.name:<28} {whole} ms  {parts}{wrong}"


class Bed:
    """The LAN that all cases share."""

    def __init__(self, lan: RunningLan, certificate: str) -> None:
        self.lan, self.certificate = lan, certificate
        self.recording = Recording(lan)

    def run(self, device: str, *words: str) -> str:
        """A program on a device, to its end."""
        done = self.lan.device(device).run(words, timeout=60, stderr=subprocess.PIPE)
        if done.returncode:
            raise SystemExit(f"{device}: {' '.join(words[:3])}: {done.stderr}")
        return str(done.stdout)

    @contextmanager
    def started(self, device: str, *words: str) -> Iterator["subprocess.Popen[str]"]:
        """One of our programs, which says when it is ready; ended with the block."""
        command = [sys.executable, str(PROGRAMS), *words]
        program = self.lan.device(device).popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert program.stdout is not None and program.stdout.readline() == "ready\n", words
            yield program
        finally:
            program.kill()
            program.wait()

    @contextmanager
    def dropping(self, what: str, *, proxied: bool) -> Iterator[None]:
        """A device's firewall drops it."""
        if not what:
            yield
            return
        device, rule = DROPS[what]
        device = "proxy" if proxied and device == "server" else device
        text = f"table ip f {{ chain i {{ type filter hook input priority 0; {rule} drop; }}; }}"
        self.run(device, "nft", text)
        try:
            yield
        finally:
            self.run(device, "nft", "delete table ip f")

    def warm(self) -> None:
        """Everybody knows everybody's hardware address, for as long as this lasts."""
        macs = {port.device: port.mac for link in self.lan.spec.links for port in (link.a, link.b)}
        ips = {"client": "10.0.0.1", "server": "10.0.0.2", "proxy": "10.0.0.3", "dns": "10.0.0.9"}
        for one in ips:
            for other in ips.keys() - {one}:
                to = ("to", ips[other], "lladdr", macs[other], "dev", f"{one}-eth0")
                self.run(one, "ip", "neigh", "replace", *to)

    def make(self, case: Case) -> Result:
        """Make one case, and read what the trace says of it."""
        self.lan.change_link("client", "s1", {"delay": f"{case.way_ms}ms"})
        self.lan.change_link("dns", "s1", {"delay": f"{case.lookup_ms}ms"})
        self.recording.sync()
        mark = self.recording.timeline.mark()
        ports = PORTS if case.ports_s else PortRange()
        self.run("client", "sysctl", "-q", f"net.ipv4.ip_local_port_range={ports.low} {ports.high}")
        server, client = steps(case)
        host, port = NAME if case.lookup_ms else "10.0.0.2", SERVER_PORT
        tls = [self.certificate] if case.tls else []
        with ExitStack() as stack:
            serving = self.started("server", "server", str(SERVER_PORT), json.dumps(server), *tls)
            program = stack.enter_context(serving)
            if case.hold_s:
                host, port = PROXY_NAME if case.lookup_ms else "10.0.0.3", PROXY_PORT
                relay = (
                    "proxy",
                    str(PROXY_PORT),
                    "10.0.0.2",
                    str(SERVER_PORT),
                    str(case.hold_s),
                    str(int(not case.is_ack_slow)),
                )
                stack.enter_context(self.started("proxy", *relay))
            stack.enter_context(self.dropping(case.dropped, proxied=bool(case.hold_s)))
            if case.ports_s:
                hold = ("hold", str(case.ports_s), "10.0.0.2", str(SERVER_PORT), str(PORTS.size))
                stack.enter_context(self.started("client", *hold))
            words = ["client", host, str(port), json.dumps(client), *(["tls"] if case.tls else [])]
            said = self.run("client", sys.executable, str(PROGRAMS), *words)
            program.kill()
            late = program.stdout.read().split() if program.stdout else []
        self.recording.sync()
        measured = json.loads(said) | {"server_late_ns": int(late[-1]) if late else 0}
        return self.read(case, mark, measured, ports)

    def make_watched(self, case: Case, device: str, file: Path) -> Result:
        """The same, while a device's kernel is sampled into a file."""
        command = [sys.executable, "-m", "lan.trace.kernel_tcp", "--announce"]
        house = {"PYTHONPATH": str(PROGRAMS.parents[1])}
        with file.open("wb") as samples:
            program = self.lan.device(device).popen(command, stdout=samples, stderr=subprocess.PIPE, env=house)
            try:
                assert program.stderr is not None and program.stderr.readline() == kernel_tcp.BEGUN
                result = self.make(case)
            finally:
                program.terminate()
                program.communicate()
        told = list(kernel_tcp.load(file.read_text().splitlines()))
        return replace(result, gaps=attribute(result.what, self.recording.timeline, Facts(told)))

    def read(self, case: Case, mark: int, measured: dict[str, int], ports: PortRange) -> Result:
        timeline = self.recording.timeline
        window = timeline.since(mark)
        facts = Facts(ledger=Ledger(timeline, {"client": ports}))
        what: Transaction | Connection
        if case.tls:
            what = next(one.connection for one in window.tls)
        else:
            what = next(one for one in window.http if one.connection.client.device == "client")
        gaps = attribute(what, timeline, facts)
        frames = [gap.evidence for gap in gaps]
        assert all(frames), "a gap without evidence"
        return Result(case, what, gaps, gaps[-1].end_ns - gaps[0].start_ns, measured)


def main(words: Sequence[str]) -> int:
    """All cases; 0 where every cause was found and nothing else."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="WORD", help="cases with this word in their name")
    parser.add_argument("--alone", action="store_true", help="no pairs")
    parser.add_argument("--json", action="store_true", help="one JSON object a case")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the waterfall of all of them")
    parser.add_argument("--pcap", type=Path, metavar="FILE", help="keep the capture there")
    options = parser.parse_args(words)
    end_in_order()
    cases = [*ALONE, *([] if options.alone else pairs())]
    cases = [case for case in cases if options.only is None or options.only in case.name]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        bed = Bed(up(Path(folder)), certificate(Path(folder)))
        try:
            bed.warm()
            print(f"{'':5} {'case':<28} {'parts':>8} {'client':>8} ms")
            for case in cases:
                result = bed.make(case)
                wrong += not result.is_right
                print(json.dumps(result.as_json()) if options.json else result.line(), flush=True)
        finally:
            if options.svg:
                timeline = bed.recording.timeline
                found = waterfall.rows(timeline, timeline, Facts(ledger=Ledger(timeline, {"client": PORTS})))
                options.svg.write_text(waterfall_svg.draw(found))
            if options.pcap:
                shutil.copy(bed.lan.trace, options.pcap)
            bed.recording.close()
            bed.lan.down()
    print(f"{len(cases) - wrong} of {len(cases)} right")
    return int(wrong > 0)


def up(folder: Path) -> RunningLan:
    """The LAN, with the kernel's bridge: the switch is no part of the question."""
    file = folder / "bench.py"
    file.write_text(TOPOLOGY)
    spec = load(str(file), schemas()).renamed(f"stalls-{os.getpid()}")
    return handover.up(spec, Launch(state=folder / "state", switch="bridge", link="userspace")).lan


def certificate(folder: Path) -> str:
    """A certificate with its key, which nobody checks, as PEM."""
    ask = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    made = ["-subj", f"/CN={NAME}", "-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run([*ask, *made], check=True, capture_output=True)
    return (folder / "key").read_text() + (folder / "cert").read_text()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
