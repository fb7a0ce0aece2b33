"""lan-fetch by each strategy from nginx, Apache, Node and uvicorn, straight and through Squid and nginx."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lan.services.http.strategies.strategy import STRATEGIES

from .. import ports
from ..fetching import asked, outcomes
from ..pem import write_pem

SYSTEM_PYTHON = "/usr/bin/python3"
"""The one that has Debian's package of uvicorn."""
SIZES = [0, 1, 100, 5000, 70_000, 300_000]
IS_ROOT = os.getuid() == 0

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr; {user}
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; types {{ text/html html; }}
    server {{
        listen 127.0.0.1:{port}; listen 127.0.0.1:{tls_port} ssl; root {folder}/www;
        ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/key.pem;
    }}
}}
"""
RELAYS = {
    "forward": "proxy_pass http://$http_host$request_uri;",
    "reverse": "proxy_pass http://behind;",
}
"""What nginx is told as a proxy that clients choose (it takes their absolute form), and in front of one server."""
NGINX_RELAY = """
daemon off; pid {folder}/relay.pid; error_log stderr; {user}
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/r1; proxy_temp_path {folder}/r2; fastcgi_temp_path {folder}/r3;
    uwsgi_temp_path {folder}/r4; scgi_temp_path {folder}/r5;
    upstream behind {{ server 127.0.0.1:{upstream}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ {relay} proxy_http_version 1.1; proxy_set_header Connection ""; add_header Via "1.1 nginx"; }}
    }}
}}
"""
APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
TypesConfig /dev/null
AddType text/html .html
KeepAlive On
MaxKeepAliveRequests 0
DocumentRoot {folder}/www
{user}
"""
NODE = """
const [folder, port] = process.argv.slice(1)
const fs = require("fs")
require("http").createServer((request, response) => {
    response.setHeader("Content-Type", request.url.endsWith(".html") ? "text/html" : "application/octet-stream")
    fs.createReadStream(folder + request.url).pipe(response)
}).listen(Number(port), "127.0.0.1")
"""
ASGI = """
import os, sys
from pathlib import Path
import uvicorn

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = Path(sys.argv[1] + scope["path"]).read_bytes()
    kind = b"text/html" if scope["path"].endswith(".html") else b"application/octet-stream"
    head = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})

uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", lifespan="off")
"""
SQUID = """
http_port 127.0.0.1:{port}
http_access allow localhost
http_access deny all
acl SSL_ports port 1-65535
cache deny all
access_log none
cache_log stdio:/dev/null
pid_filename none
coredump_dir {folder}
shutdown_lifetime 0 seconds
netdb_filename none
pinger_enable off
"""


def needs(program: str) -> str:
    """Its path; programs of servers lie in sbin, which not every user has on the PATH."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip(f"no {program} here: lan test --peers installs it")
    return found


def nginx(folder: Path, port: int, tls_port: int) -> list[str]:
    user = "user root;" if IS_ROOT else ""
    text = NGINX.format(folder=folder, port=port, tls_port=tls_port, user=user)
    (folder / "nginx.conf").write_text(text)
    return [needs("nginx"), "-c", str(folder / "nginx.conf"), "-e", "stderr"]


def apache(folder: Path, port: int, tls_port: int) -> list[str]:
    user = "User www-data\nGroup www-data" if IS_ROOT else ""
    (folder / "apache.conf").write_text(APACHE.format(folder=folder, port=port, user=user))
    return [needs("apache2"), "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"]


def node(folder: Path, port: int, tls_port: int) -> list[str]:
    return [needs("node"), "-e", NODE, str(folder / "www"), str(port)]


def uvicorn(folder: Path, port: int, tls_port: int) -> list[str]:
    if subprocess.run([SYSTEM_PYTHON, "-c", "import uvicorn"], capture_output=True, check=False).returncode:
        pytest.skip("no uvicorn here: lan test --peers installs it")
    return [SYSTEM_PYTHON, "-c", ASGI, str(folder / "www"), str(port)]


def squid(folder: Path, port: int, tls_port: int) -> list[str]:
    (folder / "squid.conf").write_text(SQUID.format(folder=folder, port=port))
    own = f"lan{port}"  # without a name of its own it shares memory with any other Squid of this machine
    return [needs("squid"), "-N", "-n", own, "-f", str(folder / "squid.conf")]


def nginx_relay(way: str, upstream: int) -> Callable[[Path, int, int], list[str]]:
    """nginx as a proxy; `upstream` is the one server's port."""

    def start(folder: Path, port: int, tls_port: int) -> list[str]:
        user = "user root;" if IS_ROOT else ""
        text = NGINX_RELAY.format(folder=folder, port=port, user=user, relay=RELAYS[way], upstream=upstream)
        (folder / "relay.conf").write_text(text)
        return [needs("nginx"), "-c", str(folder / "relay.conf"), "-e", "stderr"]

    return start


