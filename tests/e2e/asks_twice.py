"""A client of HTTP/1.0+: asks for a page, and once more on the same connection.  Run on a device by test_proxies.py.

asks_twice.py HOST PORT TARGET FIELD: FIELD is Connection or Proxy-Connection, and says Keep-Alive.
Prints a line for each answer: its status and what it says of the connection; ``closed`` where the
first answer ended the connection; ``unanswered`` where the connection was kept and no answer came.
"""

import re
import socket
import sys


def read_answer(sock: socket.socket) -> str | None:
    """Status and Connection of an answer with Content-Length; None where the connection ends instead."""
    data = b""
    while (head := re.match(rb"HTTP/1\.1 (\d+)(.*?)\r\n\r\n", data, re.DOTALL)) is None:
        piece = sock.recv(65536)
        if not piece:
            return None
        data += piece
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head[2])
    while length is not None and len(data) - head.end() < int(length[1]):
        data += sock.recv(65536)
    said = re.search(rb"(?i)\r\nconnection: ([^\r]*)", head[2])
    return f"{head[1].decode()} {said[1].decode() if said else 'nothing'}"


def main(host: str, port: str, target: str, field: str) -> None:
    request = f"GET {target} HTTP/1.0\r\nHost: web\r\n{field}: Keep-Alive\r\n\r\n".encode()
    with socket.create_connection((host, int(port))) as sock:
        sock.sendall(request)
        first = read_answer(sock)
        print(first)
        if first is None or first.endswith(" close"):
            print("closed" if first is None or not sock.recv(1) else "more than an answer")
            return
        sock.sendall(request)
        print(read_answer(sock) or "unanswered")


if __name__ == "__main__":
    main(*sys.argv[1:])
