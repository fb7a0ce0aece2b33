"""Files over TLS: what the kernel sends by itself over plain TCP must pass the encryption here."""

import ssl
import urllib.request
from pathlib import Path

import pytest

from ..peers.serving import prepare, serving


@pytest.mark.parametrize("size", [1, 64 * 1024, 64 * 1024 + 1, 3_000_000])
def test_a_file_of_any_size_leaves_encrypted(size: int, tmp_path: Path) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    prepare(tmp_path, {"data": data})
    with serving(tmp_path, "--root", str(tmp_path / "www")) as site:
        trust = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
        for scheme in ("http", "https"):
            context = trust if scheme == "https" else None
            with urllib.request.urlopen(site.url("/data", scheme), timeout=60, context=context) as answer:
                assert answer.read() == data
