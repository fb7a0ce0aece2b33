"""The field's clients send bodies to our web server's echo application, with a length and in chunks."""

from collections.abc import Iterator

import pytest

from .asking import NAMES, Job, ask
from .serving import Serving, prepare, serving


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Our server with its echo application."""
    folder = tmp_path_factory.mktemp("echo")
    prepare(folder, {})
    with serving(folder, "--app", "echo") as up:
        yield up


pytestmark = [pytest.mark.parametrize("scheme", ["http", "https"])]
of_each_client = pytest.mark.parametrize("client", NAMES)


@of_each_client
def test_a_body_comes_back_from_the_echo(echo: Serving, client: str, scheme: str) -> None:
    body = "the words of the office\n" * 5000
    url = echo.url("/anything", scheme)
    back, after = ask(client, echo, Job("POST", url, {"Content-Type": "text/plain"}, body), Job("GET", url))
    assert (back.status, back.body.decode(), back.headers["content-type"]) == (200, body, "text/plain")
    assert after.status == 404


@of_each_client
def test_a_body_of_unknown_length_comes_in_chunks(echo: Serving, client: str, scheme: str) -> None:
    body, url = "seven, and then the rest of it " * 100, echo.url("/echo", scheme)
    [seen] = ask(client, echo, Job("POST", url, {"Content-Type": "text/plain"}, body, chunked=True))
    head, _, came = seen.body.decode().partition("\r\n\r\n")
    assert head.startswith("POST /echo HTTP/1.1\r\n") and came == body
    assert "\r\ntransfer-encoding: chunked" in head.lower() and "\r\ncontent-length:" not in head.lower()


@of_each_client
def test_an_answer_of_unknown_length_arrives_whole(echo: Serving, client: str, scheme: str) -> None:
    url = echo.url("/chunked/100000", scheme)
    body, after = ask(client, echo, Job("GET", url), Job("GET", echo.url("/1k", scheme)))
    assert (len(body.body), len(after.body)) == (100_000, 1024)
    assert body.body.startswith(b"0000000\n0000001\n")


def test_wget_posts(echo: Serving, scheme: str) -> None:
    trust = f"--ca-certificate={echo.folder / 'authority.pem'}"
    posted = echo.run("wget", "-qO-", trust, "--post-data=from wget", echo.url("/form", scheme))
    assert posted.stdout == "from wget"
