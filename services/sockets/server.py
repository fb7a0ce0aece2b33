"""lan-tcp-server: the server of the book's figure 4-6, which serves one client after the other.

    lan exec web -- lan-tcp-server --listen :8080

While it reads from one client, the next one waits in the queue of `listen`: that is what blocking means.
"""

import argparse
import socket
import sys
from collections.abc import Sequence

from lan.errors import OK, UsageError
from lan.services.http.arguments import Parser
from lan.services.shell import announce_ready, parse_listen
from lan.services.sockets import steps
from lan.services.sockets.calls import Calls
from lan.services.sockets.telling import run, teller

PORT = 8080
READ_BYTES = 4096
MAX_REQUEST_BYTES = 64 * 1024


def main(arguments: Sequence[str]) -> int:
    """Serve: 0 when all clients were served, 1 where a connection broke, 2 for wrong words, 3 for a taken port."""
    return run("lan-tcp-server", lambda: serve(_parse(arguments)))


def serve(options: argparse.Namespace) -> int:
    """The server's steps, from `socket` to `close`."""
    address = parse_listen(options.listen, PORT)
    book = Calls("S", teller(as_json=options.json))
    s = book.socket(address)
    try:
        book.bind(s, address)
        book.listen(s)
        announce_ready(f"tcp {steps.in_words(s.getsockname()[:2])}")
        for _ in range(options.connections):
            serve_one(book, s)
    finally:
        s.close()
    return OK


def serve_one(book: Calls, s: socket.socket) -> None:
    """One client: read its request, write the response, close."""
    s2 = book.accept(s)
    try:
        request = b""
        while not steps.is_complete(request) and len(request) < MAX_REQUEST_BYTES:
            piece = book.read(s2, READ_BYTES)
            if not piece:
                break
            request += piece
        book.write(s2, steps.response_to(request))
    finally:
        book.close(s2)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser("lan-tcp-server", description="The book's bare TCP server (figure 4-6): every call is told.")
    parser.add_argument("--listen", metavar="ADDR:PORT", default=f":{PORT}", help=f"where (every address, port {PORT})")
    parser.add_argument("--connections", metavar="N", type=int, default=1, help="clients to serve before it ends (1)")
    parser.add_argument("--json", action="store_true", help="one JSON object a call")
    options = parser.parse_args(arguments)
    if options.connections < 1:
        raise UsageError(f"--connections {options.connections}: nobody to serve", expected="1 or more")
    return options


def program() -> None:
    """The command lan-tcp-server."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    program()
