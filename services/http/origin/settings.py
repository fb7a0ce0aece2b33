"""What the web server is told: the words of its command line, and a file that may change while it runs.

A flag beats the file, the file beats the default.  The file is JSON; its keys are the flags' names, and
three that no flag has: ``{"tls": true, "closes_first": "client", "cache_control": {"/img/*": "max-age=60"},
"faults": {"/slow/*": "stall:3"}, "hosts": {"a.example": {"root": "/srv/a"}}}``.  What is said of a site
(SITE_WORDS) may be said of each host.
"""

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lan.errors import UsageError, nearest
from lan.services.http import arguments
from lan.services.http.origin import faults
from lan.services.http.origin.faults import Faults
from lan.services.http.protocol import keep_alive
from lan.services.http.protocol.keep_alive import KeepAlive
from lan.services.http.protocol.messages import headers
from lan.services.http.protocol.persistence import Side
from lan.services.http.protocol.target import parse_authority
from lan.services.shell import parse_listen

Address = tuple[str, int]
APPS = ("echo", "store")


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """What is served to one host: files of `root`, or one `page` (None: ours), and an application before them."""

    root: Path | None
    page: Path | None
    app: str | None
    listing: bool
    cache_control: Mapping[str, str]
    faults: Mapping[str, Faults]


