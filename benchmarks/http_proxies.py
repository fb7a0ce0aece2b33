"""Our proxy and our cache beside nginx, Squid and Varnish, in one go: each before the same origin, an nginx.

    bin/lan python benchmarks/http.py --install           # once: the peers
    bin/lan python benchmarks/http_proxies.py [--only ours,nginx,squid,varnish] [--rounds 3] [--seconds 1]

`pass`: each request goes on to the origin by a kept connection (ours: `lan serve proxy --kind smart`); `vary`:
for a thousand files, by heads that are never the same; `large`: for 100 KiB.
`hit`: a fresh copy of 1 KiB is in memory (ours: `--kind cache`); `close` is the same on a new connection
each time.  `files` and `many` hit a thousand copies, by heads that one browser would send, and by heads
that are never the same.  Proxies run on core 0 with one worker, load and origin on core 1: a proxy that is
not busy was held up by them, so look at the ratio of what a second of its processor time did.  Nobody logs.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import http_load as load
from benchmarks.http_load import Figure
from benchmarks.http_rounds import (
    INSTALL,
    LOAD_CORE,
    SERVER_CORE,
    Results,
    core_of,
    go_inside,
    is_inside,
    parser,
    print_json,
    print_table,
    progress,
    read,
    widen_ports,
)
from benchmarks.http_servers import Running, find, launched, make_files

ORIGIN_PORT, FIRST_PORT = 8000, 8001
PASSING = ("pass", "vary", "large")
MEASURES = {
    "pass": ("1 KiB passed on, keep-alive", "requests/s"),
    "vary": ("1 KiB passed on, one of a thousand, each head another", "requests/s"),
    "large": ("100 KiB passed on, keep-alive", "requests/s"),
    "hit": ("1 KiB from the cache, keep-alive", "requests/s"),
    "files": ("1 KiB from the cache, one of a thousand, one browser's heads", "requests/s"),
    "many": ("1 KiB from the cache, one of a thousand, each head another", "requests/s"),
    "close": ("1 KiB from the cache, Connection: close", "requests/s"),
}

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr crit; worker_processes 1; worker_rlimit_nofile 8192; {user}
events {{ worker_connections 8192; }}
http {{
    access_log off; sendfile on; keepalive_requests 100000000; keepalive_timeout 75s; open_file_cache max=10000;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    {http}
    server {{ listen 127.0.0.1:{port} backlog=4096; {server} }}
}}
"""
UPSTREAM = "upstream origin {{ server 127.0.0.1:{origin}; keepalive 128; keepalive_requests 100000000; }}"
PASS = 'location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; %s }'
SQUID = """
http_port 127.0.0.1:{port} accel defaultsite=localhost
cache_peer 127.0.0.1 parent {origin} 0 no-query no-digest no-netdb-exchange originserver name=origin
http_access allow all
{cache}
cache_mem 64 MB
maximum_object_size_in_memory 1 MB
access_log none
cache_log {folder}/cache.log
cache_store_log none
pid_filename {folder}/squid.pid
coredump_dir {folder}
shutdown_lifetime 1 seconds
client_db off
workers 1
"""
VARNISH = """
vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{origin}"; }}
sub vcl_recv {{ {recv} }}
"""


def nginx_file(folder: Path, port: int, http: str, server: str) -> list[str]:
    """An nginx with these lines, its file written."""
    user = "user root;" if os.getuid() == 0 else ""
    text = NGINX.format(folder=folder, port=port, user=user, http=http, server=server)
    (folder / "nginx.conf").write_text(text)
    return ["nginx", "-c", str(folder / "nginx.conf"), "-e", "stderr"]


def ours(folder: Path, port: int, caches: bool) -> list[str]:
    words = [sys.executable, "-m", "lan.cli", "serve", "proxy", "--listen", f"127.0.0.1:{port}", "--allow-loopback"]
    return [*words, "--upstream", f"http://127.0.0.1:{ORIGIN_PORT}", "--kind", "cache" if caches else "smart"]


def nginx(folder: Path, port: int, caches: bool) -> list[str]:
    http, more = UPSTREAM.format(origin=ORIGIN_PORT), ""
    if caches:
        http += f" proxy_cache_path {folder}/cache keys_zone=z:10m use_temp_path=off;"
        more = "proxy_cache z;"
    return nginx_file(folder, port, http, PASS % more)


def squid(folder: Path, port: int, caches: bool) -> list[str]:
    folder.chmod(0o777)  # it becomes the user `proxy`
    cache = "" if caches else "cache deny all"
    (folder / "squid.conf").write_text(SQUID.format(folder=folder, port=port, origin=ORIGIN_PORT, cache=cache))
    return ["squid", "-N", "-f", str(folder / "squid.conf")]


