"""Real clients through our three proxies: in front of a server of ours, and chosen by the client on a LAN."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ..command import CHECKOUT, PATIENCE_S, Up, command
from .asking import COMMANDS, NAMES, SYSTEM_PYTHON, Job, ask
from .serving import Serving, prepare, serving
from .test_peer_http_browsers import BROWSERS, DATA, PAGE, WHOLE, command_line, trust, wait_told

KINDS = ["dumb", "smart", "cache"]
KNOWING = ["smart", "cache"]
TEXT = "what a client says, in pieces or in one"


@contextmanager
def proxying(kind: str, upstream: Serving) -> Iterator[Serving]:
    """A proxy of ours in front of a server."""
    ready, theirs = os.pipe()
    log = upstream.folder / f"decisions-{kind}"
    words = ["--kind", kind, "--listen", "127.0.0.1:0", "--upstream", f"http://127.0.0.1:{upstream.ports['http']}"]
    with subprocess.Popen(
        [sys.executable, "-m", "lan.services.http.proxy", *words],
        cwd=CHECKOUT,
        env={**os.environ, "LAN_READY_FD": str(theirs), "LAN_DECISIONS": str(log)},
        pass_fds=[theirs],
    ) as proxy:
        os.close(theirs)
        said = re.match(r"ready proxy \S+:(\d+)", os.read(ready, 4096).decode())
        os.close(ready)
        assert said is not None
        try:
            yield Serving(upstream.folder, {"http": int(said[1])}, log)
        finally:
            proxy.terminate()


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


# ---- chosen by the client, on a LAN


@pytest.fixture(scope="module")
def proxies() -> Iterator[Up]:
    with command() as lan, lan.up("proxies") as up:
        yield up


NODE = """
const [, proxy, url] = process.argv
require("http").get({host: proxy, port: 3128, path: url, headers: {Host: "web"}},
                    answer => answer.on("data", piece => process.stdout.write(piece)))
"""
BY_ENVIRONMENT = ["requests", "httpx", "go"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", BY_ENVIRONMENT)
def test_a_library_that_heeds_http_proxy_asks_through_it(proxies: Up, client: str, kind: str) -> None:
    job = {"method": "GET", "url": "http://web/", "headers": {}, "body": None, "chunked": False}
    program = COMMANDS[client]()
    words = ["--env", f"http_proxy=http://{kind}:3128", "pc1", "--", *program]
    folder = Path(program[-1]).parent  # a device sees the folder that its user stands in
    said = proxies.run("exec", *words, input=json.dumps([job]), cwd=folder, check=0).json
    assert said[0]["status"] == 200 and "<html" in said[0]["body"]
    assert any(name.lower() == "via" for name in said[0]["headers"]) is (kind != "dumb")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "words",
    [
        ["curl", "-sS", "--proxy", "http://{}:3128", "http://web/"],
        ["curl", "-sS", "--proxy1.0", "{}:3128", "http://web/"],
        ["curl", "-sS", "--http1.0", "--proxy", "{}:3128", "http://web/"],
        ["wget", "-qO-", "-e", "use_proxy=yes", "-e", "http_proxy=http://{}:3128", "http://web/"],
        ["node", "-e", NODE, "{}", "http://web/"],
        [SYSTEM_PYTHON, "-c", "import urllib.request; print(urllib.request.urlopen('http://web/').read().decode())"],
    ],
    ids=["curl", "curl-connects-by-1.0", "curl-speaks-1.0", "wget", "node", "urllib"],
)
def test_a_program_asks_through_the_proxy_that_it_is_told(proxies: Up, words: list[str], kind: str) -> None:
    told = [word if word is NODE else word.replace("{}", kind) for word in words]
    environment = ["--env", f"http_proxy=http://{kind}:3128"] if words[0] == SYSTEM_PYTHON else []
    assert "<html" in proxies.run("exec", *environment, "pc1", "--", *told, check=0).out
