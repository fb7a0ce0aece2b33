"""Files that are kept for the next who asks: given again while they are the same, never when anything has moved."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.origin.answer import Memory
from lan.services.http.origin.kept_files import Kept, KeptFiles
from lan.services.http.origin.paths import Path as HttpPath
from lan.services.http.origin.paths import parse
from lan.services.http.origin.resource import Found, Nothing, Place, Resource
from lan.services.http.origin.site import SMALL_BYTES, Directory

NOW_S = 4_000_000_000.0  # long after the files of a test were made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "www"
    (root / "a" / "b").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    for name in ("page", "a/page", "a/b/page"):
        (root / name).write_text("one")
        os.utime(root / name, (1000, 1000))
    return root


def path_of(target: str) -> HttpPath:
    path = parse(target)
    assert isinstance(path, HttpPath)
    return path


def place_of(directory: Directory, target: str) -> Place:
    found = directory.find(path_of(target), now_s=NOW_S)
    assert isinstance(found, Resource) and found.place is not None
    return found.place


class Site:
    """A folder, asked again and again."""

    def __init__(self, root: Path) -> None:
        self.directory = Directory(root)
        self._given: dict[str, Found] = {}
        self.is_kept = False

    def find(self, target: str = "/a/b/page", now_s: float = NOW_S) -> str:
        """The file's text and its forms, or the status; `is_kept`: it is what was given the last time."""
        found = self.directory.find(path_of(target), now_s=now_s)
        self.is_kept = found is self._given.get(target)
        self._given[target] = found
        if isinstance(found, Nothing):
            return str(found.status)
        assert isinstance(found, Resource)
        text = found.content.read(0, found.size_bytes).decode()
        found.content.close()
        return f"{text} {','.join(found.codings)}".rstrip()


def test_a_file_is_read_once_while_nothing_changes(root: Path) -> None:
    site = Site(root)
    for target in ("/page", "/a/page", "/a/b/page"):
        assert [(site.find(target), site.is_kept) for _ in range(3)] == [("one", False), ("one", True), ("one", True)]


def _outside(root: Path) -> Path:
    return root.parent / "outside"


def _move_out_and_link(root: Path) -> None:
    (root / "a").rename(_outside(root) / "a")
    (root / "a").symlink_to(_outside(root) / "a")


def _move_up_and_link(root: Path) -> None:
    (root / "a" / "b").rename(_outside(root) / "b")
    (root / "a" / "b").symlink_to(_outside(root) / "b")


def _link_file(root: Path) -> None:
    (root / "a" / "b" / "page").rename(_outside(root) / "page")
    (root / "a" / "b" / "page").symlink_to(_outside(root) / "page")


def _swap_file(root: Path) -> None:
    (root / "a" / "b" / "new").write_text("two")
    os.utime(root / "a" / "b" / "new", (1000, 1000))
    (root / "a" / "b" / "new").rename(root / "a" / "b" / "page")


def _swap_folder(root: Path) -> None:
    (root / "a").rename(root / "old")
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "page").write_text("two")


def _write_in_place(root: Path) -> None:
    (root / "a" / "b" / "page").write_text("two")
    os.utime(root / "a" / "b" / "page", (1000, 1000))


CHANGES: list[tuple[Callable[[Path], object], str]] = [
    (_move_out_and_link, "403"),
    (_move_up_and_link, "403"),
    (_link_file, "403"),
    (_swap_file, "two"),
    (_swap_folder, "two"),
    (_write_in_place, "two"),
    (lambda root: (root / "a" / "b" / "page").unlink(), "404"),
    (lambda root: (root / "a" / "b").rename(root / "a" / "c"), "404"),
    (lambda root: (root / "a" / "b" / "page.gz").write_text("gz"), "one gzip"),
]


