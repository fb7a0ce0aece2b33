"""Real clients on a LAN choose one of our three proxies themselves: by a word, or by the environment."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..command import Up, command
from .asking import COMMANDS, SYSTEM_PYTHON

KINDS = ["dumb", "smart", "cache"]


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
