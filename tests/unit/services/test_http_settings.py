"""The web server's settings: flags beat the file, the file beats defaults, mistakes are named."""

import json
from pathlib import Path

import pytest

from lan.errors import UsageError
from lan.services.http.origin import settings
from lan.services.http.protocol.persistence import Side


def read(*words: str) -> settings.Settings:
    return settings.read(settings.parser().parse_args(words))


def test_without_words_it_serves_its_own_page_on_port_80() -> None:
    now = read()
    assert (now.listen, now.tls_listen, now.site.root, now.closes_first, now.quickack) == (
        ("0.0.0.0", 80),
        None,
        None,
        Side.CLIENT,
        True,
    )


@pytest.mark.parametrize(
    ("words", "tls_listen"),
    [
        (["--tls"], ("0.0.0.0", 443)),
        (["--tls", "--listen", "127.0.0.1:8080"], ("127.0.0.1", 8443)),
        (["--tls", "--listen", "[::1]:80"], ("::1", 443)),
        (["--tls", "--tls-listen", "10.0.0.1:444"], ("10.0.0.1", 444)),
        (["--tls-listen", "10.0.0.1:444"], None),
    ],
)
def test_https_has_its_address(words: list[str], tls_listen: tuple[str, int] | None) -> None:
    assert read(*words).tls_listen == tls_listen


def test_flags_beat_the_file_and_the_file_beats_defaults(tmp_path: Path) -> None:
    config = tmp_path / "http.json"
    config.write_text(json.dumps({"tls": True, "closes_first": "server", "quickack": False, "root": "/srv"}))
    now = read("--config", str(config), "--closes-first", "client")
    assert (now.tls_listen, now.closes_first, now.quickack, now.site.root) == (
        ("0.0.0.0", 443),
        Side.CLIENT,
        False,
        Path("/srv"),
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no object"),
        ('{"clsoes_first": "client"}', "unknown setting 'clsoes_first'"),
        ('{"tls": "yes"}', 'tls: "yes" is of the wrong kind'),
        ('{"listen": 80}', "listen: 80 is of the wrong kind"),
        ('{"closes_first": "both"}', "closes-first both"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, what: str) -> None:
    config = tmp_path / "http.json"
    config.write_text(text)
    with pytest.raises(UsageError, match=what):
        read("--config", str(config))


@pytest.mark.parametrize(
    "words", [["--config", "/no/such"], ["--listen", "a:b"], ["--nonsense"], ["--closes-first", "me"]]
)
def test_wrong_words_are_usage_errors(words: list[str]) -> None:
    with pytest.raises(UsageError):
        read(*words)
