"""The field's clients against our web server: what each one asks for, in its own words, it gets."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .asking import NAMES, Job, ask
from .serving import Serving, prepare, serving

PAGE = b"<!doctype html><title>office</title>" + b"".join(b"<p>%d</p>\n" % n for n in range(20_000))
DATA = bytes(range(256)) * 16
PLAIN = {"Accept-Encoding": "identity"}
SCHEMES = ["http", "https"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clients")
    prepare(folder, {"index.html": PAGE, "data": DATA})
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Serving]:
    """Our server of files."""
    with serving(folder, "--root", str(folder / "www")) as up:
        yield up


pytestmark = [pytest.mark.parametrize("scheme", SCHEMES)]
of_each_client = pytest.mark.parametrize("client", NAMES)


@of_each_client
def test_a_file_arrives_whole(site: Serving, client: str, scheme: str) -> None:
    [page] = ask(client, site, Job("GET", site.url("/", scheme)))
    assert (page.status, page.body) == (200, PAGE)


@of_each_client
def test_head_tells_the_length_of_a_body_that_does_not_come(site: Serving, client: str, scheme: str) -> None:
    url = site.url("/data", scheme)
    head, whole = ask(client, site, Job("HEAD", url, PLAIN), Job("GET", url, PLAIN))
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(DATA)))
    assert (whole.body, whole.headers["etag"]) == (DATA, head.headers["etag"])


@of_each_client
def test_three_requests_share_one_connection(site: Serving, client: str, scheme: str) -> None:
    before = len(site.decisions())
    pages = ask(client, site, *[Job("GET", site.url(path, scheme)) for path in ("/", "/data", "/")])
    told = site.decisions()[before:]
    requests = [one for one in told if one["what"] == "request"]
    assert [page.body for page in pages] == [PAGE, DATA, PAGE]
    assert [one["target"] for one in requests] == ["/", "/data", "/"]
    assert len({one["client"] for one in requests}) == 1


@of_each_client
def test_a_range_is_that_part(site: Serving, client: str, scheme: str) -> None:
    asked = {**PLAIN, "Range": "bytes=100-299"}
    [part] = ask(client, site, Job("GET", site.url("/data", scheme), asked))
    assert (part.status, part.body, part.headers["content-range"]) == (206, DATA[100:300], "bytes 100-299/4096")


@of_each_client
def test_what_a_client_has_is_not_sent_again(site: Serving, client: str, scheme: str) -> None:
    url = site.url("/data", scheme)
    [first] = ask(client, site, Job("GET", url, PLAIN))
    by_tag = {**PLAIN, "If-None-Match": first.headers["etag"]}
    by_date = {**PLAIN, "If-Modified-Since": first.headers["last-modified"]}
    old = {**PLAIN, "If-None-Match": '"another"'}
    answers = ask(client, site, *[Job("GET", url, fields) for fields in (by_tag, by_date, old)])
    assert [(one.status, one.body) for one in answers] == [(304, b""), (304, b""), (200, DATA)]


def test_wget_gets_and_looks(site: Serving, scheme: str) -> None:
    trust = f"--ca-certificate={site.folder / 'authority.pem'}"
    assert site.run("wget", "-qO-", trust, site.url("/", scheme)).stdout.encode() == PAGE
    looked = site.run("wget", "--spider", "-S", trust, site.url("/data", scheme))
    assert re.search(r"Content-Length: 4096\b", looked.stderr)


def test_wget_resumes_a_download(site: Serving, scheme: str, tmp_path: Path) -> None:
    had = tmp_path / "data"
    had.write_bytes(DATA[:1000])
    trust = f"--ca-certificate={site.folder / 'authority.pem'}"
    told = site.run("wget", "-c", "-S", trust, "-O", str(had), site.url("/data", scheme))
    assert had.read_bytes() == DATA
    assert "206 Partial Content" in told.stderr


def test_wget_leaves_what_is_not_newer(site: Serving, scheme: str, tmp_path: Path) -> None:
    words = ["wget", "-N", "-S", f"--ca-certificate={site.folder / 'authority.pem'}", "-P", str(tmp_path)]
    assert "200 OK" in site.run(*words, site.url("/data", scheme)).stderr
    assert "304 Not Modified" in site.run(*words, site.url("/data", scheme)).stderr


def test_ab_keeps_its_connections_in_http_1_0(site: Serving, scheme: str) -> None:
    said = site.run("ab", "-q", "-k", "-n", "200", "-c", "8", site.url("/data", scheme)).stdout
    told = dict(re.findall(r"^([\w -]+):\s+(\d+)", said, re.M))
    assert {key: told[key] for key in ("Complete requests", "Failed requests", "Keep-Alive requests")} == {
        "Complete requests": "200",
        "Failed requests": "0",
        "Keep-Alive requests": "200",
    }
    assert "Non-2xx" not in said


@pytest.mark.parametrize("how", ["kept", "closed", "pipelined"])
def test_wrk_meets_no_error(site: Serving, scheme: str, how: str, tmp_path: Path) -> None:
    script = tmp_path / "pipeline.lua"
    script.write_text("request = function() return string.rep(wrk.format(nil, wrk.path), 16) end\n")
    more = {"kept": [], "closed": ["-H", "Connection: close"], "pipelined": ["-s", str(script)]}[how]
    said = site.run("wrk", "-t1", "-c8", "-d2s", "--timeout", "60s", *more, site.url("/data", scheme)).stdout
    made = re.search(r"(\d+) requests in", said)
    least = {"kept": 8, "closed": 0, "pipelined": 16}[how]  # a busy machine may have little time for it in two seconds
    assert made is not None and int(made[1]) > least
    assert "Socket errors" not in said and "Non-2xx" not in said, said
