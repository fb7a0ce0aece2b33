"""A command line whose mistakes are UsageErrors, not exits: both DHCP shells run inside other programs too."""

import argparse
from typing import NoReturn

from lan.errors import UsageError


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", todo=f"{self.prog} --help")
