"""Two browsers load a page of our web server and run its script, which fetches in every way a page can."""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from ..command import PATIENCE_S
from .serving import Serving, prepare, serving

DATA = bytes(range(256)) * 16
PAGE = b"""<!doctype html><title>office</title><link rel=stylesheet href=style.css><img src=dot.png>
<script type=module>
const seen = {}
const ask = async (name, path, options) => {
    const answer = await fetch(path, {cache: "no-store", ...options})
    seen[name] = [answer.status, (await answer.arrayBuffer()).byteLength, answer.headers.get("content-type")]
    return answer
}
const tag = (await ask("get", "/data")).headers.get("etag")
await ask("head", "/data", {method: "HEAD"})
await ask("range", "/data", {headers: {Range: "bytes=10-19"}})
await ask("known", "/data", {headers: {"If-None-Match": tag}})
await ask("missing", "/nowhere")
await Promise.all([1, 2, 3, 4, 5, 6].map(n => ask("six" + n, "/data?" + n)))
await fetch("/told?" + encodeURIComponent(JSON.stringify(seen)))
</script>"""
WHOLE = [200, len(DATA), "application/octet-stream"]
BROWSERS = ["chromium", "firefox-esr"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Our server, with the page, its style and its picture."""
    folder = tmp_path_factory.mktemp("browsers")
    prepare(folder, {"index.html": PAGE, "data": DATA, "style.css": b"p { color: red }", "dot.png": b"no picture"})
    with serving(folder, "--root", str(folder / "www")) as up:
        yield up


def command_line(browser: str, home: Path, url: str) -> list[str]:
    """What loads a page without a screen, and calls nobody else."""
    if browser == "chromium":
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
        flags += ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={home}/data"]
        return [browser, *flags, "--remote-debugging-port=0", url]  # so that it stays until it is ended
    return [browser, "--headless", "--no-remote", "--profile", str(home / "profile"), url]


def trust(home: Path, authority: Path) -> None:
    """The authority in the databases of both browsers."""
    (home / "profile").mkdir()
    (home / "profile" / "user.js").write_text(
        'user_pref("network.proxy.type", 0);\nuser_pref("app.update.enabled", false);\n'
        'user_pref("datareporting.policy.dataSubmissionEnabled", false);\n'
        'user_pref("network.captive-portal-service.enabled", false);\n'
    )
    for folder in (home / ".pki" / "nssdb", home / "profile"):
        folder.mkdir(parents=True, exist_ok=True)
        database = ["certutil", "-d", f"sql:{folder}", "-f", "/dev/null"]
        subprocess.run([*database, "-N"], check=True)
        subprocess.run([*database, "-A", "-t", "C,,", "-n", "lan", "-i", str(authority)], check=True)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("browser", BROWSERS)
def test_a_browser_loads_the_page_and_all_that_its_script_fetches(
    site: Serving, browser: str, scheme: str, tmp_path: Path
) -> None:
    if shutil.which(browser) is None:
        pytest.skip(f"this distribution has no package {browser}")
    trust(tmp_path, site.folder / "authority.pem")
    before = len(site.decisions())
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as own, (tmp_path / "said").open("wb") as said:
        environment = {**site.trusting(), "HOME": str(tmp_path), "TMPDIR": own}
        running = subprocess.Popen(
            command_line(browser, tmp_path, site.url("/", scheme)), env=environment, stdout=said, stderr=said
        )
        try:
            told = wait_told(site, before, running, tmp_path / "said")
        finally:
            running.terminate()
            running.wait(PATIENCE_S)
    assert told == {
        "get": WHOLE,
        "head": [200, 0, WHOLE[2]],
        "range": [206, 10, WHOLE[2]],
        "known": [304, 0, None],
        "missing": [404, told["missing"][1], "text/plain; charset=utf-8"],
        **{f"six{n}": WHOLE for n in range(1, 7)},
    }
    targets = [one["target"] for one in site.decisions()[before:] if one["what"] == "request"]
    assert {"/", "/style.css", "/dot.png"} <= set(targets)


def wait_told(
    site: Serving, before: int, running: "subprocess.Popen[bytes]", said: Path
) -> dict[str, list[int | str | None]]:
    """What the page's script found, as it told the server at its end."""
    limit = time.monotonic() + PATIENCE_S
    while time.monotonic() < limit and running.poll() is None:
        for one in site.decisions()[before:]:
            if one["what"] == "request" and one["target"].startswith("/told?"):
                found: dict[str, list[int | str | None]] = json.loads(unquote(one["target"].partition("?")[2]))
                return found
        time.sleep(0.1)
    raise AssertionError(f"the page's script did not end: {said.read_text(errors='replace')[-2000:]}")
