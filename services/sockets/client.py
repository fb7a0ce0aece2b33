"""lan-tcp-client: the client of the book's figure 4-6, which asks any web server for one page.

    lan exec pc1 -- lan-tcp-client web 8080

It reads until the server closes.  `--half-close` sends its FIN behind the request, and still reads the response.
"""

import argparse
import sys
from collections.abc import Sequence

from lan.errors import OK, UsageError
from lan.services.http.arguments import Parser
from lan.services.sockets import steps
from lan.services.sockets.calls import Calls
from lan.services.sockets.telling import run, teller

READ_BYTES = 4096


def main(arguments: Sequence[str]) -> int:
    """Ask: 0 when the server closed, 1 where a call failed, 2 for wrong words."""
    return run("lan-tcp-client", lambda: ask(_parse(arguments)))


def ask(options: argparse.Namespace) -> int:
    """The client's steps, from `getaddrinfo` to `close`, and then the response."""
    book = Calls("C", teller(as_json=options.json))
    address = book.getaddrinfo(options.host, options.port)
    s = book.socket(address)
    response = b""
    try:
        book.connect(s, address)
        book.write(s, steps.request_to(options.host, options.port, options.target))
        if options.half_close:
            book.shutdown(s)
        while piece := book.read(s, READ_BYTES):
            response += piece
    finally:
        book.close(s)
    if not options.json:
        print("\n".join(f"   | {line}" for line in response.decode("utf-8", "replace").splitlines()))
    return OK


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser("lan-tcp-client", description="The book's bare TCP client (figure 4-6): every call is told.")
    parser.add_argument("host", metavar="HOST", help="name or address of the server")
    parser.add_argument("port", metavar="PORT", type=int, help="its port")
    parser.add_argument("--target", metavar="PATH", default="/", help="what to ask for (/)")
    parser.add_argument("--half-close", action="store_true", help="shutdown(write) when the request is written")
    parser.add_argument("--json", action="store_true", help="one JSON object a call")
    options = parser.parse_args(arguments)
    if not 0 < options.port < 65536:
        raise UsageError(f"{options.port}: no such port", expected="1 to 65535, such as 8080")
    for word in (options.host, options.target):
        if not word.isascii() or not word.isprintable() or " " in word:
            raise UsageError(f"{word}: not for a request", expected="ASCII without blanks, such as web or /index.html")
    return options


def program() -> None:
    """The command lan-tcp-client."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    program()
