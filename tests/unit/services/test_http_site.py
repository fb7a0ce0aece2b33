"""Files of a site: what may be served, its compressed forms, its listing; nothing outside the root, no device."""

import os
import stat
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.origin import listing, paths
from lan.services.http.origin.answer import Answer
from lan.services.http.origin.origin import Origin
from lan.services.http.origin.paths import Path as HttpPath
from lan.services.http.origin.resource import Entry, Listing, Nothing, Resource
from lan.services.http.origin.site import SMALL_BYTES, Directory
from lan.services.http.protocol.messages import Request, headers

NOW_S = 2_000_000_000.0
OLD_S, OLDER_S = 1_000_000_000, 999_999_999


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "www"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    write(root / "page.html", "<p>page</p>", OLD_S)
    return root


def write(path: Path, text: str, modified_s: int = OLD_S) -> None:
    path.write_text(text)
    os.utime(path, (modified_s, modified_s))


def get(root: Path, target: str, *, listing: bool = False, **fields: str) -> Answer:
    pairs = [("Host", "web"), *((name.replace("_", "-"), value) for name, value in fields.items())]
    return Origin(Directory(root, listing=listing)).answer(Request("GET", target, headers=headers(pairs)), now_s=NOW_S)


def text_of(answer: Answer) -> str:
    assert answer.content is not None
    data = answer.content.read(0, answer.length_bytes or 0)
    answer.content.close()
    return data.decode()


# Compressed forms


def test_a_compressed_form_is_sent_to_who_takes_it_and_each_form_has_a_tag_of_its_own(root: Path) -> None:
    write(root / "page.html.gz", "gz form")
    write(root / "page.html.br", "br form")
    tags = set()
    for accepted, coding, text in [
        ("gzip", "gzip", "gz form"),
        ("gzip, br", "br", "br form"),
        ("", None, "<p>page</p>"),
    ]:
        answer = get(root, "/page.html", Accept_Encoding=accepted)
        fields = answer.response.headers
        assert (fields.get("Content-Encoding"), text_of(answer)) == (coding, text)
        assert fields.get("Content-Type") == "text/html; charset=utf-8"
        assert fields.get("Vary") == "Accept-Encoding"
        tags.add(fields.get("ETag"))
    assert len(tags) == 3


def test_a_file_without_compressed_forms_does_not_vary(root: Path) -> None:
    assert get(root, "/page.html", Accept_Encoding="br").response.headers.get("Vary") is None


def test_a_compressed_form_older_than_the_file_is_not_sent(root: Path) -> None:
    write(root / "page.html.gz", "stale", OLDER_S)
    assert text_of(get(root, "/page.html", Accept_Encoding="gzip")) == "<p>page</p>"


def test_a_form_that_leads_out_of_the_root_or_is_no_file_is_not_sent(root: Path, tmp_path: Path) -> None:
    (root / "page.html.gz").symlink_to(tmp_path / "outside" / "secret")
    os.mkfifo(root / "page.html.br")
    assert text_of(get(root, "/page.html", Accept_Encoding="gzip, br")) == "<p>page</p>"


def test_a_client_that_takes_no_form_is_told_so(root: Path) -> None:
    write(root / "page.html.gz", "gz form")
    assert get(root, "/page.html", Accept_Encoding="br, identity;q=0").response.status == 406


def test_the_same_condition_holds_for_the_form_that_is_chosen(root: Path) -> None:
    write(root / "page.html.gz", "gz form")
    tag = get(root, "/page.html", Accept_Encoding="gzip").response.headers.get("ETag") or ""
    assert get(root, "/page.html", Accept_Encoding="gzip", If_None_Match=tag).response.status == 304
    assert get(root, "/page.html", If_None_Match=tag).response.status == 200
    unchanged = get(root, "/page.html", Accept_Encoding="gzip", If_None_Match=tag).response.headers
    assert (unchanged.get("Vary"), unchanged.get("ETag")) == ("Accept-Encoding", tag)


# Nothing but files of the root


def test_a_device_is_not_opened(root: Path) -> None:
    try:
        os.mknod(root / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("needs root")
    answer = get(root, "/zero")
    assert (answer.response.status, answer.why.text) == (403, "not a regular file")


@pytest.mark.parametrize("target", ["/link/secret", "/link/", "/link", "/sub/../../outside/secret", "/deep"])
def test_a_link_out_of_the_root_gives_nothing_away(root: Path, tmp_path: Path, target: str) -> None:
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "deep").symlink_to("/proc/self/environ")
    for shown in (False, True):
        answer = get(root, target, listing=shown)
        assert answer.response.status == 403
        assert "secret" not in text_of(answer).replace("/secret", "")