SERVERS: dict[str, Callable[[Path, int, int], list[str]]] = {
    "nginx": nginx,
    "apache": apache,
    "node": node,
    "uvicorn": uvicorn,
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A site that every user may read, for Apache and Squid give up root; an authority, and a certificate."""
    made = Path(tempfile.mkdtemp(prefix="lan-test-peer-"))
    made.chmod(0o755)
    (made / "www").mkdir()
    for number, size in enumerate(SIZES):
        (made / "www" / f"{number}.bin").write_bytes(os.urandom(size))
    images = "".join(f"<img src={number}.bin>" for number in range(len(SIZES)))
    (made / "www" / "index.html").write_text(f"<!doctype html><title>peer</title>{images}")
    write_pem(made, "localhost")
    if IS_ROOT and shutil.which("squid", path="/usr/sbin"):
        shutil.chown(made, user=pwd.getpwnam("proxy").pw_uid)
    yield made
    shutil.rmtree(made)


@contextmanager
def running(start: Callable[[Path, int, int], list[str]], folder: Path) -> Iterator[tuple[int, int]]:
    """A server that accepts connections: its ports for http and https."""
    with (
        ports.held(2) as [port, tls_port],
        subprocess.Popen(start(folder, port, tls_port), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as server,
    ):
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                assert server.poll() is None, server.stderr and server.stderr.read()
            yield port, tls_port
        finally:
            server.terminate()
            server.communicate()


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[str, int, int]]:
    """Its name and ports."""
    with running(SERVERS[request.param], folder) as (port, tls_port):
        yield request.param, port, tls_port


@pytest.fixture(scope="module")
def proxy(folder: Path) -> Iterator[int]:
    """Squid's port."""
    with running(squid, folder) as (port, _):
        yield port


def assert_whole(folder: Path, got: Path, count: int) -> None:
    """Every file that came is the file that lies there."""
    came = sorted(got.iterdir())
    assert len(came) == count
    for path in came:
        assert path.read_bytes() == (folder / "www" / path.name.partition("-")[2]).read_bytes(), path.name


def connections(said: dict[str, Any]) -> int:
    return len(said["connections"])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_page_comes_whole_by_each_strategy(
    server: tuple[str, int, int], folder: Path, tmp_path: Path, strategy: str
) -> None:
    url = f"http://127.0.0.1:{server[1]}/index.html"
    code, said = asked("--page", "--strategy", strategy, "-o", str(tmp_path), url)
    assert (code, outcomes(said)) == (0, ["200"] * (len(SIZES) + 1))
    assert_whole(folder, tmp_path, len(SIZES) + 1)
    is_kept = STRATEGIES[strategy].is_kept
    assert connections(said) <= STRATEGIES[strategy].per_host if is_kept else connections(said) == len(SIZES) + 1


def test_forty_requests_in_a_pipeline_are_answered_in_order_on_one_connection(
    server: tuple[str, int, int], folder: Path, tmp_path: Path
) -> None:
    urls = [f"http://127.0.0.1:{server[1]}/{n % len(SIZES)}.bin" for n in range(40)]
    code, said = asked("--strategy", "pipelined", "--depth", "16", "-o", str(tmp_path), *urls)
    assert (code, outcomes(said)) == (0, ["200"] * 40)
    assert_whole(folder, tmp_path, 40)
    assert connections(said) == 1


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_https_by_each_strategy(folder: Path, tmp_path: Path, strategy: str) -> None:
    with running(nginx, folder) as (_, port):
        words = ["--page", "--cacert", str(folder / "authority.pem"), "-o", str(tmp_path)]
        code, said = asked("--strategy", strategy, *words, f"https://localhost:{port}/index.html")
    assert (code, outcomes(said)) == (0, ["200"] * (len(SIZES) + 1))
    assert_whole(folder, tmp_path, len(SIZES) + 1)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_through_squid_by_each_strategy(
    server: tuple[str, int, int], proxy: int, folder: Path, tmp_path: Path, strategy: str
) -> None:
    url = f"http://127.0.0.1:{server[1]}/index.html"
    words = ["--proxy", f"http://127.0.0.1:{proxy}", "-o", str(tmp_path)]
    code, said = asked("--page", "--strategy", strategy, *words, url)
    assert (code, outcomes(said)) == (0, ["200"] * (len(SIZES) + 1))
    assert_whole(folder, tmp_path, len(SIZES) + 1)
    assert {one["to"] for one in said["connections"]} == {f"127.0.0.1:{proxy}"}
    assert all("Via" in dict(one["headers"]) for one in said["objects"])


@pytest.mark.parametrize("way", RELAYS)
def test_through_nginx_by_each_strategy(server: tuple[str, int, int], folder: Path, tmp_path: Path, way: str) -> None:
    with running(nginx_relay(way, server[1]), folder) as (port, _):
        chosen = way == "forward"
        words = ["--proxy", f"http://127.0.0.1:{port}"] if chosen else []
        url = f"http://127.0.0.1:{server[1] if chosen else port}/index.html"
        for strategy in STRATEGIES:
            (tmp_path / strategy).mkdir()
            code, said = asked("--page", "--strategy", strategy, *words, "-o", str(tmp_path / strategy), url)
            assert (code, outcomes(said)) == (0, ["200"] * (len(SIZES) + 1)), strategy
            assert_whole(folder, tmp_path / strategy, len(SIZES) + 1)
            assert {one["to"] for one in said["connections"]} == {f"127.0.0.1:{port}"}
            assert all(dict(one["headers"])["Via"] == "1.1 nginx" for one in said["objects"])
            if STRATEGIES[strategy].is_kept:
                assert connections(said) <= STRATEGIES[strategy].per_host


def test_https_through_squids_tunnel(proxy: int, folder: Path, tmp_path: Path) -> None:
    with running(nginx, folder) as (_, port):
        words = ["--proxy", f"http://127.0.0.1:{proxy}", "--cacert", str(folder / "authority.pem"), "-o", str(tmp_path)]
        code, said = asked("--page", "--strategy", "pipelined", *words, f"https://localhost:{port}/index.html")
    assert (code, outcomes(said)) == (0, ["200"] * (len(SIZES) + 1))
    assert_whole(folder, tmp_path, len(SIZES) + 1)
    assert {one["to"] for one in said["connections"]} == {f"localhost:{port} through 127.0.0.1:{proxy}"}


def test_python_s_server_of_http_1_0_makes_every_strategy_serial(folder: Path, tmp_path: Path) -> None:
    def python(folder: Path, port: int, tls_port: int) -> list[str]:
        where = ["--bind", "127.0.0.1", "--directory", str(folder / "www")]
        return [sys.executable, "-m", "http.server", str(port), *where]

    with running(python, folder) as (port, _):
        words = ["--page", "--strategy", "pipelined", "-o", str(tmp_path)]
        code, said = asked(*words, f"http://127.0.0.1:{port}/index.html")
    assert code == 0
    assert_whole(folder, tmp_path, len(SIZES) + 1)
    assert connections(said) == len(SIZES) + 1
