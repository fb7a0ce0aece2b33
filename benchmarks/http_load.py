"""What loads the web servers: wrk, openssl s_time, curl, and a holder of idle connections.

Each function is one measurement of one server: a figure, and what went wrong while it was taken.
"""

import re
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import http_servers
from benchmarks.http_servers import FILES, Running, pinned

PIPELINE = """
init = function(arguments)
    local requests = {}
    for at = 1, %d do requests[at] = wrk.format(nil, wrk.path) end
    together = table.concat(requests)
end
request = function() return together end
"""

MANY = """
local fields = {
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    ["Accept-Language"] = "en-US,en;q=0.5", ["Accept-Encoding"] = "gzip, deflate, br, zstd",
    ["Sec-Fetch-Dest"] = "document", ["Sec-Fetch-Mode"] = "navigate", ["Cookie"] = ""
}
request = function()
    fields["Cookie"] = "session=" .. math.random(1, %d)
    return wrk.format("GET", "/%s/" .. math.random(0, %d), fields)
end
"""

LATENCY = r"^\s+(50|99)%\s+(\S+)$"


@dataclass
class Figure:
    """One measurement.  `value` in the measure's unit; `cpu` is the server's share of one core."""

    value: float
    cpu: float | None = None
    latency_ms: dict[str, float] = field(default_factory=dict)
    errors: str = ""

    @property
    def per_cpu_s(self) -> float | None:
        """`value` a second of the server's processor time, however busy the machine was with other things."""
        return self.value / self.cpu if self.cpu else None


def wrk(
    running: Running,
    path: str = "1k",
    *,
    connections: int = 64,
    seconds: int = 2,
    close: bool = False,
    pipeline: int = 0,
    many: int = 0,
    among: str = "many",
    tls: bool = False,
    core: int | None = None,
    folder: Path = Path("/tmp"),
) -> Figure:
    """Requests/s that wrk counts, and its errors.

    `many`: a browser's heads for the files of the folder `among`, from so many browsers.
    """
    words = [*pinned(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    if close:
        words += ["-H", "Connection: close"]
    if pipeline:
        words += ["-s", _script(folder / f"pipeline{pipeline}.lua", PIPELINE % pipeline)]
    if many:
        count = {"many": http_servers.MANY, "wide": http_servers.WIDE}[among]
        words += ["-s", _script(folder / f"{among}{many}.lua", MANY % (many, among, count - 1))]
    url = f"{'https' if tls else 'http'}://127.0.0.1:{running.port}/{path}"
    cpu, began = running.cpu_s(), time.monotonic()
    done = subprocess.run([*words, url], capture_output=True, text=True, check=False)
    took = time.monotonic() - began
    if done.returncode:
        sys.exit(f"wrk against {running.name}: {done.stdout[-300:]}{done.stderr[-300:]}")
    return Figure(
        float(_found(r"Requests/sec:\s+([\d.]+)", done.stdout)),
        (running.cpu_s() - cpu) / took,
        {} if pipeline else {share: milliseconds(text) for share, text in re.findall(LATENCY, done.stdout, re.M)},
        "; ".join(line.strip() for line in done.stdout.splitlines() if "errors:" in line or "Non-2xx" in line),
    )


def _script(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"a tool said something else than {pattern}: {text[-400:]}")
    return match[1]


def milliseconds(text: str) -> float:
    """wrk's times: ``812.00us``, ``1.30ms``, ``1.02s``."""
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if match is None:
        raise ValueError(f"no time of wrk's: {text}")
    return float(match[1]) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[match[2]]


def handshakes(running: Running, *, seconds: int = 2, core: int | None = None, clients: int = 8) -> Figure:
    """Full TLS handshakes/s: several `openssl s_time -new`, none of which resumes."""
    words = [*pinned(core), "openssl", "s_time", "-new", "-time", str(seconds)]
    words += ["-connect", f"127.0.0.1:{running.port}"]
    cpu, began = running.cpu_s(), time.monotonic()
    many = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(clients)]
    said = [one.communicate() for one in many]
    took = time.monotonic() - began
    made = sum(int(count) for out, _ in said for count in re.findall(r"^(\d+) connections in \d+ real", out, re.M))
    failed = sum(one.returncode != 0 for one in many)
    # s_time counts whole seconds only, so the time is ours; all of them end with the same second.
    return Figure(made / took, (running.cpu_s() - cpu) / took, errors=f"{failed} of s_time failed" if failed else "")


def download(running: Running, path: str = "100m", *, core: int | None = None) -> Figure:
    """MB/s of one download by curl."""
    words = [*pinned(core), "curl", "-sS", "--fail", "-o", "/dev/null", "-w", "%{speed_download} %{size_download}"]
    cpu, began = running.cpu_s(), time.monotonic()
    done = subprocess.run(
        [*words, f"http://127.0.0.1:{running.port}/{path}"], capture_output=True, text=True, check=False
    )
    took = time.monotonic() - began
    if done.returncode:
        return Figure(0.0, errors=done.stderr.strip())
    speed, size = done.stdout.split()
    errors = "" if int(size) == FILES[path] else f"{size} bytes"
    return Figure(float(speed) / 1e6, (running.cpu_s() - cpu) / took, errors=errors)


REQUEST = b"GET /1k HTTP/1.1\r\nHost: localhost\r\n\r\n"
REFUSED_FOR_S = 5.0


def idle(running: Running, wanted: int) -> Figure:
    """KiB of the server's memory for each of many connections, each idle after one answered request."""
    before = running.memory_bytes()
    sockets: dict[int, socket.socket] = {}
    answered: set[int] = set()
    watch = select.epoll()
    try:
        while len(sockets) < wanted:
            for _ in range(min(64, wanted - len(sockets))):
                one = socket.socket()
                one.settimeout(REFUSED_FOR_S)
                one.connect(("127.0.0.1", running.port))
                one.setblocking(False)
                one.send(REQUEST)
                sockets[one.fileno()] = one
                watch.register(one.fileno(), select.EPOLLIN)
            if not _take(watch, sockets, answered, len(sockets)):
                break
        held = len(answered)
        grown = running.memory_bytes() - before
    finally:
        for one in sockets.values():
            one.close()
        watch.close()
    errors = "" if held == wanted else f"holds {held} of {wanted}"
    return Figure(grown / 1024 / max(held, 1), errors=errors)


def _take(watch: select.epoll, sockets: dict[int, socket.socket], answered: set[int], wanted: int) -> bool:
    """Wait until `wanted` have been answered; False when nothing more comes."""
    while len(answered) < wanted:
        ready = watch.poll(REFUSED_FOR_S)
        if not ready:
            return False
        for descriptor, _ in ready:
            try:
                data = sockets[descriptor].recv(65536)
            except OSError:
                data = b""
            if data:
                answered.add(descriptor)
            else:  # closed by the server: no longer held
                watch.unregister(descriptor)
                answered.discard(descriptor)
                wanted -= 1
    return True