def test_a_file_that_becomes_a_link_out_of_the_root_is_no_longer_served(root: Path, tmp_path: Path) -> None:
    origin = Origin(Directory(root))
    request = Request("GET", "/page.html")
    answer = origin.answer(request, now_s=NOW_S + 2e9)
    assert answer.is_current is not None
    assert answer.is_current(0.0)
    (root / "page.html").unlink()
    (root / "page.html").symlink_to(tmp_path / "outside" / "secret")
    assert not answer.is_current(0.0)
    assert origin.answer(request, now_s=NOW_S).response.status == 403


def test_a_file_that_may_not_be_read_is_forbidden(root: Path) -> None:
    (root / "page.html").chmod(0)
    if os.access(root / "page.html", os.R_OK):
        pytest.skip("root may read everything")
    assert get(root, "/page.html").response.status == 403


def test_a_large_file_stays_open_for_sendfile_and_a_small_one_does_not(root: Path) -> None:
    (root / "large").write_bytes(b"x" * (SMALL_BYTES + 1))
    (root / "small").write_bytes(b"x" * SMALL_BYTES)
    large, small = get(root, "/large").content, get(root, "/small").content
    assert large is not None
    assert small is not None
    assert small.descriptor is None
    assert large.descriptor is not None
    assert os.fstat(large.descriptor).st_size == SMALL_BYTES + 1
    part = get(root, "/large", Range="bytes=10-19").content
    assert part is not None
    assert (part.start_bytes, part.descriptor is None) == (10, False)
    large.close()
    part.close()


# The listing


class Links(HTMLParser):
    """The links and tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]


def test_a_listing_is_shown_only_where_it_is_allowed(root: Path, tmp_path: Path) -> None:
    (root / "out").symlink_to(tmp_path / "outside")
    os.mkfifo(root / "fifo")
    assert get(root, "/").response.status == 403
    page = Links()
    page.feed(text_of(get(root, "/", listing=True)))
    assert page.links == ["./sub/", "./page.html"]
    below = Links()
    below.feed(text_of(get(root, "/sub/", listing=True)))
    assert below.links == ["../"]


def test_each_link_of_a_listing_leads_to_its_file(root: Path) -> None:
    names = ["a b", "<img src=x>", "javascript:alert(1)", "100%", "?q", "#f", '"', "글", "&amp;"]
    for name in names:
        (root / name).write_text(name)
    (root / os.fsdecode(b"\xff\xfe")).write_text("bytes")
    page = Links()
    page.feed(text_of(get(root, "/", listing=True)))
    assert {
        text_of(get(root, link.removeprefix("."))) for link in page.links if link not in ("./sub/", "./page.html")
    } == {
        *names,
        "bytes",
    }


NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name not in (".", "..") and not set(name) & {"/", "\0"})


@given(st.lists(NAMES, max_size=5), st.lists(NAMES, max_size=3))
def test_no_name_makes_a_tag_or_a_link_of_its_own(names: list[str], above: list[str]) -> None:
    names = [name.encode("utf-8", "replace").decode() for name in names]
    above = [name.encode("utf-8", "replace").decode() for name in above]
    page = Links()
    found = Listing(tuple(Entry(name, False, 1, OLD_S) for name in names))
    page.feed(listing.build(HttpPath(tuple(above), True), found).decode())
    assert page.tags <= {"html", "meta", "title", "style", "h1", "table", "tr", "td", "a"}
    for name, link in zip(names, [link for link in page.links if link != "../"], strict=True):
        assert link.startswith("./")
        assert paths.parse(link.removeprefix(".")) == HttpPath((name,))


def test_a_folder_of_very_many_files_is_listed_in_part() -> None:
    page = listing.build(HttpPath((), True), Listing((Entry("a", False, 1, 1),), is_whole=False))
    assert b"Only 1 of them are shown" in page


def test_the_kernel_is_asked_where_a_name_really_is_not_the_name(root: Path) -> None:
    """A folder of the same beginning is not inside."""
    (root.parent / "www-other").mkdir()
    (root.parent / "www-other" / "x").write_text("x")
    (root / "near").symlink_to(root.parent / "www-other" / "x")
    found = Directory(root).find(HttpPath(("near",)))
    assert isinstance(found, Nothing)
    assert isinstance(Directory(root.parent / "www-other").find(HttpPath(("x",))), Resource)
