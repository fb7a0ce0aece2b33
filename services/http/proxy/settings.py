"""What a proxy is told: the words of its command line, and a file that may change while it runs.

A flag beats the file, the file beats the default.  The file is JSON; its keys are the flags' names:
``{"kind": "smart", "upstream": "http://10.0.0.2", "connect_port": [443, 8443]}``.
"""

import argparse
import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lan.errors import UsageError, nearest
from lan.services.http import arguments
from lan.services.http.proxy.credentials import Accounts, parse_accounts
from lan.services.http.proxy.destination import PORTS, Destination, by_url
from lan.services.http.proxy.forwarding import Mode
from lan.services.shell import parse_listen

Address = tuple[str, int]
TELLS = ("none", "x-forwarded-for", "forwarded")
_INTERFACE = re.compile(r"[A-Za-z0-9._\-]{1,15}")
_NAME = re.compile(r"[A-Za-z0-9._:\-]{1,100}")


class Kind(enum.StrEnum):
    """What a proxy understands of what it passes on."""

    DUMB = "dumb"  # nothing
    SMART = "smart"  # connections
    CACHE = "cache"  # connections, and what may be kept


@dataclass(frozen=True, slots=True)
class Redirect:
    """Connections to be led here: those that come in by `interface` and go to one of `ports`."""

    interface: str
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """A proxy's settings, checked.  `name` None: the machine's with the port."""

    kind: Kind
    mode: Mode
    listen: Address
    upstream: Destination | None
    parent: Destination | None
    name: str | None
    accounts: Accounts | None
    allow_loopback: bool
    connect_ports: frozenset[int]
    tells_client: str
    proxy_connection: bool
    redirect: Redirect | None
    store: Path | None
    size_mb: int
    table: Path | None
    cacert: Path | None
    tls_listen: Address | None = None
    certificate: Path | None = None
    key: Path | None = None
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client or server may take up: times in seconds, sizes in bytes."""

    connections: int = 1024
    head_s: float = 10.0  # for a whole head, so that dripping bytes does not help
    idle_s: float = 15.0  # a client between requests, as at our web server
    upstream_idle_s: float = 10.0  # a server between requests; shorter than servers keep, so that we close first
    stall_s: float = 30.0  # without one byte of a message under way
    slowest_bytes_per_s: int = 256
    name_s: float = 5.0
    connect_s: float = 10.0
    answer_s: float = 60.0  # from the whole request to the answer's head
    collapsed_s: float = 5.0  # for another client's answer to the same, before it is asked for once more
    silence_s: float = 300.0  # in a tunnel, or through a dumb proxy
    linger_s: float = 5.0  # for the peer's FIN
    stop_s: float = 2.0
    head_bytes: int = 16 * 1024
    held_bytes: int = 1024 * 1024  # content that waits for its length to be known
    discard_bytes: int = 1024 * 1024
    upstream_idle: int = 2  # kept connections for each client: the book's two (4.5.9)


_DEFAULTS: dict[str, Any] = {
    "kind": "smart",
    "listen": "0.0.0.0:3128",
    "upstream": None,
    "parent": None,
    "intercept": False,
    "redirect": None,
    "name": None,
    "auth": None,
    "auth_file": None,
    "allow_loopback": False,
    "connect_port": [443],
    "tell_client": "none",
    "proxy_connection": True,
    "store": None,
    "size_mb": 256,
    "table": None,
    "cacert": None,
    "tls": False,
    "tls_listen": None,
    "certificate": None,
    "key": None,
}


def parser() -> argparse.ArgumentParser:
    """The command line; what is not given stays None, so that the file may say it."""
    made = arguments.Parser(
        "lan serve proxy", description="Relay HTTP: for clients that choose it, or in front of a server."
    )
    made.add_argument("--kind", metavar="KIND", help="dumb, smart or cache (smart)")
    made.add_argument("--listen", metavar="ADDR:PORT", help="where clients connect (0.0.0.0:3128)")
    made.add_argument("--upstream", metavar="URL", help="stand for this one server; without it, a forward proxy")
    made.add_argument("--parent", metavar="URL", help="ask through this proxy, not the servers themselves")
    made.add_argument("--intercept", action="store_true", default=None, help="for connections led here by the network")
    made.add_argument("--redirect", metavar="IF:PORT[,PORT]", help="with --intercept: lead them here, by nftables")
    made.add_argument("--name", metavar="NAME", help="its pseudonym in Via (this machine's name, and the port)")
    made.add_argument("--auth", metavar="USER:PASSWORD", help="ask clients for this (Basic)")
    made.add_argument("--auth-file", metavar="FILE", help="ask clients for one of these, USER:PASSWORD a line")
    made.add_argument("--allow-loopback", action="store_true", default=None, help="serve servers of this machine too")
    made.add_argument("--connect-port", metavar="PORT", type=int, action="append", help="tunnels may go to it (443)")
    made.add_argument("--tell-client", metavar="HOW", help=f"{', '.join(TELLS)}: tell servers the client's address")
    made.add_argument(
        "--proxy-connection", action=argparse.BooleanOptionalAction, help="heed that field as browsers sent it (yes)"
    )
    made.add_argument("--store", metavar="DIR", help="where a cache keeps what it stores; without it, in memory")
    made.add_argument("--size-mb", metavar="N", type=int, help="how much a cache stores at most (256)")
    made.add_argument("--table", metavar="FILE", help="write there what a cache holds, each second that it changes")
    made.add_argument("--cacert", metavar="PEM", help="authority of servers reached by https (the system's)")
    arguments.add_tls(made)
    made.add_argument("--workers", metavar="N", type=int, default=1, help=arguments.WORKERS)
    made.add_argument("-v", "--verbose", action="store_true", help="say each decision and its rule, on stderr")
    made.add_argument("--config", metavar="FILE", help="settings as JSON, read again on SIGHUP")
    return made


def read(options: argparse.Namespace) -> Settings:
    """The settings as they are now: flags, then the file, then defaults.  Raises UsageError."""
    words = dict(_DEFAULTS)
    if options.config is not None:
        words.update(_from_file(Path(options.config)))
    words.update({key: value for key, value in vars(options).items() if key in words and value is not None})
    kind = _kind(words["kind"])
    upstream, parent = (_url(key, words[key]) for key in ("upstream", "parent"))
    listen = parse_listen(words["listen"], 3128)
    mode = Mode.INTERCEPT if words["intercept"] else Mode.GATEWAY if upstream is not None else Mode.FORWARD
    made = Settings(
        kind=kind,
        mode=mode,
        listen=listen,
        upstream=upstream,
        parent=parent,
        name=_name(words["name"]),
        accounts=_accounts(words),
        allow_loopback=words["allow_loopback"],
        connect_ports=_ports(words["connect_port"]),
        tells_client=_one_of("tell-client", words["tell_client"], TELLS),
        proxy_connection=words["proxy_connection"],
        redirect=_redirect(words["redirect"]),
        store=_path(words["store"]),
        size_mb=words["size_mb"],
        table=_path(words["table"]),
        cacert=_path(words["cacert"]),
        tls_listen=arguments.tls_listen(words, listen),
        certificate=_path(words["certificate"]),
        key=_path(words["key"]),
        workers=options.workers,
    )
    _fit(made)
    return made


def _fit(made: Settings) -> None:
    """Refuse words that contradict each other.  Raises UsageError."""
    if made.mode is Mode.INTERCEPT and made.upstream is not None:
        raise UsageError("--intercept and --upstream", expected="one: connections led here, or one server to stand for")
    if made.parent is not None and made.mode is not Mode.FORWARD:
        raise UsageError("--parent is asked by a forward proxy", expected="--parent without --upstream and --intercept")
    if made.redirect is not None and made.mode is not Mode.INTERCEPT:
        raise UsageError("--redirect without --intercept", expected="both")
    if made.accounts is not None and made.mode is not Mode.FORWARD:
        raise UsageError(
            "--auth: clients that chose no proxy can't answer it", expected="a forward proxy (RFC 9110 §11.7)"
        )
    if made.kind is Kind.DUMB and made.accounts is not None:
        raise UsageError("--auth: a dumb proxy reads no fields", expected="--kind smart or cache")
    if made.kind is Kind.DUMB and made.upstream is not None and made.upstream.scheme != "http":
        raise UsageError("--upstream: a dumb proxy knows no TLS", expected="http://HOST[:PORT]")
    if made.parent is not None and made.parent.scheme != "http":
        raise UsageError("--parent: a proxy is spoken to in plain HTTP here", expected="http://HOST[:PORT]")
    if made.kind is Kind.DUMB and made.tls_listen is not None:
        raise UsageError("--tls: a dumb proxy knows no TLS", expected="--kind smart or cache")
    if made.mode is Mode.INTERCEPT and made.tls_listen is not None:
        raise UsageError("--tls: clients that know of no proxy trust no certificate of its own", expected="no --tls")
    arguments.check_workers(made.workers)
    if made.workers > 1 and made.kind is Kind.CACHE:
        raise UsageError("--workers: each would keep a store of its own", expected="one for a cache, or --kind smart")
    if made.workers > 1 and made.redirect is not None:
        raise UsageError("--workers: one process leads connections here", expected="one with --redirect")
    if made.size_mb < 1:
        raise UsageError(f"--size-mb {made.size_mb}: no room", expected="1 or more")
    if made.table is not None and made.kind is not Kind.CACHE:
        raise UsageError(f"--table: a {made.kind} proxy keeps nothing", expected="--kind cache")
    if made.store is not None and made.kind is not Kind.CACHE:
        raise UsageError(f"--store: a {made.kind} proxy keeps nothing", expected="--kind cache")


def _from_file(path: Path) -> dict[str, Any]:
    example = 'an object such as {"kind": "smart"}'
    try:
        words = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=path, expected="a JSON file") from None
    except ValueError as error:
        raise UsageError(f"is not JSON: {error}", where=path, expected=example) from None
    if not isinstance(words, dict):
        raise UsageError("holds no object", where=path, expected=example)
    for key, value in words.items():
        _check(path, key, value)
    return words


def _check(path: Path, key: str, value: object) -> None:
    if key not in _DEFAULTS:
        like = nearest(key, _DEFAULTS)
        raise UsageError(f"unknown setting {key!r}", where=path, expected=like or ", ".join(_DEFAULTS))
    if key == "connect_port":
        if isinstance(value, list) and all(type(port) is int and 0 < port < 65536 for port in value):
            return
        raise UsageError(f"{key}: {json.dumps(value)} is of the wrong kind", where=path, expected="a list of ports")
    wanted = type(_DEFAULTS[key]) if isinstance(_DEFAULTS[key], bool | int) else str
    if value is not None and type(value) is not wanted:
        expected = {bool: "true or false", int: "a number"}.get(wanted, "text")
        raise UsageError(f"{key}: {json.dumps(value)} is of the wrong kind", where=path, expected=expected)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _ports(numbers: list[int]) -> frozenset[int]:
    for port in numbers:
        if not 0 < port < 65536:
            raise UsageError(f"--connect-port {port}: no such port", expected="1 to 65535")
    return frozenset(numbers)


def _kind(text: str) -> Kind:
    return Kind(_one_of("kind", text, tuple(Kind)))


def _one_of(word: str, text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        like = nearest(text, known)
        raise UsageError(f"--{word} {text}: not known here", expected=like or " or ".join(known))
    return text


def _url(word: str, text: str | None) -> Destination | None:
    """A server named by ``http://HOST[:PORT]``: the whole of it, for paths come from clients."""
    if text is None:
        return None
    try:
        destination, path = by_url(text, "GET")
    except ValueError as error:
        raise UsageError(f"--{word} {text}: {error}", expected="http://HOST[:PORT] or https://…") from None
    if path != "/":
        raise UsageError(f"--{word} {text}: paths come from clients", expected=str(destination))
    assert destination.scheme in PORTS
    return destination


def _name(text: str | None) -> str | None:
    if text is not None and not _NAME.fullmatch(text):
        raise UsageError(f"--name {text}: no pseudonym for Via", expected="letters, digits, dots, such as proxy1")
    return text


def _accounts(words: Mapping[str, Any]) -> Accounts | None:
    if words["auth"] is not None:
        return parse_accounts(words["auth"], "--auth")
    if words["auth_file"] is None:
        return None
    path = Path(words["auth_file"])
    try:
        return parse_accounts(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"can't be read: {what}", where=path, expected="USER:PASSWORD, one a line") from None


def _redirect(text: str | None) -> Redirect | None:
    if text is None:
        return None
    interface, _, ports = text.rpartition(":")
    numbers = ports.split(",")
    if not _INTERFACE.fullmatch(interface) or not all(re.fullmatch(r"[0-9]{1,5}", one) for one in numbers):
        raise UsageError(f"--redirect {text}: no interface and ports", expected="IF:PORT[,PORT], such as eth0:80")
    if not all(0 < int(one) < 65536 for one in numbers):
        raise UsageError(f"--redirect {text}: no such port", expected="1 to 65535")
    return Redirect(interface, tuple(map(int, numbers)))
