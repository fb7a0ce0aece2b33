"""The web servers that `http.py` and its sisters measure: ours and six of the field, each with one worker.

A `Server` says which words start it for a folder, a port and TLS or not.  All get the same files
(`1k`, `100k`, `100m`, and those of 1 KiB in `many/` and `wide/`) and the same certificate, log nothing about
requests, and keep connections as long as they can be told to.  nginx, Apache and ours read files; Node,
uvicorn, hypercorn and granian have all but the largest in memory; `note` says so in the results.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lan-benchmarks"
VENV = CACHE / "python"
PACKAGES = ["wrk", "curl", "openssl", "nginx", "apache2", "nodejs", "squid", "varnish", "python3-venv"]
DISTRIBUTIONS = ["uvicorn[standard]", "granian", "hypercorn", "h2"]
FILES = {"1k": 1024, "100k": 100 * 1024, "100m": 100 * 1024 * 1024}
MANY, WIDE = 1000, 20_000
"""How many files of 1 KiB lie in `many/` and `wide/` beside, by their numbers; more in `wide/` than anybody keeps
but those who have all in memory."""
PATIENCE_S = 30.0

ASGI = """
import os
from pathlib import Path
WWW = Path(os.environ["WWW"])
NAMES = ["1k", "100k", *(f"{at}/{path.name}" for at in ("many", "wide") for path in (WWW / at).iterdir())]
BODIES = {"/" + name: (WWW / name).read_bytes() for name in NAMES}
KIND = (b"content-type", b"application/octet-stream")

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no " + scope["type"])
    body = BODIES.get(scope["path"])
    size = len(body) if body is not None else (WWW / scope["path"][1:]).stat().st_size
    head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size), KIND]}
    await send(head)
    if body is not None:
        await send({"type": "http.response.body", "body": body})
        return
    with open(WWW / scope["path"][1:], "rb") as file:
        while piece := file.read(262144):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
"""

RSGI = """
import os
from pathlib import Path
WWW = Path(os.environ["WWW"])
NAMES = ["1k", "100k", *(f"{at}/{path.name}" for at in ("many", "wide") for path in (WWW / at).iterdir())]
BODIES = {"/" + name: (WWW / name).read_bytes() for name in NAMES}
KIND = [("content-type", "application/octet-stream")]

async def app(scope, protocol):
    body = BODIES.get(scope.path)
    if body is not None:
        protocol.response_bytes(200, KIND, body)
    else:
        protocol.response_file(200, KIND, str(WWW / scope.path[1:]))
"""

NODE = """
const fs = require("fs"), [port, www, certificate, key] = process.argv.slice(1)
const within = folder => fs.readdirSync(www + folder).map(name => folder + "/" + name)
const names = ["/1k", "/100k", ...within("/many"), ...within("/wide")]
const bodies = Object.fromEntries(names.map(name => [name, fs.readFileSync(www + name)]))
const answer = (request, response) => {
    const body = bodies[request.url], type = "application/octet-stream"
    if (body) {
        response.writeHead(200, {"Content-Length": body.length, "Content-Type": type})
        return response.end(body)
    }
    const path = www + request.url
    response.writeHead(200, {"Content-Length": fs.statSync(path).size, "Content-Type": type})
    fs.createReadStream(path, {highWaterMark: 262144}).pipe(response)
}
const server = certificate
    ? require("https").createServer({cert: fs.readFileSync(certificate), key: fs.readFileSync(key)}, answer)
    : require("http").createServer(answer)
server.keepAliveTimeout = 75000
server.listen({port: +port, host: "127.0.0.1", backlog: 4096})
"""

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr crit; worker_processes 1; worker_rlimit_nofile {files};
{user}
events {{ worker_connections {files}; }}
http {{
    access_log off; sendfile on; keepalive_requests 100000000; keepalive_timeout 75s; open_file_cache max=10000;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; ssl_certificate {folder}/../certificate.pem;
    ssl_certificate_key {folder}/../key.pem;
    server {{ listen 127.0.0.1:{port} {tls} backlog=4096; root {www}; }}
}}
"""

APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/error.log
Listen 127.0.0.1:{port}
ListenBacklog 4096
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
{user}
ServerLimit 1
StartServers 1
ThreadLimit 256
ThreadsPerChild 256
MaxRequestWorkers 256
AsyncRequestWorkerFactor 80
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 75
DocumentRoot {www}
EnableSendfile On
{tls}
"""


@dataclass(frozen=True)
class Server:
    """One program to measure: how it is started, what it takes, where its bytes come from."""

    name: str
    program: str
    """A name on the PATH or a file; without it this server is left out, with a word."""
    words: Callable[[Path, Path, int, bool], list[str]]
    """(own folder, folder of files, port, TLS?) → command line; may write files into its own folder."""
    note: str = "reads files"


def find(program: str) -> str | None:
    """Where a program lies; None where it is missing."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    return shutil.which(program, path=places)


