"""docs/proxies.md: each command in it is run, and each word of `lan serve proxy` stands in it."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from lan.services.http.proxy import settings

from .. import ports
from ..command import CHECKOUT, Command

PAGE = (CHECKOUT / "docs" / "proxies.md").read_text()
BLOCKS = [block.strip().splitlines() for block in re.findall(r"^```\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)]
ALONE = [block for block in BLOCKS if block[0].startswith("lan serve")]
ON_A_LAN = [line for block in BLOCKS if block not in ALONE for line in block]


def words_of(line: str) -> tuple[list[str], int]:
    """A line's words, and the exit code that its comment names (``# exit 28``)."""
    command, _, comment = line.partition("  # ")
    code = re.match(r"exit (\d+)", comment)
    found = re.findall(r'"([^"]*)"|(\S+)', command)
    return [quoted or plain for quoted, plain in found], int(code[1]) if code else 0


def test_the_commands_on_a_lan_do_what_the_page_says(lan: Command) -> None:
    assert len(ON_A_LAN) > 15
    try:
        for line in ON_A_LAN:
            (first, *words), code = words_of(line)
            assert first == "lan"
            ended = lan.run(*words)
            assert ended.code == code, f"{line} {ended}"
            if words[0] == "exec":
                assert "<html" in ended.out, f"{line} {ended}"
            if words == ["show", "cache"]:
                for _ in range(100):  # the table follows within a moment
                    if "http://web/" in ended.out:
                        break
                    ended = lan.run(*words)
                assert "http://web/" in ended.out
    finally:
        lan.run("down", "--all")


@pytest.mark.parametrize("block", ALONE)
def test_the_commands_alone_do_what_the_page_says(lan: Command, block: list[str]) -> None:
    named = sorted(set(re.findall(r"127\.0\.0\.1:(\d+)", "\n".join(block))))
    with ports.held(len(named)) as free, ExitStack() as stack:
        own = dict(zip(named, map(str, free), strict=True))
        for line in block:
            here = re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda found: own[found[0]], line)
            words, code = words_of(here)
            if words[:2] == ["lan", "serve"]:
                stack.enter_context(serving(lan, words[1:]))
                continue
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert done.returncode == code, done
            assert "HTTP/1.1 200" in done.stdout or "<" in done.stdout, done


@contextmanager
def serving(lan: Command, words: list[str]) -> Iterator[None]:
    """A server that runs until the end, from when it says that it is ready."""
    with lan.start(*words) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert said.startswith("ready: "), said
        try:
            yield
        finally:
            process.terminate()


def test_every_word_of_lan_serve_proxy_stands_in_the_page() -> None:
    for action in settings.parser()._actions:
        for word in action.option_strings:
            if word.startswith("--") and word not in ("--help", "--proxy-connection"):
                assert f"`{word}" in PAGE or f", `{word}`" in PAGE, word
    for word in re.findall(r"^\| `(--[a-z-]+)", PAGE, re.MULTILINE):
        assert any(word in action.option_strings for action in settings.parser()._actions), word
