"""Real clients through our three proxies in front of a server of ours; on a LAN: test_peer_http_proxies_lan.py."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ..command import PATIENCE_S
from ..program import Program, module
from .asking import NAMES, Job, ask
from .serving import Serving, log_in, prepare, serving
from .test_peer_http_browsers import BROWSERS, DATA, PAGE, WHOLE, command_line, trust, wait_told

KINDS = ["dumb", "smart", "cache"]
KNOWING = ["smart", "cache"]
TEXT = "what a client says, in pieces or in one"


@contextmanager
def proxying(kind: str, upstream: Serving) -> Iterator[Serving]:
    """A proxy of ours in front of a server."""
    words = ["--kind", kind, "--listen", "127.0.0.1:0", "--upstream", f"http://127.0.0.1:{upstream.ports['http']}"]
    with Program(module("lan.services.http.proxy", *words), log_in(upstream.folder)) as proxy:
        yield Serving(upstream.folder, {"http": proxy.port}, proxy)


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Serving]]:
    """Kind → a proxy in front of our echo application."""
    folder = tmp_path_factory.mktemp("proxies")
    prepare(folder, {})
    with serving(folder, "--app", "echo") as echo, ExitStack() as stack:
        yield {kind: stack.enter_context(proxying(kind, echo)) for kind in KINDS}


of_each_client = pytest.mark.parametrize("client", NAMES)


@of_each_client
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", ["/bytes/300000", "/chunked/300000"])
def test_content_arrives_whole(gateways: dict[str, Serving], kind: str, client: str, path: str) -> None:
    [got] = ask(client, gateways[kind], Job("GET", gateways[kind].url(path)))
    assert (got.status, len(got.body)) == (200, 300_000)
    assert ("via" in got.headers) is (kind != "dumb")


@of_each_client
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_comes_back(gateways: dict[str, Serving], kind: str, client: str, chunked: bool) -> None:
    job = Job("POST", gateways[kind].url("/"), {"Content-Type": "text/plain"}, body=TEXT, chunked=chunked)
    [got] = ask(client, gateways[kind], job)
    assert (got.status, got.body) == (200, TEXT.encode())


@of_each_client
@pytest.mark.parametrize("kind", KNOWING)
def test_three_requests_share_one_connection_on_each_side(gateways: dict[str, Serving], kind: str, client: str) -> None:
    proxy = gateways[kind]
    before = len(proxy.decisions())
    answers = ask(client, proxy, *[Job("GET", proxy.url(f"/status/{status}")) for status in (200, 404, 299)])
    assert [one.status for one in answers] == [200, 404, 299]
    told = proxy.decisions()[before:]
    assert len({one["client"] for one in told if one["what"] == "request"}) == 1
    assert len({one["server"] for one in told if one["what"] == "connection"}) == 1


@of_each_client
def test_the_cache_answers_the_second_time(gateways: dict[str, Serving], client: str) -> None:
    url = gateways["cache"].url(f"/bytes/{50_000 + NAMES.index(client)}")
    first, second, head = ask(client, gateways["cache"], Job("GET", url), Job("GET", url), Job("HEAD", url))
    assert first.body == second.body and head.body == b""
    assert "hit" in second.headers["cache-status"] and "hit" in head.headers["cache-status"]


@pytest.mark.parametrize("kind", KNOWING)
@pytest.mark.parametrize("browser", BROWSERS)
def test_a_browser_loads_a_page_with_its_script_through_a_proxy(browser: str, kind: str, tmp_path: Path) -> None:
    if shutil.which(browser) is None:
        pytest.skip(f"this distribution has no package {browser}")
    prepare(tmp_path, {"index.html": PAGE, "data": DATA, "style.css": b"p { color: red }", "dot.png": b"no picture"})
    trust(tmp_path, tmp_path / "authority.pem")
    with (
        serving(tmp_path, "--root", str(tmp_path / "www")) as site,
        proxying(kind, site) as proxy,
        (tmp_path / "said").open("wb") as said,
    ):
        environment = {**proxy.trusting(), "HOME": str(tmp_path)}
        words = command_line(browser, tmp_path, proxy.url("/"))
        running = subprocess.Popen(words, env=environment, stdout=said, stderr=said)
        try:
            told = wait_told(proxy, 0, running, tmp_path / "said")
        finally:
            running.terminate()
            running.wait(PATIENCE_S)
    assert [told[name] for name in ("get", "six1", "six6")] == [WHOLE] * 3
    assert (told["head"][0], told["range"][:2], told["missing"][0]) == (200, [206, 10], 404)


# ---- load: every answer right, on few connections and on many


def assert_all_right(said: str, count: int) -> None:
    """What ab says: so many requests, and none of them failed, of another length or another status."""
    told = dict(re.findall(r"^([\w -]+):\s+(\d+)", said, re.M))
    assert (told["Complete requests"], told["Failed requests"]) == (str(count), "0"), said
    assert "Non-2xx" not in said, said


WAYS = [("dumb", "closed"), *((kind, how) for kind in KNOWING for how in ("kept", "closed"))]
"""A dumb proxy takes one exchange a connection: whoever keeps it hangs, as in the book."""


@pytest.mark.parametrize(("kind", "how"), WAYS)
def test_ab_gets_every_answer_through_a_gateway(gateways: dict[str, Serving], kind: str, how: str) -> None:
    more = ["-k"] if how == "kept" else []
    url = gateways[kind].url("/bytes/20000").replace("localhost", "127.0.0.1")
    assert_all_right(gateways[kind].run("ab", "-q", *more, "-n", "200", "-c", "8", url).stdout, 200)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", [False, True], ids=["get", "post"])
def test_ab_gets_every_answer_by_way_of_a_forward_proxy(
    gateways: dict[str, Serving], tmp_path: Path, kind: str, body: bool
) -> None:
    (tmp_path / "body").write_bytes(bytes(50_000))
    words = ["--kind", kind, "--listen", "127.0.0.1:0", "--allow-loopback"]
    more = ["-p", str(tmp_path / "body")] if body else []
    with Program(module("lan.services.http.proxy", *words), tmp_path / "log") as proxy:
        url = gateways["smart"].url("/any" if body else "/bytes/20000").replace("localhost", "127.0.0.1")
        said = gateways["smart"].run("ab", "-q", *more, "-X", f"127.0.0.1:{proxy.port}", "-n", "200", "-c", "8", url)
        assert_all_right(said.stdout, 200)
        assert len(proxy.decisions("relay" if kind == "dumb" else "request")) >= 200


CHECK = r"""
response = function(status, headers, body)
    if status ~= 200 or #body ~= 20000 then wrong = wrong + 1 end
    right = right + 1
end
function init(args) wrong, right = 0, 0 end
local threads = {}
function setup(thread) table.insert(threads, thread) end
function done(summary, latency, requests)
    for _, thread in ipairs(threads) do
        io.write("answers " .. thread:get("right") .. " wrong " .. thread:get("wrong") .. "\n")
    end
end
"""


@pytest.mark.parametrize(("kind", "how"), WAYS)
def test_wrk_gets_every_answer_through_a_gateway(
    gateways: dict[str, Serving], kind: str, how: str, tmp_path: Path
) -> None:
    (tmp_path / "check.lua").write_text(CHECK)
    more = ["-H", "Connection: close"] if how == "closed" else []
    words = ["wrk", "-t1", "-c8", "-d2s", "--timeout", "60s", "-s", str(tmp_path / "check.lua"), *more]
    said = gateways[kind].run(*words, gateways[kind].url("/bytes/20000")).stdout
    counted = re.search(r"answers (\d+) wrong (\d+)", said)
    assert counted is not None and int(counted[1]) > (8 if how == "kept" else 0) and counted[2] == "0", said
    assert "Socket errors" not in said and "Non-2xx" not in said, said
