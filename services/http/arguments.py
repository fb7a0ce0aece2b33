"""A command line whose mistakes are errors like any other of the house."""

import argparse
from typing import NoReturn

from lan.errors import UsageError


class Parser(argparse.ArgumentParser):
    """argparse, raising UsageError in place of leaving the program."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", todo=f"{self.prog} --help")


WORKERS = "processes that share the port (1)"
MOST_WORKERS = 64


def check_workers(count: int) -> None:
    """Raises UsageError for a count of processes that no machine wants."""
    if not 1 <= count <= MOST_WORKERS:
        raise UsageError(f"--workers {count}: not so many", expected=f"1 to {MOST_WORKERS}")
