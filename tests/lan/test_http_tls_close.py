"""The end of TLS is said by close_notify, and where it is not, an end is believed only of what told its length.

RFC 9112 §9.8, against a server and a client that leave the alert out.
"""

import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from .. import fetching
from ..pem import write_pem
from ..program import Program
from .proxying import web_command

PATIENCE_S = 60
BY_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
UNTIL_THE_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nhello"


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pair.pem, for localhost, and its authority.pem."""
    folder = tmp_path_factory.mktemp("pem")
    write_pem(folder, "localhost")
    return folder


class Abrupt:
    """A server for one connection; `says_end`: it sends close_notify before its FIN.

    `heard` is how the client ended, after a response that told its length.
    """

    def __init__(self, pem: Path, answer: bytes, *, says_end: bool) -> None:
        self.answer, self.says_end = answer, says_end
        self.heard = "nothing"
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem / "pair.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE_S)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Abrupt":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(PATIENCE_S)
        self._listener.close()

    def _serve(self) -> None:
        sock, _ = self._listener.accept()
        sock.settimeout(PATIENCE_S)
        tls = self._context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += tls.recv(65536)
        tls.sendall(self.answer)
        if self.answer is UNTIL_THE_CLOSE:
            if self.says_end:
                tls.unwrap()
            else:
                socket.socket(fileno=tls.detach()).shutdown(socket.SHUT_WR)
            return
        try:
            self.heard = "close_notify" if tls.recv(65536) == b"" else "more"
        except ssl.SSLEOFError:
            self.heard = "a FIN alone"
        tls.close()


def asked(pem: Path, port: int) -> tuple[int, dict[str, Any]]:
    return fetching.asked("--cacert", str(pem / "authority.pem"), f"https://localhost:{port}/")


@pytest.mark.parametrize("answer", [BY_LENGTH, IN_CHUNKS])
def test_the_client_says_close_notify_before_its_fin(pem: Path, answer: bytes) -> None:
    with Abrupt(pem, answer, says_end=True) as server:
        code, _ = asked(pem, server.port)
    assert (code, server.heard) == (0, "close_notify")


def test_a_response_until_the_close_is_whole_with_close_notify_alone(pem: Path) -> None:
    with Abrupt(pem, UNTIL_THE_CLOSE, says_end=True) as server:
        code, _ = asked(pem, server.port)
    assert code == 0
    with Abrupt(pem, UNTIL_THE_CLOSE, says_end=False) as server:
        code, said = asked(pem, server.port)
    assert code == 1
    assert "close_notify" in json.dumps(said)


def test_the_server_says_close_notify_before_its_fin_and_bears_a_client_that_says_none(
    pem: Path, tmp_path: Path
) -> None:
    words = ["--tls", "--tls-listen", "127.0.0.1:0", "--closes-first", "server"]
    command = web_command(*words, "--certificate", str(pem / "pair.pem"))
    with Program(command, tmp_path / "decisions") as server:
        context = ssl.create_default_context(cafile=str(pem / "authority.pem"))
        for _ in range(2):  # the second one comes after a client that closed without a word
            with socket.create_connection(("127.0.0.1", server.ports["https"]), PATIENCE_S) as sock:
                tls = context.wrap_socket(sock, server_hostname="localhost", suppress_ragged_eofs=False)
                tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                got = b""
                while data := tls.recv(65536):  # SSLEOFError where the end was not said
                    got += data
                assert got.startswith(b"HTTP/1.1 200 ")
                socket.socket(fileno=tls.detach()).close()
    closed = (tmp_path / "decisions").read_text()
    assert "Traceback" not in closed
