"""Our web server as the tests of peers start it: a folder of files, HTTP and HTTPS, its decisions to read."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lan.engine.certificates import Authority

from ..command import CHECKOUT, PATIENCE_S


@dataclass(frozen=True)
class Serving:
    """A server of ours that runs."""

    folder: Path
    """Holds `www`, `authority.pem`, `server.pem` and `key.pem`."""
    ports: dict[str, int]
    """Scheme → port."""
    log: Path

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://localhost:{self.ports[scheme]}{path}"

    def decisions(self) -> list[dict[str, Any]]:
        """What it has decided until now."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

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
    authority = Authority.create("peers")
    certificate, key = authority.issue(["localhost"], ["127.0.0.1"])
    for name, data in (("authority", authority.certificate_pem), ("server", certificate), ("key", key)):
        (folder / f"{name}.pem").write_bytes(data)


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[Serving]:
    """``lan serve http WORDS`` with a prepared folder's certificate, until the end."""
    ready, theirs = os.pipe()
    log = folder / f"decisions-{theirs}"
    addresses = ["--listen", "127.0.0.1:0", "--tls", "--tls-listen", "127.0.0.1:0"]
    pem = ["--certificate", str(folder / "server.pem"), "--key", str(folder / "key.pem")]
    with subprocess.Popen(
        [sys.executable, "-m", "lan.services.http", *addresses, *pem, *words],
        cwd=CHECKOUT,
        env={**os.environ, "LAN_READY_FD": str(theirs), "LAN_DECISIONS": str(log)},
        pass_fds=[theirs],
    ) as server:
        os.close(theirs)
        _, *said = os.read(ready, 4096).decode().split()
        os.close(ready)
        ports = {scheme: int(at.rpartition(":")[2]) for scheme, at in zip(said[::2], said[1::2], strict=True)}
        try:
            yield Serving(folder, ports, log)
        finally:
            server.terminate()
