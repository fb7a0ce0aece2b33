"""Programs with known silences for `stalls.py`: a server, a client and a proxy that do what a list of steps says.

    python stalls_programs.py server PORT STEPS     one connection after the other; says "ready", then how late it was
    python stalls_programs.py client URL STEPS      prints {"start_ns", "end_ns", …} when it is done
    python stalls_programs.py proxy PORT HOST PORT HOLD_S QUICKACK

STEPS is JSON: ["sleep", SECONDS] ["write", TEXT] ["respond", BYTES] ["read"] (a head) ["read_all"] ["close"]; SECONDS
are what the benchmark expects to find again.  Options come first: ["nodelay", 0], ["quickack", 1], ["rcvbuf", N].
"""

import contextlib
import errno
import json
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

Steps = list[list[Any]]
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
AGAIN_S = 0.01
"""How soon a client without a port tries again."""


def act(sock: socket.socket, steps: Steps) -> int:
    """Take the steps in their order; by how many ns the program was late until its first byte, for its own reasons."""
    late_ns, at_ns, is_sent = 0, time.monotonic_ns(), False
    for word, *values in steps:
        if word in ("write", "respond") and not is_sent:
            late_ns, is_sent = time.monotonic_ns() - at_ns, True
        STEPS[word](sock, *values)
        if word == "read":
            at_ns = time.monotonic_ns()
        elif word == "sleep" and not is_sent:
            at_ns += round(values[0] * 1e9)
    return late_ns


def _read_head(sock: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return
        data += piece
        _be_quick(sock)


def _read_all(sock: socket.socket) -> None:
    while sock.recv(65536):
        _be_quick(sock)


def _be_quick(sock: socket.socket) -> None:
    """Quick ACKs are the kernel's choice again after each of them (tcp(7))."""
    if sock in QUICK:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, QUICK[sock])


QUICK: dict[socket.socket, int] = {}


def _quickack(sock: socket.socket, value: int) -> None:
    QUICK[sock] = value
    _be_quick(sock)


STEPS: dict[str, Callable[..., object]] = {
    "sleep": lambda _, seconds: time.sleep(seconds),
    "write": lambda sock, text: sock.sendall(text.encode()),
    "respond": lambda sock, size: sock.sendall(RESPONSE % size + b"x" * size),
    "read": _read_head,
    "read_all": _read_all,
    "close": lambda sock: sock.close(),
    "nodelay": lambda sock, value: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, value),
    "quickack": _quickack,
    "rcvbuf": lambda sock, size: sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size),
}


def serve(port: int, steps: Steps, certificate: str = "") -> None:
    """Serve each connection by these steps, with TLS where there is a certificate (PEM, with its key)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
    if context is not None:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(certificate)
            file.flush()
            context.load_cert_chain(file.name)

    def one(sock: socket.socket) -> None:
        with contextlib.suppress(ConnectionError), sock:
            print(act(context.wrap_socket(sock, server_side=True) if context else sock, steps), flush=True)

    with socket.create_server(("", port)) as listening:
        for word, *values in steps:
            if word == "quickack":  # before the first byte can come
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, *values)
        print("ready", flush=True)
        while True:
            threading.Thread(target=one, args=listening.accept()[:1], daemon=True).start()


def fetch(host: str, port: int, steps: Steps, *, tls: bool = False) -> None:
    """Connect, as often as there is no port left, and take the steps."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    start_ns, refused = time.time_ns(), 0
    address = socket.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)[0][4]
    found_ns = time.monotonic_ns()
    before = [step for step in steps if step[0] == "rcvbuf"]
    while True:
        sock = socket.socket()
        act(sock, before)
        begun_ns = time.monotonic_ns()
        try:
            sock.connect(address)
            break
        except OSError as fault:
            sock.close()
            if fault.errno != errno.EADDRNOTAVAIL:
                raise
            refused += 1
            time.sleep(AGAIN_S)
    connected_ns = time.monotonic_ns()
    late_ns = 0 if refused else begun_ns - found_ns
    if tls:
        sock = context.wrap_socket(sock, do_handshake_on_connect=False)
        late_ns += time.monotonic_ns() - connected_ns
        sock.do_handshake()
    late_ns += act(sock, [step for step in steps if step[0] != "rcvbuf"])
    told = {"start_ns": start_ns, "end_ns": time.time_ns(), "without_port": refused, "late_ns": late_ns}
    print(json.dumps(told), flush=True)


def hold(seconds: float, host: str, port: int, count: int) -> None:
    """Open connections, keep them for so long, then break them so that their ports are free at once."""
    held = [socket.create_connection((host, port)) for _ in range(count)]
    print("ready", flush=True)
    time.sleep(seconds)
    for sock in held:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()


def relay(port: int, host: str, server_port: int, hold_s: float, quickack: int) -> None:
    """A proxy of the simplest kind: head by head, and it holds each request for so long before it sends it on."""
    with socket.create_server(("", port)) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, quickack)
        print("ready", flush=True)
        while True:
            sock, _ = listening.accept()
            with sock:
                _quickack(sock, quickack)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                request = b""
                while b"\r\n\r\n" not in request:
                    request += sock.recv(65536)
                time.sleep(hold_s)
                with socket.create_connection((host, server_port)) as upstream:
                    upstream.sendall(request)
                    while piece := upstream.recv(65536):
                        sock.sendall(piece)


def main(words: list[str]) -> None:
    """The role first, then its words."""
    role, *rest = words
    if role == "server":
        serve(int(rest[0]), json.loads(rest[1]), *rest[2:])
    elif role == "client":
        fetch(rest[0], int(rest[1]), json.loads(rest[2]), tls=len(rest) > 3)
    elif role == "hold":
        hold(float(rest[0]), rest[1], int(rest[2]), int(rest[3]))
    else:
        relay(int(rest[0]), rest[1], int(rest[2]), float(rest[3]), int(rest[4]))


if __name__ == "__main__":
    main(sys.argv[1:])
