"""HTTPS: what the kernel sends by itself over plain TCP must pass the encryption; whom a connection is secured for."""

import json
import socket
import ssl
import urllib.request
from pathlib import Path

import pytest

from ..pem import write_pem
from ..program import Program
from .proxying import PATIENCE_S, Stream, web_command

TLS = ["--tls", "--tls-listen", "127.0.0.1:0"]


@pytest.mark.parametrize("size", [1, 64 * 1024, 64 * 1024 + 1, 3_000_000])
def test_a_file_of_any_size_leaves_encrypted(size: int, tmp_path: Path) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "data").write_bytes(data)
    words = ["--root", str(tmp_path / "www"), *TLS, *write_pem(tmp_path, "localhost")]
    with Program(web_command(*words), tmp_path / "decisions") as web:
        trust = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
        for scheme, port in web.ports.items():
            context = trust if scheme == "https" else None
            url = f"{scheme}://localhost:{port}/data"
            with urllib.request.urlopen(url, timeout=PATIENCE_S, context=context) as answer:
                assert answer.read() == data


def test_a_connection_that_is_secured_for_one_host_answers_for_no_other(tmp_path: Path) -> None:
    """Also where the answer is known by heart: it was learned on another connection."""
    (tmp_path / "http.json").write_text(json.dumps({"hosts": {"a.test": {"app": "echo"}, "b.test": {}}}))
    words = ["--config", str(tmp_path / "http.json"), *TLS, *write_pem(tmp_path, "a.test", "b.test")]
    context = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    with Program(web_command(*words), tmp_path / "decisions", is_told=False) as web:
        for name, host, status in (
            ("a.test", "a.test", 200),
            ("b.test", "b.test", 200),
            ("b.test", "b.test", 200),
            ("a.test", "b.test", 421),
            ("b.test", "a.test", 421),
        ):
            plain = socket.create_connection(("127.0.0.1", web.ports["https"]), PATIENCE_S)
            with Stream(context.wrap_socket(plain, server_hostname=name)) as client:
                client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                assert client.response()[0] == status, (name, host)


def test_a_url_of_https_is_answered_over_tls_alone(tmp_path: Path) -> None:
    """Also where the answer is known by heart: it was learned over TLS."""
    words = [*TLS, *write_pem(tmp_path, "localhost")]
    context = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    asked = b"GET https://localhost/ HTTP/1.1\r\nHost: localhost\r\n"
    with Program(web_command(*words), tmp_path / "decisions", is_told=False) as web:
        for scheme, status in (("https", 200), ("https", 200), ("http", 421), ("http", 421), ("https", 200)):
            plain = socket.create_connection(("127.0.0.1", web.ports[scheme]), PATIENCE_S)
            secured = context.wrap_socket(plain, server_hostname="localhost") if scheme == "https" else plain
            with Stream(secured) as client:
                client.send(asked + b"\r\n")
                assert client.response()[0] == status, scheme
        with Stream(socket.create_connection(("127.0.0.1", web.ports["http"]), PATIENCE_S)) as client:
            client.send(asked.replace(b"GET", b"PUT") + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            assert client.response()[0] == 421
