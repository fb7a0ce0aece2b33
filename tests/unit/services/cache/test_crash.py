"""A cache on disk that is killed at any moment, again and again, never serves a wrong, cut or mixed body.

A child fills, renews, invalidates and evicts as fast as it can and is killed by SIGKILL in the middle
of it; then another process opens the same folder and looks at everything that it would serve.  Each
body can be told right from its own head.  LAN_ROUNDS sets how often (25).  A second test kills one
short life before each of its system calls in turn.
"""

import hashlib
import os
import random
import signal
import sys
from pathlib import Path
from types import FrameType

from lan.services.http.cache import disk_store
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


def short_life(folder: Path) -> None:
    """All that a store does: it keeps, renews, drops, evicts, tidies, and writes its index anew."""
    disk_store.SLACK_BYTES = 0
    world = World(DiskStore(folder, 40_000))
    for number in range(12):
        uri, tag = uri_of(number % 4), f'"{number}"'
        fields = {"etag": tag, "cache_control": "max-age=60"}
        world.ask(uri, Reply(body=body_for(uri, tag, 3000 * (number % 3) + 1), **fields), cache_control="no-cache")
        if number % 3 == 0:
            world.ask(uri, Reply(304, etag=tag, x_new="1"), cache_control="no-cache")
        if number == 7:
            world.ask(uri, Reply(), method="DELETE")


def forked() -> int:
    """As os.fork; a Ctrl-C of that moment is not lost in what Python itself calls after it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return os.fork()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def is_killed_before_call(folder: Path, number: int) -> bool:
    """Live the short life, but die before its system call of this number; False: it has no more than that."""
    child = forked()
    if child == 0:
        calls = 0

        def count(frame: FrameType, event: str, called: object) -> None:
            nonlocal calls
            if event == "c_call" and getattr(called, "__module__", None) == "posix":
                if calls == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                calls += 1

        try:
            sys.setprofile(count)
            short_life(folder)
        finally:
            sys.setprofile(None)
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def killed_at_some_moment(folder: Path, chance: random.Random) -> int:
    """One life of a cache: how many answers it stored before it was killed."""
    reads, writes = os.pipe()
    child = forked()
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


def test_a_kill_before_any_system_call_costs_nothing_that_was_served(tmp_path: Path) -> None:
    number = 0
    while is_killed_before_call(tmp_path / str(number), number):
        store = DiskStore(tmp_path / str(number), 40_000)
        assert all(check(entry, store) for entry in list(store.entries())), f"killed before call {number}"
        store.close()
        number += 1
    assert number > 100


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
