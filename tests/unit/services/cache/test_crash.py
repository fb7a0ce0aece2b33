"""A cache on disk that is killed at any moment, again and again, never serves a wrong, cut or mixed body.

A child fills, renews, invalidates and evicts as fast as it can and is killed by SIGKILL in the middle
of it; then another process opens the same folder and looks at everything that it would serve.  Each
body can be told right from its own head.  LAN_ROUNDS sets how often (25).
"""

import hashlib
import os
import random
import signal
from pathlib import Path

from lan.services.http.cache.disk_store import DiskStore
from lan.services.http.cache.entry import Entry

from .world import Reply, World

ROUNDS = int(os.environ.get("LAN_ROUNDS", "25"))
MOST_BYTES = 3_000_000
KEYS = 60
MOST_BODY_BYTES = 400_000


def body_for(uri: str, tag: str, size: int) -> bytes:
    """A body that no other answer has any part of: blocks of its own digest."""
    block = hashlib.sha256(f"{uri} {tag}".encode()).digest()
    return (block * (size // len(block) + 1))[:size]


def uri_of(number: int) -> str:
    return f"http://web/{number}"


def work(folder: Path, progress: int, chance: random.Random) -> None:
    """Use the cache for ever; a byte on `progress` for each answer that is stored."""
    world = World(DiskStore(folder, MOST_BYTES))
    version = chance.getrandbits(60)
    while True:
        uri, version = uri_of(chance.randrange(KEYS)), version + 1
        what = chance.random()
        if what < 0.1:
            world.ask(uri, Reply(), method="POST")
        elif what < 0.25:
            stored = world.store.find(f"GET {uri}")
            tag = stored[-1].etag if stored else None
            replies = [Reply(304, etag=tag, x_renewed=str(version))] if tag else []
            world.ask(uri, *replies, Reply(404, cache_control="no-store"), cache_control="no-cache")
        else:
            tag = str(version)
            size = chance.choice([0, 1, 1000, 70_000, MOST_BODY_BYTES])
            body = body_for(uri, f'"{tag}"', size)
            fields = {"etag": f'"{tag}"', "cache_control": "max-age=60", "vary": chance.choice([None, "A"])}
            framed = {} if chance.random() < 0.5 else {"content_length": None, "transfer_encoding": "chunked"}
            came = chance.choice([None, None, None, size // 2])
            got = world.ask(uri, Reply(body=body, came=came, **fields, **framed), cache_control="no-cache")
            if got.stored is not None and got.stored.entry is not None:
                os.write(progress, b".")


def killed_at_some_moment(folder: Path, chance: random.Random) -> int:
    """One life of a cache: how many answers it stored before it was killed."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reads)
            work(folder, writes, random.Random(chance.getrandbits(60)))
        finally:
            os._exit(99)
    os.close(writes)
    stored, wanted = 0, chance.randrange(1, 60)
    while stored < wanted:
        came = len(os.read(reads, wanted - stored))
        assert came, "the child ended by itself"
        stored += came
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(reads)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return stored


def check(entry: Entry, store: DiskStore) -> bool:
    """Is this entry whole?  Wrong ones fail the test; False: it is gone."""
    content = store.open(entry)
    if content is None:
        return False
    body = content.read(0, 2 * MOST_BODY_BYTES)
    content.close()
    assert entry.response.headers.get("Content-Length") == str(len(body)) == str(entry.size_bytes)
    assert entry.etag is not None and entry.response.status == 200
    assert body == body_for(entry.key.removeprefix("GET "), entry.etag, len(body)), entry
    return True


def test_after_a_kill_at_any_moment_everything_served_is_whole(tmp_path: Path) -> None:
    chance = random.Random(4)
    stored = served = lost = 0
    for _ in range(ROUNDS):
        stored += killed_at_some_moment(tmp_path, chance)
        store = DiskStore(tmp_path, MOST_BYTES)
        whole = [check(entry, store) for entry in list(store.entries())]
        served, lost = served + sum(whole), lost + whole.count(False)
        assert store.size_bytes <= MOST_BYTES
        store.close()
    assert stored >= ROUNDS and served > 0
    assert lost == 0, "the kernel has all that a killed process wrote"
    print(f"\n{ROUNDS} kills, {stored} answers stored, {served} bodies compared, none wrong, none lost")