@pytest.mark.parametrize(("change", "then"), CHANGES)
def test_a_change_of_the_file_or_of_the_way_to_it_counts_at_once(
    root: Path, change: Callable[[Path], object], then: str
) -> None:
    site = Site(root)
    assert [site.find(), site.find()] == ["one", "one"] and site.is_kept
    place = place_of(site.directory, "/a/b/page")
    assert site.directory.is_current(place)
    change(root)
    assert not site.directory.is_current(place)
    assert (site.find(), site.is_kept) == (then, False)


def test_a_compressed_form_that_grows_old_or_goes_is_no_form_any_more(root: Path) -> None:
    form = root / "page.gz"
    form.write_text("gz")
    site = Site(root)
    assert [site.find("/page") for _ in range(2)] == ["one gzip", "one gzip"] and site.is_kept
    os.utime(form, (999, 999))
    assert site.find("/page") == "one"
    os.utime(form, (1001, 1001))
    site.find("/page")
    form.unlink()
    assert site.find("/page") == "one"


def test_a_way_with_a_link_in_it_is_looked_at_each_time(root: Path) -> None:
    (root / "link").symlink_to(root / "a")
    (root / "a" / "other").symlink_to(root / "a" / "page")
    site = Site(root)
    for target in ("/link/page", "/link/b/page", "/a/other"):
        assert [(site.find(target), site.is_kept) for _ in range(2)] == [("one", False)] * 2


def test_what_has_just_changed_or_is_large_is_not_kept(root: Path) -> None:
    site = Site(root)
    changed_s = (root / "a" / "b").stat().st_ctime
    assert [(site.find(now_s=changed_s + 1), site.is_kept) for _ in range(2)] == [("one", False)] * 2
    (root / "large").write_bytes(b"x" * (SMALL_BYTES + 1))
    assert [(len(site.find("/large")), site.is_kept) for _ in range(2)] == [(SMALL_BYTES + 1, False)] * 2


def test_without_the_moment_a_file_is_always_read_anew(root: Path) -> None:
    site = Site(root)
    site.find()
    first, second = (site.directory.find(path_of("/a/b/page")) for _ in range(2))
    assert first is not second


def test_within_a_turn_of_the_loop_a_folder_is_looked_at_once(root: Path, tmp_path: Path) -> None:
    directory = Directory(root)
    place, deep = place_of(directory, "/a/page"), place_of(directory, "/a/b/page")
    assert directory.is_current(place, 1.0) and directory.is_current(deep, 1.0)
    (root / "a" / "b").rename(tmp_path / "b")
    (root / "a" / "b").symlink_to(tmp_path / "b")
    assert directory.is_current(deep, 1.0)
    assert not directory.is_current(deep, 2.0)
    assert not directory.is_current(deep)
    (root / "a" / "page").unlink()
    assert not directory.is_current(place, 2.0)


def test_a_file_found_by_an_older_look_at_its_folder_counts_for_that_turn_alone(root: Path) -> None:
    directory = Directory(root)
    directory.find(path_of("/a/b/page"), turn_s=1.0)
    (root / "a" / "b" / "page.gz").write_text("gz")
    found = directory.find(path_of("/a/b/page"), turn_s=1.0)
    assert isinstance(found, Resource) and found.codings == ("gzip",) and found.place is not None
    assert directory.is_current(found.place, 1.0)
    assert not directory.is_current(found.place, 2.0)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 50)), max_size=40))
def test_what_is_kept_is_bounded_in_number_and_bytes(kept: list[tuple[int, int]]) -> None:
    files = KeptFiles(max_entries=4, max_bytes=100)
    for name, size in kept:
        files.keep((str(name), None), Kept(Resource(str(name), size, 1, "tag", Memory(bytes(size))), ()))
        assert len(files) <= 4
        assert files.size_bytes == sum(one.resource.size_bytes for one in files._kept.values()) <= 100
    for name in range(10):
        files.drop((str(name), None))
    assert (len(files), files.size_bytes) == (0, 0)
