"""A command line whose mistakes are errors like any other of the house."""

import argparse
from typing import NoReturn

from lan.errors import UsageError


class Parser(argparse.ArgumentParser):
    """argparse, raising UsageError in place of leaving the program."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", todo=f"{self.prog} --help")
