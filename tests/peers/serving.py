"""Our web server as the tests of peers start it: a folder of files, HTTP and HTTPS, its decisions to read."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..command import PATIENCE_S
from ..pem import write_pem
from ..program import Program, module


@dataclass(frozen=True)
class Serving:
    """A server of ours that runs."""

    folder: Path
    """Holds `www`, `authority.pem`, `server.pem` and `key.pem`."""
    ports: dict[str, int]
    """Scheme → port."""
    program: Program

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://localhost:{self.ports[scheme]}{path}"

    def decisions(self) -> list[dict[str, Any]]:
        """What it has decided until now."""
        return self.program.decisions()

    def trusting(self) -> dict[str, str]:
        """An environment in which programs trust its authority, and use no proxy."""
        kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        names = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        return {**kept, **dict.fromkeys(names, str(self.folder / "authority.pem"))}

    def run(self, *command: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
        """A program to its end, in that environment; it must end well."""
        done = subprocess.run(
            command,
            env=self.trusting(), cwd=self.folder, input=given, capture_output=True, timeout=PATIENCE_S, check=False,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
        assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stdout[-800:]}{done.stderr[-800:]}"
        return done


def prepare(folder: Path, files: dict[str, bytes]) -> None:
    """The files under `www`, an authority, and a certificate of its for localhost."""
    (folder / "www").mkdir()
    for name, data in files.items():
        (folder / "www" / name).write_bytes(data)
    write_pem(folder, "localhost")


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[Serving]:
    """``lan serve http WORDS`` with a prepared folder's certificate, until the end."""
    addresses = ["--listen", "127.0.0.1:0", "--tls", "--tls-listen", "127.0.0.1:0"]
    pem = ["--certificate", str(folder / "server.pem"), "--key", str(folder / "key.pem")]
    with Program(module("lan.services.http", *addresses, *pem, *words), log_in(folder)) as server:
        yield Serving(folder, server.ports, server)


def log_in(folder: Path) -> Path:
    """A decision log that no other program has."""
    return Path(tempfile.mkdtemp(prefix="decisions-", dir=folder)) / "log"
