"""The lease table's order, and the journal that survives a kill at any byte."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lan.errors import MachineError
from lan.services.dhcp.journal import SLACK_BYTES, Journal, load, read_leases
from lan.services.dhcp.leases import Lease, Leases, State, lease_from_json
from lan.services.dhcp.pool import Pool

from .descriptors import open_below

NET = IPv4Network("10.0.0.0/24")
LEASES = st.builds(
    Lease,
    st.integers(1, 9).map(lambda n: NET.network_address + n),
    st.sampled_from(["", "0102", "ff"]),
    st.just("02:00:00:00:00:01"),
    st.sampled_from(State),
    st.floats(0, 1e10),
    st.none() | st.text(max_size=20),
)


def lease(last: int, client: str = "aa", state: State = State.BOUND, until_s: float = 100) -> Lease:
    return Lease(NET.network_address + last, client, "02:00:00:00:00:01", state, until_s, "pc1")


def kept(path: Path) -> dict[IPv4Address, Lease]:
    return {lease.ip: lease for lease in load(path)}


def test_new_addresses_come_in_order_then_the_longest_idle_one() -> None:
    table, pool = Leases(), Pool(NET[1], NET[3])
    for last, until_s in ((1, 30), (2, 10), (3, 20)):
        assert table.next_new(pool) == NET[last]
        table.put(lease(last, f"c{last}", until_s=until_s))
    assert table.next_new(pool) is None
    assert [ended.ip for ended in table.expire(20)] == [NET[2], NET[3]]
    assert table.next_new(pool) == NET[2]
    table.put(lease(2, "c4", until_s=90))
    assert table.next_new(pool) == NET[3]


def test_another_pool_begins_at_its_own_first_address() -> None:
    table = Leases()
    assert table.next_new(Pool(NET[5], NET[9])) == NET[5]
    assert table.next_new(Pool(NET[1], NET[3])) == NET[1]
    assert table.next_new(Pool(NET[1], NET[3], frozenset({NET[1]}))) == NET[2]


def test_an_address_whose_offer_ended_is_new_again() -> None:
    table, pool = Leases(), Pool(NET[1], NET[3])
    table.offer(lease(1, "c1", State.OFFERED, until_s=10))
    assert table.next_new(pool) == NET[2]
    assert table.expire(10) == []
    assert table.next_new(pool) == NET[1]


def test_a_renewed_lease_ends_at_its_new_time() -> None:
    table = Leases([lease(1, until_s=10)])
    table.put(lease(1, until_s=50))
    assert (table.expire(10), table.next_expiry_s()) == ([], 50)
    assert [ended.state for ended in table.expire(50)] == [State.EXPIRED]
    assert table.next_expiry_s() is None


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "state" / "leases"
    journal = Journal(path, Leases())
    journal.append([lease(1), lease(2, "bb")])
    journal.append([replace(lease(1), state=State.RELEASED)])
    assert kept(path) == {NET[1]: replace(lease(1), state=State.RELEASED), NET[2]: lease(2, "bb")}
    assert read_leases(path)[1] == {
        "mac": "02:00:00:00:00:01", "client_id": "bb", "ip": "10.0.0.2", "hostname": "pc1",
        "state": "BOUND", "until_s": 100.0,
    }  # fmt: skip
    journal.close()


def test_a_missing_file_is_an_empty_table(tmp_path: Path) -> None:
    assert read_leases(tmp_path / "none") == []


def test_the_start_compacts_the_journal_and_keeps_the_table(tmp_path: Path) -> None:
    path = tmp_path / "leases"
    journal = Journal(path, Leases())
    for until_s in range(50):
        journal.append([lease(1, until_s=until_s)])
    journal.close()
    Journal(path, load(path)).close()
    assert len(path.read_bytes().splitlines()) == 1
    assert kept(path) == {NET[1]: lease(1, until_s=49)}
    assert [each.name for each in tmp_path.iterdir()] == ["leases"]


def test_a_journal_that_grows_is_compacted_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that renews without end would fill the disk of a server that never starts anew."""
    monkeypatch.setattr("os.fdatasync", lambda _descriptor: None)
    path, table, most_bytes = tmp_path / "leases", Leases([lease(2, "bb")]), 0
    journal = Journal(path, table)
    for until_s in range(10_000):
        table.put(lease(1, until_s=until_s))
        journal.append([lease(1, until_s=until_s)])
        most_bytes = max(most_bytes, path.stat().st_size)
    assert most_bytes < SLACK_BYTES + 1000
    assert kept(path) == {NET[1]: lease(1, until_s=9999), NET[2]: lease(2, "bb")}
    assert [each.name for each in tmp_path.iterdir()] == ["leases"]
    journal.close()


