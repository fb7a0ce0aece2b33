"""A proxy's words: flags beat the file, the file beats the defaults, and mistakes are told."""

from pathlib import Path

import pytest

from lan.errors import UsageError
from lan.services.http.proxy import original, settings
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.forwarding import Mode
from lan.services.http.proxy.settings import Kind, Redirect, Settings


def read(*words: str) -> Settings:
    return settings.read(settings.parser().parse_args(list(words)))


def test_without_words_it_is_a_smart_forward_proxy() -> None:
    made = read()
    assert (made.kind, made.mode, made.listen) == (Kind.SMART, Mode.FORWARD, ("0.0.0.0", 3128))
    assert not made.allow_loopback and made.connect_ports == frozenset((443,)) and made.proxy_connection


def test_upstream_makes_a_gateway_and_intercept_an_interceptor() -> None:
    made = read("--upstream", "http://10.0.0.2:8080")
    assert (made.mode, made.upstream) == (Mode.GATEWAY, Destination("http", "10.0.0.2", 8080))
    made = read("--intercept", "--redirect", "p1-eth0:80,8080")
    assert (made.mode, made.redirect) == (Mode.INTERCEPT, Redirect("p1-eth0", (80, 8080)))


def test_a_flag_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / "s").write_text('{"kind": "dumb", "allow_loopback": true, "connect_port": [1, 2], "size_mb": 5}')
    made = read("--config", str(tmp_path / "s"), "--kind", "cache")
    assert (made.kind, made.allow_loopback, made.connect_ports) == (Kind.CACHE, True, frozenset((1, 2)))
    assert made.size_mb == 5


@pytest.mark.parametrize(
    "words",
    [
        "--kind clever",
        "--upstream ftp://x",
        "--upstream http://x/path",
        "--parent https://x",
        "--parent http://a --upstream http://b",
        "--intercept --upstream http://b",
        "--redirect eth0:80",
        "--intercept --redirect eth0:0",
        "--intercept --redirect eth0:",
        "--intercept --redirect eth0;drop:80",
        "--intercept --redirect x:80}",
        "--name a,b",
        "--auth kim",
        "--auth a:b --kind dumb",
        "--auth a:b --upstream http://x",
        "--store /tmp --kind smart",
        "--connect-port 0",
        "--connect-port 70000",
        "--size-mb 0",
        "--table x --kind dumb",
        "--tell-client loudly",
        "--kind dumb --upstream https://x",
        "--kind dumb --tls",
        "--tls --intercept",
        "--workers 0",
        "--workers 65",
        "--workers 2 --kind cache",
        "--workers 2 --intercept --redirect eth0:80",
        "--auth-file /nowhere",
        "--config /nowhere",
    ],
)
def test_words_that_make_no_proxy_are_told(words: str) -> None:
    with pytest.raises(UsageError):
        read(*words.split())


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"knd": "dumb"}',
        '{"kind": 1}',
        '{"connect_port": 443}',
        '{"connect_port": ["443"]}',
        '{"intercept": "yes"}',
        '{"size_mb": true}',
        '{"connect_port": [0]}',
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "s").write_text(text)
    with pytest.raises(UsageError, match="s:"):
        read("--config", str(tmp_path / "s"))


def test_the_rules_of_a_redirect_are_made_of_checked_words() -> None:
    text = original.rules(Redirect("p1-eth0", (80, 8080)), 3128)
    assert 'iifname "p1-eth0" tcp dport { 80, 8080 } redirect to :3128' in text
    assert text.startswith("table ip lan_proxy_3128 {")
