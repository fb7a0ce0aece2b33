"""A command line whose mistakes are errors like any other of the house."""

import argparse
from collections.abc import Mapping
from typing import Any, NoReturn

from lan.errors import UsageError
from lan.services.shell import parse_listen


class Parser(argparse.ArgumentParser):
    """argparse, raising UsageError in place of leaving the program."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", todo=f"{self.prog} --help")


def add_tls(parser: argparse.ArgumentParser) -> None:
    """The words of whoever speaks TLS to its clients."""
    parser.add_argument("--tls", action="store_true", default=None, help="speak HTTPS too")
    parser.add_argument("--tls-listen", metavar="ADDR:PORT", help="where HTTPS is spoken (port 443, or 8443)")
    parser.add_argument("--certificate", metavar="PEM", help="certificate chain; without it one is made and kept")
    parser.add_argument("--key", metavar="PEM", help="private key of the certificate")


def tls_listen(words: Mapping[str, Any], listen: tuple[str, int]) -> tuple[str, int] | None:
    """Where HTTPS is spoken, if `--tls` says that it is: without an address of its own beside plain HTTP."""
    if not words["tls"]:
        return None
    usual = 443 if listen[1] == 80 else 8443
    host = f"[{listen[0]}]" if ":" in listen[0] else listen[0]
    return parse_listen(words["tls_listen"] or f"{host}:{usual}", usual)


WORKERS = "processes that share the port (1)"
MOST_WORKERS = 64


def check_workers(count: int) -> None:
    """Raises UsageError for a count of processes that no machine wants."""
    if not 1 <= count <= MOST_WORKERS:
        raise UsageError(f"--workers {count}: not so many", expected=f"1 to {MOST_WORKERS}")