def ours(folder: Path, www: Path, port: int, tls: bool, more: Sequence[str] = ()) -> list[str]:
    """`lan serve http`, with more words where a benchmark is to try some."""
    words = [sys.executable, "-m", "lan.cli", "serve", "http", "--root", str(www), *more]
    if not tls:
        return [*words, "--listen", f"127.0.0.1:{port}"]
    pem = ["--certificate", str(folder.parent / "certificate.pem"), "--key", str(folder.parent / "key.pem")]
    return [*words, "--listen", "127.0.0.1:0", "--tls", "--tls-listen", f"127.0.0.1:{port}", *pem]


def _nginx(folder: Path, www: Path, port: int, tls: bool) -> list[str]:
    user = "user root;" if os.getuid() == 0 else ""
    facts = {"folder": folder, "www": www, "port": port, "user": user, "files": 16384}
    (folder / "nginx.conf").write_text(NGINX.format(tls="ssl" if tls else "", **facts))
    return ["nginx", "-c", str(folder / "nginx.conf"), "-e", "stderr"]


def _apache(folder: Path, www: Path, port: int, tls: bool) -> list[str]:
    pem = f"SSLCertificateFile {folder.parent}/certificate.pem\nSSLCertificateKeyFile {folder.parent}/key.pem"
    facts = {"folder": folder, "www": www, "port": port, "tls": f"SSLEngine on\n{pem}" if tls else ""}
    # Apache refuses to serve as root, so its child becomes www-data: the folders above are open to it.
    user = "User www-data\nGroup www-data" if os.getuid() == 0 and _has_user("www-data") else ""
    (folder / "apache.conf").write_text(APACHE.format(user=user, **facts))
    return ["apache2", "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"]


def _has_user(name: str) -> bool:
    return any(line.startswith(f"{name}:") for line in Path("/etc/passwd").read_text().splitlines())


def _node(folder: Path, www: Path, port: int, tls: bool) -> list[str]:
    pem = [str(folder.parent / "certificate.pem"), str(folder.parent / "key.pem")] if tls else []
    return ["node", "-e", NODE, str(port), str(www), *pem]


