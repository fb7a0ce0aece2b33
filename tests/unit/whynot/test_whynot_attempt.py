"""The real try of `lan whynot`, as far as no network is needed for it."""

import os
import socket

import pytest

from lan.whynot import attempt


@pytest.mark.parametrize(("patience_s", "told"), [(4.0, "timeout:4"), (0.3, "timeout:1"), (2.5, "timeout:3")])
def test_a_name_server_may_take_as_long_as_any_answer(
    patience_s: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that came to its turn late is not said to be silent; glibc's resolver knows whole seconds alone."""
    options: list[str] = []

    def resolve(*_: object) -> list[tuple[object, ...]]:
        options.extend(os.environ["RES_OPTIONS"].split())
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.2", 0))]

    monkeypatch.setenv("RES_OPTIONS", "")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert attempt._resolve("www.lan.test", patience_s) == {"addresses": ["10.0.0.2"]}
    assert options == [told, "attempts:1"]