@dataclass(frozen=True, slots=True)
class Settings:
    """The server's settings, checked.  `tls_listen` is None where there is no HTTPS; `hosts` by their names."""

    listen: Address
    tls_listen: Address | None
    certificate: Path | None
    key: Path | None
    closes_first: Side
    quickack: bool
    keep_alive: KeepAlive | None
    site: SiteSettings
    hosts: Mapping[str, SiteSettings]
    faults_on_request: bool
    access_log: Path | None
    workers: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take up: times in seconds, sizes in bytes."""

    connections: int = 16_384
    handshake_s: float = 10.0
    head_s: float = 10.0  # for the whole head, so that dripping bytes does not help
    body_s: float = 30.0
    idle_s: float = 15.0
    stall_s: float = 20.0  # without room for more, and with less acknowledged than at the slowest
    slowest_bytes_per_s: int = 1024
    linger_s: float = 5.0  # for the peer's FIN
    alert_s: float = 0.1  # between a TLS close_notify and the FIN that mostly follows it
    stop_s: float = 2.0  # for exchanges under way when the server is told to stop
    head_bytes: int = 16 * 1024
    body_bytes: int = 1024 * 1024
    discard_bytes: int = 1024 * 1024  # read and thrown away while lingering


SITE_WORDS: dict[str, Any] = {
    "root": None,
    "page": None,
    "app": None,
    "listing": False,
    "cache_control": {},
    "faults": {},
}
"""What may be said of the site, and of each of `hosts`; with its default."""

WORDS: dict[str, Any] = SITE_WORDS | {
    "listen": "0.0.0.0:80",
    "tls": False,
    "tls_listen": None,
    "certificate": None,
    "key": None,
    "closes_first": "client",
    "quickack": True,
    "keep_alive": None,
    "hosts": {},
    "faults_on_request": False,
    "access_log": None,
}
"""All settings; None: a text that has no default."""


def parser() -> argparse.ArgumentParser:
    """The command line; what is not given stays None, so that the file may say it."""
    made = arguments.Parser("lan serve http", description="Serve files over HTTP and HTTPS.")
    made.add_argument("--listen", metavar="ADDR:PORT", help="where HTTP is served (0.0.0.0:80)")
    made.add_argument("--root", metavar="DIR", help="folder with the files; without it, a page of our own")
    made.add_argument(
        "--listing", action="store_true", default=None, help="show what a folder without index.html holds"
    )
    made.add_argument("--page", metavar="FILE", help="without --root: this page in place of ours")
    made.add_argument("--app", metavar="NAME", help="echo: answers made of the request; store: documents below /store/")
    arguments.add_tls(made)
    made.add_argument("--closes-first", metavar="SIDE", help="client or server: who sends the first FIN (client)")
    made.add_argument("--quickack", action=argparse.BooleanOptionalAction, help="answer a FIN by an ACK at once (yes)")
    made.add_argument("--keep-alive", metavar="TEXT", help="say and hold Keep-Alive, such as timeout=5,max=100")
    made.add_argument(
        "--faults", dest="faults_on_request", action="store_true", default=None,
        help="break a response as its request asks: /page?fault=reset:100, or the field Lan-Fault",
    )  # fmt: skip
    made.add_argument("--access-log", metavar="FILE", help="a line for each request, in the combined format and why")
    made.add_argument("--workers", metavar="N", type=int, default=1, help=arguments.WORKERS)
    made.add_argument("-v", "--verbose", action="store_true", help="say each decision and its rule, on stderr")
    made.add_argument("--config", metavar="FILE", help="settings as JSON, read again on SIGHUP")
    return made


def read(options: argparse.Namespace) -> Settings:
    """The settings as they are now: flags, then the file, then defaults.  Raises UsageError."""
    words = dict(WORDS)
    config = None if options.config is None else Path(options.config)
    if config is not None:
        words.update(_from_file(config))
    words.update({key: value for key, value in vars(options).items() if key in words and value is not None})
    listen = parse_listen(words["listen"], 80)
    return Settings(
        listen=listen,
        tls_listen=arguments.tls_listen(words, listen),
        certificate=_path(words, "certificate"),
        key=_path(words, "key"),
        closes_first=_side(words["closes_first"]),
        quickack=words["quickack"],
        keep_alive=_keep_alive(words["keep_alive"]),
        site=_site(words, config),
        hosts={_host(name, config): _site(SITE_WORDS | said, config) for name, said in words["hosts"].items()},
        faults_on_request=words["faults_on_request"],
        access_log=_path(words, "access_log"),
        workers=_workers(options.workers, {words["app"], *(said.get("app") for said in words["hosts"].values())}),
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
    _check(path, words, WORDS, "")
    for name, said in (words.get("hosts") or {}).items():
        if not isinstance(said, dict):
            expected = 'an object such as {"root": "/srv/a"}'
            raise UsageError(f"hosts: {name}: {json.dumps(said)} is of the wrong kind", where=path, expected=expected)
        _check(path, said, SITE_WORDS, f"hosts: {name}: ")
    return words


def _check(path: Path, words: dict[str, Any], known: dict[str, Any], what: str) -> None:
    for key, value in words.items():
        if key not in known:
            like = nearest(key, known)
            raise UsageError(f"{what}unknown setting {key!r}", where=path, expected=like or ", ".join(known))
        wanted = str if known[key] is None else type(known[key])
        if value is not None and not isinstance(value, wanted):
            expected = {bool: "true or false", dict: "an object"}.get(wanted, "text")
            raise UsageError(f"{what}{key}: {json.dumps(value)} is of the wrong kind", where=path, expected=expected)
    for key in [key for key, value in words.items() if value is None]:
        words[key] = known[key]


def _site(words: dict[str, Any], config: Path | None) -> SiteSettings:
    if words["app"] is not None and words["app"] not in APPS:
        raise UsageError(f"--app {words['app']}: no such application", expected=" or ".join(APPS))
    return SiteSettings(
        root=_path(words, "root"),
        page=_path(words, "page"),
        app=words["app"],
        listing=words["listing"],
        cache_control=_routes(words, "cache_control", config),
        faults=_faults(_routes(words, "faults", config), config),
    )


def _routes(words: dict[str, Any], key: str, config: Path | None) -> dict[str, str]:
    """Path patterns and a text for each, fit to stand in a header field."""
    for pattern, text in words[key].items():
        if not pattern.startswith(("/", "*")):
            raise UsageError(f"{key}: {pattern!r} is no path", where=config, expected="a path such as /img/*")
        if not isinstance(text, str) or not re.fullmatch(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", text):
            what = f"{key}: {pattern}: {json.dumps(text)} is of the wrong kind"
            raise UsageError(what, where=config, expected="a line of printable text")
    return dict(words[key])


def _faults(routes: dict[str, str], config: Path | None) -> dict[str, Faults]:
    try:
        return {pattern: faults.parse_text(text) or Faults() for pattern, text in routes.items()}
    except faults.UnknownFaultError as error:
        expected = "of " + ", ".join(kind.form for kind in faults.FAULTS.values())
        raise UsageError(f"faults: {error}", where=config, expected=expected) from None


def _host(name: str, config: Path | None) -> str:
    authority = parse_authority(name)
    if authority is None or not authority.host or authority.port:
        raise UsageError(f"hosts: {name!r} is no host", where=config, expected="a name such as a.example")
    return authority.host


def _path(words: dict[str, Any], key: str) -> Path | None:
    return None if words[key] is None else Path(words[key])


def _workers(count: int, apps: set[str | None]) -> int:
    arguments.check_workers(count)
    if count > 1 and "store" in apps:
        raise UsageError("--workers with --app store: each worker would keep documents of its own", expected="one")
    return count


def _side(text: str) -> Side:
    if text not in tuple(Side):
        raise UsageError(f"closes-first {text}: no side of a connection", expected="client or server")
    return Side(text)


def _keep_alive(text: str | None) -> KeepAlive | None:
    if text is None:
        return None
    found = keep_alive.parse(headers([("Keep-Alive", text)]))
    said, known = (sorted(one.replace(" ", "").split(",")) for one in (text, str(found)))
    if said != known or not text or 0 in (found.timeout_s, found.max_messages):
        expected = "timeout=SECONDS, max=REQUESTS, or one of them, none of them 0"
        raise UsageError(f"keep-alive {text}: no such promise", expected=expected)
    return found