def _uvicorn(folder: Path, www: Path, port: int, tls: bool) -> list[str]:
    (folder / "asgi.py").write_text(ASGI)
    pem = ["--ssl-certfile", f"{folder.parent}/certificate.pem", "--ssl-keyfile", f"{folder.parent}/key.pem"]
    speed = ["--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--backlog", "4096"]
    quiet = ["--no-access-log", "--log-level", "critical", "--timeout-keep-alive", "75"]
    where = ["--app-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    return [f"{VENV}/bin/uvicorn", *where, *speed, *quiet, *(pem if tls else []), "asgi:app"]


def _granian(folder: Path, www: Path, port: int, tls: bool) -> list[str]:
    (folder / "rsgi.py").write_text(RSGI)
    pem = ["--ssl-certificate", f"{folder.parent}/certificate.pem", "--ssl-keyfile", f"{folder.parent}/key.pem"]
    speed = ["--interface", "rsgi", "--loop", "uvloop", "--http", "1", "--no-ws", "--workers", "1"]
    where = ["--working-dir", str(folder), "--host", "127.0.0.1", "--port", str(port), "--backlog", "16384"]
    return [f"{VENV}/bin/granian", *where, *speed, "--log-level", "critical", *(pem if tls else []), "rsgi:app"]


def _hypercorn(folder: Path, www: Path, port: int, tls: bool) -> list[str]:
    (folder / "asgi.py").write_text(ASGI)
    settings = f'bind = ["127.0.0.1:{port}"]\nworkers = 1\nworker_class = "uvloop"\n'
    settings += "backlog = 4096\nkeep_alive_timeout = 75\nkeep_alive_max_requests = 100000000\n"
    if tls:
        settings += f'certfile = "{folder.parent}/certificate.pem"\nkeyfile = "{folder.parent}/key.pem"\n'
    (folder / "hypercorn.toml").write_text(settings)
    return [f"{VENV}/bin/hypercorn", "-c", str(folder / "hypercorn.toml"), "asgi:app"]


SERVERS = {
    one.name: one
    for one in (
        Server("ours", sys.executable, ours),
        Server("nginx", "nginx", _nginx, "reads files, one worker"),
        Server("apache", "apache2", _apache, "reads files, event MPM, one process of 256 threads"),
        Server("node", "node", _node, "small files in memory"),
        Server("uvicorn", f"{VENV}/bin/uvicorn", _uvicorn, "httptools, uvloop; small files in memory"),
        Server("granian", f"{VENV}/bin/granian", _granian, "RSGI, uvloop; small files in memory"),
        Server("hypercorn", f"{VENV}/bin/hypercorn", _hypercorn, "h11, uvloop; small files in memory"),
    )
}


@dataclass
class Running:
    """A server that answers on its port."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"

    def processes(self) -> list[Path]:
        """Its processes' folders in /proc: all of its session."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (fields := _stat(entry)) and fields[3] == str(self.process.pid):
                found.append(entry)
        return found

    def cpu_s(self) -> float:
        """Processor time that its processes have used, in seconds."""
        ticks = sum(int(fields[11]) + int(fields[12]) for one in self.processes() if (fields := _stat(one)))
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """What its processes hold in memory, shared pages counted once (PSS)."""
        total = 0
        for one in self.processes():
            for line in (one / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total


def _stat(process: Path) -> list[str] | None:
    """The fields of /proc/PID/stat after the name; None when the process is gone."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def make_files(folder: Path) -> Path:
    """The files to serve, the certificate and its key; → the folder of files."""
    www = folder / "www"
    www.mkdir()
    for at in (folder, www):
        at.chmod(0o755)  # a server that drops root must reach them
    for at, count in ((www / "many", MANY), (www / "wide", WIDE)):
        at.mkdir()
        for number in range(count):
            (at / str(number)).write_bytes(b"%08d" % number * 128)
    for name, size in FILES.items():
        (www / name).write_bytes(b"a" * size)
    make_certificate(folder)
    return www


def make_certificate(folder: Path) -> None:
    """`certificate.pem` and `key.pem` in this folder: RSA-2048, for localhost, by itself."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "30"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files], check=True, capture_output=True
    )


def pinned(core: int | None) -> list[str]:
    """The words that keep a program on one core."""
    return [] if core is None else ["taskset", "-c", str(core)]


@contextmanager
def started(
    server: Server, folder: Path, www: Path, port: int, *, tls: bool = False, core: int | None = None
) -> Iterator[Running]:
    """A server in a session of its own, from its first answer to its end."""
    own = folder / f"{server.name}-{port}"
    own.mkdir()
    with launched(server.name, server.words(own, www, port, tls), port, own, core, {"WWW": str(www)}) as running:
        yield running


@contextmanager
def launched(
    name: str,
    words: list[str],
    port: int,
    folder: Path,
    core: int | None = None,
    more: dict[str, str] | None = None,
) -> Iterator[Running]:
    """Any program that is to listen on 127.0.0.1:port."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LAN_")}
    places = os.pathsep.join([kept.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    environment = {**kept, "PYTHONPATH": str(HOUSE), "PATH": places, **(more or {})}
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [*pinned(core), *words],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=errors, start_new_session=True,
        )  # fmt: skip
    running = Running(name, port, process)
    try:
        wait_listening(running, folder)
        yield running
    finally:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, sign)
                process.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def wait_listening(running: Running, folder: Path) -> None:
    """Until it takes a connection; its end or long silence ends the benchmark with its words."""
    until = time.monotonic() + PATIENCE_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", running.port)) == 0:
                return
        if running.process.poll() is not None or time.monotonic() > until:
            said = (folder / "errors").read_text(errors="replace")[-800:]
            sys.exit(f"{running.name} does not answer on port {running.port}: {said}")
        time.sleep(0.02)


def install() -> None:
    """Packages of the distribution, and a Python environment in the user's cache; nothing of ours changes."""
    root = [] if os.getuid() == 0 else ["sudo"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wait = ["-o", "DPkg::Lock::Timeout=600"]
    steps = [
        [*root, "apt-get", "update"],
        [*root, "apt-get", *wait, "install", "--yes", "--no-install-recommends", *PACKAGES],
        ["/usr/bin/python3", "-m", "venv", str(VENV)],
        [f"{VENV}/bin/pip", "install", "--quiet", *DISTRIBUTIONS],
    ]
    for step in steps:
        print("+", " ".join(step), flush=True)
        if subprocess.run(step, env=environment, check=False).returncode:
            sys.exit(f"failed: {' '.join(step)}")
