"""Captures of real programs between two network namespaces of our own: what curl, dig, ping and others say on a wire.

Needs root, and of the programs those that a talk names; a talk whose programs are missing is left out.  All of it
lives in a bubble, so nothing stays behind, however who wants the captures ends.
Between the two stands a cable that may lose, double and swap frames.  `TALKS` is the table.
"""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from lan.control.joining import pass_on
from lan.engine import bubble, syscalls

PATIENCE_S, BEGINS_WITHIN_S, LET_PASS_S = 20, 180, 0.002
HOUSE = Path(__file__).resolve().parents[1]
ZONE = (
    *("--address=/web.lan.test/10.7.0.2", "--address=/web.lan.test/fd07::2", "--cname=www.lan.test,web.lan.test"),
    *("--mx-host=lan.test,mail.lan.test,10", "--txt-record=lan.test,v=spf1 -all,second"),
    "--ptr-record=2.0.7.10.in-addr.arpa,web.lan.test",
    *("--srv-host=_http._tcp.lan.test,web.lan.test,80,5,10", "--caa-record=lan.test,0,issue,ca.lan.test"),
    *("--naptr-record=lan.test,100,50,s,SIP+D2U,,_sip._udp.lan.test", "--host-record=web.lan.test,10.7.0.2,fd07::2"),
)  # fmt: skip
LEASES = (
    *("--dhcp-range=10.7.0.100,10.7.0.150,10m", "--dhcp-option=3,10.7.0.2", "--dhcp-option=6,10.7.0.2"),
    *("--dhcp-option=121,10.9.0.0/24,10.7.0.2", "--dhcp-option=119,lan.test", "--dhcp-option=26,1400"),
    *("--dhcp-option=42,10.7.0.2", "--domain=lan.test", "--dhcp-range=fd07::,ra-only", "--enable-ra"),
)
SERVER = (
    "import http.server, sys, socket\n"
    "class H(http.server.SimpleHTTPRequestHandler):\n"
    "    protocol_version = 'HTTP/1.1'\n"
    "    def do_GET(self):\n"
    "        n = int(self.path.rsplit('/', 1)[1] or 0) if self.path.startswith('/bytes/') else 12\n"
    "        self.send_response(200 if not self.path.startswith('/gone') else 404)\n"
    "        if self.path.startswith('/chunked'):\n"
    "            self.send_header('Transfer-Encoding', 'chunked'); self.end_headers()\n"
    "            self.wfile.write(b'5\\r\\nhello\\r\\n7\\r\\n, world\\r\\n0\\r\\n\\r\\n'); return\n"
    "        self.send_header('Content-Type', 'text/plain'); self.send_header('Content-Length', str(n))\n"
    "        self.end_headers(); self.command != 'HEAD' and self.wfile.write(b'x' * n)\n"
    "    do_HEAD = do_GET\n"
    "    def do_POST(self):\n"
    "        self.rfile.read(int(self.headers.get('Content-Length', 0)))\n"
    "        self.send_response(204); self.end_headers()\n"
    "class S(http.server.ThreadingHTTPServer):\n"
    "    address_family = socket.AF_INET6\n"
    "S(('::', 80), H).serve_forever()\n"
)
PIPELINE = (
    "import socket\n"
    "s = socket.create_connection(('10.7.0.2', 80))\n"
    "s.sendall(b'GET /bytes/5 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' * 3)\n"
    "s.sendall(b'GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n')\n"
    "while s.recv(65536): pass\n"
)
JOIN = (
    "import socket, struct\n"
    "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    "s.setsockopt(0, socket.IP_ADD_MEMBERSHIP, socket.inet_aton('239.1.2.3') + socket.inet_aton('10.7.0.1'))\n"
    "t = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
    "t.setsockopt(41, 20, socket.inet_pton(10, 'ff15::7') + struct.pack('I', socket.if_nametoindex('eth0')))\n"
    "s.close(); t.close()\n"
    "import time; time.sleep(1)\n"
)
MPTCP = (
    "import socket\n"
    "s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)\n"
    "s.connect(('10.7.0.2', 80)); s.sendall(b'HEAD / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n')\n"
    "while s.recv(4096): pass\n"
)
URGENT = (
    "import socket\n"
    "s = socket.create_connection(('10.7.0.2', 5201)); s.send(b'!', socket.MSG_OOB); s.close()\n"
    "s = socket.create_connection(('10.7.0.2', 80)); s.setsockopt(1, 13, b'\\1\\0\\0\\0\\0\\0\\0\\0'); s.close()\n"
)
PAGE = (
    "<!doctype html><title>office</title><link rel=stylesheet href=style.css><img src=dot.png>\n"
    "<script type=module>\n"
    "const ask = (path, options) => fetch(path, {cache: 'no-store', ...options}).then(answer => answer.arrayBuffer())\n"
    "await ask('data', {headers: {Range: 'bytes=10-19'}}); await ask('data', {method: 'HEAD'}); await ask('nowhere')\n"
    "await Promise.all([1, 2, 3, 4, 5, 6].map(n => ask('data?' + n)))\n"
    "</script>\n"
)
SITE = {"index.html": PAGE.encode(), "style.css": b"p { color: red }", "dot.png": b"no picture", "data": bytes(9000)}
"""What our web server has for browsers."""

