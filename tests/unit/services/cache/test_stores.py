"""What both stores promise, and what the one on disk does beyond: it comes back whole, or not at all."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lan.errors import RunError
from lan.services.http.cache import index_log
from lan.services.http.cache.disk_store import DiskStore
from lan.services.http.cache.entry import Entry
from lan.services.http.cache.memory_store import ENTRY_BYTES, MemoryStore
from lan.services.http.cache.store import Store
from lan.services.http.protocol.messages import Response, headers

from .world import NOW_S, Reply, World

Maker = Callable[[int], Store]


@pytest.fixture(params=["memory", "disk"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Maker]:
    made: list[DiskStore] = []

    def store(most_bytes: int) -> Store:
        if request.param == "memory":
            return MemoryStore(most_bytes)
        made.append(DiskStore(tmp_path / str(len(made)), most_bytes))
        return made[-1]

    yield store
    for one in made:
        one.close()


def keep(store: Store, key: str, body: bytes = b"body", **fields: str) -> Entry | None:
    draft = store.draft()
    for at in range(0, len(body), 100_000):
        if not draft.write(body[at : at + 100_000]):
            return None
    response = Response(200, "OK", headers=headers([*fields.items(), ("X", "é")]))
    entry = Entry(draft.serial, key, (("a", None), ("b", "1")), response, len(body), NOW_S, NOW_S + 0.5)
    return entry if store.keep(draft, entry) else None


def body_of(store: Store, entry: Entry) -> bytes | None:
    content = store.open(entry)
    if content is None:
        return None
    data = content.read(0, 1 << 30)
    content.close()
    return data


def test_what_is_kept_is_found_with_its_body(make: Maker) -> None:
    store = make(1 << 20)
    first, second = keep(store, "k", b"1"), keep(store, "k", b"")
    assert first is not None and second is not None
    assert store.find("k") == (first, second) and store.find("other") == ()
    assert (body_of(store, first), body_of(store, second)) == (b"1", b"")
    assert len(store) == 2 and 1 < store.size_bytes <= store.most_bytes


def test_parts_of_a_body_are_read_from_any_place(make: Maker) -> None:
    store = make(1 << 22)
    body = bytes(range(256)) * 4096
    entry = keep(store, "k", body)
    assert entry is not None
    content = store.open(entry)
    assert content is not None
    assert content.read(300_000, 10) == body[300_000:300_010] and content.read(len(body), 9) == b""
    content.close()


def test_a_draft_that_is_discarded_was_never_there(make: Maker) -> None:
    store = make(1 << 20)
    draft = store.draft()
    draft.write(b"x" * 300_000)
    draft.discard()
    assert len(store) == store.size_bytes == 0
    assert keep(store, "k", b"y" * 900_000) is not None


def test_bodies_on_their_way_in_count_too(make: Maker) -> None:
    """Else many at once would fill the disk, though none of them is larger than an object may be."""
    store = make(1 << 20)
    assert keep(store, "k", bytes(300_000)) is not None
    drafts = [store.draft() for _ in range(10)]
    assert [draft.write(bytes(300_000)) for draft in drafts].count(True) == 3
    assert len(store) == store.size_bytes == 0
    for draft in drafts:
        draft.discard()
    assert keep(store, "k", bytes(900_000)) is not None
    assert keep(store, "l", bytes(900_000)) is not None


def test_another_head_leaves_the_body(make: Maker) -> None:
    store = make(1 << 20)
    old = keep(store, "k")
    assert old is not None
    new = Entry(old.serial, "k", (), Response(200, headers=headers([("A", "1" * 500)])), 4, NOW_S, NOW_S)
    store.replace(old, new)
    assert store.find("k") == (new,) and body_of(store, new) == b"body"
    store.drop([new])
    store.replace(new, old)
    assert len(store) == store.size_bytes == 0 and body_of(store, old) is None


def test_what_was_not_used_for_longest_makes_room(make: Maker) -> None:
    weight = 10_000 + ENTRY_BYTES
    store = make(3 * weight + weight // 2)
    entries = [keep(store, str(number), bytes(10_000)) for number in range(3)]
    assert entries[0] is not None and body_of(store, entries[0]) is not None
    keep(store, "new", bytes(10_000))
    assert [bool(store.find(str(number))) for number in range(3)] == [True, False, True]
    assert store.size_bytes <= store.most_bytes
    assert [entry.key for entry in store.entries()] == ["new", "0", "2"]


def test_what_is_larger_than_the_store_is_not_kept(make: Maker) -> None:
    store = make(100_000)
    assert keep(store, "large", bytes(200_000)) is None
    assert len(store) == store.size_bytes == 0 and keep(store, "k") is not None


def test_a_content_outlives_its_entry(make: Maker) -> None:
    store = make(1 << 20)
    entry = keep(store, "k")
    assert entry is not None
    content = store.open(entry)
    assert content is not None
    store.drop([entry])
    assert content.read(0, 9) == b"body"
    content.close()


@given(st.lists(st.tuples(st.sampled_from("kdro"), st.integers(0, 5), st.integers(0, 3000)), max_size=30))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_sizes_add_up_whatever_is_done(make: Maker, steps: list[tuple[str, int, int]]) -> None:
    store = make(12_000)
    for what, number, size in steps:
        found = store.find(str(number))
        if what == "k":
            keep(store, str(number), bytes(size))
        elif what == "d":
            store.drop(found)
        elif what == "r" and found:
            wider = Response(200, headers=headers([("A", "1" * (size // 10))]))
            one = found[0]
            store.replace(one, Entry(one.serial, one.key, (), wider, one.size_bytes, NOW_S, NOW_S))
        elif found:
            assert body_of(store, found[-1]) == bytes(found[-1].size_bytes)
        assert 0 <= store.size_bytes <= store.most_bytes
    store.drop(list(store.entries()))
    assert store.size_bytes == len(store) == 0


@contextmanager
def reopened(folder: Path, most_bytes: int = 1 << 30) -> Iterator[DiskStore]:
    store = DiskStore(folder, most_bytes)
    try:
        yield store
    finally:
        store.close()


def test_a_disk_store_comes_back_as_it_was(tmp_path: Path) -> None:
    with reopened(tmp_path) as store:
        kept, gone, changed = (keep(store, key, key.encode()) for key in ("kept", "gone", "changed"))
        assert kept and gone and changed
        store.drop([gone])
        new = Entry(changed.serial, "changed", (), Response(200), 7, NOW_S, NOW_S, is_invalid=True)
        store.replace(changed, new)
    with reopened(tmp_path) as store:
        assert (store.find("kept"), store.find("gone"), store.find("changed")) == ((kept,), (), (new,))
        assert (body_of(store, kept), body_of(store, new)) == (b"kept", b"changed")
        assert len(store) == 2
        after = keep(store, "after")
        assert after is not None and after.serial > changed.serial


def test_a_smaller_bound_is_kept_from_the_start(tmp_path: Path) -> None:
    with reopened(tmp_path) as store:
        for number in range(10):
            keep(store, str(number), bytes(10_000))
    with reopened(tmp_path, 35_000) as store:
        assert store.size_bytes <= 35_000 and [entry.key for entry in store.entries()] == ["9", "8", "7"]


@pytest.mark.parametrize("harm", ["cut", "grown", "changed", "gone", "emptied"])
def test_a_harmed_body_is_never_served(tmp_path: Path, harm: str) -> None:
    with reopened(tmp_path) as store:
        entry = keep(store, "k", b"0123456789")
        assert entry is not None
        path = next(path for path in (tmp_path / "objects").rglob("*") if path.is_file())
    data = {"cut": b"012345678", "grown": b"0123456789x", "changed": b"0123x56789", "emptied": bytes(10)}
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(data[harm])
    with reopened(tmp_path) as store:
        assert body_of(store, entry) is None and store.find("k") == () and len(store) == 0


def filled_log() -> tuple[bytes, list[dict[int, str]]]:
    """An index and what it says after each of its records."""
    entries = [
        Entry(n, f"k{n}", (), Response(200, headers=headers([("A", "x")])), n, NOW_S, NOW_S) for n in range(1, 6)
    ]
    log, states = index_log.MAGIC, [dict[int, str]()]
    for entry in entries:
        log += index_log.put(entry, 7)
        states.append({**states[-1], entry.serial: entry.key})
    log += index_log.drop(3)
    states.append({serial: key for serial, key in states[-1].items() if serial != 3})
    return log, states


LOG, STATES = filled_log()


def said(log: bytes) -> dict[int, str]:
    slots, end = index_log.scan(log)
    assert end <= len(log)
    return {serial: index_log.parse(log[slot.offset : slot.offset + slot.length]).key for serial, slot in slots.items()}


@given(st.integers(0, len(LOG)))
def test_an_index_cut_anywhere_says_what_it_said_at_some_moment(at: int) -> None:
    assert said(LOG[:at]) in STATES
    assert said(LOG) == STATES[-1]


@given(st.integers(0, len(LOG) - 1), st.integers(1, 255))
def test_an_index_with_a_changed_byte_ends_before_it(at: int, mask: int) -> None:
    assert said(LOG[:at] + bytes([LOG[at] ^ mask]) + LOG[at + 1 :]) in STATES


@given(st.binary())
def test_no_bytes_break_the_reader_of_the_index(data: bytes) -> None:
    for log in (data, index_log.MAGIC + data, LOG + data, LOG + b"LR" + data):
        slots, _ = index_log.scan(log)
        assert not log.startswith(LOG) or set(slots) == set(STATES[-1])


def test_a_torn_record_is_written_over(tmp_path: Path) -> None:
    with reopened(tmp_path) as store:
        first = keep(store, "first")
    with (tmp_path / "index").open("ab") as index:
        index.write(b"LR" + b"x" * 1000)
    with reopened(tmp_path) as store:
        second = keep(store, "second")
    with reopened(tmp_path) as store:
        assert (store.find("first"), store.find("second")) == ((first,), (second,))


def test_bodies_without_a_record_and_drafts_go(tmp_path: Path) -> None:
    with reopened(tmp_path) as store:
        keep(store, "k")
        store.draft().write(bytes(1 << 20))
    for number in (7, 7 + 256, 300):
        folder = tmp_path / "objects" / f"{number % 256:02x}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number:016x}").write_bytes(b"orphan")
    (tmp_path / "objects" / "07" / "mine.txt").write_text("not ours")
    with reopened(tmp_path) as store:
        for number in range(300):
            store.drop(store.find("new"))
            keep(store, "new", str(number).encode())
        names = sorted(path.name for path in (tmp_path / "objects").rglob("*") if path.is_file())
        assert names == sorted(["mine.txt", *(f"{entry.serial:016x}" for entry in store.entries())])
    assert list((tmp_path / "drafts").iterdir()) == []


def test_an_index_that_is_mostly_old_is_written_anew(tmp_path: Path) -> None:
    with reopened(tmp_path) as store:
        kept = keep(store, "kept", Field="x" * 1000)
        for number in range(3000):
            entry = keep(store, "k", str(number).encode(), Field="x" * 1000)
            assert entry is not None
            store.drop([other for other in store.find("k") if other != entry])
        assert (tmp_path / "index").stat().st_size < 3_000_000
        assert kept is not None and body_of(store, kept) == b"body" and body_of(store, entry) == b"2999"
    with reopened(tmp_path) as store:
        assert store.find("kept") == (kept,) and store.find("k") == (entry,) and body_of(store, entry) == b"2999"


def test_an_index_that_can_t_be_written_anew_goes_on_as_it_is(tmp_path: Path) -> None:
    with reopened(tmp_path) as store:
        kept = keep(store, "kept")
        (tmp_path / "index.new").mkdir()  # as if no descriptor were left
        for number in range(40):
            assert kept is not None
            new = replace(kept, response=kept.response.with_field("Field", f"{number % 10}" * 60_000))
            store.replace(kept, new)
            kept = new
        assert store.find("kept") == (kept,) and body_of(store, kept) == b"body"
    (tmp_path / "index.new").rmdir()
    with reopened(tmp_path) as store:
        assert store.find("kept") == (kept,) and body_of(store, kept) == b"body"


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """The kernel refuses to make any file larger: what a full disk feels like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_costs_the_new_entry_alone(tmp_path: Path) -> None:
    with reopened(tmp_path) as store:
        first = keep(store, "first", bytes(100))
        with files_of_at_most(400_000):
            assert keep(store, "large", bytes(1_000_000)) is None
        with files_of_at_most((tmp_path / "index").stat().st_size + 10):
            assert keep(store, "second", b"x") is None
        third = keep(store, "third", b"third")
    with reopened(tmp_path) as store:
        assert store.find("first") == (first,) and store.find("third") == (third,) and len(store) == 2
        assert third is not None and body_of(store, third) == b"third"


def test_a_cache_goes_on_passing_answers_while_its_disk_is_full(tmp_path: Path) -> None:
    with reopened(tmp_path) as store:
        world = World(store)
        with files_of_at_most(100):
            got = world.ask("http://web/", Reply(cache_control="max-age=60"))
        assert got.body == b"body" and got.stored is not None and got.stored.entry is None
        assert world.ask("http://web/", Reply(cache_control="max-age=60")).source == "origin"
        assert world.ask().source == "store"


def test_a_folder_in_use_or_of_something_else_is_refused(tmp_path: Path) -> None:
    with reopened(tmp_path / "a"), pytest.raises(RunError, match="another cache uses this folder"):
        DiskStore(tmp_path / "a", 1000)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "index").write_text("my precious index of things")
    with pytest.raises(RunError, match="no cache's"):
        DiskStore(tmp_path / "b", 1000)
    assert (tmp_path / "b" / "index").read_text() == "my precious index of things"
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="no cache can be kept here"):
        DiskStore(tmp_path / "file", 1000)


def test_nobody_else_may_read_what_is_kept(tmp_path: Path) -> None:
    with reopened(tmp_path / "a") as store:
        keep(store, "k")
    for path in (tmp_path / "a", *(tmp_path / "a").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