def test_a_journal_that_can_not_be_compacted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fdatasync", lambda _descriptor: None)
    path, table = tmp_path / "leases", Leases()
    journal = Journal(path, table)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    for until_s in range(20_000):
        journal.append([lease(1, until_s=until_s)])
    assert path.stat().st_size > SLACK_BYTES and kept(path) == {NET[1]: lease(1, until_s=19_999)}
    journal.close()


def test_a_file_that_could_not_be_written_anew_does_not_keep_the_disk_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, table = tmp_path / "leases", Leases([lease(1)])
    journal = Journal(path, table)
    monkeypatch.setattr("os.fsync", failing(errno.ENOSPC))
    with pytest.raises(MachineError, match="No space left"):
        journal._begin()
    assert [each.name for each in tmp_path.iterdir()] == ["leases"]
    journal.append([lease(2)])
    assert kept(path).keys() == {NET[1], NET[2]}
    journal.close()


@pytest.mark.parametrize("name", ["fsync", "open"])
def test_the_file_under_the_name_is_written_to_whatever_becomes_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The old file has no name any more: a lease in it would be gone with the server."""
    monkeypatch.setattr("os.fdatasync", lambda _descriptor: None)
    path, table = tmp_path / "leases", Leases()
    journal = Journal(path, table)
    does = getattr(os, name)

    def broken(what: int | Path, *how: int) -> int | None:
        if Path(what if isinstance(what, Path) else f"/proc/self/fd/{what}").is_dir():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return does(what, *how)  # type: ignore[no-any-return]

    monkeypatch.setattr(os, name, broken)
    for until_s in range(20_000):
        table.put(lease(1, until_s=until_s))
        journal.append([lease(1, until_s=until_s)])
    assert path.stat().st_size < 2 * SLACK_BYTES
    assert kept(path) == {NET[1]: lease(1, until_s=19_999)}
    assert open_below(tmp_path) == [path]
    journal.close()
    with pytest.raises(MachineError, match="Input/output error"):
        Journal(path, table)
    assert open_below(tmp_path) == []


def failing(number: int) -> Callable[..., None]:
    """A call of the kernel that always ends with this error."""

    def call(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


def test_renewals_without_end_leave_no_ends_behind() -> None:
    table = Leases()
    for until_s in range(1, 10_000):
        table.put(lease(1, until_s=until_s))
        table.offer(replace(lease(2, "bb", until_s=until_s), state=State.OFFERED))
    assert len(table._ends) < 2000
    assert [ended.ip for ended in table.expire(9_999)] == [NET[1]]
    assert table.next_expiry_s() is None and table.offer_to("bb") is None


@settings(max_examples=40, deadline=None)  # each waits for the disk
@given(st.lists(LEASES, max_size=8), st.data())
def test_a_journal_cut_at_any_byte_loads_the_leases_before_the_cut(
    tmp_path_factory: pytest.TempPathFactory, leases: list[Lease], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "leases"
    journal = Journal(path, Leases())
    sizes = [0]
    for each in leases:
        journal.append([each])
        sizes.append(path.stat().st_size)
    journal.close()
    cut = data.draw(st.integers(0, sizes[-1]))
    path.write_bytes(path.read_bytes()[:cut])
    whole = sum(size <= cut for size in sizes) - 1
    assert kept(path) == {each.ip: each for each in leases[:whole]}
    reopened = Journal(path, load(path))  # and the server goes on from there
    reopened.append([lease(200)])
    reopened.close()
    assert kept(path)[NET[200]] == lease(200)


def test_a_foreign_file_is_refused_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "leases"
    path.write_text("domain lan.test\nnameserver 10.0.0.1\n")
    with pytest.raises(MachineError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}:1: this line is no lease\n"
        "  expected  one JSON object a line, as the DHCP server writes it\n"
        "  try       name another file with --leases, or delete this one: its leases are then forgotten"
    )


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match="the lease file can't be written: File exists"):
        Journal(tmp_path / "file" / "leases", Leases())


@given(LEASES)
def test_a_lease_is_the_same_after_json(lease: Lease) -> None:
    assert lease_from_json(lease.as_json()) == lease
