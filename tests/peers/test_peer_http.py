"""Real programs against our web server, and our client against real servers, HTTP and HTTPS."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .. import ports
from ..fetching import asked
from .serving import prepare, serving

PAGE = b"<!doctype html><title>office</title><p id=p>the page of the office</p>" + b"<!-- -->" * 20_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site, an authority, and a certificate for localhost."""
    folder = tmp_path_factory.mktemp("peer")
    prepare(folder, {"index.html": PAGE})
    return folder


@pytest.fixture(scope="module")
def urls(folder: Path) -> Iterator[dict[str, str]]:
    """Our server: scheme → URL."""
    with serving(folder, "--root", str(folder / "www")) as site:
        yield {scheme: site.url("/", scheme) for scheme in site.ports}


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} here: lan test --peers installs it")
    return found


def trusting(folder: Path) -> dict[str, str]:
    names = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    return {**os.environ, **dict.fromkeys(names, str(folder / "authority.pem"))}


def output(folder: Path, *command: str) -> bytes:
    done = subprocess.run(command, env=trusting(folder), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


NODE = """
const get = require(process.argv[1].split(":")[0]).get
get(process.argv[1], answer => answer.on("data", piece => process.stdout.write(piece)))
"""
REQUESTS = """
import sys, requests
with requests.Session() as session:
    pages = [session.get(sys.argv[1]) for _ in range(3)]
assert [page.status_code for page in pages] == [200] * 3
sys.stdout.buffer.write(pages[-1].content)
"""


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_curl_gets_the_page(urls: dict[str, str], folder: Path, scheme: str) -> None:
    assert output(folder, needs("curl"), "-sS", "--fail", urls[scheme]) == PAGE


def test_curl_keeps_one_connection_for_three_requests(urls: dict[str, str], folder: Path) -> None:
    three = [urls["https"]] * 3
    words = ["-sS", "--write-out", "%{num_connects}", *(word for url in three for word in ("-o", os.devnull, url))]
    assert output(folder, needs("curl"), *words) == b"100"


def test_curl_closes_after_http_1_0_and_resumes_nothing_it_has(urls: dict[str, str], folder: Path) -> None:
    head = output(folder, needs("curl"), "-sSi", "--http1.0", urls["http"])
    assert b"\r\nConnection: close\r\n" in head
    tag = next(line for line in head.splitlines() if line.startswith(b"ETag")).decode()
    words = ["-sS", "-H", tag.replace("ETag", "If-None-Match"), "--write-out", "%{http_code}"]
    assert output(folder, needs("curl"), *words, urls["http"]) == b"304"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_wget_gets_the_page(urls: dict[str, str], folder: Path, scheme: str) -> None:
    authority = f"--ca-certificate={folder / 'authority.pem'}"
    assert output(folder, needs("wget"), "-q", "-O", "-", authority, urls[scheme]) == PAGE


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_requests_gets_the_page(urls: dict[str, str], folder: Path, scheme: str) -> None:
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import requests"], capture_output=True, check=False).returncode == 0:
            assert output(folder, python, "-c", REQUESTS, urls[scheme]) == PAGE
            return
    pytest.skip("no Python with requests here: lan test --peers installs it")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_node_gets_the_page(urls: dict[str, str], folder: Path, scheme: str) -> None:
    assert output(folder, needs("node"), "-e", NODE, urls[scheme]) == PAGE


def test_chromium_shows_the_page(urls: dict[str, str], folder: Path) -> None:
    words = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'chromium'}", "--dump-dom"]
    assert b"the page of the office" in output(folder, needs("chromium"), *words, urls["http"])


# Our client


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_our_client_gets_our_page(urls: dict[str, str], folder: Path, scheme: str, tmp_path: Path) -> None:
    words = ["--cacert", str(folder / "authority.pem"), "-o", str(tmp_path / "page")]
    code, said = asked(urls[scheme], *words)
    assert (code, said["status"], said["closed_first"]) == (0, 200, "client")
    assert (tmp_path / "page").read_bytes() == PAGE
    phases = ["dns", "connect", *(["tls"] if scheme == "https" else []), "send", "wait", "receive", "close", "total"]
    assert list(said["times_ms"]) == phases


def test_our_client_trusts_nobody_by_itself(urls: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    code, said = asked(urls["https"])
    assert code == 1
    assert "does not stand for localhost" in said["error"]["what"]
    assert said["error"]["try"] is not None


def test_our_client_refuses_a_certificate_for_another_name(urls: dict[str, str], folder: Path) -> None:
    port = urls["https"].rpartition(":")[2].rstrip("/")
    words = ["--cacert", str(folder / "authority.pem"), "--resolve", f"web.test:{port}:127.0.0.1"]
    code, said = asked(f"https://web.test:{port}/", *words)
    assert code == 1
    assert "does not stand for web.test" in said["error"]["what"]


def fetch_when_up(server: subprocess.Popen[bytes], url: str) -> tuple[int, dict[str, Any]]:
    """The first answer: a refused connection means that the server is not there yet."""
    while True:
        code, said = asked(url)
        if "error" not in said or "refused" not in said["error"]["what"]:
            return code, said
        assert server.poll() is None


def test_our_client_asks_python_s_server_which_closes_first(folder: Path) -> None:
    words = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder / "www")]
    with (
        ports.held(1) as [port],
        subprocess.Popen([*words, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server,
    ):
        code, said = fetch_when_up(server, f"http://127.0.0.1:{port}/")
        server.terminate()
    assert (code, said["version"], said["body_bytes"]) == (0, "1.0", len(PAGE))


NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{
        listen 127.0.0.1:{port}; listen 127.0.0.1:{tls_port} ssl; root {folder}/www;
        ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/key.pem;
    }}
}}
"""


def test_our_client_asks_nginx(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nginx = needs("nginx")
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
    for name in ("www", "server.pem", "key.pem"):
        (tmp_path / name).symlink_to(folder / name)
    config = tmp_path / "nginx.conf"
    user = "user root;\n" if os.getuid() == 0 else ""  # the folder is closed to www-data
    with ports.held(2) as [port, tls_port]:
        config.write_text(user + NGINX.format(folder=tmp_path, port=port, tls_port=tls_port))
        with subprocess.Popen([nginx, "-c", str(config), "-e", "stderr"]) as server:
            answers = [
                fetch_when_up(server, f"http://127.0.0.1:{port}/"),
                fetch_when_up(server, f"https://127.0.0.1:{tls_port}/"),
            ]
            server.terminate()
    assert [(code, said["status"], said["body_bytes"]) for code, said in answers] == [(0, 200, len(PAGE))] * 2
