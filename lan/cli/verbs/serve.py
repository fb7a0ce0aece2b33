"""Run a service alone, on this machine, outside any LAN:  lan serve http --root . --listen 127.0.0.1:8080

lan serve dns --zone FILE --listen ADDR:PORT
lan serve http --root DIR --listen ADDR:PORT [--tls]
lan serve proxy --kind dumb|smart|cache [--upstream URL] --listen ADDR:PORT
lan serve dhcp --interface IF --subnet CIDR --pool FIRST-LAST
"""

import argparse
import importlib

from lan.cli.screen import Screen
from lan.errors import UsageError, nearest

GROUP = "Use"
SERVICES = {"dhcp": "dhcp", "dns": "dns", "http": "http", "proxy": "http.proxy"}
"""The services by their words, and where each lies in `lan.services`."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", help=", ".join(SERVICES))
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="…", help="its own options; --help tells them")


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.service not in SERVICES:
        near = nearest(options.service, SERVICES)
        raise UsageError(
            f"lan serve: no service {options.service!r}" + (f"; did you mean {near!r}?" if near else ""),
            expected="one of " + ", ".join(SERVICES),
        )
    module = importlib.import_module(f"lan.services.{SERVICES[options.service]}.__main__")
    code: int = module.main(options.words)
    return code