def varnish(folder: Path, port: int, caches: bool) -> list[str]:
    recv = "unset req.http.Cookie; return (hash);" if caches else "return (pass);"
    (folder / "default.vcl").write_text(VARNISH.format(origin=ORIGIN_PORT, recv=recv))
    words = ["varnishd", "-F", "-j", "none", "-f", str(folder / "default.vcl"), "-a", f"127.0.0.1:{port}"]
    return [*words, "-n", str(folder / "work"), "-s", "malloc,64m"]


@dataclass(frozen=True)
class Proxy:
    """One program to measure; `words`: (own folder, port, does it cache?) → command line."""

    name: str
    program: str
    words: Callable[[Path, int, bool], list[str]]
    note: str


PROXIES = {
    one.name: one
    for one in (
        Proxy("ours", sys.executable, ours, "smart, and cache, in memory"),
        Proxy("nginx", "nginx", nginx, "proxy_pass with 128 kept connections, and proxy_cache in files"),
        Proxy("squid", "squid", squid, "accelerator with cache_mem alone"),
        Proxy("varnish", "varnishd", varnish, "pass, and malloc; several threads"),
    )
}


def run(options: argparse.Namespace) -> None:
    """All rounds, inside the bubble; prints the results."""
    proxies = [one for one in PROXIES.values() if one.name in options.only.split(",")]
    for one in [one for one in proxies if find(one.program) is None]:
        print(f"{one.name} is left out: no {one.program} here; {INSTALL}", file=sys.stderr)
        proxies.remove(one)
    measures = [name for name in MEASURES if name in options.measures.split(",")]
    found: Results = {name: {one.name: [] for one in proxies} for name in measures}
    widen_ports()
    with tempfile.TemporaryDirectory(prefix="lan-proxies-") as place, ExitStack() as stack:
        folder = Path(place)
        folder.chmod(0o755)
        up = start(stack, proxies, folder, {name not in PASSING for name in measures})
        for running in up.values():
            load.wrk(running, connections=options.connections, seconds=1)
            load.wrk(running, connections=options.connections, seconds=1, many=10**9, folder=folder)
        for at in range(options.rounds):
            for name in measures:
                for one in proxies:
                    progress(f"{at + 1}/{options.rounds} {name} {one.name}")
                    found[name][one.name].append(measure(name, up[one.name, name not in PASSING], options, folder))
    progress("")
    if options.json:
        print_json(found)
        return
    for one in proxies:
        print(f"{one.name:10} {one.note}")
    for name in measures:
        print_table(*MEASURES[name], found[name], options.rounds)


def start(stack: ExitStack, proxies: list[Proxy], folder: Path, kinds: set[bool]) -> dict[tuple[str, bool], Running]:
    """The origin and every proxy, passing and caching as asked, checked to give the right bytes."""
    www = make_files(folder)
    own = folder / "origin"
    own.mkdir()
    words = nginx_file(own, ORIGIN_PORT, "", f"root {www}; add_header Cache-Control max-age=3600;")
    stack.enter_context(launched("origin", words, ORIGIN_PORT, own, core_of(LOAD_CORE)))
    up = {}
    for at, one in enumerate(proxies):
        for caches in sorted(kinds):
            port = FIRST_PORT + 2 * at + caches
            own = folder / f"{one.name}-{port}"
            own.mkdir()
            words = one.words(own, port, caches)
            running = stack.enter_context(launched(one.name, words, port, own, core_of(SERVER_CORE)))
            up[one.name, caches] = running
            done = subprocess.run(
                ["curl", "-sS", "--fail", f"http://127.0.0.1:{port}/1k"], capture_output=True, check=False
            )
            if done.stdout != (www / "1k").read_bytes():
                sys.exit(f"{one.name} gives something else: {done.stdout[:200]!r} {done.stderr.decode()}")
    return up


def measure(name: str, running: Running, options: argparse.Namespace, folder: Path) -> Figure:
    wrk = partial(
        load.wrk,
        running,
        connections=options.connections,
        seconds=options.seconds,
        core=core_of(LOAD_CORE),
        folder=folder,
    )
    return {
        "vary": partial(wrk, many=10**9),
        "large": partial(wrk, "100k"),
        "files": partial(wrk, many=1),
        "many": partial(wrk, many=10**9),
        "close": partial(wrk, close=True),
    }.get(name, wrk)()


def main() -> None:
    options = read(parser(__doc__, PROXIES, MEASURES), PROXIES, MEASURES)
    if is_inside():
        run(options)
    elif find("wrk") is None or find("nginx") is None:
        sys.exit(f"wrk and nginx are needed; {INSTALL}")
    else:
        go_inside(__file__)


if __name__ == "__main__":
    main()
