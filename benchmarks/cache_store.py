"""A cache's store on disk: how long it takes to start with N objects, and what a hit and a store cost.

    bin/lan python benchmarks/cache_store.py [--objects 100000] [--body-bytes 1024] [--rounds 5]

The store is filled once; then each round opens it anew, in a process of its own (the kernel has the
index in memory, as after a restart of the proxy), until the first object is found and served.  Hits
go through `Cache.lookup`: the plain path and the ready answers of one second, from memory and disk.
Medians, with the least and the most.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lan.services.http.cache.cache import Cache
from lan.services.http.cache.decisions import Forward, Relay, Serve
from lan.services.http.cache.disk_store import DiskStore
from lan.services.http.cache.memory_store import MemoryStore
from lan.services.http.cache.store import Store
from lan.services.http.protocol.messages import Request, Response, headers

MOST_BYTES = 1 << 40
NOW_S = 1_800_000_000.0


def request(number: int, *more: tuple[str, str]) -> Request:
    pairs = [("Host", "web"), ("User-Agent", "bench"), ("Accept", "*/*"), *more]
    return Request("GET", f"/object/{number}", headers=headers(pairs))


def fill(store: Store, count: int, body: bytes) -> float:
    """Store so many objects; seconds for each."""
    cache = Cache(store)
    fields = [("Content-Type", "text/html"), ("ETag", '"1"'), ("Cache-Control", "max-age=86400")]
    response = Response(200, headers=headers([*fields, ("Content-Length", str(len(body)))]))
    began = time.perf_counter()
    for number in range(count):
        forward = cache.lookup(request(number), now_s=NOW_S)
        assert isinstance(forward, Forward)
        relay = cache.receive(forward, response, requested_s=NOW_S, now_s=NOW_S)
        assert isinstance(relay, Relay) and relay.storing is not None
        relay.storing.write(body)
        assert relay.storing.end().entry is not None
    return (time.perf_counter() - began) / count


def serve(cache: Cache, asked: Request) -> None:
    served = cache.lookup(asked, now_s=NOW_S)
    assert isinstance(served, Serve) and served.content is not None
    served.content.read(0, 1 << 20)
    served.content.close()


def start(folder: Path) -> tuple[float, float, int]:
    """Open and serve one object: seconds to open, to the first answer, and how many objects there are."""
    began = time.perf_counter()
    store = DiskStore(folder, MOST_BYTES)
    opened = time.perf_counter()
    serve(Cache(store), request(len(store) // 2))
    return opened - began, time.perf_counter() - began, len(store)


def timed(act: Callable[[], None], count: int = 20_000) -> float:
    began = time.perf_counter()
    for _ in range(count):
        act()
    return (time.perf_counter() - began) / count


def shown(what: str, seconds: list[float], unit: str, scale: float) -> None:
    low, middle, high = (value * scale for value in (min(seconds), statistics.median(seconds), max(seconds)))
    print(f"{what:<44} {middle:9.2f} {unit}   {low:.2f} … {high:.2f}")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--objects", type=int, default=100_000)
    words.add_argument("--body-bytes", type=int, default=1024)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--start", type=Path, help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.start is not None:
        print(*start(options.start))
        return
    body = bytes(options.body_bytes)
    with tempfile.TemporaryDirectory() as folder:
        store = DiskStore(Path(folder), MOST_BYTES)
        shown("store one object on disk", [fill(store, options.objects, body)], "µs", 1e6)
        store.close()
        command = [sys.executable, __file__, "--start", folder]
        texts = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(options.rounds)]
        starts = [[float(word) for word in text.stdout.split()] for text in texts]
        assert all(int(count) == options.objects for _, _, count in starts)
        shown(f"open a store of {options.objects} objects", [opened for opened, _, _ in starts], "ms", 1e3)
        shown("... and serve the first", [first for _, first, _ in starts], "ms", 1e3)
        disk = DiskStore(Path(folder), MOST_BYTES)
        memory = MemoryStore(1 << 30)
        fill(memory, 1000, body)
        for name, one in (("disk", disk), ("memory", memory)):
            cache = Cache(one)
            plain, hot = request(7, ("Cache-Control", "max-age=500")), request(7)
            for path, asked in (("plain", plain), ("ready", hot)):
                times = [timed(lambda cache=cache, asked=asked: serve(cache, asked)) for _ in range(options.rounds)]
                shown(f"a hit, {path} path, {name}", times, "µs", 1e6)
        disk.close()


if __name__ == "__main__":
    main()