BY_NAME = ("--resolve", "web.lan.test:443:10.7.0.2")
MANY = "http://10.7.0.2/bytes/200000"
IPERF = ("iperf3", "-c", "10.7.0.2")
CHROMIUM = (
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--ignore-certificate-errors"),
    *("--user-data-dir={folder}/chromium", "--timeout=8000", "--dump-dom"),
)
FIREFOX = ("firefox-esr", "--headless", "--no-remote", "--profile", "{folder}/firefox", "--screenshot", "{folder}/shot")
UDHCPC = ("udhcpc", "-i", "eth0", "-n", "-q", "-f", "-s", "/bin/true")


@dataclass(frozen=True)
class Talk:
    """Commands of the client, one after the other; `faults` are the cable's: (loss, double, swap), each 0…1."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    faults: tuple[float, float, float] = (0, 0, 0)


def _python(program: str) -> tuple[str, ...]:
    return sys.executable, "-c", program


def _curl(*words: str) -> tuple[str, ...]:
    return ("curl", "-s", "-k", "--max-time", "10", "-o", "/dev/null", *words)


def _dig(*words: str, server: str = "10.7.0.2") -> tuple[str, ...]:
    return ("dig", f"@{server}", "+tries=1", "+timeout=2", *words)


def _ping(*words: str) -> tuple[str, ...]:
    return ("ping", "-n", "-W", "1", "-i", "0.05", *words)


TALKS = (
    Talk("ping", (_ping("-c", "3", "10.7.0.2"), _ping("-c", "2", "-s", "1200", "-p", "ab", "10.7.0.2"))),
    Talk("ping with options", (
        _ping("-c", "2", "-R", "10.7.0.2"), _ping("-c", "2", "-T", "tsonly", "10.7.0.2"),
        _ping("-c", "2", "-T", "tsandaddr", "10.7.0.2"), _ping("-c", "2", "-Q", "0xb8", "-t", "9", "10.7.0.2"),
    )),
    Talk("ping in fragments", (_ping("-c", "2", "-s", "4000", "10.7.0.2"), _ping("-c", "2", "-s", "9000", "fd07::2"))),
    Talk("ping6", (_ping("-c", "3", "fd07::2"), _ping("-c", "2", "ff02::1%eth0"),
        _ping("-c", "1", "-F", "0x12345", "fd07::2"))),
    Talk("errors of routers", (
        _ping("-c", "1", "-t", "1", "10.9.0.9"), _ping("-c", "1", "10.10.0.9"), _ping("-c", "1", "10.11.0.9"),
        _ping("-c", "1", "-t", "1", "fd09::9"), _ping("-c", "1", "fd10::9"),
        _dig("-p", "9", "nobody.lan.test"), _dig("-p", "9", "nobody.lan.test", server="fd07::2"),
    )),
    Talk("DNS", (
        _dig("web.lan.test"), _dig("web.lan.test", "AAAA"), _dig("www.lan.test"), _dig("lan.test", "MX"),
        _dig("lan.test", "TXT"), _dig("_http._tcp.lan.test", "SRV"), _dig("-x", "10.7.0.2"), _dig("nobody.lan.test"),
        _dig("lan.test", "CAA"), _dig("lan.test", "NAPTR"), _dig("lan.test", "ANY"),
    )),
    Talk("DNS with EDNS", (
        _dig("+dnssec", "+nsid", "web.lan.test"), _dig("+subnet=10.7.0.0/24", "web.lan.test"),
        _dig("+noedns", "web.lan.test"),
        _dig("+padding=128", "web.lan.test"), _dig("+bufsize=512", "+noad", "+cd", "web.lan.test"),
        _dig("+qr", "+norec", "web.lan.test"),
    )),
    Talk("DNS over TCP", (_dig("+tcp", "web.lan.test"), _dig("+tcp", "+keepopen", "web.lan.test", "lan.test", "MX"))),
    Talk("DNS over IPv6", (_dig("web.lan.test", server="fd07::2"), _dig("+tcp", "lan.test", "TXT", server="fd07::2"))),
    Talk("dhclient", (
        ("dhclient", "-1", "-d", "-sf", "/bin/true", "-lf", "{folder}/dh.leases", "-pf", "{folder}/dh.pid", "eth0"),
    )),
    Talk("udhcpc", (
        (*UDHCPC, "-O", "staticroutes", "-O", "search", "-x", "hostname:pc1"),
        (*UDHCPC, "-r", "10.7.0.140", "-F", "pc1.lan.test", "-R"),
    )),
    Talk("HTTP", (
        _curl("http://10.7.0.2/"), _curl("-I", "http://10.7.0.2/"), _curl("http://10.7.0.2/gone"),
        _curl("-d", "a=b", "http://10.7.0.2/"),
    )),
    Talk("HTTP, kept open", (_curl(*(f"http://10.7.0.2/{each}" for each in ("bytes/10", "bytes/4000", "chunked"))),)),
    Talk("HTTP, pipelined", (_python(PIPELINE),)),
    Talk("HTTP over IPv6", (_curl("http://[fd07::2]/bytes/3000"), _curl("-T", "/etc/hostname", "http://[fd07::2]/x"))),
    Talk("TLS 1.3", (_curl("https://10.7.0.2/"), _curl(*BY_NAME, "https://web.lan.test/"))),
    Talk("TLS 1.2", (
        _curl("--tls-max", "1.2", *BY_NAME, "https://web.lan.test/"),
        _curl("--tls-max", "1.2", "--ciphers", "AES128-SHA", "https://10.7.0.2/"),
        _curl("--tls-max", "1.2", "--no-sessionid", "--no-alpn", "https://10.7.0.2/"),
    )),
    Talk("TLS that fails", (
        ("curl", "-s", "--max-time", "5", "https://10.7.0.2/"),
        _curl("--tls-max", "1.1", "--tlsv1.1", "https://10.7.0.2/"),
        _curl("--curves", "P-521", "https://10.7.0.2/"),
    )),
    Talk("Chromium", ((*CHROMIUM, "http://10.7.0.2:8080/"), (*CHROMIUM, "https://10.7.0.2:8443/"))),
    Talk("Chromium over IPv6", ((*CHROMIUM, "http://[fd07::2]:8080/"),)),
    Talk("Chromium on a bad cable", ((*CHROMIUM, "http://10.7.0.2:8080/"),), (0.02, 0.02, 0.05)),
    Talk("Firefox", ((*FIREFOX, "http://10.7.0.2:8080/"),)),
    Talk("iperf3", ((*IPERF, "-n", "200K"), (*IPERF, "-n", "200K", "-R", "-M", "600"))),
    Talk("iperf3 over UDP", ((*IPERF, "-u", "-b", "10M", "-n", "100K", "-l", "4000"),)),
    Talk("iperf3 over IPv6", (("iperf3", "-6", "-c", "fd07::2", "-n", "100K"),)),
    Talk("loss", (_curl(MANY), _dig("web.lan.test"), _ping("-c", "4", "10.7.0.2")), (0.05, 0, 0)),
    Talk("swapped frames", (_curl(MANY),), (0, 0, 0.1)),
    Talk("doubled frames", (_curl("http://10.7.0.2/bytes/100000"), _ping("-c", "3", "10.7.0.2")), (0, 0.1, 0)),
    Talk("a bad cable", (_curl("http://10.7.0.2/bytes/100000"), _curl("https://10.7.0.2/")), (0.03, 0.03, 0.05)),
    Talk("refused", (_curl("http://10.7.0.2:81/"), _curl("http://[fd07::2]:81/"))),
    Talk("TCP Fast Open", (_curl("--tcp-fastopen", "http://10.7.0.2/"), _curl("--tcp-fastopen", "http://10.7.0.2/"))),
    Talk("Multipath TCP", (_python(MPTCP),)),
    Talk("urgent data and reset", (_python(URGENT),)),
    Talk("groups", (_python(JOIN),)),
)  # fmt: skip


class Bench:
    """Network namespaces `a` and `b`, and `m` in the middle, in a bubble; all of it ends with the context."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        blown = bubble.blow(lambda *_: _hold())
        stack.callback(blown.burst)
        self._inside = [os.open(f"/proc/{blown.pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("mnt", "pid")]
        for descriptor in self._inside:
            stack.callback(os.close, descriptor)
        for end in "amb":
            self._run("ip", "netns", "add", end)
        for end in "ab":
            self._run("ip", "link", "add", "eth0", "netns", end, "type", "veth", "peer", "name", end, "netns", "m")
            self.on("m", "ip", "link", "set", "dev", end, "up")
            self.on(end, "ip", "link", "set", "lo", "up")
            self.on(end, "ip", "link", "set", "eth0", "up")
            self._true_size(end, "eth0")
            self._true_size("m", end)
        for end, number in (("a", 1), ("b", 2)):
            self.on(end, "ip", "address", "add", f"10.7.0.{number}/24", "dev", "eth0")
            self.on(end, "ip", "address", "add", f"fd07::{number}/64", "dev", "eth0", "nodad")
            self.on(end, "sysctl", "-qw", "net.ipv4.tcp_fastopen=1027")
        self.on("b", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1", "net.ipv4.ip_forward=1")
        for network in ("10.9.0.0/24", "10.10.0.0/24", "10.11.0.0/24", "fd09::/64", "fd10::/64"):
            self.on("a", "ip", "route", "add", network, "via", "fd07::2" if ":" in network else "10.7.0.2")
        for kind, network in (
            ("unreachable", "10.10.0.0/24"),
            ("prohibit", "10.11.0.0/24"),
            ("unreachable", "fd10::/64"),
        ):
            self.on("b", "ip", "route", "add", kind, network)
        self.on("b", "ip", "route", "add", "10.9.0.0/24", "dev", "eth0")
        self.on("b", "ip", "route", "add", "fd09::/64", "dev", "eth0")

    def _true_size(self, end: str, interface: str) -> None:
        """Frames as they are on a wire: nothing is left to a network card."""
        program = (
            "import socket, sys; sys.path.insert(0, sys.argv[1]); from lan.engine import offloads\n"
            "offloads.switch_off(socket.socket(), sys.argv[2])\n"
        )
        self.on(end, sys.executable, "-c", program, str(HOUSE), interface)

    def popen(self, end: str, *command: str, folder: Path | None = None, **how: Any) -> "subprocess.Popen[Any]":
        """A program at an end, in a folder of the machine's."""
        there = folder or self.folder
        return self._popen("ip", "netns", "exec", end, *command, folder=there, **how)

    def _popen(self, *command: str, folder: Path, **how: Any) -> "subprocess.Popen[Any]":
        return subprocess.Popen(command, preexec_fn=partial(_enter, self._inside, folder), **how)

    def on(self, end: str, *command: str) -> str:
        """What a program at an end says.  Raises RuntimeError if it fails."""
        return self._run("ip", "netns", "exec", end, *command)

    def _run(self, *command: str) -> str:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with self._popen(*command, folder=self.folder, text=True, **streams) as process:
            said, complaint = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: {complaint.strip()}")
        return str(said)

    def start(self, end: str, *command: str) -> None:
        """A program that runs until the context ends."""
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.stack.callback(_end, self.popen(end, *command, **quiet))

    def serve(self) -> None:
        """Start what answers on `b`, and wait until it listens."""
        wanted = {80}
        self.start("b", sys.executable, "-c", SERVER)
        if shutil.which("openssl"):
            _run(
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "pem"),
                *(
                    "-subj",
                    "/CN=web.lan.test/O=lan",
                    "-addext",
                    "subjectAltName=DNS:web.lan.test,IP:10.7.0.2",
                    "-days",
                    "2",
                ),
                folder=self.folder,
            )
            levels = ("-cipher", "ALL:@SECLEVEL=0")
            self.start(
                "b",
                "openssl",
                "s_server",
                "-accept",
                "443",
                "-cert",
                "pem",
                "-key",
                "key.pem",
                "-www",
                "-quiet",
                *levels,
            )
            self._serve_browsers()
            wanted |= {443, 8080, 8443}
        if shutil.which("iperf3"):
            self.start("b", "iperf3", "-s")
            wanted.add(5201)
        if shutil.which("dnsmasq"):
            files = ("--conf-file=/dev/null", f"--dhcp-leasefile={self.folder}/leases", "--pid-file=", "--user=root")
            self.start("b", "dnsmasq", "-k", *files, "--no-hosts", "--no-resolv", "--interface=eth0", *ZONE, *LEASES)
            wanted.add(53)
        until_s = time.monotonic() + BEGINS_WITHIN_S
        while not wanted <= self._listening():
            if time.monotonic() > until_s:
                raise RuntimeError(f"of the ports {wanted}, {self._listening()} listen")
            time.sleep(0.05)

    def _serve_browsers(self) -> None:
        """Start our web server, with the certificate that is there already."""
        www = self.folder / "www"
        www.mkdir(exist_ok=True)
        for name, data in SITE.items():
            (www / name).write_bytes(data)
        (self.folder / "firefox").mkdir(exist_ok=True)
        words = ("--root", str(www), "--listen", "[::]:8080", "--tls", "--tls-listen", "[::]:8443")
        server = (sys.executable, "-m", "lan.services.http", *words, "--certificate", "pem", "--key", "key.pem")
        self.start("b", "env", f"PYTHONPATH={HOUSE}", *server)

    def _listening(self) -> set[int]:
        return {int(line.split()[3].rpartition(":")[2]) for line in self.on("b", "ss", "-Hltn").splitlines()}

    @contextmanager
    def cable(self, file: Path, faults: tuple[float, float, float] = (0, 0, 0), seed: int = 0) -> Iterator[None]:
        """A cable between the two, until the context ends; what `b` sends and gets is in the file."""
        words = [str(file), *(str(each) for each in (*faults, seed))]
        command = [sys.executable, "-c", "from benchmarks.wire_talks import carry; carry()", *words]
        with self.popen("m", *command, folder=HOUSE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                yield
            finally:
                process.terminate()


def carry() -> None:
    """A cable's process: frames from each end to the other; some are lost, doubled, or let one pass them.

    Those that the second end sends or gets go to a file: time in ns in eight bytes, length in four, frame; again
    and again.
    """
    loss, double, swap, seed = (float(word) for word in sys.argv[2:6])
    random = Random(seed)
    ends = []
    for name in ("a", "b"):
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        end.bind((name, 3))
        ends.append(end)
    held: dict[int, bytes] = {}
    seen = Path(sys.argv[1]).open("wb", buffering=0)  # noqa: SIM115 - until the process ends

    def note(data: bytes) -> None:
        seen.write(time.time_ns().to_bytes(8, "big") + len(data).to_bytes(4, "big") + data)

    def hand_on(data: bytes, to: int) -> None:
        if to == 1:
            note(data)
        ends[to].send(data)

    print("carrying", flush=True)
    while True:
        ready, _, _ = select.select(ends, [], [], LET_PASS_S if held else None)
        for number, end in enumerate(ends):
            waiting = held.pop(number, b"")
            if end in ready:
                data, about = end.recvfrom(65536)
                if number == 1 and about[2] != socket.PACKET_OUTGOING:
                    note(data)
                if about[2] == socket.PACKET_OUTGOING or random.random() < loss:
                    data = b""
                elif not waiting and random.random() < swap:
                    held[number] = data
                    continue
                for _ in range(bool(data) + (bool(data) and random.random() < double)):
                    hand_on(data, 1 - number)
            if waiting:
                hand_on(waiting, 1 - number)


def timed_frames_of(file: Path) -> list[tuple[int, bytes]]:
    """What `carry` has written, each frame with its time in ns since 1970."""
    data, at, frames = file.read_bytes(), 0, []
    while at + 12 <= len(data):
        after = at + 12 + int.from_bytes(data[at + 8 : at + 12], "big")
        frames.append((int.from_bytes(data[at : at + 8], "big"), data[at + 12 : after]))
        at = after
    return frames


def _run(*command: str, folder: Path | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


def _hold() -> None:
    """What the bubble's first process does: nothing, until its lifeline is cut; the kernel reaps what it inherits."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        signal.pause()


def _enter(inside: Sequence[int], folder: Path) -> None:
    """For a forked child about to exec: be a process of the bubble, which ends with the one outside and with it."""
    mounts, processes = inside
    syscalls.setns(mounts, syscalls.CLONE_NEWNS)
    syscalls.setns(processes, syscalls.CLONE_NEWPID)
    os.chdir(folder)
    if child := os.fork():
        pass_on(child)
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait()


def captures(folder: Path, names: tuple[str, ...] | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """The frames of each talk (or of those named), one bench for all."""
    chosen = tuple(talk for talk in TALKS if names is None or talk.name in names)
    for name, frames in timed_captures(folder, chosen):
        yield name, [frame for _, frame in frames]


def timed_captures(
    folder: Path, talks: tuple[Talk, ...], *, seed: int = 0
) -> Iterator[tuple[str, list[tuple[int, bytes]]]]:
    """The frames of each talk whose programs are here, with their times in ns since 1970; `seed` is the cables'."""
    chosen = [talk for talk in talks if all(shutil.which(command[0]) for command in talk.commands)]
    with ExitStack() as stack:
        bench = Bench(folder, stack)
        bench.serve()
        for number, talk in enumerate(chosen):
            file = folder / f"{number}.frames"
            with bench.cable(file, talk.faults, seed * len(chosen) + number):
                for command in talk.commands:
                    words = [word.replace("{folder}", str(folder)) for word in command]
                    limited = ("timeout", str(PATIENCE_S if command[0] != "dhclient" else 4), *words)
                    with bench.popen("a", *limited, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
                        process.communicate()
            yield talk.name, timed_frames_of(file)
