"""What the web server is told: the words of its command line, and a file that may change while it runs.

A flag beats the file, the file beats the default.  The file is JSON; its keys are the flags' names:
``{"root": "/srv/www", "tls": true, "closes_first": "client"}``.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lan.errors import UsageError, nearest
from lan.services.http.arguments import Parser
from lan.services.http.persistence import Side
from lan.services.shell import parse_listen

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Settings:
    """The server's settings, checked.  `tls_listen` is None where there is no HTTPS."""

    listen: Address
    tls_listen: Address | None
    root: Path | None
    page: Path | None
    certificate: Path | None
    key: Path | None
    closes_first: Side
    quickack: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take up: times in seconds, sizes in bytes."""

    connections: int = 1024
    handshake_s: float = 10.0
    head_s: float = 10.0  # for the whole head, so that dripping bytes does not help
    body_s: float = 30.0
    idle_s: float = 15.0
    stall_s: float = 20.0  # without one byte leaving
    slowest_bytes_per_s: int = 1024
    linger_s: float = 5.0  # for the peer's FIN
    alert_s: float = 0.1  # between a TLS close_notify and the FIN that mostly follows it
    stop_s: float = 2.0  # for exchanges under way when the server is told to stop
    head_bytes: int = 16 * 1024
    body_bytes: int = 1024 * 1024
    discard_bytes: int = 1024 * 1024  # read and thrown away while lingering


_DEFAULTS: dict[str, Any] = {
    "listen": "0.0.0.0:80",
    "tls": False,
    "tls_listen": None,
    "root": None,
    "page": None,
    "certificate": None,
    "key": None,
    "closes_first": "client",
    "quickack": True,
}


def parser() -> argparse.ArgumentParser:
    """The command line; what is not given stays None, so that the file may say it."""
    made = Parser("lan serve http", description="Serve files over HTTP and HTTPS.")
    made.add_argument("--listen", metavar="ADDR:PORT", help="where HTTP is served (0.0.0.0:80)")
    made.add_argument("--root", metavar="DIR", help="folder with the files; without it, a page of our own")
    made.add_argument("--page", metavar="FILE", help="without --root: this page in place of ours")
    made.add_argument("--tls", action="store_true", default=None, help="serve HTTPS too")
    made.add_argument("--tls-listen", metavar="ADDR:PORT", help="where HTTPS is served (port 443, or 8443)")
    made.add_argument("--certificate", metavar="PEM", help="certificate chain; without it one is made and kept")
    made.add_argument("--key", metavar="PEM", help="private key of the certificate")
    made.add_argument("--closes-first", metavar="SIDE", help="client or server: who sends the first FIN (client)")
    made.add_argument("--quickack", action=argparse.BooleanOptionalAction, help="answer a FIN by an ACK at once (yes)")
    made.add_argument("--config", metavar="FILE", help="settings as JSON, read again on SIGHUP")
    return made


def read(options: argparse.Namespace) -> Settings:
    """The settings as they are now: flags, then the file, then defaults.  Raises UsageError."""
    words = dict(_DEFAULTS)
    if options.config is not None:
        words.update(_from_file(Path(options.config)))
    words.update({key: value for key, value in vars(options).items() if key in words and value is not None})
    listen = parse_listen(words["listen"], 80)
    return Settings(
        listen=listen,
        tls_listen=_tls_listen(words, listen),
        root=_path(words, "root"),
        page=_path(words, "page"),
        certificate=_path(words, "certificate"),
        key=_path(words, "key"),
        closes_first=_side(words["closes_first"]),
        quickack=words["quickack"],
    )


def _from_file(path: Path) -> dict[str, Any]:
    try:
        words = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=path, expected="a JSON file") from None
    except ValueError as error:
        raise UsageError(f"is not JSON: {error}", where=path, expected='an object such as {"tls": true}') from None
    if not isinstance(words, dict):
        raise UsageError("holds no object", where=path, expected='an object such as {"tls": true}')
    for key, value in words.items():
        _check(path, key, value)
    return words


def _check(path: Path, key: str, value: object) -> None:
    if key not in _DEFAULTS:
        like = nearest(key, _DEFAULTS)
        raise UsageError(f"unknown setting {key!r}", where=path, expected=like or ", ".join(_DEFAULTS))
    wanted = bool if isinstance(_DEFAULTS[key], bool) else str
    if value is not None and not isinstance(value, wanted):
        expected = "true or false" if wanted is bool else "text"
        raise UsageError(f"{key}: {json.dumps(value)} is of the wrong kind", where=path, expected=expected)


def _tls_listen(words: dict[str, Any], listen: Address) -> Address | None:
    """HTTPS is served where --tls, or an address for it on the command line, says so."""
    if not words["tls"]:
        return None
    usual = 443 if listen[1] == 80 else 8443
    return parse_listen(words["tls_listen"] or f"{_bracketed(listen[0])}:{usual}", usual)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _path(words: dict[str, Any], key: str) -> Path | None:
    return None if words[key] is None else Path(words[key])


def _side(text: str) -> Side:
    if text not in tuple(Side):
        raise UsageError(f"closes-first {text}: no side of a connection", expected="client or server")
    return Side(text)
